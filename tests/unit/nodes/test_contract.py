"""Every kind keeps the contract: settings, ports, outputs, estimates and declared capabilities."""

import inspect
import json
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from engine.errors import SignalboxError
from engine.jsonvalue import check_json
from engine.nodes.child import ChildKind
from engine.nodes.contract import AskKind, BoxKind, CallKind, Example, InlineKind, WaitKind
from engine.nodes.docs import describe, has_fixed_ports, page, part_of
from engine.nodes.registry import AnyKind
from engine.schemas import check_schema
from tests.unit.nodes.fakes import REGISTRY, NotDeclared, Prices, World, given_for, outcome_of, problems_in_a_workflow

KINDS = REGISTRY.all()
EXAMPLES = [pytest.param(kind, example, id=f"{kind.kind}-{i}") for kind in KINDS for i, example in enumerate(kind.examples)]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
every_example = pytest.mark.parametrize(("kind", "example"), EXAMPLES)


def test_the_kinds_of_the_contract_are_there() -> None:
    assert {"start", "end", "set", "branch", "classify", "llm", "approval", "notify", "fail", "map"} | {
        "form",
        "wait",
        "subflow",
        "http",
    } <= set(REGISTRY.names())


@every_kind
def test_a_kind_is_one_small_file_named_after_it(kind: AnyKind) -> None:
    path = Path(inspect.getfile(type(kind)))
    assert path.stem == kind.kind
    assert len(path.read_text().splitlines()) <= 200
    assert type(kind).__doc__ and kind.title and kind.icon and kind.examples
    assert isinstance(kind, InlineKind | CallKind | AskKind | WaitKind | ChildKind | BoxKind)


@every_kind
def test_every_setting_and_output_is_explained(kind: AnyKind) -> None:
    def explained(model: type[BaseModel]) -> None:
        for name, field in model.model_fields.items():
            assert field.description and field.description.endswith("."), f"{model.__name__}.{name}"
            if (inner := part_of(field.annotation)) is not None:
                explained(inner)

    explained(kind.Config)
    if kind.Outputs is not None:
        explained(kind.Outputs)


@every_kind
def test_the_schema_of_the_settings_is_a_json_schema(kind: AnyKind) -> None:
    schema = kind.Config.model_json_schema()
    assert check_schema(schema) == []
    assert schema["additionalProperties"] is False
    json.dumps(describe(kind))


@every_kind
def test_an_unknown_setting_is_refused(kind: AnyKind) -> None:
    config = kind.examples[0].config
    with pytest.raises(ValidationError, match="extra_forbidden"):
        kind.Config.model_validate({**config, "no_such_setting": 1})


@every_kind
def test_settings_keep_their_types(kind: AnyKind) -> None:
    for name, field in kind.Config.model_fields.items():
        if field.annotation is int:
            with pytest.raises(ValidationError):
                kind.Config.model_validate({**kind.examples[0].config, name: "1"})


@every_example
def test_settings_survive_being_written_down(kind: AnyKind, example: Example) -> None:
    config = kind.Config.model_validate(example.config)
    assert kind.Config.model_validate(json.loads(config.model_dump_json())) == config


@every_example
def test_ports_are_unique_and_never_error(kind: AnyKind, example: Example) -> None:
    ports = kind.ports(kind.Config.model_validate(example.config))
    assert len(set(ports)) == len(ports)
    assert "error" not in ports
    assert has_fixed_ports(kind) == (type(kind).ports is type(kind).__mro__[1].ports)


@every_example
def test_an_example_is_right_in_a_workflow(kind: AnyKind, example: Example) -> None:
    assert problems_in_a_workflow(kind, example.config) == []


@every_example
async def test_an_example_does_what_it_says(kind: AnyKind, example: Example) -> None:
    config = kind.Config.model_validate(example.config)
    if example.error is not None:
        with pytest.raises(SignalboxError) as raised:
            await outcome_of(kind, example.config, example.scope, answer=example.answer)
        assert raised.value.code == example.error
        return
    outcome = await outcome_of(kind, example.config, example.scope, answer=example.answer)
    check_json(outcome.outputs)
    names = kind.output_names(config)
    assert names is None or set(outcome.outputs) == set(names)
    ports = kind.ports(config)
    assert outcome.port == example.port
    assert outcome.port in ports or not ports
    if example.outputs is not None:
        assert outcome.outputs == example.outputs
    if kind.Outputs is not None:
        kind.Outputs.model_validate(outcome.outputs)


@every_example
async def test_an_estimate_is_never_too_low(kind: AnyKind, example: Example) -> None:
    if not isinstance(kind, CallKind):
        return
    config, resolved = given_for(kind, example.config, example.scope)
    estimate = kind.estimate(config, resolved, Prices())
    world = World(kind.uses)
    with nullcontext() if example.error is None else suppress(SignalboxError):
        await kind.execute(config, resolved, world)
    assert world.cost_micro <= estimate.cost_micro
    assert world.tokens <= estimate.tokens
    assert len(world.requests) <= estimate.llm_calls <= kind.most_calls(config)[0]
    assert len(world.web) <= estimate.tool_calls <= kind.most_calls(config)[1]


@every_example
async def test_what_a_kind_does_not_declare_is_not_used(kind: AnyKind, example: Example) -> None:
    if not isinstance(kind, CallKind) or example.error is not None:
        return
    try:
        await outcome_of(kind, example.config, example.scope, world=World(frozenset()))
    except NotDeclared as error:
        assert error.args[0] in kind.uses


@pytest.mark.parametrize("kind", [k for k in KINDS if isinstance(k, CallKind)], ids=lambda kind: kind.kind)
async def test_every_call_needs_a_declared_capability(kind: AnyKind) -> None:
    refused = 0
    for example in kind.examples:
        try:
            await outcome_of(kind, example.config, example.scope, world=World(frozenset()))
        except NotDeclared:
            refused += 1
    assert refused


@settings(max_examples=50)
@given(st.text(max_size=400), st.text(max_size=200), st.integers(1, 5_000))
async def test_an_estimate_holds_for_any_prompt(prompt: str, system: str, max_tokens: int) -> None:
    kind = REGISTRY.get("llm")
    assert kind is not None
    config = kind.Config.model_validate({"prompt": "{{ inputs.p }}", "system": "{{ inputs.s }}", "max_tokens": max_tokens})
    resolved = {"model": "default", "prompt": prompt, "system": system}
    estimate = kind.estimate(config, resolved, Prices())
    world = World(kind.uses)
    await kind.execute(config, resolved, world)
    assert world.tokens <= estimate.tokens and world.cost_micro <= estimate.cost_micro


@every_kind
def test_the_page_of_a_kind_is_current(kind: AnyKind) -> None:
    path = Path(__file__).parents[3] / "docs" / "nodes" / f"{kind.kind}.md"
    assert path.read_text(encoding="utf-8") == page(kind), "run: python -m engine.nodes.docs"


def test_there_is_no_page_of_a_kind_that_is_gone() -> None:
    assert {path.stem for path in (Path(__file__).parents[3] / "docs" / "nodes").glob("*.md")} == set(REGISTRY.names())
