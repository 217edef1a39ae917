"""A payment that gets no answer the first time: what none of our own kinds does, and what puts a run in doubt."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from engine.errors import InDoubt
from engine.nodes.contract import CallKind, Effect, NodeConfig, NodeContext, Outcome, Template
from engine.nodes.registry import Registry

_asked: set[str] = set()


class PayConfig(NodeConfig):
    """What is paid."""

    to: Template = ""
    amount: float = 0


class PayOutputs(BaseModel):
    """What the bank answers."""

    receipt: str = Field(description="The number on the receipt.")
    is_booked: bool = Field(description="Whether it is in the books.")


class Pay(CallKind[PayConfig]):
    """Pays a bill. The bank answers nothing the first time."""

    kind = "pay"
    title = "Pay a bill"
    effect = Effect.UNSAFE
    Config = PayConfig
    Outputs = PayOutputs

    async def execute(self, config: PayConfig, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        if ctx.idempotency_key not in _asked:
            _asked.add(ctx.idempotency_key)
            raise InDoubt("It took longer than 3 s.")
        return Outcome({"receipt": "R-2", "is_booked": True})


def install() -> None:
    """Every registry of this process knows the kind too."""
    builtin = Registry.builtin

    def more(*, allow_plugins: bool = False) -> Registry:
        return Registry([*builtin(allow_plugins=allow_plugins).all(), Pay()])

    Registry.builtin = more
