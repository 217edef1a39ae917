"""Problems name a setting as the form of its step does; where it stands in the document is told beside it."""

import pytest

from engine.graph.called import called
from engine.nodes.kinds.approval import ApprovalConfig
from engine.nodes.kinds.classify import ClassifyConfig
from engine.nodes.kinds.llm import LlmConfig
from tests.unit.graph.workflows import checked, node


@pytest.mark.parametrize(
    ("model", "place", "words"),
    [
        (LlmConfig, ("max_tokens",), "“Longest answer”"),
        (ClassifyConfig, ("labels", 1, "port"), "“Kind” of item 2 in “Kinds”"),
        (ClassifyConfig, ("labels", 0), "Item 1 in “Kinds”"),
        (ApprovalConfig, ("show", "topic"), "“topic” in “What the person sees”"),
        (ApprovalConfig, ("approvers", "quorum"), "“How many must agree”"),
        (ApprovalConfig, (), "The settings"),
    ],
)
def test_a_setting_is_called_as_in_its_form(model, place, words: str) -> None:
    assert called(model, place) == words


def test_a_problem_names_the_field_by_its_title_and_keeps_its_path() -> None:
    config = {"title": "Pay it?", "approvers": {"quorum": "many"}}
    result = checked(["start", node("ok", "approval", config=config)], ["start -> ok"])
    told = {(p.field, p.message) for p in result.problems if p.severity == "error"}
    assert told == {("config.approvers.quorum", "“How many must agree” must be a whole number.")}


def test_no_message_names_a_setting_that_the_form_calls_otherwise() -> None:
    config = {"on_expire": "rejected", "editable": {"a": "1"}, "approvers": {"quorum": 2}}
    result = checked(["start", node("ok", "approval", config=config)], ["start -> ok"])
    words = " ".join(f"{p.message} {p.hint}" for p in result.problems if p.node == "ok")
    assert "expires_after_s" not in words and "on_expire" not in words and "`editable`" not in words
