"""workflow.md, part "Document": what is read, what is refused, and that everything is told at once."""

import copy
import json
from typing import Any

import pytest

from engine import Engine
from engine.errors import NotADocument
from tests.acceptance.by_contract import EXAMPLE, START, doc, ends, errors, link, node, problems, sets, straight
from tests.integration.modelled import ANN, opened


@pytest.fixture
async def engine(tmp_path):
    async with opened(tmp_path, None) as it:
        yield it


def codes(told: list[dict[str, Any]]) -> set[str]:
    return {p["code"] for p in told}


async def test_the_document_of_the_contract_has_no_error_and_can_be_published(engine: Engine) -> None:
    assert errors(await problems(engine, EXAMPLE)) == []
    saved = await engine.workflows.create(ANN, EXAMPLE)
    assert (await engine.workflows.publish(ANN, saved.id)).version == 1
    assert (await engine.workflows.get(ANN, saved.id)).document == EXAMPLE


async def test_only_format_name_nodes_and_edges_and_of_a_node_id_and_kind_are_required(engine: Engine) -> None:
    small = {
        "format": "signalbox/1",
        "name": "n",
        "nodes": [START, {"id": "e", "kind": "end"}],
        "edges": [{"source": "start", "target": "e"}],
    }
    assert await problems(engine, small) == []


@pytest.mark.parametrize("key", ["format", "name"])
async def test_a_missing_required_key_is_an_error_but_the_draft_is_kept(engine: Engine, key: str) -> None:
    document = straight(ends())
    del document[key]
    saved = await engine.workflows.create(ANN, document)
    assert errors(saved.problems)
    assert (await engine.workflows.get(ANN, saved.id)).document == document


@pytest.mark.parametrize(
    "bad", [[], "x", 1, None, {}, {"nodes": []}, {"edges": []}, {"nodes": {}, "edges": []}, {"nodes": [], "edges": None}]
)
async def test_json_without_arrays_of_nodes_and_edges_is_no_document(engine: Engine, bad: Any) -> None:
    with pytest.raises(NotADocument) as caught:
        await engine.workflows.create(ANN, bad)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "document",
    [
        {"nodes": [], "edges": []},
        {"nodes": [1, None, "x", [], {}], "edges": [1, None, "x", [], {}]},
        {"nodes": [{"id": {}, "kind": []}], "edges": [{"source": 1, "target": []}], "format": 3, "name": {}, "limits": [], "triggers": {}},
        {"nodes": [{"id": "a", "kind": "set", "config": [1]}], "edges": [], "vars": [], "notes": {}, "groups": 1, "on_limit": 5},
        {"nodes": [{"id": "a", "kind": "nonesuch", "config": {"x": {"y": [1, 2, {"z": None}]}}}], "edges": []},
        {"nodes": [{"id": "a", "kind": "branch", "config": {"cases": [1, {"port": {}}, {"port": "x", "when": []}]}}], "edges": []},
        {"nodes": [{"id": "a", "kind": "classify", "config": {"labels": {"port": 1}, "text": 5}}], "edges": []},
        {"nodes": [{"id": "ä", "kind": "end"}, {"id": "", "kind": ""}, {"id": "A", "kind": "end"}], "edges": []},
    ],
)
async def test_whatever_has_the_two_arrays_is_kept_with_its_problems(engine: Engine, document: Any) -> None:
    before = copy.deepcopy(document)
    saved = await engine.workflows.create(ANN, document)
    assert errors(saved.problems)
    assert (await engine.workflows.get(ANN, saved.id)).document == before
    for problem in saved.problems:
        assert {"code", "severity", "message", "hint"} <= set(problem) <= {"code", "severity", "message", "hint", "node", "edge", "field"}
        assert problem["severity"] in ("error", "warning")
        assert all(isinstance(problem[k], str) and problem[k] for k in ("code", "message"))


