"""Facts: looked through, told, confirmed, taken back and corrected by people; each with where it is known from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, select

from engine.clock import iso
from engine.errors import AlreadyDecided, NotFound, StaleApproval
from engine.facade.core import Core
from engine.facade.cursors import decode, encode, page_size
from engine.facade.entities import Entities
from engine.facade.fact_desk import moment, open_desk, parsed, reader_of, said_by
from engine.facade.fact_views import (
    AssertedView,
    FactDetail,
    FactsRead,
    FactView,
    fact_fields,
    source_view,
    state_view,
)
from engine.facade.views import Page
from engine.jsonvalue import NotJsonValue, parse_strict
from engine.memory.facts import deciding, judging, reading, review
from engine.memory.facts.asserting import assert_one
from engine.memory.facts.desk import Outcome
from engine.memory.facts.reading import Asked, Known
from engine.people.permissions import Actor, Permission, require
from engine.people.records import Problem, refuse
from engine.storage.tables import Approval, Fact

MOST_AT_ONCE = 500
MOST_LINES = 20_000
_TOLD = 100


class Facts:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.entities = Entities(core)

    async def list(
        self, actor: Actor, *, q: str = "", entity: str = "", predicate: str = "", status: str | None = None, as_of: str | None = None,
        known_at: str | None = None, limit: int = 100, cursor: str | None = None,
    ) -> Page[FactView]:  # fmt: skip
        """Facts, newest first. `as_of` picks what held then, `known_at` tells it as it was believed then, `q` holds words."""
        require(actor, Permission.MEMORY_READ)
        statuses = tuple(one for one in (status or "").split(",") if one)
        if unknown := [one for one in statuses if one not in judging.STATUSES]:
            refuse([Problem("status", f"{unknown[0][:40]!r} is none: there are {', '.join(judging.STATUSES)}.")])
        size, after = page_size(limit), decode(cursor, parts=2)[1] if cursor else ""
        asked = Asked(
            entity, predicate, statuses, words=q, as_of=moment(as_of, "as_of"), known_at=moment(known_at, "known_at"), after=str(after),
            limit=size + 1,
        )  # fmt: skip
        return await self._core.in_thread(lambda: self._list(actor, asked, size))

    async def get(self, actor: Actor, fact: str) -> FactDetail:
        """One with its sources and what was believed of it. NotFound."""
        require(actor, Permission.MEMORY_READ)
        return await self._core.in_thread(lambda: self._get(actor, fact))

    async def tell(self, actor: Actor, given: Sequence[Any]) -> Page[AssertedView]:
        """What became of each fact, `{subject, predicate, object, …}`: see GivenFact. Invalid names each field."""
        require(actor, Permission.MEMORY_WRITE)
        if len(given) > MOST_AT_ONCE:
            refuse([Problem("facts", f"At most {MOST_AT_ONCE} at once: bring more in as lines.")])
        said = [said_by(actor, parsed(one)) for one in given]

        def work() -> Page[AssertedView]:
            with self._core.records.writing() as session:
                desk = open_desk(self._core, session, actor)
                outcomes = [assert_one(desk, one) for one in said]
                for outcome in outcomes:
                    if outcome.fact_id:
                        self._tell(session, actor, "fact.tell", outcome.fact_id, {"result": outcome.result})
                return Page(items=[_asserted(outcome) for outcome in outcomes])

        return await self._core.in_thread(work)

    async def confirm(self, actor: Actor, fact: str) -> FactDetail:
        """It is so: what speaks against it gives way. NotFound, WrongState."""
        require(actor, Permission.MEMORY_WRITE)
        await self._core.in_thread(lambda: self._change(actor, fact, "fact.confirm", deciding.confirm))
        return await self.get(actor, fact)

    async def retract(self, actor: Actor, fact: str, reason: str) -> FactDetail:
        """It is not so: what it had ended holds again. NotFound, WrongState."""
        require(actor, Permission.MEMORY_WRITE)
        why = reason.strip() or "Taken back by a person."
        await self._core.in_thread(lambda: self._change(actor, fact, "fact.retract", lambda desk, row: deciding.retract(desk, row, why)))
        return await self.get(actor, fact)

    async def correct(self, actor: Actor, fact: str, given: Any, reason: str = "") -> FactDetail:
        """Puts another in its place: what `given` leaves out stays as it is. The new one. NotFound, WrongState, Invalid."""
        require(actor, Permission.MEMORY_WRITE)

        def work() -> str:
            with self._core.records.writing() as session:
                row, known = self._found(session, actor, fact)
                said = said_by(actor, parsed(_as_given(row, known) | given))
                outcome = deciding.correct(open_desk(self._core, session, actor), row, said, reason or "Corrected by a person.")
                self._tell(session, actor, "fact.correct", fact, {"new": outcome.fact_id})
                return outcome.fact_id

        return await self.get(actor, await self._core.in_thread(work))

    async def export(self, actor: Actor) -> str:
        """Every fact that whoever asks may read, one JSON object a line, as `bring_in` takes them."""
        require(actor, Permission.MEMORY_READ)
        return await self._core.in_thread(lambda: self._export(actor))

    async def bring_in(self, actor: Actor, text: str, *, vouched: bool = False) -> FactsRead:
        """Facts as lines of JSON. Unless whoever brings them vouches for them a person has to look at each. Invalid names the line."""
        require(actor, Permission.MEMORY_WRITE)
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) > MOST_LINES:
            refuse([Problem("lines", f"At most {MOST_LINES:,} lines at once.")])
        said = [(number, said_by(actor, parsed(_line(number, line)), brought_in=not vouched)) for number, line in lines]

        def work() -> FactsRead:
            counted, rejected = Counter[str](), list[dict[str, Any]]()
            with self._core.records.writing() as session:
                desk = open_desk(self._core, session, actor)
                for number, one in said:
                    outcome = assert_one(desk, one)
                    counted[outcome.result] += 1
                    if outcome.result == "rejected" and len(rejected) < _TOLD:
                        rejected.append({"line": number, "why": outcome.why})
                self._tell(session, actor, "fact.import", "facts", {"lines": len(said), "vouched": vouched, **counted})
            return FactsRead(lines=len(said), results=dict(counted), rejected=rejected)

        return await self._core.in_thread(work)

    def decide(self, actor: Actor, item: Approval, choice: str, reason: str) -> None:
        """What a person has chosen for an item of the inbox; whoever may not read the fact may not decide either. Blocks."""
        require(actor, Permission.MEMORY_WRITE)
        with self._core.records.writing() as session:
            there = session.get_one(Approval, item.id)
            # Somebody may have been faster since it was looked at.
            if there.status != "pending":
                raise AlreadyDecided
            if there.digest != item.digest:
                raise StaleApproval(details={"digest": there.digest})
            kind, *ids = there.path.split("/")
            if kind == "facts":
                self._found(session, actor, ids[0])
            else:
                self.entities.check_readable(session, actor, ids)
            deciding.decide(open_desk(self._core, session, actor), there, choice, reason)
            details = {"decision": choice, "about": there.path, "digest": there.digest}
            self._core.records.tell(session, actor, action="approval.decide", subject=there.id, details=details)

    def _list(self, actor: Actor, asked: Asked, size: int) -> Page[FactView]:
        with self._core.records.reading() as session:
            if asked.entity_id:
                self.entities.check_readable(session, actor, [asked.entity_id])
            found = reading.find(session, reader_of(actor), asked)
        following = encode(["facts", found[size - 1].id]) if len(found) > size else None
        return Page(items=[FactView(**fact_fields(one)) for one in found[:size]], next=following)

    def _get(self, actor: Actor, fact: str) -> FactDetail:
        reader = reader_of(actor)
        with self._core.records.reading() as session:
            row, known = self._found(session, actor, fact)
            item = review.waiting_item(open_desk(self._core, session, actor), review.fact_path(row.id))
            return FactDetail(
                **fact_fields(known),
                sources=[source_view(one) for one in reading.why(session, reader, row.id)],
                states=[state_view(one) for one in reading.states(session, row.id)],
                history=[FactView(**fact_fields(one)) for one in reading.history(session, reader, row)],
                item=item.id if item else "",
            )

    def _found(self, session: Session, actor: Actor, fact: str) -> tuple[Fact, Known]:
        found = reading.one(session, reader_of(actor), fact)
        if found is None:
            raise NotFound(f"There is no fact {fact[:80]}.")
        return found

    def _change(self, actor: Actor, fact: str, action: str, work: Any) -> None:
        with self._core.records.writing() as session:
            row, _ = self._found(session, actor, fact)
            work(open_desk(self._core, session, actor), row)
            self._tell(session, actor, action, fact, {"status": row.status})

    def _tell(self, session: Session, actor: Actor, action: str, subject: str, details: dict[str, object]) -> None:
        self._core.records.tell(session, actor, action=action, subject=subject, details=details)

    def _export(self, actor: Actor) -> str:
        reader, lines, after = reader_of(actor), list[str](), ""
        with self._core.records.reading() as session:
            while found := reading.find(session, reader, Asked(statuses=judging.BELIEVED, after=after, limit=1000)):
                after = found[-1].id
                rows = {row.id: row for row in session.exec(select(Fact).where(col(Fact.id).in_([one.id for one in found]))).all()}
                lines += [json.dumps(_as_given(rows[one.id], one), ensure_ascii=False, sort_keys=True) for one in found]
        return "".join(f"{line}\n" for line in reversed(lines))


def _line(number: int, line: str) -> Any:
    try:
        return parse_strict(line.encode())
    except NotJsonValue as error:
        refuse([Problem(f"line {number}", f"It is not JSON: {error}")])
        raise


def _as_given(row: Fact, known: Known) -> dict[str, Any]:
    """The fact as it would be told again."""
    return {
        "subject": known.subject, "predicate": row.predicate, "object": known.object, "negated": row.is_negated,
        "valid_from": iso(row.valid_from), "valid_to": iso(row.stated_to), "visibility": row.visibility, "owner": row.owner,
        "sensitivity": row.sensitivity, "confidence": max(min(row.confidence, 1.0), 0.01),
    }  # fmt: skip


def _asserted(outcome: Outcome) -> AssertedView:
    return AssertedView(
        result=outcome.result, fact=outcome.fact_id, why=outcome.why, ended=[*outcome.ended], duplicates=[*outcome.duplicates],
        item=outcome.item,
    )  # fmt: skip
