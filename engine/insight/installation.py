"""Is this installation sound: what was looked at, what was found, and what to do where something is wrong."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import tomllib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import SignalboxError
from engine.settings import Settings, unknown_names
from engine.storage.migrate import migrations, schema_version
from engine.storage.sqlite import DATABASE_NAME

if TYPE_CHECKING:
    from engine.llm.gateway import Gateway
    from engine.memory.embed import Embedder

LITTLE_BYTES = 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    is_well: bool
    subject: str
    told: str
    hint: str = ""


def signalbox_version() -> str:
    """The version that is installed, or that the checkout says it is."""
    try:
        return version("signalbox")
    except PackageNotFoundError:
        stated = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
        return f"{stated['project']['version']} (a checkout)"


def place(settings: Settings) -> Iterator[Finding]:
    """What the installation stands on: variables, packages, files, disk. Blocks."""
    home = settings.home.resolve()
    yield _names()
    yield _packages()
    yield _home(home)
    yield from _private_files(home, settings)
    yield _disk(home)


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


def database(home: Path) -> Iterator[Finding]:
    """The database file and its schema. Blocks, for long if the database is large."""
    path = home / DATABASE_NAME
    if not path.exists():
        yield Finding(True, "database", "none yet; the first start makes it")
        return
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


async def meaning_model(embedder: Embedder) -> Finding:
    """Whether texts can be compared by their meaning."""
    try:
        vectors = await embedder.embed(["Signalbox"])
    except (SignalboxError, OSError, ImportError, RuntimeError) as error:
        return Finding(False, "embedding model", str(error), "Install Signalbox again: a file of the model is missing or damaged.")
    return Finding(True, "embedding model", f"works ({vectors.shape[1]} dimensions)")


def language_model(gateway: Gateway) -> Finding:
    """Whether the default model could be called; asks nobody, and looks 0.3 s for local models at most."""
    try:
        model = gateway.resolve("default")
    except SignalboxError as error:
        return Finding(False, "default model", error.message, error.next_step)
    if model.is_practice:
        return Finding(True, "default model", "the practice model answers; choose a real one under Settings, or set SIGNALBOX_MODEL")
    if not model.ready:
        hint = "Store the provider's key under Settings, or set it in the environment."
        return Finding(False, "default model", f"{model.name} cannot be called now", hint)
    return Finding(True, "default model", f"{model.name} can be called")
