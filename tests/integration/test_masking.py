"""Whatever asks a model, nothing that tells of a person goes over the wire where that is demanded; and the run still knows it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine import Engine
from engine.errors import Invalid, NotAllowed
from engine.nodes.contract import Capability
from engine.nodes.registry import Registry
from engine.people.permissions import Actor
from engine.roles import Role
from tests.fakes.provider import FakeProvider, failing, text, value, wanting
from tests.integration.modelled import ANN, document, events_of, llm, opened, run_through, steps_of

MAIL, PHONE, IBAN, NAME = "anna.keller@example.com", "+49 30 1234567", "DE89 3704 0044 0532 0130 00", "Keller-Huber"
PLANTED = (MAIL, PHONE, IBAN, NAME, "keller", "1234567", "3704")
WORDS = f"I am {NAME}, {MAIL}, {PHONE}. Pay to {IBAN}."
SCHEMA = {"type": "object", "required": ["mail"], "properties": {"mail": {"type": "string", "pattern": "@"}}}


def on_the_wire(provider: FakeProvider) -> str:
    return json.dumps([call.body for call in provider.calls], ensure_ascii=False)


def drawn(step: dict[str, Any], output: str, **more: Any) -> Any:
    return document(step, output={"t": output}, edges=[("start", step["id"]), (step["id"], "done")], **more)


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[tuple[Engine, FakeProvider]]:
    """A workspace that keeps personal data from every model."""
    with FakeProvider() as provider:
        async with opened(tmp_path, provider) as engine:
            await engine.masking.change(ANN, {"mode": "all", "words": [NAME]})
            yield engine, provider


async def test_a_text_goes_out_with_placeholders_and_comes_back_filled_in(floor: tuple[Engine, FakeProvider]) -> None:
    engine, provider = floor
    provider.default = text("Dear [WORD_1], we write to [EMAIL_1] and pay to [IBAN_1].")
    view = await run_through(
        engine, drawn(llm("q", "Answer: {{ inputs.m }}", config={"system": f"Sign with {MAIL}"}), "nodes.q.text"), m=WORDS
    )
    assert view.output == {"t": f"Dear {NAME}, we write to {MAIL} and pay to {IBAN}."}
    sent = on_the_wire(provider)
    assert not [word for word in PLANTED if word.lower() in sent.lower()]
    assert "I am [WORD_1], [EMAIL_1], [PHONE_1]. Pay to [IBAN_1]." in sent and "Sign with [EMAIL_1]" in sent
    (call,) = (await steps_of(engine, view.id))["q"].note["calls"]
    assert call["masked"] == {"email": 1, "iban": 1, "phone": 1, "word": 1}


async def test_every_way_to_a_model_comes_past_the_same_place(floor: tuple[Engine, FakeProvider]) -> None:
    engine, provider = floor
    # An answer in parts that has to be asked for again: its first answer goes out once more.
    provider.then(value({"mail": "none"}), value({"mail": "[EMAIL_1]"}))
    view = await run_through(
        engine, drawn(llm("q", "{{ inputs.m }}", config={"output": SCHEMA, "repairs": 1}), "nodes.q.json.mail"), m=WORDS
    )
    assert view.output == {"t": MAIL}
    # A model that does not answer, and the one that is asked instead.
    provider.then(failing(500), text("ok"))
    fallback = llm("q", "{{ inputs.m }}", config={"fallback_models": ["openai/other"]})
    assert (await run_through(engine, drawn(fallback, "nodes.q.text"), m=WORDS)).status == "succeeded"
    # Sorting by a model.
    provider.then(value({"label": "a", "confidence": 1.0}))
    labels = [{"port": "a", "description": "Money"}, {"port": "b", "description": "Other"}]
    sort = {"id": "q", "kind": "classify", "config": {"text": "{{ inputs.m }}", "labels": labels, "method": "model"}}
    await run_through(engine, document(sort, output={"t": "nodes.q.label"}, edges=[("start", "q"), ("q", "a", "done")]), m=WORDS)
    # An agent: its task, what it wants called, what its tools answer, and its next turn.
    call = wanting(("work_out_money", {"do": "add", "currency": "EUR", "amounts": ["1"], "note": "[EMAIL_1]"}))
    provider.then(call, text("Written to [EMAIL_1]."))
    agent = {"id": "q", "kind": "agent", "config": {"task": "{{ inputs.m }}", "tools": [{"tool": "work_out_money", "policy": "auto"}]}}
    view = await run_through(engine, drawn(agent, "nodes.q.text"), m=WORDS)
    assert view.output == {"t": f"Written to {MAIL}."}, view.reason
    assert len(provider.calls) == 7
    sent = on_the_wire(provider)
    assert not [word for word in PLANTED if word.lower() in sent.lower()]
    asks = {kind for kind in Registry.builtin().names() if Capability.MODEL in Registry.builtin().get(kind).uses}  # pyright: ignore[reportOptionalMemberAccess]
    assert asks | {"agent"} == {"llm", "classify", "agent"}, "a new kind that asks a model belongs into this test"


async def test_what_is_shown_while_it_is_written_is_filled_in_too(floor: tuple[Engine, FakeProvider]) -> None:
    engine, provider = floor
    provider.default = text("To [EMAIL_1] it goes.", token_s=0.01)
    told: list[str] = []
    engine._core.hub.teller = lambda run_id, path: told.append  # pyright: ignore[reportAttributeAccessIssue]
    await run_through(engine, drawn(llm("q", "{{ inputs.m }}"), "nodes.q.text"), m=WORDS)
    assert provider.calls[0].stream
    assert "".join(told) == f"To {MAIL} it goes." and not [piece for piece in told if "[EMAIL" in piece]


async def test_a_step_can_demand_more_than_the_workspace_and_never_less(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        provider.default = text("ok")
        async with opened(tmp_path, provider) as engine:
            await run_through(engine, drawn(llm("q", "{{ inputs.m }}"), "nodes.q.text"), m=WORDS)
            assert MAIL in on_the_wire(provider), "nothing is demanded"
            await run_through(engine, drawn(llm("q", "Now {{ inputs.m }}", config={"mask": "on"}), "nodes.q.text"), m=WORDS)
            assert MAIL not in json.dumps(provider.calls[1].body) and NAME in json.dumps(provider.calls[1].body)
            await engine.masking.change(ANN, {"mode": "all", "kinds": ["iban"], "words": [NAME]})
            for mask in ("workspace", "on"):
                await run_through(engine, drawn(llm("q", "And {{ inputs.m }}", config={"mask": mask}), "nodes.q.text"), m=WORDS)
            floor, more = (json.dumps(call.body) for call in provider.calls[2:])
            assert MAIL in floor and IBAN not in floor and NAME not in floor
            assert not [word for word in (MAIL, PHONE, IBAN, NAME) if word in more]
            await engine.masking.change(ANN, {"mode": "outside"})
            await run_through(engine, drawn(llm("q", "Last {{ inputs.m }}"), "nodes.q.text"), m=WORDS)
            assert IBAN in json.dumps(provider.calls[4].body), "a model on this machine is not outside"
        async with opened(tmp_path, provider) as engine:
            assert (await engine.masking.get(ANN)).words == [NAME], "it outlives a restart"


async def test_the_journal_tells_how_many_were_kept_and_the_audit_log_not_whom(floor: tuple[Engine, FakeProvider]) -> None:
    engine, provider = floor
    provider.default = text("ok")
    view = await run_through(engine, drawn(llm("q", "Hello {{ inputs.m }}"), "nodes.q.text"), m=WORDS)
    (done,) = [event for event in await events_of(engine, view.id, "step_done") if event.path == "q"]
    assert "[EMAIL_1]" not in json.dumps(done.data)
    with engine._core.records.reading() as session:
        rows = session.connection().exec_driver_sql("SELECT * FROM audit WHERE subject = 'masking'").fetchall()
    assert len(rows) == 1 and NAME not in str(rows)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"mode": "some"}, "mode"),
        ({"kinds": ["email", "face"]}, "kinds"),
        ({"words": ["x"]}, "words"),
        ({"words": [f"word {n}" for n in range(501)]}, "words"),
        ({"mode": "all", "kinds": [], "words": []}, "kinds"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_choice_that_does_not_fit_names_its_field(tmp_path: Path, given: dict[str, Any], field: str) -> None:
    async with opened(tmp_path, None) as engine:
        with pytest.raises(Invalid) as caught:
            await engine.masking.change(ANN, given)
        assert caught.value.details["problems"][0]["field"].split("[")[0].split(".")[0] == field
        viewer = Actor(kind="user", id="u2", name="Bea", email="b@b.c", roles=frozenset({Role.EDITOR}), workspace_id="main", user_id="u2")
        with pytest.raises(NotAllowed):
            await engine.masking.change(viewer, {"mode": "off"})
