"""What a new fact does to what is known: it stands beside it, takes its place, comes before it, or waits for a person. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod

from engine.memory.scope import Trust

CANDIDATE, ACTIVE, CONFIRMED, DISPUTED = "candidate", "active", "confirmed", "disputed"
SUPERSEDED, RETRACTED, QUARANTINED = "superseded", "retracted", "quarantined"
STATUSES = (CANDIDATE, ACTIVE, CONFIRMED, DISPUTED, SUPERSEDED, RETRACTED, QUARANTINED)
BELIEVED = (ACTIVE, CONFIRMED, SUPERSEDED)
"""What is told to readers, each for the time that it holds: a superseded one held until its end."""
CURRENT = (ACTIVE, CONFIRMED)
WAITING = (CANDIDATE, DISPUTED, QUARANTINED)
"""What a person is asked about."""
MOST_SURE: dict[int, float] = {Trust.OUTSIDE: 0.5, Trust.AGENT: 0.8, Trust.RECORD: 0.95, Trust.PERSON: 1.0}
"""How sure a fact can be by how far its best source is believed: however many say so."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A fact as far as judging needs it."""

    id: str
    valid_from: int
    valid_to: int | None
    trust: int
    is_confirmed: bool = False

    def meets(self, other: Spell) -> bool:
        """Whether there is a moment at which both hold."""
        return _before(self.valid_from, other.valid_to) and _before(other.valid_from, self.valid_to)

    def holds(self, at: int) -> bool:
        """Whether it holds at a moment."""
        return self.valid_from <= at and _before(at, self.valid_to)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the new one, and whom it cuts off."""

    status: str
    """active, superseded (it is history) or disputed."""
    valid_to: int | None
    cuts: tuple[str, ...] = ()
    """Facts that end where the new one begins."""
    against: str = ""
    """The fact that it is in dispute with, or that came after it."""
    why: str = ""


def judge(new: Spell, rivals: Iterable[Spell]) -> Verdict:
    """Of a new fact against those believed that cannot hold beside it.

    Newer takes the place of older, whatever order they arrive in. It is disputed, and nothing changes for readers, where the older
    one is more trusted or confirmed by a person, where both begin at the same time, or where what is said to have ended lies in the
    middle of what is known: nobody has said what held after it.
    """
    met = sorted((rival for rival in rivals if rival.meets(new)), key=lambda rival: (rival.valid_from, rival.id))
    later = [rival for rival in met if rival.valid_from > new.valid_from]
    clipped = new
    if later:
        first = later[0]
        if new.valid_to is not None:
            return _dispute(new, first, "It says to have held longer than until the next one began.")
        clipped = replace(new, valid_to=first.valid_from)
    earlier = [rival for rival in met if rival.valid_from <= new.valid_from and rival.meets(clipped)]
    for rival in earlier:
        if rival.valid_from == new.valid_from:
            return _dispute(new, rival, "Both hold from the same moment.")
        if rival.is_confirmed:
            return _dispute(new, rival, "A person has confirmed the other one.")
        if new.trust < rival.trust:
            return _dispute(new, rival, "The other one comes from a more trusted source.")
        if new.valid_to is not None and (rival.valid_to is None or rival.valid_to > new.valid_to):
            return _dispute(new, rival, "It has ended before the other one, and what held then is not said.")
    cuts = tuple(rival.id for rival in earlier)
    if later:
        return Verdict(SUPERSEDED, clipped.valid_to, cuts, later[0].id, "A newer one was known already.")
    return Verdict(ACTIVE, new.valid_to, cuts)


def _dispute(new: Spell, rival: Spell, why: str) -> Verdict:
    return Verdict(DISPUTED, new.valid_to, (), rival.id, why)


def _before(at: int, end: int | None) -> bool:
    return end is None or at < end


def sure(said: Sequence[tuple[str, int, float]]) -> tuple[int, float]:
    """Trust and confidence of a fact by its sources, `(origin, trust, confidence)`.

    Each origin counts once, by the best that it has said: who repeats himself is not believed more. Independent ones add up
    (1 - (1 - a)(1 - b)), as far as the most trusted of them carries.
    """
    trust = max((level for _, level, _ in said), default=int(Trust.OUTSIDE))
    best: dict[str, float] = {}
    for origin, _, confidence in said:
        best[origin] = max(best.get(origin, 0.0), confidence)
    return trust, round(min(1.0 - prod(1.0 - one for one in best.values()), MOST_SURE[trust]), 6)