SOUND = straight(sets("a", x="1"), ends(x="nodes.a.x"))


def changed(change) -> dict[str, Any]:
    document = copy.deepcopy(SOUND)
    change(document)
    return document


ERRORS: dict[str, tuple[Any, dict[str, Any]]] = {
    "unknown key of the document": (lambda d: d.update(extra=1), {"field": "extra"}),
    "unknown key of a node": (lambda d: d["nodes"][1].update(extra=1), {"node": "a", "field": "extra"}),
    "unknown key of a config": (lambda d: d["nodes"][1]["config"].update(extra=1), {"node": "a"}),
    "unknown key of an edge": (lambda d: d["edges"][0].update(extra=1), {"edge": 0, "field": "extra"}),
    "unknown limit": (lambda d: d.update(limits={"minutes": 1}), {}),
    "unknown kind": (lambda d: d["nodes"][1].update(kind="sett"), {"node": "a", "field": "kind"}),
    "unknown port": (lambda d: d["edges"][1].update(port="yes"), {"edge": 1}),
    "error port without on_error": (lambda d: d["edges"][1].update(port="error"), {"edge": 1}),
    "duplicate id": (lambda d: d["nodes"].append(sets("a", x="1")), {"node": "a"}),
    "bad id": (lambda d: d["nodes"].append(sets("Bad-Id", x="1")), {}),
    "id of 41 characters": (lambda d: d["nodes"][1].update(id="a" * 41), {}),
    "dangling target": (lambda d: d["edges"].append(link("a -> nowhere")), {"edge": 2}),
    "dangling source": (lambda d: d["edges"].append(link("nowhere -> done")), {"edge": 2}),
    "no start": (lambda d: d["nodes"].pop(0), {}),
    "two starts": (lambda d: d["nodes"].append(node("start2", "start")), {}),
    "no path from start": (lambda d: d["nodes"].append(sets("island", x="1")), {"node": "island"}),
    "expression that cannot compile": (lambda d: d["nodes"][1]["config"]["values"].update(x="1 +"), {"node": "a"}),
    "template that cannot compile": (lambda d: d["nodes"].append(node("f", "fail", {"message": "{{ 1 + }}"})), {"node": "f"}),
    "braces in an expression": (lambda d: d["nodes"][1]["config"]["values"].update(x="{{ inputs.a }}"), {"node": "a"}),
    "cycle without a bound": (lambda d: d["edges"].append(link("a -> a")), {"edge": 2}),
    "unknown format": (lambda d: d.update(format="signalbox/2"), {"field": "format"}),
    "limit removed": (lambda d: d.update(limits={"steps": None}), {}),
    "negative limit": (lambda d: d.update(limits={"cost_usd": -1}), {}),
    "limit that is a text": (lambda d: d.update(limits={"steps": "10"}), {}),
    "unknown join": (lambda d: d["nodes"][1].update(join="first"), {"node": "a"}),
    "unknown on_error": (lambda d: d["nodes"][1].update(on_error="ignore"), {"node": "a"}),
    "on_error default without default_output": (lambda d: d["nodes"][1].update(on_error="default"), {"node": "a"}),
    "unknown key of retry": (lambda d: d["nodes"][1].update(retry={"times": 3}), {"node": "a"}),
    "a config of the wrong type": (lambda d: d["nodes"][1]["config"].update(values=[1]), {"node": "a"}),
    "a missing config": (lambda d: d["nodes"][1].pop("config"), {"node": "a"}),
    "name of an unknown root": (lambda d: d["nodes"][1]["config"]["values"].update(x="input.a"), {"node": "a"}),
    "a python keyword": (lambda d: d["nodes"][1]["config"]["values"].update(x="lambda: 1"), {"node": "a"}),
    "expression too long": (lambda d: d["nodes"][1]["config"]["values"].update(x="1+" * 1000 + "1"), {"node": "a"}),
    "expression too deep": (lambda d: d["nodes"][1]["config"]["values"].update(x="(" * 41 + "1" + ")" * 41 + "+[" * 0), {"node": "a"}),
}


