"""What a step and its colleague allow together is never more than either of them allows."""

from itertools import product
from typing import Any

import pytest

from engine.expressions import ExpressionError
from engine.nodes.agents.joined import calls_allowed, held, joined
from engine.nodes.colleague import Colleague, lower, merged, rule_trouble, stricter

POLICIES = ("auto", "default", "ask", "never")


def colleague(**tools: str) -> Colleague:
    has = [{"tool": name, "policy": policy, "preconditions": [{"that": "true"}]} for name, policy in tools.items()]
    return Colleague("agent_1", "mara", "Mara", {}, "You are Mara.", "careful", has, 4, 2, 3)


def needs_consent(policy: str, *, is_writing: bool) -> int:
    """0: it may, 1: a person decides, 2: not at all."""
    return {"auto": 0, "default": int(is_writing), "ask": 1, "never": 2}[policy]


@pytest.mark.parametrize(("one", "other"), list(product(POLICIES, POLICIES)))
def test_of_two_policies_the_stricter_holds_for_reading_and_writing_calls(one: str, other: str) -> None:
    for is_writing in (False, True):
        both = needs_consent(stricter(one, other), is_writing=is_writing)
        assert both == max(needs_consent(one, is_writing=is_writing), needs_consent(other, is_writing=is_writing))


@pytest.mark.parametrize(
    ("own", "has", "tools", "foreign"),
    [
        ({}, {"find": "auto", "refund": "ask"}, {"find": "auto", "refund": "ask"}, ()),
        ({"find": "ask"}, {"find": "auto", "refund": "ask"}, {"find": "ask"}, ()),
        ({"refund": "auto"}, {"find": "auto", "refund": "never"}, {"refund": "never"}, ()),
        ({"find": "default", "delete": "auto"}, {"find": "auto"}, {"find": "default"}, ("delete",)),
        ({"delete": "never"}, {}, {}, ("delete",)),
    ],
)
def test_the_tools_of_a_step_only_narrow(own: dict[str, str], has: dict[str, str], tools: dict[str, str], foreign: Any) -> None:
    both = merged(own, colleague(**has))
    assert {tool.tool: tool.policy for tool in both.tools} == tools
    assert both.foreign == foreign
    assert all(list(tool.rules) == [{"that": "true"}] for tool in both.tools)


def test_instructions_stand_before_what_the_step_adds_and_a_model_of_its_own_is_kept() -> None:
    told, item = colleague().told(), {"task": "t", "system": "Be brief.", "model": "default"}
    assert joined(item, told) == {"model": "careful", "system": "You are Mara.\n\nBe brief.", "max_turns": 4}
    assert joined(item | {"model": "cheap", "system": " "}, told) == {"model": "cheap", "system": "You are Mara.", "max_turns": 4}
    assert joined(item, told | {"model": ""})["model"] == "default"
    assert joined(item, None) == {"model": "default", "system": "Be brief.", "max_turns": None}


def test_the_lower_bound_holds() -> None:
    assert [lower(5, None), lower(5, 3), lower(2, 3)] == [5, 3, 2]
    assert calls_allowed(3, {"tools": []}) == 3
    assert calls_allowed(3, {"tools": [], "agent": colleague().told()}) == 2


def test_a_rule_of_a_colleague_knows_three_names_and_no_more() -> None:
    assert rule_trouble("arguments.sum < 5 and len(results) > 0 and said[0].who == 'user'") is None
    for that, position in (("inputs.limit > 1", 0), ("arguments.sum <", 15), ("1 + nodes.a.b", 4)):
        trouble = rule_trouble(that)
        assert isinstance(trouble, ExpressionError) and trouble.position == position
    scope = {"arguments": {"sum": 3}, "results": [], "said": [], "inputs": {"limit": 5}}
    assert held("arguments.sum == 3", scope) == (True, "")
    assert held("arguments.sum", scope) == (None, "It is neither true nor false.")
    assert held("arguments.other > 1", scope)[0] is None
    assert held("inputs.limit == 5", scope)[0] is None
