"""`doctor`: looks whether this installation is sound, and says for everything that is not what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.outcome import FAILED, OK
from engine.errors import ConfigInvalid, Invalid, SignalboxError
from engine.insight.installation import Finding, database, place
from engine.insight.space import space
from engine.operator_file import Database, read_operator_file
from engine.settings import Settings, describe
from engine.storage.sqlite import DATABASE_NAME, HomeLock

if TYPE_CHECKING:
    from engine.llm.gateway import Gateway
    from engine.tools.toolbox import Known


LONGEST_QUESTION = 5.0
"""Seconds that `doctor` waits for the answer of a database of the operator's file."""


def examine(part: str | None) -> int:
    """Looks at everything, or at one part; 0 when all is well."""
    settings = Settings.load()
    match part:
        case None:
            _print_settings(settings)
            found = _installation(settings)
        case "audit":
            found = _audit(settings)
        case "journal":
            from engine.cli.journals import examine_journals

            found = examine_journals(settings)
        case _:
            raise Invalid(f"There is no part {part[:40]!r}.", hint="Call doctor, doctor audit or doctor journal.")
    return FAILED if sum(not report(finding) for finding in found) else OK


def report(finding: Finding) -> bool:
    """Prints a finding, at once: some of them take a while. Whether all is well with it."""
    print(f"{'✓ ok     ' if finding.is_well else '✗ trouble'}  {finding.subject}: {finding.told}", flush=True)
    if finding.hint and not finding.is_well:
        print(f"             next step: {finding.hint}", flush=True)
    return finding.is_well


def _print_settings(settings: Settings) -> None:
    from engine.llm.catalog import provider_keys

    for line in describe(settings):
        print(f"  {line.name:<28} {line.current}{'' if line.from_environment else '  (default)'}")
    for name, is_set in provider_keys():
        print(f"  {name:<28} {'set' if is_set else 'not set'}")
    print()


def _installation(settings: Settings) -> Iterator[Finding]:
    home = settings.home.resolve()
    yield from place(settings)
    yield from _operator(settings)
    yield _served(home)
    yield from database(home)
    yield from space(home)
    yield from _models(settings)


def _operator(settings: Settings) -> Iterator[Finding]:
    """What only the operator sets up, by name; never a password."""
    if settings.operator_file is None:
        yield Finding(True, "operator's file", "none is named; no mail server, databases or programs are set up")
        return
    try:
        read = read_operator_file(settings.operator_file)
    except ConfigInvalid as error:
        yield Finding(False, "operator's file", error.message, error.next_step)
        return
    parts = {"mail": [read.mail.host] if read.mail else [], "databases": sorted(read.databases), "programs": sorted(read.programs)}
    told = "; ".join(f"{name}: {', '.join(found) or 'none'}" for name, found in parts.items())
    yield Finding(True, "operator's file", f"{settings.operator_file} was read; {told}")
    yield from (_database(name, one, settings) for name, one in sorted(read.databases.items()))


def _database(name: str, told: Database, settings: Settings) -> Finding:
    """Whether a database answers, and whether its role is one that is asked with."""
    from engine.tools.builtin.sql import known

    short = told.model_copy(update={"seconds": min(told.seconds, LONGEST_QUESTION)})
    (tool,) = known({name: short}, settings.home.resolve() / DATABASE_NAME)
    if tool.why_not:
        return Finding(False, f"database {name}", tool.why_not)
    try:
        asyncio.run(_asked(tool))
    except SignalboxError as error:
        return Finding(False, f"database {name}", error.message, error.next_step)
    return Finding(True, f"database {name}", "answers; it can only be read")


async def _asked(tool: Known) -> None:
    await tool.act({"sql": "SELECT 1"}, "doctor")


def _served(home: Path) -> Finding:
    from engine.cli.client import Client
    from engine.cli.desk import served_at

    if (holder := HomeLock(home).holder()) is None:
        return Finding(True, "server", "none runs")
    if (served := served_at(home)) is None:
        return Finding(True, "server", f"process {holder} works on this home, but serves nobody")
    try:
        with Client(url=served["url"], token=served["token"]) as client:
            client.call("GET", "/me")
    except SignalboxError as error:
        return Finding(False, "server", f"{served['url']} does not answer: {error.message}", error.next_step)
    return Finding(True, "server", f"process {holder} serves on {served['url']}")


def _models(settings: Settings) -> Iterator[Finding]:
    import asyncio

    from engine.insight.installation import language_model, meaning_model
    from engine.memory.embed import Embedder

    embedder = Embedder()
    try:
        yield asyncio.run(meaning_model(embedder))
    finally:
        embedder.close()
    yield language_model(_gateway(settings))


def _gateway(settings: Settings) -> Gateway:
    """The gateway as the server would have it, with what people chose and stored in the web UI."""
    from engine.clock import SystemClock
    from engine.facade.keys import KeyRing
    from engine.facade.model_settings import gateway_settings, stored_choices
    from engine.ids import SystemIds
    from engine.llm.gateway import Gateway, GatewaySettings
    from engine.people.records import Records
    from engine.security.audit import AuditLog
    from engine.security.secrets import open_key
    from engine.storage.migrate import migrations, schema_version
    from engine.storage.sqlite import open_engine

    clock, home = SystemClock(), settings.home.resolve()
    path = home / DATABASE_NAME
    # Before the first start, or before an update of the schema, nobody can have chosen anything.
    if not path.exists() or schema_version(path) != migrations()[-1].version:
        return Gateway(GatewaySettings.of(settings), clock=clock)
    key, db = open_key(home, key_file=settings.key_file), open_engine(path)
    try:
        records = Records(db=db, clock=clock, ids=SystemIds(), audit=AuditLog(key.derive("audit")))
        ring = KeyRing(records, key)
        ring.load()
        chosen = stored_choices(records)
    finally:
        db.dispose()
    return Gateway(gateway_settings(settings, chosen, ring), clock=clock)


def _audit(settings: Settings) -> Iterator[Finding]:
    from engine.security.audit import AuditLog
    from engine.security.secrets import open_key
    from engine.storage.sqlite import open_engine, reading

    home = settings.home.resolve()
    if not (home / DATABASE_NAME).exists():
        yield Finding(True, "audit chain", "there is no database yet")
        return
    log = AuditLog(open_key(home, key_file=settings.key_file).derive("audit"))
    database = open_engine(home / DATABASE_NAME)
    try:
        with reading(database) as session:
            found = log.verify(session)
    finally:
        database.dispose()
    if found.intact:
        yield Finding(True, "audit chain", f"{found.checked} rows are proven; head {found.head.seq} {found.head.hash}")
        return
    hint = "Somebody has changed the database, or the key file belongs to another one. Compare with a backup."
    yield Finding(
        False, "audit chain", f"broken at row {found.broken_seq}: {found.reason}; {found.checked} rows before it are proven", hint
    )