@pytest.mark.parametrize("name", [n for n in ERRORS if n != "expression too deep"])
async def test_an_error_of_the_contract_is_an_error_at_its_place(engine: Engine, name: str) -> None:
    change, place = ERRORS[name]
    told = errors(await problems(engine, changed(change)))
    assert any(place.items() <= p.items() for p in told), told


async def test_an_expression_may_be_forty_deep_and_not_much_deeper(engine: Engine) -> None:
    def at(depth: int) -> dict[str, Any]:
        return straight(sets("a", x="[" * depth + "1" + "]" * depth), ends())

    assert errors(await problems(engine, at(38))) == []
    assert errors(await problems(engine, at(45)))


WARNINGS: dict[str, Any] = {
    "possibly untaken output": doc(
        [START, node("b", "branch", {"cases": [{"port": "yes", "when": "inputs.n > 1"}]}), sets("a", x="1"), ends(x="nodes.a.x")],
        ["start -> b", "b.yes -> a", "a -> done", "b.else -> done"],
    ),
    "unknown output": straight(sets("a", x="1"), ends(y="nodes.a.y")),
    "worst case above a limit": straight(sets("a", x="1"), ends(), limits={"steps": 2}),
    "unconnected port": doc([START, sets("a", x="1")], ["start -> a"]),
}


@pytest.mark.parametrize("name", list(WARNINGS))
async def test_a_warning_of_the_contract_is_told_and_never_blocks_publishing(engine: Engine, name: str) -> None:
    saved = await engine.workflows.create(ANN, WARNINGS[name])
    assert [p["severity"] for p in saved.problems] and errors(saved.problems) == []
    await engine.workflows.publish(ANN, saved.id)


async def test_all_problems_are_told_at_once_and_one_bad_node_hides_nothing(engine: Engine) -> None:
    document = doc(
        [
            START,
            7,
            {"kind": "set"},
            {"id": "Bad Id", "kind": "nonesuch"},
            node("a", "set", {"values": {"x": "1 +", "y": "inputs."}}),
            node("a", "nonesuch2", {}),
            node("b", "branch", {"cases": [{"port": "yes", "when": "("}], "extra": 1}),
            node("c", "llm", {"prompt": "{{ nodes.zzz.text }}", "max_tokens": "many"}),
            ends(x="nodes.a.x"),
        ],
        ["start -> a", "a -> b", "b.yes -> c", "b.no -> c", "c -> done", "c -> nowhere", {"source": "c"}, {"target": "done"}],
        extra=1,
    )
    told = errors(await problems(engine, document))
    places = {(p.get("node"), p.get("edge"), p.get("field")) for p in told}
    for node_, field in (
        ("a", "config.values.x"),
        ("a", "config.values.y"),
        ("b", "config.cases[0].when"),
        ("b", "config.extra"),
        ("c", "config.prompt"),
        ("c", "config.max_tokens"),
        ("Bad Id", "kind"),
        (None, "extra"),
    ):
        assert (node_, None, field) in places, (node_, field)
    assert {5, 6, 7} <= {p["edge"] for p in told if "edge" in p}
    assert any(p.get("edge") == 3 and p["code"] == "unknown_port" for p in told)
    assert any("nonesuch2" in p["message"] for p in told), "the second node of an id is checked as well"


async def test_a_node_without_an_id_is_checked_as_well(engine: Engine) -> None:
    document = doc([START, {"kind": "nonesuch"}, {"kind": "set", "config": {"values": {"x": "1 +"}, "more": 1}}, ends()], ["start -> done"])
    told = errors(await problems(engine, document))
    assert any("nonesuch" in p["message"] for p in told)
    assert any(p.get("field", "").endswith("config.values.x") for p in told)
    assert any(p.get("field", "").endswith("config.more") for p in told)


