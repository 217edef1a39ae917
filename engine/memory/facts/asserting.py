"""What is done with a fact that somebody says: checked, matched with what is known, and kept, disputed or turned away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import col, or_, select

from engine.memory.facts import judging, review
from engine.memory.facts.desk import Desk, Outcome, Said
from engine.memory.facts.entities import MOST_NAME, Resolved, groups, resolve, rows
from engine.memory.facts.judging import Spell, Verdict, judge
from engine.memory.facts.keeping import scope_of, spell, weigh, wording_of, write
from engine.memory.facts.predicates import Rule, flipped, mistake_of
from engine.memory.facts.sources import Receipt, checked, keep
from engine.memory.facts.wording import day, norm_key, same_value, suspicion, told_of, tombstone_key, without_links
from engine.memory.scope import Trust
from engine.storage.tables import Fact, FactTombstone


def assert_facts(desk: Desk, said: Sequence[Said]) -> list[Outcome]:
    """What became of each, in order. One that is turned away leaves nothing behind."""
    return [assert_one(desk, one) for one in said]


def assert_one(desk: Desk, said: Said) -> Outcome:
    """What became of it."""
    said, rule, why = _understood(desk, said)
    if rule is None or why:
        return Outcome("rejected", why=why)
    receipt = checked(desk, said)
    if isinstance(receipt, str):
        return Outcome("rejected", why=receipt)
    told = said.object if rule.is_link else told_of(said.object)
    key = tombstone_key(desk.secret, said.scope.key, said.subject, said.predicate, told)
    if desk.session.get(FactTombstone, key) is not None:
        return Outcome("rejected", why="It was forgotten on request, and is not learned again.")
    sensitivity = max(said.sensitivity, receipt.sensitivity)
    subject = resolve(desk, said.subject, said.subject_kind, said.scope, sensitivity=sensitivity, trust=receipt.trust)
    target = None
    if rule.is_link:
        target = resolve(desk, said.object, said.object_kind, said.scope, sensitivity=sensitivity, trust=receipt.trust)
    fact = _drafted(desk, said, receipt, subject, target, sensitivity)
    outcome = _placed(desk, said, receipt, rule, fact)
    return _with_twins(desk, outcome, [subject, *([target] if target else [])])


def _understood(desk: Desk, said: Said) -> tuple[Said, Rule | None, str]:
    """The fact by a predicate that is known, and what is wrong with it."""
    rule = desk.rules.get(said.predicate)
    if rule is None and (turned := flipped(desk.rules, said.predicate)) is not None:
        ends: dict[str, Any] = {"subject": str(said.object), "object": said.subject}
        kinds = {"subject_kind": said.object_kind, "object_kind": said.subject_kind, "predicate": turned.name}
        said, rule = _replaced(said, ends | kinds), turned
    if rule is None:
        return said, None, f"There is no predicate {said.predicate[:40]!r}: add it to the predicates first."
    names = [said.subject, *([said.object] if rule.is_link else [])]
    for name in names:
        if not isinstance(name, str) or not norm_key(name) or len(name) > MOST_NAME:
            return said, rule, f"An entity has a name of 1 to {MOST_NAME} characters."
    if not rule.is_link and (why := mistake_of(rule, said.object)):
        return said, rule, why
    if rule.is_link and norm_key(said.subject) == norm_key(said.object):
        return said, rule, "A fact does not lead from an entity to itself."
    if said.valid_from is not None and said.valid_to is not None and said.valid_to <= said.valid_from:
        return said, rule, "valid_to is not after valid_from."
    if not 0 < said.confidence <= 1:
        return said, rule, "confidence is above 0 and at most 1."
    return said, rule, ""


def _replaced(said: Said, changes: dict[str, Any]) -> Said:
    return Said(**{name: changes.get(name, getattr(said, name)) for name in Said.__slots__})


def _drafted(desk: Desk, said: Said, receipt: Receipt, subject: Resolved, target: Resolved | None, sensitivity: int) -> Fact:
    """The fact as a row that is written nowhere yet."""
    end = said.valid_to
    # Without a date it holds since it was said; of something that has ended, until then at the latest.
    begin = said.valid_from if said.valid_from is not None else min(receipt.said_at, end - 1 if end else receipt.said_at)
    trust, confidence = judging.sure([(receipt.origin, receipt.trust, said.confidence)])
    return Fact(
        id=desk.ids.new("fact"), workspace_id=desk.workspace_id, visibility=said.scope.visibility.value, owner=said.scope.owner,
        scope_key=said.scope.key, sensitivity=sensitivity, trust=trust, subject_id=subject.id, predicate=said.predicate,
        object_id=target.id if target else "", object_value=None if target else said.object, is_negated=said.is_negated,
        confidence=confidence, status=judging.ACTIVE, reason="", valid_from=begin, valid_to=end, stated_to=end,
        recorded_at=desk.now_us, version=0, created_at=desk.now_us, created_by=said.origin.label,
    )  # fmt: skip


def _placed(desk: Desk, said: Said, receipt: Receipt, rule: Rule, fact: Fact) -> Outcome:
    beside = related(desk, fact, rule)
    against = rivals(fact, rule, beside)
    if (same := _same(fact, beside, against)) is not None:
        return _reinforced(desk, said, receipt, rule, same)
    verdict = judge(spell(fact), [spell(one.fact) for one in against])
    status, why = _waits(desk, fact, beside, receipt.cited.quote)
    if status:
        met = [one.fact.id for one in against if spell(one.fact).meets(spell(fact))]
        verdict = Verdict(status, fact.valid_to, against=met[-1] if met else "", why=why)
    return _kept(desk, said, receipt, fact, verdict)


class Beside:
    """A fact with the same predicate about the same entity, and whether it is about the same object."""

    __slots__ = ("fact", "is_same_object")

    def __init__(self, fact: Fact, is_same_object: bool) -> None:
        self.fact = fact
        self.is_same_object = is_same_object


def related(desk: Desk, fact: Fact, rule: Rule) -> list[Beside]:
    """Every fact of the same scope with the same predicate about the same entity, but itself, whatever its status."""
    mine, theirs = groups(desk.session, fact.subject_id, fact.object_id)
    around = col(Fact.subject_id).in_(mine)
    if rule.symmetric:
        both = (*mine, *theirs)
        around = or_(col(Fact.subject_id).in_(both), col(Fact.object_id).in_(both))
    wanted = select(Fact).where(around, Fact.scope_key == fact.scope_key, Fact.predicate == fact.predicate, Fact.id != fact.id)
    if not rule.is_single and rule.is_link and not rule.symmetric:
        # Of those that stand beside each other only what is about the same thing counts: a hub has very many.
        wanted = wanted.where(col(Fact.object_id).in_(theirs))
    found = desk.session.exec(wanted.order_by(col(Fact.valid_from), col(Fact.id))).all()
    return [Beside(one, _same_object(fact, one, set(mine), set(theirs))) for one in found]


def _same_object(fact: Fact, other: Fact, mine: set[str], theirs: set[str]) -> bool:
    if not fact.object_id:
        return same_value(fact.object_value, other.object_value)
    straight = other.subject_id in mine and other.object_id in theirs
    return straight or (other.subject_id in theirs and other.object_id in mine)


def rivals(fact: Fact, rule: Rule, beside: Sequence[Beside]) -> list[Beside]:
    """Those believed that cannot hold at the same time."""
    return [one for one in beside if one.fact.status in judging.BELIEVED and _is_against(fact, rule, one)]


def _is_against(fact: Fact, rule: Rule, other: Beside) -> bool:
    if other.is_same_object:
        return fact.is_negated != other.fact.is_negated
    return rule.is_single and not fact.is_negated and not other.fact.is_negated


def _same(fact: Fact, beside: Sequence[Beside], against: Sequence[Beside]) -> Fact | None:
    """The fact that says the same of the same time already."""
    for one in beside:
        known = one.fact
        says_the_same = one.is_same_object and known.is_negated == fact.is_negated and known.status != judging.RETRACTED
        if not says_the_same or not spell(known).meets(spell(fact)):
            continue
        # Something else held between the two: it is an earlier spell of its own.
        if not any(fact.valid_from < other.fact.valid_from < known.valid_from for other in against):
            return known
    return None


def _waits(desk: Desk, fact: Fact, beside: Sequence[Beside], quote: str) -> tuple[str, str]:
    """The status of what nobody believes before a person has looked, and why; empty if it may be believed."""
    if fact.trust >= Trust.PERSON:
        return "", ""
    words = f"{wording_of(desk, fact)}\n{quote}"
    if desk.rule(fact.predicate).value_type == "url":
        words = without_links(words)
    if why := suspicion(words):
        return judging.QUARANTINED, f"A person looks first: {why}."
    if fact.trust <= Trust.OUTSIDE:
        return judging.CANDIDATE, "It comes from outside: a person looks first."
    for one in beside:
        if one.is_same_object and one.fact.status == judging.RETRACTED and one.fact.is_negated == fact.is_negated:
            return judging.CANDIDATE, f"It was taken back on {day(one.fact.retracted_at or one.fact.recorded_at)}."
    return "", ""


def _kept(desk: Desk, said: Said, receipt: Receipt, fact: Fact, verdict: Verdict) -> Outcome:
    keep(desk, fact.id, said, receipt)
    settle(desk, fact, verdict, "assert")
    item = ask_about(desk, fact) if verdict.status in judging.WAITING else ""
    result = "added" if verdict.status == judging.ACTIVE else verdict.status
    return Outcome(result, fact.id, verdict.why, verdict.cuts, item=item)


def settle(desk: Desk, fact: Fact, verdict: Verdict, action: str) -> None:
    """Writes a fact as it was judged, and ends those whose place it takes."""
    if verdict.status == judging.SUPERSEDED:
        fact.ended_by = verdict.against
    for id_ in verdict.cuts:
        old = desk.session.get_one(Fact, id_)
        write(
            desk, old, "supersede", f"Another one holds from {day(fact.valid_from)} on.", status=judging.SUPERSEDED,
            valid_to=fact.valid_from, ended_by=fact.id,
        )  # fmt: skip
    disputes = verdict.against if verdict.status in judging.WAITING else ""
    status = judging.CONFIRMED if verdict.status == judging.ACTIVE and fact.confirmed_by else verdict.status
    write(
        desk, fact, action, verdict.why, status=status, valid_to=verdict.valid_to, disputes_id=disputes,
        supersedes_id=verdict.cuts[-1] if verdict.cuts else fact.supersedes_id,
    )  # fmt: skip


def _reinforced(desk: Desk, said: Said, receipt: Receipt, rule: Rule, fact: Fact) -> Outcome:
    """One more source. It adds trust and confidence only where it is another voice, and no voice overrules a person's quarantine."""
    if not keep(desk, fact.id, said, receipt):
        return Outcome("reinforced", fact.id, "This very source is there already.")
    trust, confidence = weigh(desk, fact)
    confidence = max(confidence, 1.0 if fact.confirmed_by else 0.0)
    sensitivity = min(fact.sensitivity, max(said.sensitivity, receipt.sensitivity))
    changes: dict[str, Any] = {"trust": max(trust, fact.trust), "confidence": confidence, "sensitivity": sensitivity}
    rises = changes["trust"] > fact.trust
    if fact.status in (judging.CANDIDATE, judging.DISPUTED) and rises and not suspicion(receipt.cited.quote):
        fact.trust, fact.confidence, fact.sensitivity = changes["trust"], confidence, sensitivity
        beside = related(desk, fact, rule)
        if not _waits(desk, fact, beside, receipt.cited.quote)[0]:
            settle(desk, fact, judge(spell(fact), [spell(one.fact) for one in rivals(fact, rule, beside)]), "reinforce")
            if fact.status not in judging.WAITING:
                review.close(desk, review.fact_path(fact.id), status="void")
            return Outcome("reinforced", fact.id, fact.reason)
    if widened := _widened(desk, said, receipt, rule, fact):
        changes["valid_from"] = widened
    if any(getattr(fact, name) != value for name, value in changes.items()):
        write(desk, fact, "reinforce", **changes)
    return Outcome("reinforced", fact.id)


