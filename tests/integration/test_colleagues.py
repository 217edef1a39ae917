"""A colleague does what it was made for, in every workflow and at every moment by the same rules."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from engine import Conflict, Invalid, NotAllowed, NotFound, Role
from engine.errors import AgentMissing
from engine.llm.messages import Bound
from tests.integration.running import ANN, actor, edge, node
from tests.integration.test_agents import Desk, Scripted, agent, begun, drawn, opened, says, wants

ADA, OPAL, VIC = actor("ada", Role.ADMIN), actor("opal", Role.OPERATOR), actor("vic", Role.VIEWER)
FIND = ("find_order", {"order": "7"})
REFUND = ("refund", {"order": "7"})
MARA: dict[str, Any] = {
    "name": "Mara",
    "face": {"mark": "🦊", "colour": "iris"},
    "duty": "Answers card requests.",
    "instructions": "You are Mara. You are kind.",
    "tools": [{"tool": "find_order", "policy": "auto"}, {"tool": "refund", "policy": "ask"}],
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def with_tools(*tools: Any, **more: Any) -> dict[str, Any]:
    return MARA | {"tools": list(tools)} | more


def ruled(that: str) -> dict[str, Any]:
    return {"tools": [{"tool": "refund", "preconditions": [{"that": that}]}]}


async def code_of(bench: Any, run: str) -> str:
    """Of the error that the hidden step ended with in which the colleague is looked up."""
    return next(step for step in (await bench.steps(run)).values() if step.kind == "offer").error["code"]


async def test_a_step_without_tools_has_its_colleagues_and_its_words_come_first(home: Path) -> None:
    model, desk = Scripted([wants(FIND), says("It is there.")]), Desk()
    async with opened(home, model, desk) as bench:
        made = await bench.engine.agents.create(ADA, MARA)
        run = await begun(bench, agent(agent="mara", system="Be brief."))
        assert (await bench.until(run)).output["calls"] == [{"tool": "find_order", "arguments": {"order": "7"}, "verdict": "allow"}]
        offer = next(step for step in (await bench.steps(run)).values() if step.kind == "offer")
        told = {name: offer.outputs["agent"][name] for name in ("id", "slug", "name", "instructions", "revision")}
        assert told == {"id": made.id, "slug": "mara", "name": "Mara", "instructions": MARA["instructions"], "revision": 1}
        assert {tool["name"]: tool["policy"] for tool in offer.outputs["tools"]} == {"find_order": "auto", "refund": "ask"}
        bench.replayed(run)
    assert [request.system for request in model.asked] == ["You are Mara. You are kind.\n\nBe brief."] * 2
    assert [tool.name for tool in model.asked[0].tools] == ["find_order", "refund", "hand_over"]


@pytest.mark.parametrize(
    ("own", "hers", "verdict"),
    [("auto", "ask", "ask"), ("ask", "auto", "ask"), ("auto", "never", "stop"), ("never", "auto", "stop"), ("auto", "auto", "allow")],
)
async def test_of_both_policies_the_stricter_holds(home: Path, own: str, hers: str, verdict: str) -> None:
    model, desk = Scripted([wants(REFUND), says("Done.")]), Desk()
    async with opened(home, model, desk) as bench:
        await bench.engine.agents.create(ADA, with_tools("find_order", {"tool": "refund", "policy": hers}))
        run = await begun(bench, agent({"tool": "refund", "policy": own}, agent="mara"))
        if verdict == "ask":
            await bench.decide(await bench.item(), "reject")
        await bench.until(run)
        judged = next(step for step in (await bench.steps(run)).values() if step.kind == "tool_call")
        assert judged.outputs["verdict"] == verdict
        bench.replayed(run)
    assert len(desk.made("refund")) == (verdict == "allow")
    assert [tool.name for tool in model.asked[0].tools] == ["refund", "hand_over"]


@pytest.mark.parametrize(
    ("own", "hers", "stops"),
    [
        ("inputs.limit > 10", "arguments.order == '7'", False),
        ("inputs.limit > 90", "arguments.order == '7'", True),
        ("inputs.limit > 10", "arguments.order == '8'", True),
        ("inputs.limit > 10", "len(where(results, \"r -> r.tool == 'find_order'\")) > 0", True),
        ("inputs.limit > 10", "said[0].text == 'Refund order 7'", False),
    ],
)
async def test_the_preconditions_of_both_must_hold(home: Path, own: str, hers: str, stops: bool) -> None:
    model, desk = Scripted([wants(REFUND), says("Done.")]), Desk()
    async with opened(home, model, desk) as bench:
        await bench.engine.agents.create(ADA, with_tools({"tool": "refund", "policy": "auto", "preconditions": [{"that": hers}]}))
        run = await begun(bench, agent({"tool": "refund", "policy": "auto", "preconditions": [{"that": own}]}, agent="mara"))
        await bench.until(run)
        judged = next(step for step in (await bench.steps(run)).values() if step.kind == "tool_call")
        assert [rule["that"] for rule in judged.outputs["rules"]] == [own, hers]
        assert judged.outputs["verdict"] == ("stop" if stops else "allow")
        bench.replayed(run)
    assert len(desk.made("refund")) == (not stops)


async def test_a_change_in_the_middle_holds_from_the_next_agent_step_on(home: Path) -> None:
    model, desk = Scripted([wants(FIND), wants(FIND), says("It is there.")]), Desk()
    model.gate = asyncio.Event()
    async with opened(home, model, desk) as bench:
        made = await bench.engine.agents.create(ADA, MARA)
        run = await begun(bench, agent(agent=made.id))
        await bench.see(lambda: asyncio.sleep(0), lambda _: len(model.asked) == 3)
        changed = with_tools({"tool": "find_order", "policy": "never"}, instructions="You are stern.")
        await bench.engine.agents.change(ADA, "mara", changed, revision=1)
        model.gate.set()
        assert [call["verdict"] for call in (await bench.until(run)).output["calls"]] == ["allow", "allow"]
        assert {request.system for request in model.asked} == {"You are Mara. You are kind."}
        bench.replayed(run)
        next_run = (await bench.engine.runs.start(ANN, (await bench.engine.runs.get(ANN, run)).workflow, inputs={"wish": "x"})).run_id
        assert [call["verdict"] for call in (await bench.until(next_run)).output["calls"]] == ["stop", "stop"]
        assert model.asked[-1].system == "You are stern."


async def test_a_run_that_was_cut_off_goes_on_with_the_colleague_that_it_was_offered(home: Path) -> None:
    script = [wants(FIND), wants(REFUND), says("Done.")]
    model, desk = Scripted(script), Desk()
    model.gate = asyncio.Event()
    async with opened(home, model, desk) as bench:
        await bench.engine.agents.create(ADA, with_tools("find_order", {"tool": "refund", "policy": "auto"}))
        run = await begun(bench, agent(agent="mara"))
        await bench.see(lambda: asyncio.sleep(0), lambda _: len(model.asked) == 3)
        after = bench.copy()
    # It is changed by a process that never knew the run, before another one takes the run over.
    again = Scripted(script)
    again.gate = asyncio.Event()
    async with opened(after, again, desk) as bench:
        await bench.engine.agents.change(ADA, "mara", with_tools(instructions="You are stern."), revision=1)
        await bench.engine.agents.remove(ADA, "mara")
        again.gate.set()
        view = await bench.until(run)
        assert (view.status, [call["verdict"] for call in view.output["calls"]]) == ("succeeded", ["allow", "allow"])
        assert {request.system for request in again.asked} == {"You are Mara. You are kind."}
        bench.replayed(run)


async def test_a_colleague_that_was_removed_lets_the_step_fail_and_the_editor_says_so(home: Path) -> None:
    model, desk = Scripted([says("Hello.")]), Desk()
    async with opened(home, model, desk) as bench:
        await bench.engine.agents.create(ADA, MARA)
        slug = await bench.publish(*drawn(agent(agent="mara")))
        assert (await bench.engine.workflows.get(ANN, slug)).problems == []
        await bench.engine.agents.remove(ADA, "mara")
        with pytest.raises(NotFound):
            await bench.engine.agents.get(ADA, "mara")
        run = (await bench.engine.runs.start(ANN, slug, inputs={"wish": "x"})).run_id
        view = await bench.until(run)
        assert (view.status, await code_of(bench, run)) == ("failed", AgentMissing.code)
        told = (await bench.engine.workflows.get(ANN, slug)).problems
        assert [(p["code"], p["severity"], p["node"], p["field"]) for p in told] == [("unknown_agent", "warning", "desk", "config.agent")]
        # Made anew under the same name it works again.
        await bench.engine.agents.create(ADA, MARA)
        run = (await bench.engine.runs.start(ANN, slug, inputs={"wish": "x"})).run_id
        assert (await bench.until(run)).status == "succeeded"
    assert len(model.asked) == 1


async def test_a_name_that_never_was_a_colleagues_is_a_label_and_the_editor_says_so(home: Path) -> None:
    model, desk = Scripted([says("Hello.")]), Desk()
    async with opened(home, model, desk) as bench:
        run = await begun(bench, agent("find_order", agent="nobody", system="Be brief."))
        assert (await bench.until(run)).status == "succeeded"
        told = (await bench.engine.workflows.get(ANN, (await bench.engine.runs.get(ANN, run)).workflow)).problems
        assert [p["code"] for p in told] == ["unknown_agent"]
        # The journal is the one of an agent without a colleague: so were those from before there were any.
        offer = next(step for step in (await bench.steps(run)).values() if step.kind == "offer").outputs
        assert set(offer) == {"tools"} and not {"policy", "rules"} & set(offer["tools"][0])
    assert model.asked[0].system == "Be brief."


async def test_a_tool_that_the_colleague_does_not_have_is_refused_before_anything_is_asked(home: Path) -> None:
    model, desk = Scripted([says("Hello.")]), Desk()
    async with opened(home, model, desk) as bench:
        await bench.engine.agents.create(ADA, with_tools("find_order"))
        run = await begun(bench, agent("find_order", "refund", agent="mara"))
        view = await bench.until(run)
        assert (view.status, await code_of(bench, run)) == ("failed", "tool_unusable")
        assert "Mara does not have the tool refund" in view.reason
        told = (await bench.engine.workflows.get(ANN, view.workflow)).problems
        assert [(p["code"], p["field"]) for p in told] == [("tool_of_nobody", "config.tools[1].tool")]
    assert model.asked == []


@pytest.mark.parametrize(
    ("own", "hers", "asked"), [("default", "careful", "careful"), ("cheap", "careful", "cheap"), ("default", "", "default")]
)
async def test_the_colleagues_model_is_used_where_the_step_leaves_it_open(home: Path, own: str, hers: str, asked: str) -> None:
    model, desk = Scripted([says("Hello.")]), Desk()
    async with opened(home, model, desk) as bench:
        await bench.engine.agents.create(ADA, MARA | {"model": hers})
        assert (await bench.until(await begun(bench, agent(agent="mara", model=own)))).status == "succeeded"
    assert [request.model for request in model.asked] == [asked]


@pytest.mark.parametrize(("own", "hers", "turns"), [(5, 2, 2), (2, 5, 2), (3, 3, 3)])
async def test_the_lower_number_of_turns_holds_and_then_it_hands_over(home: Path, own: int, hers: int, turns: int) -> None:
    model, desk = Scripted([wants(FIND) for _ in range(5)]), Desk()
    async with opened(home, model, desk) as bench:
        await bench.engine.agents.create(ADA, MARA | {"limits": {"max_turns": hers}})
        run = await begun(bench, agent(agent="mara", max_turns=own))
        view = await bench.until(run)
        assert view.output == {"why": f"It used up its {turns} turns."}
        assert (await bench.steps(run))["desk"].outputs["turns"] == turns
        assert view.spent["llm_calls"] == turns
        bench.replayed(run)
    assert (len(model.asked), len(desk.calls)) == (turns, turns)


async def test_a_step_that_only_notes_verdicts_does_not_loosen_its_colleagues(home: Path) -> None:
    model, desk = Scripted([wants(REFUND), says("Done.")]), Desk()
    async with opened(home, model, desk) as bench:
        await bench.engine.agents.create(ADA, with_tools({"tool": "refund", "policy": "never"}))
        await bench.until(await begun(bench, agent({"tool": "refund", "policy": "auto"}, agent="mara", gate="observe")))
    assert desk.calls == []


async def test_the_lower_number_of_calls_in_one_turn_holds(home: Path) -> None:
    model, desk = Scripted([wants(FIND, FIND, FIND), says("Done.")]), Desk()
    async with opened(home, model, desk) as bench:
        await bench.engine.agents.create(ADA, MARA | {"limits": {"calls_per_turn": 2}})
        await bench.until(await begun(bench, agent(agent="mara", calls_per_turn=3)))
    assert len(desk.calls) == 2


@pytest.mark.parametrize("by_id", [False, True])
async def test_its_budget_of_a_day_holds_over_all_its_steps_under_either_name(home: Path, by_id: bool) -> None:
    model, desk = Scripted([says("Hello.")]), Desk()
    async with opened(home, model, desk) as bench:
        made = await bench.engine.agents.create(ADA, MARA | {"model": "practice", "limits": {"cost_usd_per_day": 1.0}})
        first = await begun(bench, agent(agent=made.id if by_id else "mara"))
        assert (await bench.until(first)).status == "succeeded"
        view = await bench.engine.agents.get(VIC, "mara")
        assert view.spent is not None and view.spent.today_usd == view.spent.month_usd == pytest.approx(0.000007)
        budget = (await bench.engine.budgets.list(ADA)).items[0]
        assert (budget.scope, budget.subject, budget.name, budget.limit_usd) == ("agent", "mara", "Mara", 1.0)
        # The other way round: what is set among the budgets is what the colleague shows.
        await bench.engine.budgets.set(ADA, "agent", made.id, limit_usd=0.000001)
        view = await bench.engine.agents.get(ADA, made.id)
        assert view.limits.cost_usd_per_day == 0.000001
        copy = bench.copy()
    async with opened(copy, Dear(model.script), desk) as bench:
        run = await begun(bench, agent(agent=made.id if by_id else "mara", model="dear"))
        stopped = await bench.until(run, "stopped", "succeeded", "failed")
        assert stopped.status == "stopped" and "The budget of the agent for today" in stopped.reason


class Dear(Scripted):
    """A model of which every call may cost a dollar."""

    def bound(self, request: Any, fallbacks: Any = ()) -> Any:
        return Bound(tokens=100, cost_micro=1_000_000)

    def chain(self, model: str, fallbacks: Any = ()) -> list[str]:
        return [model]


async def test_a_colleague_is_told_with_its_work_its_warnings_and_its_changes(home: Path) -> None:
    async with opened(home, Scripted([says("x")]), Desk()) as bench:
        agents = bench.engine.agents
        made = await agents.create(OPAL, with_tools("find_order", "gone_tool", model="no-such-model", duties=["Sorts", " Asks "]))
        assert (made.slug, made.revision, made.duties, made.updated_by) == ("mara", 1, ["Sorts", "Asks"], "opal")
        assert [(w.field) for w in made.warnings] == ["model", "tools.1.tool"]
        second = await agents.create(ADA, MARA | {"name": "Mara", "face": {}})
        assert (second.slug, second.face.mark) == ("mara-2", "M")
        await bench.publish(*drawn(agent("find_order", agent="mara")), name="Live one")
        await bench.engine.workflows.create(ANN, {"format": "signalbox/1", "name": "Draft", "edges": [edge("start -> desk")],
            "nodes": [node("start", "start"), agent(agent=made.id)]})  # fmt: skip
        shown = (await agents.list(VIC)).items
        assert [(one.slug, [(place.name, place.is_live) for place in one.works_in]) for one in shown] == [
            ("mara", [("Draft", False), ("Live one", True)]),
            ("mara-2", []),
        ]
        changed = await agents.change(OPAL, "mara", with_tools({"tool": "find_order", "policy": "never"}), revision=1)
        assert changed.revision == 2
        # What changes nothing is no change.
        assert (await agents.change(OPAL, "mara", with_tools({"tool": "find_order", "policy": "never"}), revision=2)).revision == 2
        told = await agents.changes(VIC, "mara")
        assert [(one.action, one.by) for one in told] == [("agent.change", "opal"), ("agent.add", "opal")]
        assert told[0].details["policies"] == {"find_order": "never", "gone_tool": None}
        assert told[0].details["changed"] == ["duties", "model", "tools"]


async def test_nobody_changes_what_somebody_else_has_changed_and_only_those_who_may(home: Path) -> None:
    async with opened(home, Scripted([says("x")]), Desk()) as bench:
        agents = bench.engine.agents
        await agents.create(ADA, MARA)
        await agents.change(ADA, "mara", MARA | {"duty": "Other"}, revision=1)
        with pytest.raises(Conflict) as stale:
            await agents.change(ADA, "mara", MARA, revision=1)
        assert (stale.value.code, stale.value.details) == ("stale_revision", {"revision": 2})
        for doing in (agents.create(VIC, MARA), agents.change(VIC, "mara", MARA, revision=2), agents.remove(VIC, "mara")):
            with pytest.raises(NotAllowed):
                await doing
        # Money needs more than an operator may.
        with pytest.raises(NotAllowed) as refused:
            await agents.change(OPAL, "mara", MARA | {"limits": {"cost_usd_per_day": 5}}, revision=2)
        assert refused.value.details["permission"] == "budget.manage"
        assert (await agents.get(VIC, "mara")).limits.cost_usd_per_day is None
        assert (await agents.get(VIC, "mara")).duty == "Other"


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"name": " "}, "name", "Enter a name"),
        ({"face": {"mark": "abcd"}}, "face.mark", "emoji"),
        ({"face": {"mark": "x", "colour": "mauve"}}, "face.colour", "iris"),
        ({"limits": {"max_turns": 0}}, "limits.max_turns", "greater"),
        ({"limits": {"cost_usd_per_day": -1}}, "limits.cost_usd_per_day", "greater"),
        ({"duties": ["one\ntwo"]}, "duties.0", "one line"),
        ({"tools": ["find_order", "find_order"]}, "tools.1.tool", "twice"),
        ({"tools": ["hand_over"]}, "tools.0.tool", "already"),
        ({"tools": [{"tool": "refund", "policy": "maybe"}]}, "tools.0.policy", "auto"),
        (ruled("arguments.sum <"), "tools.0.preconditions.0.that", "at character 16"),
        (ruled("inputs.x"), "tools.0.preconditions.0.that", "arguments, results and said"),
        ({"supervisor": "ann"}, "supervisor", "no such field"),
    ],
)  # fmt: skip
async def test_what_is_written_wrong_is_refused_by_field(home: Path, wrong: dict[str, Any], field: str, words: str) -> None:
    async with opened(home, Scripted([says("x")]), Desk()) as bench:
        with pytest.raises(Invalid) as refused:
            await bench.engine.agents.create(ADA, MARA | wrong)
        problems = refused.value.details["problems"]
        assert [problem["field"] for problem in problems] == [field]
        assert words in problems[0]["message"]
        for slug in ("Mara", "a--b", "-a", "x" * 61):
            with pytest.raises(Invalid):
                await bench.engine.agents.create(ADA, MARA, slug=slug)
        assert (await bench.engine.agents.list(ADA)).items == []