async def test_an_edge_without_a_source_is_still_told_that_its_target_does_not_exist(engine: Engine) -> None:
    told = errors(await problems(engine, doc([START, ends()], ["start -> done", {"target": "nowhere"}, {"source": "gone"}])))
    assert {(p["edge"], p["code"]) for p in told} >= {(1, "dangling_edge"), (2, "dangling_edge"), (1, "missing_key"), (2, "missing_key")}


async def test_too_high_a_worst_case_is_told_beside_errors(engine: Engine) -> None:
    document = straight(sets("a", x="1 +"), sets("b", x="1"), ends(), limits={"steps": 2})
    told = await problems(engine, document)
    assert "worst_case_above_limit" in codes(told) and errors(told)


async def test_limits_may_be_given_in_part_and_the_others_keep_their_defaults(engine: Engine) -> None:
    from tests.acceptance.by_contract import run

    view = await run(engine, straight(ends(), limits={"llm_calls": 3}))
    assert view.limits == {"cost_usd": 1, "tokens": 200000, "seconds": 3600, "steps": 200, "llm_calls": 3, "tool_calls": 100}


async def test_notes_groups_vars_titles_notes_positions_and_agents_are_read(engine: Engine) -> None:
    a = sets("a", x="vars.rate") | {"title": "T", "note": "n", "agent": "ada", "position": {"x": -1.5, "y": 3}, "timeout_s": 5}
    document = straight(a | {"retry": {"attempts": 2, "backoff_s": 0.5, "factor": 2}}, ends(x="nodes.a.x"))
    document |= {
        "notes": [{"text": "hi", "position": {"x": 0, "y": 0}}],
        "groups": [{"title": "g", "nodes": ["a"]}],
        "vars": {"rate": 0.19},
    }
    assert await problems(engine, document) == []


@pytest.mark.parametrize("value", [3.0, 3])
async def test_numbers_are_json_numbers_so_three_point_zero_is_three(engine: Engine, value: Any) -> None:
    document = doc(
        [
            START,
            node("l", "llm", {"prompt": "x", "max_tokens": value}, retry={"attempts": value}),
            node("b", "branch", {"cases": [{"port": "again", "when": "false"}]}),
            ends(),
        ],
        ["start -> l", "l -> b", link("b.again -> l", max_visits=value), "b.else -> done"],
        limits={"steps": value * 10, "tokens": value * 1000},
    )
    assert errors(await problems(engine, document)) == []


async def test_two_thousand_nodes_are_fine_and_one_more_is_not(engine: Engine) -> None:
    def chain(n: int) -> dict[str, Any]:
        return straight(*[sets(f"n{i}", x=f"nodes.n{i - 1}.x + 1" if i else "0") for i in range(n - 2)], ends(), limits={"steps": 2000})

    assert await problems(engine, chain(2000)) == []
    assert {p["code"] for p in errors(await problems(engine, chain(2001)))} == {"too_many_nodes"}


async def test_back_edges_to_one_header_share_their_bound_even_if_only_one_says_it(engine: Engine) -> None:
    cases = {"cases": [{"port": "x", "when": "false"}, {"port": "y", "when": "false"}]}
    document = doc(
        [START, sets("a", x="1"), node("b", "branch", cases), ends()],
        ["start -> a", "a -> b", link("b.x -> a", max_visits=3), "b.y -> a", "b.else -> done"],
    )
    assert errors(await problems(engine, document)) == []


async def test_a_cycle_that_is_no_natural_loop_is_an_error_that_names_both_nodes(engine: Engine) -> None:
    cases = {"cases": [{"port": "x", "when": "true"}]}
    document = doc(
        [START, node("pick", "branch", cases), sets("a", x="1"), node("b", "branch", cases), ends()],
        ["start -> pick", "pick.x -> a", "pick.else -> b", "a -> b", link("b.x -> a", max_visits=3), "b.else -> done"],
    )
    (told,) = errors(await problems(engine, document))
    assert "“a”" in told["message"] and "“b”" in told["message"]


