"""Holds the tree to ruff's lint and format and to basedpyright's types, and shows that each can fail."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT


def run_tool(*command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, input=text or "", capture_output=True, text=True, check=False)


def lint_text(text: str) -> str:
    return run_tool("ruff", "check", "--output-format", "concise", "--stdin-filename", "engine/run/sample.py", "-", text=text).stdout


def test_ruff_finds_nothing() -> None:
    outcome = run_tool("ruff", "check", "--output-format", "concise", ".")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_every_file_is_formatted() -> None:
    outcome = run_tool("ruff", "format", "--check", ".")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_the_types_fit() -> None:
    outcome = run_tool("basedpyright")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("S608", 'query = f"SELECT * FROM runs WHERE id = {name}"\n'),
        ("S608", 'query = "SELECT * FROM runs WHERE id = %s" % name\n'),
        ("TID251", "import pickle\n"),
        ("TID251", "import asyncio\n\nasyncio.create_task(work())\n"),
        ("TID251", "import time\n\nstarted = time.time()\n"),
        ("S307", 'eval("1")\n'),
        ("F401", "import json\n"),
    ],
)
def test_ruff_fails_on_a_bad_sample(code: str, text: str) -> None:
    assert code in lint_text(text)


def test_the_format_check_fails_on_a_bad_sample() -> None:
    assert run_tool("ruff", "format", "--check", "--stdin-filename", "engine/sample.py", "-", text="x = 'a'\n").returncode == 1


def test_the_type_check_fails_on_a_bad_sample(tmp_path: Path) -> None:
    bad = tmp_path / "sample.py"
    bad.write_text("def double(number: int) -> int:\n    return number * 2\n\n\ndouble('2')\n")
    outcome = run_tool("basedpyright", str(bad))
    assert outcome.returncode == 1
    assert "reportArgumentType" in outcome.stdout
