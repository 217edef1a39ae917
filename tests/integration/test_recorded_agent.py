"""An agent that really worked (GPT-4o at an airline's desk, recorded) works here: over HTTP, with every fault of its provider."""

import asyncio
import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.clock import SystemClock
from engine.llm.gateway import Gateway, GatewaySettings
from engine.nodes.registry import Registry
from engine.tools.messages import Tool
from engine.tools.toolbox import Known, Toolbox
from tests.fakes.relay import Relay
from tests.integration import running
from tests.integration.running import Bench, Works, edge, node

SHARED = Path(__file__).resolve().parents[3] / "shared"
DATA, SERVER = SHARED / "data" / "airline" / "dev.json", SHARED / "models" / "recorded.py"
pytestmark = [
    pytest.mark.skipif(not DATA.exists(), reason=f"needs the recordings in {SHARED}, which a stranger's clone does not have"),
    pytest.mark.timeout(300),
]
TURN_S = 8
FAULTS: tuple[dict[str, Any] | int, ...] = (
    {"status": 429, "count": 1, "delay_s": 0},
    {"status": 500, "count": 1, "delay_s": 0},
    30,
    {"status": 0, "count": 1, "delay_s": TURN_S + 4},
    400,
)
"""Too many requests, an error, an answer cut in its head, a turn that hangs for longer than its step may take, one cut in its middle."""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PATIENCE_S", 60.0)


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(SERVER), "--port", str(port), "--data", str(DATA)])
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                sent(address, "/v1/models")
                break
            except OSError:
                assert process.poll() is None
        yield address
    finally:
        process.kill()
        process.wait()


def sent(address: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def recording(number: int) -> dict[str, Any]:
    return json.loads(DATA.read_text())[number]


class Faults:
    """Lets the next turn go wrong, each time in another way."""

    def __init__(self, relay: Relay, *, is_on: bool) -> None:
        self._relay, self._next, self._is_on = relay, cycle(FAULTS), is_on
        self.made = 0

    async def one(self) -> None:
        if not self._is_on:
            return
        self.made += 1
        fault = next(self._next)
        if isinstance(fault, int):
            self._relay.cut_after(fault)
        else:
            await asyncio.to_thread(sent, self._relay.address, "/faults", fault)


def recorded_tools(address: str, model: str, talk: dict[str, Any], called: list[str], faults: Faults) -> Toolbox:
    names = {call["function"]["name"] for line in talk["traj"] for call in line.get("tool_calls") or ()}

    def act(name: str) -> Any:
        async def made(arguments: Mapping[str, Any], _key: str) -> Any:
            called.append(name)
            try:
                return (await asyncio.to_thread(sent, address, f"/tools/{model}/{name}", dict(arguments)))["result"]
            finally:
                await faults.one()

        return made

    return Toolbox([Known(Tool(name, f"{name} of the airline", {"type": "object"}, "idempotent"), act(name)) for name in sorted(names)])


async def replayed(home: Path, address: str, number: int, *, is_faulty: bool) -> tuple[Any, Any, list[str], int]:
    """The run's view and steps, the tools that were called and the faults that were made: one in each turn, where it is faulty."""
    talk = recording(number)
    model, called = f"airline-{talk['task_id']}-{talk['trial']}", []
    lines = [line["content"] for line in talk["traj"][:-1] if line["role"] == "user"]
    with Relay(int(address.rsplit(":", 1)[1])) as relay:
        faults, clock = Faults(relay, is_on=is_faulty), SystemClock()
        tools = recorded_tools(address, model, talk, called, faults)
        gateway = Gateway(GatewaySettings(base_url=f"{relay.address}/v1", key_for=lambda _: None, find_ollama=lambda: None), clock=clock)
        config = {
            "task": "{{ inputs.line }}",
            "system": talk["traj"][0]["content"][:2_000],
            "model": model,
            "tools": [name for name in tools._known],
            "talks": True,
            "max_turns": 60,
        }
        desk = node("desk", "agent", config=config, timeout_s=TURN_S, retry={"attempts": 4, "backoff_s": 0.01, "factor": 1})
        nodes = [node("start", "start"), desk, node("done", "end", config={"output": {"turns": "nodes.desk.turns"}})]
        settings = Settings.load({"SIGNALBOX_HOME": str(home)})
        engine = await Engine.open(settings, clock=clock, gateway=gateway, registry=Registry.builtin(), tools=tools)
        bench = Bench(engine, home, Works(), clock)
        try:
            await gateway.warm_up()
            await faults.one()
            limits = {"llm_calls": 500, "tokens": 50_000_000, "steps": 1000}
            run = await bench.start(nodes, [edge("start -> desk"), edge("desk -> done")], inputs={"line": lines[0]}, limits=limits)
            for line in [*lines[1:], ""]:
                item = await bench.item()
                if line:
                    await faults.one()
                await bench.decide(item, "submit", values={"text": line})
            view = await bench.until(run)
            bench.replayed(run)
            return view, await bench.steps(run), called, faults.made
        finally:
            await engine.close()


def of(talk: dict[str, Any]) -> tuple[int, list[str]]:
    """Turns and calls of the recording, up to its last line of the user."""
    turns = [line for line in talk["traj"] if line["role"] == "assistant"]
    return len(turns), [call["function"]["name"] for line in turns for call in line.get("tool_calls") or ()]


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("is_faulty", [False, True])
async def test_a_recorded_agent_does_here_what_it_did(tmp_path: Path, served: str, number: int, is_faulty: bool) -> None:
    turns, calls = of(recording(number))
    view, steps, called, made = await replayed(tmp_path / "home", served, number, is_faulty=is_faulty)
    assert view.status == "succeeded", view.reason
    assert view.output == {"turns": turns}
    assert called == calls
    tried = [step.attempt for step in steps.values() if step.kind == "turn"]
    assert len(tried) == turns
    assert made == (turns if is_faulty else 0)
    assert sum(tried) - turns == made
    assert view.spent["llm_calls"] == turns + made and view.spent["cost_usd"] == 0
