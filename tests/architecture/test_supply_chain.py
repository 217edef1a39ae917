"""Holds what gets installed: hashes for every package, no address of a registry, no code that runs unasked."""

import re
import sys
import sysconfig
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, Module, imports_of, product_modules, tracked_files

LOCKS = ["requirements.lock", "requirements-test.lock", "requirements-uv.lock"]

# Files that Python runs at every start, whoever is started. Both poisoned litellm releases of 2026 came in this way.
ALLOWED_START_FILES: frozenset[str] = frozenset()

# Written in two halves, so that this file does not hold what it looks for.
REGISTRIES = ["pypi" + ".org", "python" + "hosted.org", "registry.npm" + "js.org", "registry.yarn" + "pkg.com", "deb.debian" + ".org"]
INDEX_OPTIONS = ["--index" + "-url", "--extra" + "-index-url", "--find" + "-links"]


def start_files(folders: Iterable[Path]) -> set[str]:
    patterns = ("*.pth", "sitecustomize*", "usercustomize*")
    return {path.name for folder in folders for pattern in patterns for path in folder.glob(pattern)}


def unhashed(lock: str) -> list[str]:
    """Pinned packages of a lock file that have no sha256 under them."""
    entries = re.split(r"\n(?=[a-z0-9])", lock)
    return [entry.splitlines()[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry]


def pins(name: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9][\w.-]*==[^\s\\]+)", (ROOT / name).read_text(), flags=re.MULTILINE))


def addresses_in(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        text = path.read_bytes().decode("utf-8", "replace").lower()
        yield from (f"{path.name}: {address}" for address in [*REGISTRIES, *INDEX_OPTIONS] if address in text)


def stated_dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {re.split(r"[\[<>=~! ]", dependency)[0] for dependency in project["dependencies"]}


def unstated(modules: Iterable[Module], *, stated: set[str]) -> set[str]:
    """Installed packages that the product imports without stating them: another package's change could take them away."""
    packages = packages_distributions()
    imported = {found.module.split(".")[0] for module in modules for found in imports_of(module)}
    names = {packages[top][0].lower().replace("_", "-") for top in imported - {"engine", "app"} if top in packages}
    # pydantic-core is one half of pydantic, which pins it exactly; Starlette is the half of FastAPI that streams; the other
    # parts of Reflex are released with it, and app/ui/reflex_inside.py, which alone may look at them, is tied to one version.
    return names - stated - {"pydantic-core", "starlette", "reflex-base", "reflex-components-core"}


def test_nothing_in_the_environment_runs_at_every_start() -> None:
    assert sys.prefix != sys.base_prefix, "run the tests with ./signalbox test, which has an environment of its own"
    folders = {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")} | {ROOT}
    assert start_files(folders) == ALLOWED_START_FILES


def test_a_file_that_runs_at_every_start_is_seen(tmp_path: Path) -> None:
    for name in ("cook.pth", "sitecustomize.py", "usercustomize.py", "harmless.py"):
        (tmp_path / name).write_text("")
    assert start_files([tmp_path]) == {"cook.pth", "sitecustomize.py", "usercustomize.py"}


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_hash(name: str) -> None:
    assert pins(name)
    assert unhashed((ROOT / name).read_text()) == []


def test_a_package_without_a_hash_is_seen() -> None:
    assert unhashed("# made by us\na==1 \\\n    --hash=sha256:00\nb==2\n    # via a\n") == ["b==2"]


def test_tests_run_on_the_versions_that_production_runs_on() -> None:
    assert pins("requirements.lock") <= pins("requirements-test.lock")


def test_what_is_imported_is_stated() -> None:
    assert (
        unstated([module for module in product_modules() if not module.name.startswith("scripts")], stated=stated_dependencies()) == set()
    )


def test_an_unstated_import_is_seen() -> None:
    assert unstated([Module("engine/a.py", "import json, yaml, httpx")], stated={"httpx"}) == {"pyyaml"}


def test_no_lock_brings_torch() -> None:
    heavy = re.compile(r"^(torch|sentence-transformers|nvidia-.*)==")
    assert not [pin for name in LOCKS for pin in pins(name) if heavy.match(pin)]


def test_no_file_names_a_registry() -> None:
    assert list(addresses_in(tracked_files())) == []


def test_a_registry_in_a_file_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("see https://" + REGISTRIES[0] + "/simple")
    (tmp_path / "b.txt").write_text("pip install " + INDEX_OPTIONS[0] + " x")
    assert len(list(addresses_in(tmp_path.iterdir()))) == 2
