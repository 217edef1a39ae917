"""What people do with facts: confirm, correct, take back, decide what waits; and what else that changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session, col, select

from engine.errors import Invalid, WrongState
from engine.memory.facts import judging, review
from engine.memory.facts.asserting import ask_about, assert_one, related, rivals, settle
from engine.memory.facts.desk import Desk, Outcome, Said
from engine.memory.facts.entities import roots
from engine.memory.facts.judging import judge
from engine.memory.facts.keeping import spell, weigh, write
from engine.memory.facts.merging import merge
from engine.memory.facts.wording import day, told_of, tombstone_key
from engine.memory.scope import Trust
from engine.memory.texts import FACTS, drop_texts
from engine.storage.tables import Approval, Fact, FactChange, FactSource, FactState, FactTombstone


def confirm(desk: Desk, fact: Fact) -> None:
    """A person says that it is so. What speaks against it gives way; WrongState for one that was taken back."""
    if fact.status == judging.RETRACTED:
        raise WrongState("This fact was taken back.", hint="Add it again if it is right after all.")
    against = rivals(fact, desk.rule(fact.predicate), related(desk, fact, desk.rule(fact.predicate)))
    if fact.status in judging.WAITING:
        fact.disputes_id = ""
        desk.session.flush()
        for rival in against:
            _give_way(desk, rival.fact, fact)
        against = rivals(fact, desk.rule(fact.predicate), related(desk, fact, desk.rule(fact.predicate)))
    # Those that are left begin later: until then it held.
    later = [one.fact for one in against if spell(one.fact).meets(spell(fact))]
    if fact.status == judging.SUPERSEDED:
        status, valid_to = judging.SUPERSEDED, fact.valid_to
    elif later:
        status, valid_to, fact.ended_by = judging.SUPERSEDED, later[0].valid_from, later[0].id
    else:
        status, valid_to = judging.CONFIRMED, fact.valid_to
    write(
        desk, fact, "confirm", status=status, valid_to=valid_to, trust=int(Trust.PERSON), confidence=1.0, confirmed_by=desk.by,
        confirmed_at=desk.now_us, disputes_id="",
    )  # fmt: skip
    review.close(desk, review.fact_path(fact.id), status="done", decision=review.ACCEPT, result={"fact": fact.id, "status": fact.status})
    _ask_again(desk, fact.id)


def _give_way(desk: Desk, rival: Fact, fact: Fact) -> None:
    """A believed fact makes room for one that a person has chosen."""
    old, new = spell(rival), spell(fact)
    if not old.meets(new) or (old.valid_from > new.valid_from and new.valid_to is None):
        return
    why = f"A person has chosen another one, which holds from {day(new.valid_from)} on."
    if old.valid_from < new.valid_from:
        write(desk, rival, "supersede", why, status=judging.SUPERSEDED, valid_to=new.valid_from, ended_by=fact.id)
        fact.supersedes_id = rival.id
    elif new.valid_to is not None and (old.valid_to is None or old.valid_to > new.valid_to):
        write(desk, rival, "supersede", why, valid_from=new.valid_to)
    else:
        write(desk, rival, "retract", why, status=judging.RETRACTED)
        _ask_again(desk, rival.id)


def retract(desk: Desk, fact: Fact, reason: str, *, action: str = "retract") -> None:
    """It is believed no more. What it had ended holds again, as far as nothing else has come since. WrongState if it was already."""
    if fact.status == judging.RETRACTED:
        raise WrongState("This fact was taken back already.")
    write(desk, fact, action, reason, status=judging.RETRACTED, disputes_id="")
    review.close(desk, review.fact_path(fact.id), status="done", decision=review.REJECT, result={"fact": fact.id, "status": fact.status})
    release(desk, fact.id)
    _ask_again(desk, fact.id)


def release(desk: Desk, fact_id: str) -> None:
    """Facts that this one had ended hold again, until their own end or until what came next."""
    for old in desk.session.exec(select(Fact).where(Fact.ended_by == fact_id).order_by(col(Fact.valid_from), col(Fact.id))).all():
        if old.status == judging.RETRACTED:
            continue
        rule = desk.rule(old.predicate)
        again = replace(spell(old), valid_to=old.stated_to)
        others = [spell(one.fact) for one in rivals(old, rule, related(desk, old, rule))]
        later = sorted((one for one in others if one.valid_from > again.valid_from and one.meets(again)), key=lambda one: one.valid_from)
        status = judging.CONFIRMED if old.confirmed_by else judging.ACTIVE
        end, by = (later[0].valid_from, later[0].id) if later else (old.stated_to, "")
        write(
            desk, old, "release", "What had taken its place was taken back.", status=judging.SUPERSEDED if later else status,
            valid_to=end, ended_by=by,
        )  # fmt: skip


def correct(desk: Desk, fact: Fact, said: Said, reason: str) -> Outcome:
    """Takes a fact back and puts another in its place, confirmed by whoever corrects. Invalid where the new one is turned away."""
    before = fact.valid_from
    retract(desk, fact, reason, action="correct")
    said = replace(said, valid_from=said.valid_from if said.valid_from is not None else before)
    outcome = assert_one(desk, said)
    if outcome.result == "rejected":
        problem = {"field": "object", "message": outcome.why}
        raise Invalid(outcome.why, hint="Correct the fact and try again.", details={"problems": [problem]})
    made = desk.session.get_one(Fact, outcome.fact_id)
    if made.status != judging.SUPERSEDED or made.disputes_id:
        confirm(desk, made)
    made.supersedes_id = made.supersedes_id or fact.id
    desk.session.add(made)
    desk.session.flush()
    return outcome


def decide(desk: Desk, item: Approval, choice: str, reason: str) -> None:
    """Does what was chosen for an item of the inbox. Invalid for what is none of its choices, WrongState when it is out of date."""
    if choice not in review.choices_of(item):
        raise Invalid(f"Choose one of {', '.join(review.choices_of(item))}.")
    kind, *ids = item.path.split("/")
    if kind == "entities":
        new, known = ids
        if choice == review.MERGE:
            merge(desk, keep=known, drop=new, reason=reason or "They are one.")
        review.close(desk, item.path, status="done", decision=choice, result={"entities": ids})
        return
    fact = desk.session.get(Fact, ids[0])
    if fact is None or fact.status not in judging.WAITING:
        raise WrongState("This fact does not wait for a decision any more.")
    _decide_fact(desk, fact, choice, reason)
    review.close(desk, item.path, status="done", decision=choice, result={"fact": fact.id, "status": fact.status})


def _decide_fact(desk: Desk, fact: Fact, choice: str, reason: str) -> None:
    path = review.fact_path(fact.id)
    match choice:
        case review.ACCEPT | review.TAKE_NEW:
            # Closed first, under the name of what was chosen.
            review.close(desk, path, status="done", decision=choice)
            confirm(desk, fact)
        case review.BOTH:
            review.close(desk, path, status="done", decision=choice)
            write(
                desk, fact, "decide", reason or "A person says that both hold.", status=judging.CONFIRMED, trust=int(Trust.PERSON),
                confidence=1.0, confirmed_by=desk.by, confirmed_at=desk.now_us, disputes_id="",
            )  # fmt: skip
        case _:
            review.close(desk, path, status="done", decision=choice)
            kept = desk.session.get(Fact, fact.disputes_id) if choice == review.KEEP_OLD and fact.disputes_id else None
            retract(desk, fact, reason or "A person has decided against it.")
            if kept is not None and kept.status == judging.ACTIVE:
                confirm(desk, kept)


def _ask_again(desk: Desk, fact_id: str) -> None:
    """Facts in dispute with one that has changed: judged anew, or a person is asked about what stands there now."""
    waiting = select(Fact).where(Fact.disputes_id == fact_id, col(Fact.status).in_(judging.WAITING)).order_by(col(Fact.id))
    for fact in desk.session.exec(waiting).all():
        rule = desk.rule(fact.predicate)
        against = [spell(one.fact) for one in rivals(fact, rule, related(desk, fact, rule))]
        verdict = judge(spell(fact), against)
        if fact.status == judging.DISPUTED:
            settle(desk, fact, verdict, "decide")
        else:
            met = [one.id for one in against if one.meets(spell(fact))]
            fact.disputes_id = met[-1] if met else ""
            desk.session.add(fact)
        if fact.status in judging.WAITING:
            ask_about(desk, fact)
        else:
            review.close(desk, review.fact_path(fact.id), status="void")


def withdraw(desk: Desk, wanted: Sequence[FactSource], reason: str) -> list[str]:
    """Takes sources away, e.g. of a poisoned document: facts that nothing else says are taken back, of others less is sure.

    What a person has confirmed stays: he answers for it himself. The facts that changed.
    """
    touched = sorted({source.fact_id for source in wanted})
    for source in wanted:
        desk.session.delete(source)
    desk.session.flush()
    for id_ in touched:
        fact = desk.session.get(Fact, id_)
        if fact is None or fact.status == judging.RETRACTED or fact.confirmed_by:
            continue
        if desk.session.exec(select(FactSource.id).where(FactSource.fact_id == id_).limit(1)).first() is None:
            retract(desk, fact, reason, action="rollback")
            continue
        trust, confidence = weigh(desk, fact)
        write(desk, fact, "rollback", reason, trust=trust, confidence=confidence)
    return touched


def bury(desk: Desk, facts: Sequence[Fact]) -> int:
    """Forgets facts for good: rows, quotes and history go, a keyed hash stays, so that they are not learned again. How many."""
    tops = roots(desk.session, [id_ for fact in facts for id_ in (fact.subject_id, fact.object_id)])
    for fact in facts:
        subject, target = tops.get(fact.subject_id), tops.get(fact.object_id)
        told = target.name if target else told_of(fact.object_value)
        if subject is not None:
            key = tombstone_key(desk.secret, fact.scope_key, subject.name, fact.predicate, told)
            if desk.session.get(FactTombstone, key) is None:
                desk.session.add(FactTombstone(key=key, workspace_id=fact.workspace_id, created_at=desk.now_us, created_by=desk.by))
        release(desk, fact.id)
        drop_texts(desk.session, FACTS, [fact.id], now_us=desk.now_us)
        _drop_rows(desk.session, fact.id)
        desk.session.add(FactChange(workspace_id=fact.workspace_id, fact_id=fact.id, at=desk.now_us))
        desk.session.delete(fact)
        desk.session.flush()
    return len(facts)


def _drop_rows(session: Session, fact_id: str) -> None:
    for state in session.exec(select(FactState).where(FactState.fact_id == fact_id)).all():
        session.delete(state)
    for source in session.exec(select(FactSource).where(FactSource.fact_id == fact_id)).all():
        session.delete(source)
    # What a person was asked about it repeats its words.
    for item in session.exec(select(Approval).where(Approval.run_id == review.NO_RUN, Approval.path == review.fact_path(fact_id))).all():
        session.delete(item)
