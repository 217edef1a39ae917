"""Repairs and checks in a whole run: what is charged, what the journal says, and which way it goes on."""

from pathlib import Path

from tests.fakes.provider import FakeProvider, text, value
from tests.integration.modelled import document, ledger_of, llm, opened, run_through, steps_of

SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


async def test_a_repair_is_charged_counted_and_written_down(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        provider.then(text("five, I would say"), value({"n": 5}))
        async with opened(tmp_path, provider) as engine:
            asked = document(llm("q", config={"output": SCHEMA}), output={"n": "nodes.q.json.n"}, edges=[("start", "q"), ("q", "done")])
            run = await run_through(engine, asked)
            assert (run.status, run.output) == ("succeeded", {"n": 5})
            assert run.spent["llm_calls"] == len(provider.calls) == 2
            assert round(run.spent["cost_usd"] * 1e6) == provider.total_cost_micro(1.0, 2.0)
            step = (await steps_of(engine, run.id))["q"]
            first, second = step.note["calls"]
            assert first["answer"] == "five, I would say" and first["refused"] and first["tokens_in"] > 0 and first["cost_usd"] > 0
            assert "refused" not in second and "five, I would say" in provider.calls[1].body["messages"][-1]["content"]
            assert step.outputs["usage"]["cost_usd"] == run.spent["cost_usd"]
            ledger_of(engine, run.id)


async def test_answers_that_never_fit_are_told_with_the_failure(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        provider.default = text("never")
        async with opened(tmp_path, provider) as engine:
            config = {"output": SCHEMA, "repairs": 2}
            asked = document(llm("q", config=config), output={"n": "nodes.q.json.n"}, edges=[("start", "q"), ("q", "done")])
            run = await run_through(engine, asked)
            assert run.status == "failed" and run.spent["llm_calls"] == 3
            step = (await steps_of(engine, run.id))["q"]
            assert [call["answer"] for call in step.note["calls"]] == ["never"] * 3


async def test_what_is_not_good_goes_its_own_way_and_without_one_the_branch_ends(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        provider.default = text("You idiot.")
        async with opened(tmp_path, provider) as engine:
            step = llm("q", config={"checks": ["polite"]})
            drawn = document(
                step,
                {"id": "why", "kind": "set", "config": {"values": {"found": "nodes.q.checks[0].problems[0].text"}}},
                output={"found": "nodes.why.found"},
                edges=[("start", "q"), ("q", "not_good", "why"), ("why", "done")],
            )
            assert (await run_through(engine, drawn)).output == {"found": "idiot"}
            ends = document(step, output={"t": "nodes.q.text"}, edges=[("start", "q"), ("q", "done")])
            run = await run_through(engine, ends)
            assert (run.status, run.output) == ("succeeded", None) and "not_good" in run.reason
