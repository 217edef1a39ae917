"""An egress door whose resolver and secrets the test decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from engine.clock import SystemClock
from engine.security.addresses import Address
from engine.security.destinations import patterns
from engine.security.egress import Egress, Grant
from engine.security.redact import Redactor


@dataclass
class Names:
    """A resolver that answers in turn: its last answer again and again."""

    answers: dict[str, list[list[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append(host)
        told = self.answers.get(host)
        if told is None:
            raise OSError("nobody of that name")
        return [ip_address(text) for text in (told.pop(0) if len(told) > 1 else told[0])]


@dataclass
class Kept:
    """Secrets by their names."""

    grants: dict[str, Grant] = field(default_factory=dict)

    def grant(self, name: str) -> Grant | None:
        return self.grants.get(name)


def door(*, allow: Sequence[str] = (), names: Names | None = None, value: str = "", hosts: Sequence[str] = (), header: str = "") -> Egress:
    """A door with one secret, KEY."""
    kept = Kept({"KEY": Grant(value, patterns(hosts), header)} if value else {})
    return Egress(kept, redactor=Redactor(), clock=SystemClock(), allow=allow, resolve=names or Names())
