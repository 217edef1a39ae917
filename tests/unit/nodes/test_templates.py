"""The workflows to start from are right, and quote no more than short excerpts."""

import json

import pytest

from engine.graph.validate import check
from engine.graph.worst_case import worst_case
from engine.nodes.registry import Registry
from engine.templates import Template, banking77_topics, templates

CATALOG = Registry.builtin()


def card_triage() -> Template:
    return next(t for t in templates() if t.slug == "card-triage")


@pytest.mark.parametrize("template", templates(), ids=lambda t: t.slug)
def test_a_template_has_no_problem_at_all(template: Template) -> None:
    checked = check(template.document, CATALOG)
    assert checked.problems == []
    assert checked.plan is not None
    assert worst_case(checked.plan)["steps"] <= checked.plan.limits.steps


def test_slugs_are_unique_and_documents_are_copies() -> None:
    slugs = [t.slug for t in templates()]
    assert len(set(slugs)) == len(slugs)
    card_triage().document["nodes"].clear()
    assert card_triage().document["nodes"]


def test_a_card_is_blocked_only_as_it_was_approved() -> None:
    plan = check(card_triage().document, CATALOG).plan
    assert plan is not None
    assert plan.nodes["block"].consent == "ok"


def test_all_categories_of_banking77_belong_to_a_topic_of_the_template() -> None:
    plan = check(card_triage().document, CATALOG).plan
    assert plan is not None
    topics = banking77_topics()
    assert len(topics) == 77
    assert set(topics.values()) == set(plan.nodes["topic"].ports) - {"unsure"}
    assert len(set(topics.values())) == 8


def test_only_short_excerpts_are_quoted() -> None:
    quoted = [e for label in labels() for e in label["examples"]]
    assert len(quoted) == len(set(quoted)) == 192
    assert max(map(len, quoted)) <= 90
    assert "CC BY 4.0" in json.dumps(card_triage().document["notes"])


def labels() -> list[dict]:
    return next(n for n in card_triage().document["nodes"] if n["id"] == "topic")["config"]["labels"]
