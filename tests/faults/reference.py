"""The reference: two runs that come past every border, and the client that brings them to their ends.

The client is what people and programs are: it repeats what was not answered, and of a doubtful payment it says what the
ledger says.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import Engine
from engine.clock import SystemClock
from engine.errors import AlreadyDecided, NotFound, StaleApproval, StorageUnavailable, WrongState
from engine.llm.gateway import Gateway, GatewaySettings
from engine.llm.messages import Bound, ModelAnswer, ModelRequest
from engine.nodes.registry import Registry
from tests.chaos.workload import ANN, LEDGER, _box, _document, _node, _set, settings_of

COST_MICRO = 300
LARGE = ("x" * 1000, 40)
"""A text and how often it is repeated: more than a journal row keeps itself."""
ENDED = ("succeeded", "failed", "cancelled")

_AGAIN = {"attempts": 3, "backoff_s": 0.005, "factor": 1.0}
_SMALL = _document(
    "small", [_set("a", "inputs.n + 1"), _node("mark", "marked", retry=_AGAIN)], "start a,a mark,mark done", {"x": "nodes.a.x"}
)
_ASKS = _document("asks", [_node("ok", "approval", {"title": "Never?"})], "start ok,ok.approved done", {"x": "inputs.n"})
_LEFT = _document(
    "left",
    [_node("call", "subflow", {"workflow": "asks", "inputs": {"n": "inputs.n"}}, retry=_AGAIN)],
    "start call,call done",
    {"x": "inputs.n"},
)
_REFERENCE = _document(
    "reference",
    [
        _node("draft", "llm", {"model": "practice", "prompt": "Say {{ inputs.n }}", "max_tokens": 64}, retry=_AGAIN),
        _node("refused", "marked", {"refuses": 1}, retry=_AGAIN),
        _node("again", "marked", {"pause_ms": 0.3}, retry=_AGAIN),
        _node("enough", "branch", {"cases": [{"port": "more", "when": "visit < 2"}]}),
        _box("each", "[inputs.n, 2]", "item * 2", concurrency=2),
        _node("sure", "approval", {"title": "Item {{ item }}?"}, parent="each"),
        _node("pay", "unsafe", {"pause_ms": 2.0}, retry=_AGAIN),
        _node("call", "subflow", {"workflow": "small", "inputs": {"n": "inputs.n"}}, retry=_AGAIN),
        _node("rest", "wait", {"seconds": 0.01}),
        _node("heard", "wait", {"event": "go", "key": "run.id"}),
        _set("long", f'"{LARGE[0]}"'),
        _set("large", f"join([{', '.join(['nodes.long.x'] * LARGE[1])}], '')"),
        _node("worked", "code", {"code": "n = start\ncheckpoint()\nn - start", "inputs": {"start": "inputs.n"}}, retry=_AGAIN),
        _node("ok", "approval", {"title": "Send it?", "action": "tell"}),
        _node("tell", "notify", {"subject": "{{ inputs.n }}", "message": "told"}, retry=_AGAIN),
        _set("both", "nodes.call.x + sum(nodes.each.results) + nodes.worked.result"),
    ],
    "start draft,start refused,refused again,again enough,enough.more again 4,enough.else both,start each,each.item sure,each both,"
    "start pay,pay call,call both,start rest,rest heard,heard.out both,"
    "start worked,worked both,start long,long large,large ok,draft ok,ok.approved tell,tell both,both done",
    {"x": "nodes.both.x"},
)
_BRIEF = _document("brief", [_set("a", f'"{LARGE[0]}"')], "start a,a done", {"x": "inputs.n"})
"""Its runs are not kept."""
DOCUMENTS = {document["name"]: document for document in (_SMALL, _ASKS, _LEFT, _REFERENCE, _BRIEF)}
N = 5
EXPECTED = {"reference": ("succeeded", {"x": N + 1 + N * 2 + 4}), "small": ("succeeded", {"x": N + 1}), "left": ("cancelled", None)}
EXPECTED |= {"asks": ("cancelled", None)}


class PricedGateway(Gateway):
    """The practice model, at a price: budgets over many runs have something to count."""

    def bound(self, request: ModelRequest, fallbacks: Any = ()) -> Bound:
        return replace(super().bound(request, fallbacks), cost_micro=2 * COST_MICRO)

    async def complete(self, request: ModelRequest, *, on_token: Any = None, on_wait: Any = None) -> ModelAnswer:
        answer = await super().complete(request, on_token=on_token, on_wait=on_wait)
        return replace(answer, usage=replace(answer.usage, cost_micro=COST_MICRO))


async def opened(home: Path, kinds: Registry) -> Engine:
    clock = SystemClock()
    gateway = PricedGateway(GatewaySettings(default_model="practice", practice_ms_per_token=0, find_ollama=lambda: None), clock=clock)
    return await Engine.open(settings_of(home), clock=clock, gateway=gateway, registry=kinds)


class Client:
    """Brings both runs to their ends, however often it has to ask."""

    def __init__(self, engine: Engine, folder: Path, tell: Callable[..., None]) -> None:
        self._engine, self._folder, self._tell = engine, folder, tell
        self.refused = 0
        """Requests that were answered with an error."""

    async def finish(self, *, patience_s: float) -> bool:
        """False when nothing has moved for so long that only another start can help."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._asked(self._prepare)
                await asyncio.gather(self._asked(lambda: self._bring("reference")), self._asked(lambda: self._bring("left")))
                await self._asked(self._tidy)
                return True
        return False

    async def _asked(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await work()
            except StorageUnavailable:
                self.refused += 1
                await asyncio.sleep(0.005)

    async def _prepare(self) -> None:
        known = {w.name: w for w in (await self._engine.workflows.list(ANN)).items}
        for document in DOCUMENTS.values():
            workflow = known.get(document["name"]) or await self._engine.workflows.create(ANN, document)
            if (await self._engine.workflows.get(ANN, workflow.id)).live_version is None:
                await self._engine.workflows.publish(ANN, workflow.id)
        if not (await self._engine.budgets.list(ANN)).items:
            await self._engine.budgets.set(ANN, "workspace", "", limit_usd=1.0)

    async def _tidy(self) -> None:
        """Runs that are not kept go, and what the others take is measured."""
        await self._engine.storage.keep(ANN, "brief", days=1)
        await self._engine.runs.start(ANN, "brief", inputs={"n": N})
        while (await self._engine.runs.list(ANN, workflow="brief")).items:
            await self._engine.storage.sweeper.sweep()
            for still in list(self._engine._core.executor.faults):
                # It may have ended and been deleted by now.
                with suppress(WrongState, NotFound):
                    await self._engine.runs.resume(ANN, still)
            await asyncio.sleep(0.003)
        await self._engine.storage.get(ANN)

    async def _bring(self, name: str) -> None:
        started = await self._engine.runs.start(ANN, name, inputs={"n": N}, key=f"key-{name}")
        self._tell("start", run=started.run_id, key=f"key-{name}", workflow=name, n=N)
        while (await self._engine.runs.get(ANN, started.run_id)).status not in ENDED:
            for still in list(self._engine._core.executor.faults):
                # The database refused its rows: somebody lets the run go on, or that which it waits for.
                with suppress(WrongState):
                    await self._engine.runs.resume(ANN, still)
            await (self._answer(started.run_id) if name == "reference" else self._leave(started.run_id))
            await asyncio.sleep(0.003)
        if name == "left":
            await self._gone()

    async def _answer(self, run: str) -> None:
        await self._engine.events.send(ANN, "go", key=run)
        for item in (await self._engine.approvals.list(ANN, status="pending")).items:
            if item.title == "Never?":
                continue
            decision = "approve" if item.type != "in_doubt" else ("done" if self._was_paid(item.run_id, item.path) else "retry")
            try:
                decided = await self._engine.approvals.decide(ANN, item.id, decision=decision, digest=item.digest)
            except (AlreadyDecided, StaleApproval):
                continue
            self._tell("decided", item=item.id, run=item.run_id, path=item.path, decision=decided.decision)

    def _was_paid(self, run: str, path: str) -> bool:
        ledger = self._folder / LEDGER
        return any(line.split(" ")[:3] == ["unsafe", run, path] for line in ledger.read_text().splitlines())

    async def _leave(self, run: str) -> None:
        """Cancels the run once the run that it has started waits."""
        if [item for item in (await self._engine.approvals.list(ANN, status="pending")).items if item.title == "Never?"]:
            with suppress(WrongState, NotFound):
                await self._engine.runs.cancel(ANN, run, reason="Not needed.")
                self._tell("cancelled", run=run)

    async def _gone(self) -> None:
        while (await self._engine.runs.list(ANN, status="queued,running,waiting", workflow="asks")).items:
            await asyncio.sleep(0.003)
