"""A draft is changed by all operations or by none."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Invalid
from engine.graph.ops import apply_ops, renamed_by
from tests.unit.graph.workflows import document, edge, node

BEFORE = document(
    ["start", node("a", title="A"), node("b", parent="a"), "end"],
    ["start -> a", "a -> end", edge("a -> b")],
    notes=[{"id": "n", "text": "x"}],
)


def changed(*ops) -> dict:
    kept = copy.deepcopy(BEFORE)
    after = apply_ops(BEFORE, list(ops))
    assert kept == BEFORE
    return after


def ids(doc: dict) -> list[str]:
    return [n["id"] for n in doc["nodes"]]


def test_a_node_is_added_at_the_end() -> None:
    after = changed(
        {"op": "add", "target": "node", "value": {"id": "c", "kind": "set"}}, {"op": "add", "target": "node", "id": "d", "value": {}}
    )
    assert ids(after) == ["start", "a", "b", "end", "c", "d"]


def test_a_removed_node_takes_its_edges_along_and_sets_its_content_free() -> None:
    after = changed({"op": "remove", "target": "node", "id": "a"})
    assert after["edges"] == [] and ids(after) == ["start", "b", "end"]
    assert "parent" not in after["nodes"][1]


def test_a_node_is_moved() -> None:
    after = changed({"op": "move", "target": "node", "id": "a", "value": {"x": 5, "y": 6}})
    assert after["nodes"][1]["position"] == {"x": 5, "y": 6}


def test_an_update_replaces_the_named_keys_and_null_removes_one() -> None:
    after = changed({"op": "update", "target": "node", "id": "a", "value": {"title": None, "config": {"values": {"y": "2"}}}})
    assert "title" not in after["nodes"][1]
    assert after["nodes"][1]["config"] == {"values": {"y": "2"}} and after["nodes"][1]["kind"] == "set"


def test_a_renamed_node_keeps_its_edges() -> None:
    after = changed({"op": "update", "target": "node", "id": "a", "value": {"id": "z"}})
    assert after["edges"] == [edge("start -> z"), edge("z -> end"), edge("z -> b")]
    assert after["nodes"][2]["parent"] == "z"


@pytest.mark.parametrize("id_", [1, "1", "a -> end", "a.out->end", {"source": "a", "target": "end"}])
def test_an_edge_is_found_by_its_place_or_its_ends(id_) -> None:
    assert changed({"op": "remove", "target": "edge", "id": id_})["edges"] == [edge("start -> a"), edge("a -> b")]
    after = changed({"op": "update", "target": "edge", "id": id_, "value": {"max_visits": 2}})
    assert after["edges"][1] == edge("a -> end", max_visits=2)


def test_edges_notes_and_the_document_change_too() -> None:
    after = changed(
        {"op": "add", "target": "edge", "value": edge("b -> end")},
        {"op": "update", "target": "note", "id": "n", "value": {"text": "y"}},
        {"op": "add", "target": "group", "value": {"id": "g", "nodes": ["a"]}},
        {"op": "update", "target": "document", "value": {"name": "New", "limits": {"steps": 5}}},
    )
    assert after["edges"][-1] == edge("b -> end") and after["notes"] == [{"id": "n", "text": "y"}]
    assert after["groups"] == [{"id": "g", "nodes": ["a"]}] and (after["name"], after["limits"]) == ("New", {"steps": 5})


@pytest.mark.parametrize(
    "op",
    [
        None, {}, {"op": "explode", "target": "node"}, {"op": "add", "target": "port", "value": {}}, {"op": "add", "target": "node"},
        {"op": "add", "target": "node", "value": {"id": "a"}}, {"op": "add", "target": "node", "value": {}},
        {"op": "remove", "target": "node", "id": "nope"}, {"op": "remove", "target": "node"}, {"op": "remove", "target": "edge", "id": 9},
        {"op": "remove", "target": "edge", "id": True}, {"op": "move", "target": "edge", "id": 0, "value": {"x": 1}},
        {"op": "update", "target": "node", "id": "a", "value": {"id": "end"}},
        {"op": "update", "target": "node", "id": "a", "value": {"id": ""}},
        {"op": "update", "target": "document", "value": {"nodes": []}}, {"op": "remove", "target": "document"},
        {"op": "update", "target": "node", "id": "a", "value": []}, {"op": "remove", "target": "node", "id": "a", "why": 1},
    ],
)  # fmt: skip
def test_what_cannot_be_done_names_its_operation_and_nothing_is_done(op) -> None:
    with pytest.raises(Invalid, match=r"^ops\[1\]: ") as raised:
        changed({"op": "remove", "target": "node", "id": "b"}, op)
    assert raised.value.details["field"] == "ops[1]"


def test_operations_are_an_array() -> None:
    with pytest.raises(Invalid):
        apply_ops(BEFORE, {"op": "remove"})


ANY = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just([]) | st.just({}) | st.just({"id": "a"})
OPS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "move", "update"]), "target": st.sampled_from(["node", "edge", "note", "group", "document"])},
    optional={"id": ANY | st.sampled_from(["a", "b", "start -> a"]), "value": ANY},
)


@given(st.lists(ANY, max_size=3), st.lists(ANY, max_size=3), ANY, st.lists(OPS, max_size=6))
def test_any_draft_and_any_operations_end_in_a_draft_or_a_refusal(nodes, edges, notes, ops) -> None:
    draft = {"nodes": [*BEFORE["nodes"], *nodes], "edges": [*BEFORE["edges"], *edges], "notes": notes}
    try:
        after = apply_ops(draft, ops)
    except Invalid:
        return
    assert isinstance(after["nodes"], list) and isinstance(after["edges"], list)


def test_new_names_are_told_for_the_nodes_that_had_one_before() -> None:
    def to(old: str, new: str) -> dict:
        return {"op": "update", "target": "node", "id": old, "value": {"id": new}}

    def gone(id_: str) -> dict:
        return {"op": "remove", "target": "node", "id": id_}

    def add(id_: str) -> dict:
        return {"op": "add", "target": "node", "value": {"id": id_, "kind": "set"}}

    assert renamed_by([]) == {}
    assert (
        renamed_by([{"op": "update", "target": "node", "id": "a", "value": {"title": "A"}}, {"op": "remove", "target": "edge", "id": 0}])
        == {}
    )
    assert renamed_by([to("a", "x"), to("b", "a"), to("x", "b")]) == {"a": "b", "b": "a"}
    assert renamed_by([to("a", "x"), to("x", "y"), gone("y")]) == {"a": None}
    assert renamed_by([gone("a"), add("a"), to("a", "b")]) == {"a": None}
    assert renamed_by([to("a", "b"), add("a"), gone("a")]) == {"a": "b"}
    assert renamed_by([add("new"), gone("new")]) == {"new": None}
