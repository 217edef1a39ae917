"""What differs between two documents is told completely, in sentences, and never fails on a draft."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.graph.diff import Difference, difference
from engine.templates import templates

KINDS = {"llm": "Model", "notify": "Notify", "end": "End"}


def triage() -> dict[str, Any]:
    return next(t.document for t in templates() if t.slug == "card-triage")


def node(document: dict[str, Any], id_: str) -> dict[str, Any]:
    return next(n for n in document["nodes"] if n["id"] == id_)


def changed(change: Any) -> Difference:
    after = triage()
    change(after)
    return difference(triage(), after, kinds=KINDS)


def told(found: Difference) -> dict[str, list[str]]:
    return {section.title: [change.text for change in section.changes] for section in found.sections}


def test_the_same_document_has_no_difference() -> None:
    found = difference(triage(), copy.deepcopy(triage()))
    assert (found.sections, found.nodes, found.edges, found.moved) == ((), {}, (), 0)


def test_a_long_text_stands_beside_what_it_was() -> None:
    found = changed(lambda d: node(d, "draft")["config"].update(prompt="Answer in one sentence."))
    (section,) = found.sections
    assert (section.title, section.node, section.mark) == ("Draft a reply", "draft", "changed")
    assert section.changes[0].text == "Prompt changed."
    assert section.changes[0].after == "Answer in one sentence."
    assert found.nodes == {"draft": "changed"}


def test_a_setting_within_a_setting_is_named() -> None:
    assert told(changed(lambda d: node(d, "ok")["config"]["approvers"].update(quorum=2, four_eyes=True))) == {
        "Ask the card team": [
            "Approvers › number of people who have to agree is 2 now (before: 1).",
            "Approvers › four-eyes rule is yes now (before: no).",
        ]
    }


def test_members_of_a_list_are_known_by_their_name_not_their_place() -> None:
    def change(d: dict[str, Any]) -> None:
        labels = node(d, "topic")["config"]["labels"]
        labels.append(labels.pop(0))
        labels[-1]["description"] = "a card that is gone"

    assert told(changed(change)) == {"What is it about?": ["Labels › “lost card” › description changed."]}


def test_steps_and_ways_that_are_new_or_gone_are_told_once() -> None:
    def change(d: dict[str, Any]) -> None:
        d["nodes"] = [n for n in d["nodes"] if n["id"] != "unsorted"]
        d["edges"] = [e for e in d["edges"] if e["target"] != "unsorted"]
        d["nodes"].append({"id": "tell", "kind": "notify", "title": "Tell the boss"})
        d["edges"].append({"source": "sort", "target": "tell"})

    found = changed(change)
    assert told(found) == {
        "Have a person sort it": ["It leads to “Tell the boss” now.", "It no longer leads to “Left to a person”."],
        "Tell the boss": ["New step of the kind “Notify”."],
        "Left to a person": ["The step (“End”) is gone."],
    }
    assert found.nodes == {"sort": "changed", "tell": "added", "unsorted": "removed"}
    assert {(e.source, e.target, e.mark) for e in found.edges} == {("sort", "tell", "added"), ("sort", "unsorted", "removed")}


def test_a_way_back_tells_its_bound() -> None:
    before = triage()
    before["edges"].append({"source": "ok", "port": "rejected", "target": "draft", "max_visits": 3})
    after = copy.deepcopy(before)
    after["edges"][-1]["max_visits"] = 5
    assert told(difference(before, after)) == {
        "Ask the card team": ["The way to “Draft a reply” by “rejected” is taken at most 5 times (before: 3)."]
    }


def test_limits_and_triggers_are_told_in_words() -> None:
    def change(d: dict[str, Any]) -> None:
        d["limits"].update(cost_usd=1.25, steps=10)
        del d["limits"]["tokens"]
        d["triggers"] = [{"kind": "webhook", "path": "cards"}, {"kind": "schedule", "cron": "0 9 * * 1", "timezone": "Europe/Berlin"}]
        d["on_limit"] = "ask"

    assert told(changed(change)) == {
        "The workflow": ["When a limit is met, a person is asked (before: the run stops)."],
        "Limits": [
            "The limit on money rises from $0.50 to $1.25.",
            "The limit on tokens is the usual one now (before: 20,000).",
            "The limit on steps falls from 20 to 10.",
        ],
        "What starts it": [
            "New: it starts when another system calls /hooks/cards.",
            "New: it starts by the clock, “0 9 * * 1” in Europe/Berlin.",
            "Gone: it is started by hand.",
        ],
    }


def test_what_only_moved_changes_nothing_in_how_it_runs() -> None:
    found = changed(lambda d: [n.update(position={"x": 1, "y": 2}) for n in d["nodes"]])
    assert (found.sections, found.moved) == ((), len(triage()["nodes"]))


@pytest.mark.parametrize("setting", [{"title": "Other"}, {"retry": {"attempts": 9}}, {"disabled": True}, {"join": "any"}, {"note": "n"}])
def test_no_setting_of_a_step_changes_in_silence(setting: dict[str, Any]) -> None:
    found = changed(lambda d: node(d, "draft").update(setting))
    assert found.nodes == {"draft": "changed"}
    assert found.sections[0].changes


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "port", "kind", "x"]), inner, max_size=3),
    max_leaves=12,
)
DRAFTS = st.fixed_dictionaries(
    {"nodes": st.lists(JSON, max_size=4), "edges": st.lists(JSON, max_size=4)},
    optional={"limits": JSON, "triggers": JSON, "vars": JSON, "name": JSON, "notes": JSON},
)


@settings(max_examples=60, deadline=None)
@given(DRAFTS, DRAFTS)
def test_any_two_drafts_can_be_compared(before: Any, after: Any) -> None:
    difference(before, after)
    assert difference(before, before).sections == ()