async def test_the_worst_case_counts_loops_and_retries(engine: Engine) -> None:
    document = doc(
        [
            START,
            node("l", "llm", {"prompt": "x", "fallback_models": ["cheap"]}, retry={"attempts": 2}),
            node("b", "branch", {"cases": [{"port": "again", "when": "visit < 3"}]}),
            ends(),
        ],
        ["start -> l", "l -> b", link("b.again -> l", max_visits=3), "b.else -> done"],
    )
    worst = (await engine.workflows.validate(ANN, document)).worst_case
    assert worst is not None
    assert (worst["steps"], worst["llm_calls"], worst["tool_calls"]) == (2 + 3 * (2 + 1), 3 * 2 * 2, 0)


async def test_any_text_may_be_the_name_of_a_port(engine: Engine) -> None:
    ports = ["10 %", "yes!", "größer", "a/b", "🙂", "<5", "case-1", "A.B"]
    cases = [{"port": p, "label": p, "when": f"inputs.p == {json.dumps(p, ensure_ascii=False)}"} for p in ports]
    document = doc(
        [START, node("b", "branch", {"cases": cases}), ends(c="nodes.b.case")],
        ["start -> b", *[{"source": "b", "port": p, "target": "done"} for p in [*ports, "else"]]],
    )
    assert errors(await problems(engine, document)) == []


async def test_every_text_that_is_no_expression_is_a_template(engine: Engine) -> None:
    document = doc(
        [
            START,
            node(
                "c",
                "classify",
                {"text": "{{ inputs.t }}", "labels": [{"port": "a", "description": "{{ 1 + }}", "examples": ["{{ 2 + }}"]}]},
            ),
            node("l", "llm", {"prompt": "x", "model": "{{ 3 + }}", "system": "{{ 4 + }}"}),
            node(
                "ok",
                "approval",
                {"title": "{{ 5 + }}", "message": "{{ 6 + }}", "approvers": {"users": ["{{ 7 + }}"], "roles": ["{{ 8 + }}"]}},
            ),
            node("n", "notify", {"channel": "{{ 9 + }}", "subject": "{{ 10 + }}", "message": "{{ 11 + }}"}),
            ends(),
        ],
        ["start -> c", "c.a -> l", "l -> ok", "ok.approved -> n", "n -> done"],
    )
    told = [p for p in errors(await problems(engine, document)) if p["code"] == "bad_expression"]
    assert len(told) == 11, [p["field"] for p in told]


async def test_a_notification_to_a_channel_that_is_not_set_up_can_be_published(engine: Engine) -> None:
    assert errors(await problems(engine, straight(node("n", "notify", {"channel": "ops", "subject": "s", "message": "m"}), ends()))) == []


async def test_however_deep_loops_nest_the_worst_case_is_a_number_that_can_be_read(engine: Engine) -> None:
    k = 600
    again = {"cases": [{"port": "again", "when": "false"}]}
    nodes = [START, *[sets(f"h{i}", v="visit") for i in range(k)], *[node(f"b{i}", "branch", again) for i in range(k)], ends()]
    edges = ["start -> h0", *[f"h{i} -> h{i + 1}" for i in range(k - 1)], f"h{k - 1} -> b{k - 1}", "b0.else -> done"]
    edges += [f"b{i}.else -> b{i - 1}" for i in range(1, k)]
    checked = await engine.workflows.validate(ANN, doc(nodes, [*edges, *[link(f"b{i}.again -> h{i}", max_visits=10**9) for i in range(k)]]))
    assert codes(checked.problems) == {"worst_case_above_limit"} and checked.worst_case is not None
    assert checked.worst_case["steps"] == 2**63 - 1
