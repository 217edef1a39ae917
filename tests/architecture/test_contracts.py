"""Holds the direction of every import to the contracts in pyproject.toml, and shows that each contract can fail."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
CONTRACTS = {contract["id"]: contract for contract in CONFIG["contracts"]}

# The smallest tree that has every room a contract names by itself.
MINIMAL = ["app/__init__.py", "engine/__init__.py", "engine/run/__init__.py"]
MINIMAL += [f"engine/run/{name}.py" for name in ("decide", "halts", "paths", "state", "trial")]
MINIMAL += ["engine/nodes/__init__.py", "engine/nodes/kinds/__init__.py", "engine/nodes/kinds/llm.py"]
MINIMAL += [
    "engine/clock.py",
    "engine/ids.py",
    "engine/settings.py",
    "engine/graph/__init__.py",
    "engine/llm/__init__.py",
    "engine/llm/gateway.py",
]

BREACHES = {
    "layers": ("engine/graph/plan.py", "import engine.run.decide"),
    "kinds": ("engine/nodes/kinds/wait.py", "import engine.nodes.kinds.llm"),
    "context": ("engine/nodes/kinds/wait.py", "import engine.llm.gateway"),
    "pure": ("engine/run/decide.py", "from time import monotonic"),
    "engine": ("engine/run/executor.py", "import app"),
}


def lint_imports(folder: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    """Run in a process of its own: import-linter keeps its settings and the import path for the whole process."""
    code = "import sys; from importlinter.cli import lint_imports as run; sys.exit(run('pyproject.toml', sys.argv[1:], no_cache=True))"
    command = [sys.executable, "-c", code, *contracts]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(folder)})


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in MINIMAL:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


def test_every_import_goes_in_the_direction_that_was_decided() -> None:
    outcome = lint_imports(ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_a_tree_without_the_later_rooms_keeps_every_contract(small_tree: Path) -> None:
    outcome = lint_imports(small_tree)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_contract_fails_on_a_breach(contract: str, small_tree: Path) -> None:
    path, text = BREACHES[contract]
    (small_tree / path).write_text(text + "\n")
    outcome = lint_imports(small_tree, contract)
    assert outcome.returncode == 1
    assert f"{CONTRACTS[contract]['name']} BROKEN" in outcome.stdout, outcome.stdout + outcome.stderr


def test_every_room_stands_in_a_layer() -> None:
    layered = {name for layer in CONTRACTS["layers"]["layers"] for name in re.findall(r"[a-z_.]+", layer)}
    rooms = {path.relative_to(ROOT / "engine") for path in (ROOT / "engine").iterdir()}
    rooms |= {path.relative_to(ROOT / "engine") for path in (ROOT / "engine" / "nodes").glob("*")}
    names = {".".join(path.with_suffix("").parts) for path in rooms if path.suffix in {"", ".py"} and not path.name.startswith("__")}
    assert names - {"nodes"} <= layered, "give the new room its place under [tool.importlinter] in pyproject.toml"