def _widened(desk: Desk, said: Said, receipt: Receipt, rule: Rule, fact: Fact) -> int | None:
    """Since when it holds, if this source knows of an earlier time and nothing speaks against it."""
    begin = said.valid_from if said.valid_from is not None else receipt.said_at
    if begin >= fact.valid_from or receipt.trust < fact.trust or fact.confirmed_by or fact.status not in judging.BELIEVED:
        return None
    gap = Spell(fact.id, begin, fact.valid_from, fact.trust)
    against = rivals(fact, rule, related(desk, fact, rule))
    return None if any(spell(one.fact).meets(gap) for one in against) else begin


def ask_about(desk: Desk, fact: Fact) -> str:
    """Asks a person about a fact that waits; the id of the item."""
    text, old = wording_of(desk, fact), desk.session.get(Fact, fact.disputes_id) if fact.disputes_id else None
    show: dict[str, Any] = {"fact": fact.id, "status": fact.status}
    if not review.is_open_to_all(scope_of(fact), fact.sensitivity):
        text, title = "", "A fact that not everybody may read waits for you"
    else:
        title = {judging.DISPUTED: "Two facts contradict each other", judging.QUARANTINED: "A suspicious fact"}.get(
            fact.status, "A new fact"
        )
        show |= {"says": text, "holds_from": day(fact.valid_from), "trust": fact.trust}
    if old is not None:
        show["other"] = old.id
        if text and review.is_open_to_all(scope_of(old), old.sensitivity):
            show |= {"other_says": wording_of(desk, old), "other_holds_from": day(old.valid_from), "other_trust": old.trust}
    message = f"{text}\n\n{fact.reason}".strip() if text else "Look at it under Memory, facts."
    choices = review.AGAINST if old is not None else review.ALONE
    return review.ask(desk, review.fact_path(fact.id), f"{title}: {text}"[:200] if text else title, message, show, choices)


def _with_twins(desk: Desk, outcome: Outcome, resolved: Sequence[Resolved]) -> Outcome:
    """Asks a person about entities that may be one."""
    found: list[str] = []
    for one in resolved:
        for other in one.may_be:
            found.append(other)
            _ask_about_twins(desk, one.id, other)
    return Outcome(outcome.result, outcome.fact_id, outcome.why, outcome.ended, tuple(found), outcome.item)


def _ask_about_twins(desk: Desk, new: str, known: str) -> None:
    both = rows(desk.session, (new, known))
    mine, theirs = both[new], both[known]
    show: dict[str, Any] = {"new": new, "known": known}
    title, message = "Two entities may be one", "Look at them under Memory, entities."
    if all(review.is_open_to_all(scope_of(one), one.sensitivity) for one in (mine, theirs)):
        show |= {"new_name": mine.name, "known_name": theirs.name, "new_kind": mine.kind, "known_kind": theirs.kind}
        title = f"Is {mine.name} the same as {theirs.name}?"[:200]
        message = "Merging can be undone."
    review.ask(desk, review.twins_path(new, known), title, message, show, review.TWINS)
