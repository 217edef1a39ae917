"""Carries a step's call out: within its time, asking first where it may have been made before, whatever a kind's own code does."""

from __future__ import annotations

import asyncio
from typing import Any

from engine.clock import Clock
from engine.errors import Bug, InDoubt, SignalboxError, StepTimedOut, Transient
from engine.nodes.contract import Outcome
from engine.run.context import Patience, StepContext
from engine.run.prepare import LONGEST_PAUSE_S, Prepared, checked, wrapped


async def carried_out(prepared: Prepared, ctx: StepContext, clock: Clock) -> tuple[Outcome | None, SignalboxError | None]:
    """The outcome, or why there is none. Is cancelled like any task; whatever else happens becomes the step's error."""
    limit, redactor = asyncio.timeout(prepared.node.timeout_s), ctx.services.redactor
    try:
        async with limit:
            ctx.patience = Patience(limit, clock.now_us)
            outcome = checked(prepared.node, await _work(prepared, ctx, clock))
            # Other systems say back what they were sent: whatever they answer, no secret gets into the journal.
            return Outcome(redactor.value(outcome.outputs), outcome.port), None
    except Exception as raised:  # the border of a kind's own code
        expired = limit.expired()
        error = StepTimedOut(f"It took longer than {prepared.node.timeout_s:g} s.") if expired else wrapped(raised)
        error.message, error.next_step = redactor.text(error.message), redactor.text(error.next_step)
        error.details = redactor.value(error.details)
        return None, error
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is None or task.cancelling():
            raise
        return None, Bug("Something that the step waited for was cancelled.")


async def _work(prepared: Prepared, ctx: StepContext, clock: Clock) -> Any:
    kind: Any = prepared.node.kind
    if prepared.asks:
        happened = await _asked(prepared, ctx, clock)
        ctx.asked = "it had not happened" if happened is None else "it had happened"
        if happened is not None:
            return happened
    return await kind.execute(prepared.node.config, prepared.given, ctx)


async def _asked(prepared: Prepared, ctx: StepContext, clock: Clock) -> Any:
    kind: Any = prepared.node.kind
    retry, tries = prepared.node.retry, 0
    while True:
        tries += 1
        try:
            return await kind.reconcile(prepared.node.config, prepared.given, ctx)
        except Exception as raised:  # the border of a kind's own code: whoever cannot be asked does not know
            error = wrapped(raised)
            if not isinstance(error, Transient) or tries >= retry.attempts:
                raise InDoubt(f"It could not be asked there whether it happened: {error.message}") from raised
        await clock.sleep(min(retry.backoff_s * retry.factor ** (tries - 1), LONGEST_PAUSE_S))
