"""Where values come from is carried from step to step, and a step that reaches outside waits where both kinds have come together."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import AlreadyDecided
from engine.run.labels import of_inputs
from tests.unit.run.driving import Trial, call, edge, node

POST = node("post", "http", config={"method": "POST", "url": "https://a.example/", "body": "{{ nodes.b.x }}"})
BOTH = ("external", "private")


def guarded() -> Trial:
    """A step waits for a person who looks at what would go out."""
    run = Trial.of(["start", call("a"), call("b"), POST], [edge("start -> a"), edge("a -> b"), edge("b -> post")])
    run.done("a", labels=("private",), x=1)
    return run.done("b", labels=("external",), x="7")


def test_it_has_not_started_and_nothing_is_set_aside_for_it() -> None:
    run = guarded()
    step = run.state.steps["post"]
    assert (step.status, step.is_guarded, step.attempt, run.state.ledger.reserved_tool_calls) == ("waiting", True, 0, 0)
    assert run.item("post").digest == step.digest
    assert "post" not in run.calls


def test_what_was_allowed_starts_and_ends_as_any_other() -> None:
    run = guarded().answer("post")
    assert run.state.steps["post"].status == "running"
    run.done("post", status=200)
    assert run.state.status == "succeeded"


def test_what_was_refused_has_failed() -> None:
    run = guarded().answer("post", "rejected", reason="No.")
    assert run.state.status == "failed"
    assert run.state.failure is not None and run.state.failure["code"] == "consent_refused"


def test_labels_go_where_values_go() -> None:
    reads = [call("a"), call("b", config={"say": "{{ nodes.a.x }}"}), call("c", config={"say": "hello"})]
    run = Trial.of(["start", *reads], [edge("start -> a"), edge("a -> b"), edge("b -> c")])
    run.done("a", labels=("private",), x="1").done("b", x="2").done("c", x="3")
    assert run.state.marks == {"a": ("private",), "b": ("private",)}
    assert run.state.labels == ("private",)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_reading_from_an_address_that_is_written_out_carries_nothing_out(method: str) -> None:
    look = node("look", "http", config={"method": method, "url": "https://a.example/"})
    run = Trial.of(["start", call("a"), look], [edge("start -> a"), edge("a -> look")])
    assert run.done("a", labels=BOTH, x=1).state.steps["look"].status == "running"


def test_a_value_in_the_address_does() -> None:
    look = node("look", "http", config={"url": "https://a.example/{{ nodes.a.x }}"})
    run = Trial.of(["start", call("a"), look], [edge("start -> a"), edge("a -> look")])
    assert run.done("a", labels=BOTH, x="1").state.steps["look"].is_guarded


def test_a_run_that_is_over_cannot_be_answered() -> None:
    run = guarded()
    item = run.item("post")
    run.cancel()
    with pytest.raises(AlreadyDecided):
        run.answer("post", digest=item.digest)
    assert run.state.status == "cancelled"


@pytest.mark.parametrize(
    ("schema", "inputs", "labels"),
    [
        ({}, {"a": 1}, ("external",)),
        ({"properties": {"a": {"x-origin": ["private"]}}}, {"a": 1}, ("private",)),
        ({"properties": {"a": {"x-origin": []}}}, {"a": 1}, ()),
        ({"properties": {"a": {"x-origin": ["private"]}}}, {"a": 1, "b": 2}, BOTH),
        ({"properties": {"a": {"x-origin": "nonsense"}}}, {"a": 1}, ("external",)),
        ({"properties": {"a": {"x-origin": ["private"]}}}, {}, ()),
        ({"properties": []}, {"a": 1}, ("external",)),
    ],
)
def test_inputs_have_the_labels_that_the_start_tells(schema: Any, inputs: dict[str, Any], labels: tuple[str, ...]) -> None:
    assert of_inputs(schema, inputs, ("external",)) == labels
