"""`doctor`: looks whether this installation is sound, and says for everything that is not what to do."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from engine.cli.outcome import FAILED, OK
from engine.errors import Invalid, SignalboxError
from engine.settings import Settings, describe, unknown_names
from engine.storage.sqlite import DATABASE_NAME, HomeLock

LITTLE_BYTES = 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    is_well: bool
    subject: str
    told: str
    hint: str = ""


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
    yield _names()
    yield _packages()
    yield _home(home)
    yield from _private_files(home, settings)
    yield _disk(home)
    yield _served(home)
    yield from _database(home)
    yield _meaning_model()
    yield _language_model(settings)


def _names() -> Finding:
    unknown = unknown_names()
    if unknown:
        return Finding(False, "environment", f"{', '.join(unknown)} is not known here", "Compare the spelling with the list above.")
    return Finding(True, "environment", "every SIGNALBOX_ variable is known")


def _packages() -> Finding:
    from importlib.util import find_spec

    missing = [name for name in ("fastapi", "granian", "litellm", "onnxruntime", "tokenizers", "httpx") if find_spec(name) is None]
    if missing:
        return Finding(False, "packages", f"{', '.join(missing)} cannot be imported", "Run ./signalbox up, which installs what is missing.")
    return Finding(True, "packages", "all there")


def _home(home: Path) -> Finding:
    if not home.exists():
        return Finding(True, "home", f"{home} does not exist yet; the first start makes it")
    if stat.S_IMODE(home.stat().st_mode) & 0o077:
        return Finding(False, "home", f"{home} is open to other users of this machine", f"Run: chmod 700 {home}")
    return Finding(True, "home", f"{home} is closed to other users")


def _private_files(home: Path, settings: Settings) -> Iterator[Finding]:
    paths = [settings.key_file or home / "secret.key", home / DATABASE_NAME, home / "server.json"]
    for path in paths:
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Finding(False, path.name, "other users of this machine may read it", f"Run: chmod 600 {path}")
        elif path.exists():
            yield Finding(True, path.name, "closed to other users")


def _disk(home: Path) -> Finding:
    place = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < LITTLE_BYTES:
        return Finding(
            False, "disk", f"{free / 1024**2:.0f} MB free", "Free some space: with a full disk runs stand still, though none is lost."
        )
    return Finding(True, "disk", f"{free / 1024**3:.1f} GB free")


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


def _database(home: Path) -> Iterator[Finding]:
    path = home / DATABASE_NAME
    if not path.exists():
        yield Finding(True, "database", "none yet; the first start makes it")
        return
    from engine.storage.migrate import migrations, schema_version

    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        try:
            told = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
        except sqlite3.DatabaseError as error:
            told = [str(error)]
    if told == ["ok"]:
        yield Finding(True, "database", "its structure is whole")
    else:
        yield Finding(False, "database", "; ".join(told)[:300], "Stop Signalbox and restore the last backup.")
        return
    version, newest = schema_version(path), migrations()[-1].version
    if version > newest:
        yield Finding(False, "schema", f"version {version} is newer than this Signalbox knows", "Install the newer Signalbox again.")
    else:
        yield Finding(
            True, "schema", f"version {version} of {newest}" + (", brought up to date at the next start" if version < newest else "")
        )


def _meaning_model() -> Finding:
    import asyncio

    from engine.memory.embed import Embedder

    embedder = Embedder()
    try:
        vectors = asyncio.run(embedder.embed(["Signalbox"]))
    except (SignalboxError, OSError, ImportError, RuntimeError) as error:
        return Finding(False, "embedding model", str(error), "Install Signalbox again: a file of the model is missing or damaged.")
    finally:
        embedder.close()
    return Finding(True, "embedding model", f"works ({vectors.shape[1]} dimensions)")


def _language_model(settings: Settings) -> Finding:
    from engine.clock import SystemClock
    from engine.llm.gateway import Gateway, GatewaySettings

    try:
        model = Gateway(GatewaySettings.of(settings), clock=SystemClock()).resolve("default")
    except SignalboxError as error:
        return Finding(False, "default model", error.message, error.next_step)
    if model.is_practice:
        return Finding(True, "default model", "the practice model answers; set SIGNALBOX_MODEL for a real one")
    if not model.ready:
        return Finding(False, "default model", f"{model.name} cannot be called now", "Set the provider's key, or SIGNALBOX_MODEL_BASE_URL.")
    return Finding(True, "default model", f"{model.name} can be called")


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
