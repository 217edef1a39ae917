"""Whoever waits for a run hears of its end, whenever it comes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from engine import RunView
from tests.integration.modelled import ANN, document, opened, published

ASKED = document(
    {"id": "ok", "kind": "approval", "config": {"title": "Go on?"}},
    output={"x": "1"},
    edges=[("start", "ok"), ("ok", "approved", "done"), ("ok", "rejected", "done"), ("ok", "expired", "done")],
)


async def test_a_run_that_ends_while_somebody_looks_is_not_waited_for_in_vain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path / "home", None) as engine:
        run_id = (await engine.runs.start(ANN, await published(engine, ASKED))).run_id
        look = engine.runs.get

        async def slowly(*given: Any) -> RunView:
            seen = await look(*given)
            if seen.ended_at is None:
                # The answer is on its way; before it is there, everything about the end has been told.
                await engine.runs.cancel(ANN, run_id, reason="over")
                await asyncio.sleep(0.05)
            return seen

        monkeypatch.setattr(engine.runs, "get", slowly)
        ended = await engine.runs.wait(ANN, run_id, seconds=20)
        assert ended is not None and ended.status == "cancelled"
