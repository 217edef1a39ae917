"""The kind `http`: what may be repeated, what is wrong with its settings, and what it sends."""

from __future__ import annotations

from typing import Any

import pytest

from engine.nodes.contract import Effect
from engine.nodes.kinds.http import Http
from tests.unit.nodes.fakes import World, outcome_of

KIND = Http()
URL = "https://shop.example/orders"


def config(**given: Any) -> Any:
    return KIND.Config.model_validate({"url": URL, **given})


@pytest.mark.parametrize(
    ("method", "headers", "effect"),
    [
        *((method, {}, Effect.IDEMPOTENT) for method in ("GET", "HEAD", "PUT", "DELETE")),
        *((method, {"X-Request-Id": "1"}, Effect.UNSAFE) for method in ("POST", "PATCH")),
        *((method, {"IDEMPOTENCY-key": ""}, Effect.IDEMPOTENT) for method in ("POST", "PATCH")),
        ("POST", {"X-Idempotency-Key": "{{ inputs.id }}"}, Effect.IDEMPOTENT),
    ],
)
def test_the_effect_depends_on_the_method_and_the_idempotency_header(method: str, headers: dict[str, str], effect: Effect) -> None:
    it = config(method=method, headers=headers)
    assert KIND.effect_of(it) is effect
    assert KIND.touches_world(it) == KIND.cannot_be_undone(it) == (method not in ("GET", "HEAD"))


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": " "}, "url"),
        ({"url": "shop.example/orders"}, "url"),
        ({"url": "ftp://shop.example"}, "url"),
        ({"method": "GET", "body": "x"}, "body"),
        ({"headers": {"A B": "1"}}, "headers.A B"),
        ({"headers": {"A": "1", "a": "2"}}, "headers.A"),
        ({"headers": {"Idempotency-Key": "{{ now }}"}}, "headers.Idempotency-Key"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(given: dict[str, Any], field: str) -> None:
    assert KIND.problems(config(**given))[0].field == field


def test_addresses_that_the_run_makes_are_not_judged_before() -> None:
    assert KIND.problems(config(url="{{ inputs.base }}/orders")) == []


@pytest.mark.parametrize(("typed", "carried"), [("", "key"), ("{{ inputs.id }}", "7"), ("{{ inputs.none }}", "key")])
async def test_an_empty_idempotency_header_carries_the_key_of_the_step(typed: str, carried: str) -> None:
    world, scope = World(KIND.uses), {"inputs": {"id": 7, "none": None}}
    await outcome_of(KIND, {"method": "POST", "url": URL, "headers": {"Idempotency-Key": typed}}, scope, world=world)
    (request,) = world.web
    assert request.headers == {"Idempotency-Key": carried} and request.may_repeat


async def test_a_type_that_the_step_tells_is_kept() -> None:
    world = World(KIND.uses)
    headers = {"content-type": "application/vnd.shop+json"}
    await outcome_of(KIND, {"method": "POST", "url": URL, "headers": headers, "body": {"a": "ä"}}, {}, world=world)
    assert (dict(world.web[0].headers), world.web[0].body) == (headers, '{"a":"ä"}'.encode())
    assert not world.web[0].may_repeat


async def test_what_reads_sends_no_body() -> None:
    world = World(KIND.uses)
    await outcome_of(KIND, {"url": URL, "body": {"a": 1}, "secret": "KEY"}, {}, world=world)
    assert world.web[0].body is None and world.web[0].secret == "KEY"
