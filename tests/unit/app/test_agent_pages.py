"""What the pages of colleagues show and send: words, bars, and changes of a whole definition."""

from datetime import UTC, datetime
from typing import Any

import pytest

from app.pages.agent import edits
from app.pages.agent.rows import KnownTool, changes, shown
from app.pages.agents.rows import COLOURS, card, money
from engine import AgentChange, AgentView
from engine.facade.colleague_fields import Face, Written, initials, slug_of

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
RULE = {"that": "arguments.sum < 5", "otherwise": "ask", "because": "Large."}


def view(**more: Any) -> AgentView:
    told: dict[str, Any] = {
        "id": "agent_1",
        "slug": "mara",
        "name": "Mara",
        "face": {"mark": "M", "colour": "iris"},
        "duty": "",
        "duties": ["Sorts"],
        "instructions": "",
        "model": "",
        "tools": [
            {"tool": "find", "policy": "default", "preconditions": []},
            {"tool": "refund", "policy": "default", "preconditions": [RULE, RULE | {"otherwise": "stop"}]},
            {"tool": "gone", "policy": "never", "preconditions": []},
        ],
        "limits": {"max_turns": None, "calls_per_turn": 2, "cost_usd_per_day": None},
        "revision": 3,
        "created_at": None,
        "updated_at": None,
        "updated_by": "Ada",
        "works_in": [],
        "spent": {"today_usd": 0.4, "month_usd": 12.0},
        "warnings": [],
    }
    return AgentView.model_validate(told | more)


KNOWN = {"find": KnownTool("Find an order", "Looks.", "web", False, ""), "refund": KnownTool("refund", "Pays.", "mcp", True, "Waits.")}


@pytest.mark.parametrize(
    ("limit", "spent", "of", "width", "word"),
    [
        (None, 0.4, "", "0%", ""),
        (5.0, 0.4, "of $5.00", "8.0%", ""),
        (0.5, 0.4, "of $0.50", "80.0%", "Nearly used up"),
        (0.4, 0.4, "of $0.40", "100.0%", "Used up"),
        (0.0, 0.0, "of $0.00", "100.0%", "Used up"),
        (0.001, 0.0, "of $0.0010", "0.0%", ""),
    ],
)
def test_money_is_told_against_the_budget_of_the_day(limit: float | None, spent: float, of: str, width: str, word: str) -> None:
    limits = {"max_turns": None, "calls_per_turn": None, "cost_usd_per_day": limit}
    told = money(view(limits=limits, spent={"today_usd": spent, "month_usd": spent}))
    assert (told.of, told.width, told.word) == (of, width, word)


@pytest.mark.parametrize(
    ("names", "words"),
    [([], "In no workflow yet"), (["A"], "In A"), (["A", "B"], "In A and B"), (["A", "B", "C", "D"], "In A, B and 2 more")],
)
def test_a_card_names_two_workflows_and_counts_the_others(names: list[str], words: str) -> None:
    told = card(view(works_in=[{"id": n, "slug": n, "name": n, "is_live": True} for n in names]))
    assert (told.works, told.tools, told.address) == (words, "3 tools", "/agents/mara")


def test_who_may_not_see_money_sees_none() -> None:
    assert not card(view(spent=None)).sees_money
    assert (shown(view(spent=None), {}).month, shown(view(spent=None), {}).sees_money) == ("", False)


def test_by_default_what_writes_asks_and_what_reads_does_not() -> None:
    find, refund, gone = shown(view(), KNOWN).tools
    assert (find.title, find.pressed, find.note) == ("Find an order", "auto", "By default: it only reads.")
    assert (refund.pressed, refund.note, refund.trouble) == ("ask", "By default: it asks before it writes.", "Waits.")
    assert [rule.otherwise for rule in refund.rules] == ["else a person decides", "else it is not called"]
    assert (gone.pressed, gone.note) == ("never", "") and "no such tool" in gone.trouble


def test_a_change_touches_one_part_and_keeps_the_rest() -> None:
    written = edits.definition_of(view())
    assert set(written) == set(Written.model_fields)
    for what, form, part, value in (
        ("who", {"name": "Ida", "duty": "d", "mark": "", "colour": "red"}, "face", {"mark": "", "colour": "red"}),
        ("duties", {"duties": "One\n\n  \nTwo"}, "duties", ["One", "Two"]),
        ("instructions", {"instructions": "Be kind."}, "instructions", "Be kind."),
    ):
        changed = edits.typed(written, what, form)
        assert changed[part] == value
        assert all(changed[name] == written[name] for name in written if name not in (part, "name", "duty"))
    assert edits.typed(written, "", {}) == written == edits.definition_of(view())


@pytest.mark.parametrize(("text", "number"), [("", None), (" 4 ", 4), ("$2.50", 2.5), ("many", "many"), ("1,5", "1,5")])
def test_what_is_typed_for_a_limit_is_a_number_or_left_for_the_engine_to_refuse(text: str, number: Any) -> None:
    limits = edits.typed(edits.definition_of(view()), "limits", {"max_turns": text, "calls_per_turn": "2", "cost_usd_per_day": ""})[
        "limits"
    ]
    assert limits == {"max_turns": number, "calls_per_turn": 2, "cost_usd_per_day": None}


def test_tools_and_their_conditions_are_added_changed_and_taken_away() -> None:
    written = edits.definition_of(view())
    assert [tool["tool"] for tool in edits.without_tool(written, "refund")["tools"]] == ["find", "gone"]
    assert edits.without_rule(written, "refund", 0)["tools"][1]["preconditions"] == [RULE | {"otherwise": "stop"}]
    assert edits.with_policy(written, "gone", "ask")["tools"][2]["policy"] == "ask"
    assert edits.typed(written, "rule:find", RULE)["tools"][0]["preconditions"] == [RULE]
    added = edits.typed(written, "tool", {"tool": "mail", "policy": "ask"})["tools"][-1]
    assert added == {"tool": "mail", "policy": "ask", "preconditions": []}
    assert edits.typed(written, "tool", {"tool": "", "policy": "ask"}) == written
    assert written == edits.definition_of(view())


def test_changes_are_told_in_words() -> None:
    def one(action: str, **details: Any) -> AgentChange:
        return AgentChange(at="2026-12-01T11:00:00Z", by="Ada", action=action, details=details)

    found = [
        one("agent.add", slug="mara", name="Mara"),
        one("agent.change", changed=["tools"], policies={"refund": "never", "find": None}),
        one("agent.change", changed=["duty", "tools"], policies={}),
        one("budget.set", limit_micro=5_000_000),
        one("budget.set", limit_micro=None),
    ]
    assert [change.told for change in changes(found, now=NOW)] == [
        "Made",
        "refund: Never, find: taken away",
        "Changed duty and conditions of its tools",
        "Budget of a day: $5.00",
        "Budget of a day taken away",
    ]
    assert {change.when for change in changes(found, now=NOW)} == {"1 h ago"}


def test_the_colours_of_the_page_are_those_of_the_engine() -> None:
    schema = Face.model_json_schema()["properties"]["colour"]["enum"]
    assert [name for name, _ in COLOURS] == schema


@pytest.mark.parametrize(
    ("name", "slug", "mark"),
    [
        ("Mara", "mara", "M"),
        ("Card  Desk!", "card-desk", "CD"),
        ("Zoë van der Berg", "zoe-van-der-berg", "ZB"),
        ("莉莉", "agent", "莉"),
        ("🦊", "agent", "?"),
    ],
)
def test_a_name_gives_a_short_name_and_initials(name: str, slug: str, mark: str) -> None:
    assert (slug_of(name), initials(name)) == (slug, mark)
