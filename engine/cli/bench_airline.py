"""How well drawn rules tell right writes of an agent from wrong ones: recorded conversations are run again, through the engine.

Each conversation is one run of the example workflow. The model answers with the recorded turns, the tools with the recorded results, the
person with the recorded lines; what the workflow's verdict on each call is, the journal tells.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.cli.bench_airline_figures import WRITES, Judged, arguments_of, by_rule, by_tool, ceiling, difference, halves, label_of, score
from engine.cli.bench_engine import BENCH
from engine.clock import Clock, SystemClock
from engine.errors import Invalid, ToolUnusable
from engine.facade.engine import Engine
from engine.facade.views import RunView
from engine.jsonvalue import JsonValue, NotJsonValue, loads
from engine.llm.gateway import Gateway, GatewaySettings
from engine.llm.messages import ModelAnswer, ModelRequest, ToolCall, Usage
from engine.settings import Settings
from engine.tools.messages import Tool
from engine.tools.toolbox import Known, Toolbox

EXAMPLE = Path(__file__).parents[2] / "examples" / "airline"
OVER = "(The recording ends here.)"
PATIENCE_S = 600.0
GLANCE_S = 0.002


@dataclass(slots=True)
class Recording:
    """One recorded conversation, and how far it has been played."""

    task: Mapping[str, Any]
    lines: list[str]
    """What the person said after their first line, as long as the agent went on."""
    turns: list[Mapping[str, Any]]
    calls: list[tuple[Mapping[str, Any], str]]
    """Every call with its result, in their order."""
    said: int = 0
    used: set[int] = field(default_factory=set[int])

    @property
    def name(self) -> str:
        """As the server of recordings names it."""
        return f"airline-{self.task['task_id']}-{self.task['trial']}"

    @property
    def opening(self) -> str:
        """The person's first line."""
        return next(m["content"] for m in self.task["traj"] if m["role"] == "user")

    def line(self) -> str:
        """The person's next line; empty where there is nothing more to say."""
        self.said += 1
        return self.lines[self.said - 1] if self.said <= len(self.lines) else ""

    def result(self, tool: str, arguments: Mapping[str, Any]) -> JsonValue:
        """What the next such call answered. ToolUnusable when none was recorded."""
        for place, (call, content) in enumerate(self.calls):
            if place not in self.used and call["function"]["name"] == tool and arguments_of(call) == arguments:
                self.used.add(place)
                return as_value(content)
        raise ToolUnusable(f"{self.name}: this call of {tool} was not recorded.")


def as_value(content: str) -> JsonValue:
    """A recorded answer: the value where it is JSON, else the text."""
    try:
        return loads(content)
    except NotJsonValue:
        return content


def read_recordings(data: Path) -> list[Recording]:
    """All conversations of a file. Invalid when it holds none."""
    try:
        found = [recording_of(task) for task in json.loads(data.read_text(encoding="utf-8"))]
    except (ValueError, KeyError, TypeError):
        found = []
    if not found:
        raise Invalid(f"{data} is not a file of recorded conversations.", hint="See ../shared/data/airline/dev.json.")
    return found


def recording_of(task: Mapping[str, Any]) -> Recording:
    """A recording from its task: `{task_id, trial, actions, traj}`."""
    messages: Sequence[Mapping[str, Any]] = task["traj"]
    last = max(place for place, m in enumerate(messages) if m["role"] == "assistant")
    lines = [m["content"] for m in messages[:last] if m["role"] == "user"][1:]
    calls: list[tuple[Mapping[str, Any], str]] = []
    waiting: list[Mapping[str, Any]] = []
    for m in messages:
        waiting += m.get("tool_calls") or []
        if m["role"] == "tool":
            # Ids repeat within a recording: a result belongs to the oldest call that still waits for one.
            place = next((i for i, call in enumerate(waiting) if call["id"] == m["tool_call_id"]), 0)
            calls.append((waiting.pop(place), str(m["content"])))
    turns = [m for m in messages if m["role"] == "assistant"]
    return Recording(task, lines, turns, calls + [(call, "") for call in waiting])


