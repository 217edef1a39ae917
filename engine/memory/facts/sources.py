"""Whether a source really says it: its words are looked up, and the quote must stand in them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import select

from engine.memory.facts.desk import Cited, Desk, Said, SourceWords
from engine.memory.facts.wording import quote_sha, stands_in
from engine.memory.scope import OriginKind, Scope, Trust, Visibility
from engine.memory.texts import CONVERSATION, DOCUMENTS, EPISODES
from engine.storage.tables import FactSource, MemoryText

STORE_OF = {"message": CONVERSATION, "document": DOCUMENTS, "episode": EPISODES}
KINDS = ("run", *STORE_OF, "person", "import")
MOST_QUOTE = 2_000
_WIDTH = {Visibility.PRIVATE: 0, Visibility.WORKFLOW: 1, Visibility.WORKSPACE: 2, Visibility.ORGANISATION: 3}


@dataclass(frozen=True, slots=True)
class Receipt:
    """A source that says it, as it will be kept."""

    cited: Cited
    scope: Scope
    sensitivity: int
    trust: int
    origin: str
    said_at: int
    place: int | None
    """Where the quote begins in the words; None where it does only after both are made comparable."""


def checked(desk: Desk, said: Said) -> Receipt | str:
    """The receipt of a fact, or why there is none."""
    cited = said.source
    if cited.kind not in KINDS:
        return f"A source is one of {', '.join(KINDS)}."
    if len(cited.quote) > MOST_QUOTE:
        return f"A quote has at most {MOST_QUOTE:,} characters."
    if cited.kind in ("person", "import"):
        return _told(desk, said)
    found = _words(desk, cited)
    if found is None:
        return "The source is not there, or may not be read."
    if not cited.quote.strip():
        return "It needs a quote: the words of the source that say so."
    if not stands_in(cited.quote, found.words):
        return "The quote does not stand in the source."
    if said.origin.kind is not OriginKind.PERSON and (why := _narrower(found.scope, said.scope)):
        return why
    place = found.words.find(cited.quote)
    # Somebody with an account vouches for what he cites; a model's word is worth no more than what it has read.
    trust = int(Trust.PERSON) if said.origin.kind is OriginKind.PERSON else min(int(said.origin.trust), found.trust)
    return Receipt(
        cited, found.scope, found.sensitivity, trust, _origin(said, found),
        cited.said_at or found.at_us or desk.now_us, place if place >= 0 else None,
    )  # fmt: skip


def _told(desk: Desk, said: Said) -> Receipt | str:
    """A person's own statement, or a line that was brought in: there is nothing to look it up in."""
    allowed = OriginKind.PERSON if said.source.kind == "person" else OriginKind.IMPORT
    if said.origin.kind not in (allowed, OriginKind.PERSON):
        return "Only a person can be his own source."
    at = said.source.said_at or desk.now_us
    return Receipt(said.source, said.scope, said.sensitivity, int(said.origin.trust), said.origin.label, at, None)


def _words(desk: Desk, cited: Cited) -> SourceWords | None:
    if cited.kind == "run":
        found = desk.run_words(cited.run_id, cited.path)
    else:
        wanted = select(MemoryText).where(MemoryText.store == STORE_OF[cited.kind], MemoryText.row_id == cited.row_id)
        row = desk.session.exec(wanted).first()
        if row is None or row.workspace_id != desk.workspace_id:
            return None
        scope = Scope(row.workspace_id, Visibility(row.visibility), row.owner)
        found = SourceWords(row.text, scope, row.sensitivity, row.trust, row.part_of, row.at)
    return found if found is not None and desk.reader.may_read(found.scope, found.sensitivity) else None


def _narrower(source: Scope, fact: Scope) -> str:
    """Why a fact may not be seen by more than its source is; empty if it is not."""
    if source.key == fact.key or _WIDTH[source.visibility] > max(_WIDTH[fact.visibility], 1):
        return ""
    return "Its source is seen by fewer than the fact would be: a person has to widen it."


def _origin(said: Said, found: SourceWords) -> str:
    """Who says so. All that one customer writes, and all passages of one document, are one voice."""
    if said.origin.kind is OriginKind.PERSON:
        return said.origin.label
    match said.source.kind:
        case "message":
            return found.scope.owner or f"message:{found.part_of}"
        case "document":
            return f"document:{found.part_of}"
        case _:
            return said.origin.label


def keep(desk: Desk, fact_id: str, said: Said, receipt: Receipt) -> bool:
    """Adds the source to a fact; False where the very same one stands there already."""
    sha = quote_sha(receipt.cited.quote)
    there = select(FactSource).where(FactSource.fact_id == fact_id, FactSource.origin == receipt.origin, FactSource.quote_sha == sha)
    cited = receipt.cited
    for row in desk.session.exec(there).all():
        if (row.kind, row.run_id, row.path, row.row_id) == (cited.kind, cited.run_id, cited.path, cited.row_id):
            return False
    end = None if receipt.place is None else receipt.place + len(cited.quote)
    desk.session.add(
        FactSource(
            id=desk.ids.new("source"), workspace_id=desk.workspace_id, fact_id=fact_id, visibility=receipt.scope.visibility.value,
            owner=receipt.scope.owner, scope_key=receipt.scope.key, sensitivity=receipt.sensitivity, trust=receipt.trust, kind=cited.kind,
            run_id=cited.run_id, path=cited.path, row_id=cited.row_id, quote=cited.quote, quote_sha=sha, char_start=receipt.place,
            char_end=end, origin=receipt.origin, confidence=said.confidence, extractor=cited.extractor, model=cited.model,
            said_at=receipt.said_at, created_at=desk.now_us, created_by=desk.by,
        )
    )  # fmt: skip
    desk.session.flush()
    return True