class Recorded(Gateway):
    """A model that answers with recorded turns: its own, or those that a server of recordings sends."""

    def __init__(self, settings: GatewaySettings, playing: Recording, *, clock: Clock, is_served: bool) -> None:
        super().__init__(settings, clock=clock)
        self.playing = playing
        self.is_served = is_served

    async def complete(
        self, request: ModelRequest, *, on_token: Callable[[str], None] | None = None, on_wait: Callable[[bool], None] | None = None
    ) -> ModelAnswer:
        """The turn after as many as the conversation has."""
        number = sum(message.role == "assistant" for message in request.messages)
        if number >= len(self.playing.turns):
            return ModelAnswer(OVER, request.model, Usage(1, 1), "stop", is_practice=False)
        if self.is_served:
            return await super().complete(request, on_token=on_token, on_wait=on_wait)
        turn = self.playing.turns[number]
        wanted = turn.get("tool_calls") or []
        calls = tuple(ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"] or "{}") for call in wanted)
        return ModelAnswer(turn.get("content") or "", request.model, Usage(1, 1), "tool_calls" if calls else "stop", False, calls)


def document_for_replay(document: Mapping[str, Any], *, is_served: bool) -> dict[str, Any]:
    """The example as it is, but that its verdicts are only noted, and that each run says which recording answers for the model."""
    changed = deepcopy(dict(document))
    for node in changed["nodes"]:
        if node["kind"] == "agent":
            node["config"] |= {"gate": "observe", "model": "{{ inputs.recording }}" if is_served else "practice"}
        if node["kind"] == "start":
            node["config"]["inputs"]["properties"]["recording"] = {"type": "string"}
    return changed


def preconditions(document: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The rules of each tool that the document's agent has."""
    agents = [node for node in document["nodes"] if node["kind"] == "agent"]
    tools = [tool for agent in agents for tool in agent["config"]["tools"] if isinstance(tool, dict)]
    return {tool["tool"]: tool["preconditions"] for tool in tools if tool.get("preconditions")}


def measure(*, data: Path, served: str | None = None, example: Path = EXAMPLE) -> Iterator[dict[str, Any]]:
    """Figures of one replay of all conversations, one dictionary a subject."""
    recordings = read_recordings(data)
    document = json.loads((example / "workflow.json").read_text(encoding="utf-8"))
    tools = json.loads((example / "tools.json").read_text(encoding="utf-8"))
    began = time.perf_counter()
    judged = asyncio.run(replay(recordings, document, tools, served=served))
    yield {
        "bench": "airline",
        "conversations": len(recordings),
        "writes": len(judged),
        "model": served or "recorded, in this process",
        "seconds": round(time.perf_counter() - began, 1),
        **score(judged),
    }
    yield from halves(judged, [recording.task["task_id"] for recording in recordings])
    yield from by_tool(judged)
    yield from by_rule(judged, preconditions(document))
    yield ceiling(judged)


async def replay(recordings: Sequence[Recording], document: Any, tools: Any, *, served: str | None = None) -> list[Judged]:
    """Every write of every recording with the verdict that the journal keeps for it."""
    found: list[Judged] = []
    async with _opened(document, tools, recordings[0], served) as (engine, model, workflow):
        for number, recording in enumerate(recordings, start=1):
            model.playing = recording
            run = await _play(engine, workflow, recording)
            found += _writes(recording, await _verdicts(engine, run.id))
            if number % 10 == 0 or number == len(recordings):
                print(f"  {number} of {len(recordings)}", file=sys.stderr, flush=True)
    return found


@asynccontextmanager
async def _opened(document: Any, tools: Any, first: Recording, served: str | None) -> AsyncIterator[tuple[Engine, Recorded, str]]:
    """An engine on a home that is thrown away, with the workflow published."""
    clock = SystemClock()
    settings = GatewaySettings(base_url=served, practice_ms_per_token=0, find_ollama=lambda: None)
    model = Recorded(settings, first, clock=clock, is_served=served is not None)

    def act(name: str) -> Any:
        async def answer(arguments: Mapping[str, Any], key: str) -> JsonValue:
            return model.playing.result(name, arguments)

        return answer

    box = Toolbox([Known(Tool(t["name"], t["description"], t["parameters"], t["effect"]), act(t["name"])) for t in tools])
    with tempfile.TemporaryDirectory(prefix="signalbox-bench-") as home:
        engine = await Engine.open(Settings.load({"SIGNALBOX_HOME": home}), clock=clock, gateway=model, tools=box)
        try:
            saved = await engine.workflows.create(BENCH, document_for_replay(document, is_served=served is not None))
            await engine.workflows.publish(BENCH, saved.id)
            yield engine, model, saved.id
        finally:
            await engine.close()


async def _play(engine: Engine, workflow: str, recording: Recording) -> RunView:
    """The run of one conversation, ended. Invalid when it ends otherwise than the recording."""
    inputs = {"message": recording.opening, "recording": recording.name}
    started = await engine.runs.start(BENCH, workflow, inputs=inputs)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            run = await engine.runs.get(BENCH, started.run_id)
            if run.status in ("succeeded", "failed", "stopped", "cancelled"):
                break
            for item in (await engine.approvals.list(BENCH, status="pending")).items:
                if item.type != "form":
                    raise Invalid(f"{recording.name} waits for something else than a line: {item.title}", hint=item.message)
                await engine.approvals.decide(BENCH, item.id, decision="submit", digest=item.digest, values={"text": recording.line()})
            await asyncio.sleep(GLANCE_S)
    if run.status != "succeeded":
        raise Invalid(f"{recording.name} could not be played to its end: it {run.status}. {run.reason}")
    return run


async def _verdicts(engine: Engine, run_id: str) -> list[Mapping[str, Any]]:
    """What was decided on each call, in the order of the calls."""
    paths: list[str] = []
    cursor: str | None = None
    while True:
        page = await engine.runs.steps(BENCH, run_id, limit=1000, cursor=cursor)
        paths += [step.path for step in page.items if step.kind == "tool_call"]
        if (cursor := page.next) is None:
            return [(await engine.runs.step(BENCH, run_id, path)).outputs for path in paths]


def _writes(recording: Recording, verdicts: Sequence[Mapping[str, Any]]) -> Iterator[Judged]:
    recorded = [call for turn in recording.turns for call in turn.get("tool_calls") or []]
    told = [(verdict["tool"], verdict["arguments"]) for verdict in verdicts]
    if told != [(call["function"]["name"], arguments_of(call)) for call in recorded]:
        raise Invalid(f"{recording.name}: the run did not make the calls that were recorded.", hint="Raise calls_per_turn or max_turns.")
    for call, verdict in zip(recorded, verdicts, strict=True):
        if verdict["tool"] in WRITES:
            label = label_of(recording.task, call)
            apart = "" if label == "right" else difference(recording.task, call)
            yield Judged(recording.task["task_id"], verdict["tool"], label, verdict["verdict"], tuple(verdict["rules"]), apart)
