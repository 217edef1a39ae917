"""The verbs themselves: help comes at once, and errors are lines with a next step."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.cli.main import main
from tests.architecture.source import ROOT

HEAVY = ("litellm", "mcp", "onnxruntime", "tokenizers", "sqlalchemy", "fastapi", "granian", "httpx", "numpy", "cryptography")
VERBS = ("up", "run", "validate", "export", "doctor", "bench", "user", "token")


class Outcome(NamedTuple):
    """How one call of the command line ended."""

    status: object
    error: str


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Calls the command line in this process, with a home that does not exist yet."""
    monkeypatch.setenv("SIGNALBOX_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["signalbox", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Outcome(ended.value.code, capsys.readouterr().err)

    return call


def test_help_lists_every_verb_and_loads_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom engine.cli.main import main\nsys.argv = ['signalbox', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    outcome = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, env=env, check=False)
    assert outcome.stdout.splitlines()[-1] == "loaded: []", outcome.stdout + outcome.stderr
    for verb in VERBS:
        assert f"\n  {verb} " in outcome.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "x", "--input"],
        ["run", "x", "--concurrency", "0"],
        ["fly"],
        ["up", "--port", "0"],
        ["up", "--port", "http"],
        ["token", "create"],
        ["user", "add"],
        ["validate"],
    ],
)
def test_wrong_usage_ends_with_2_and_no_traceback(tmp_path: Path, call: Callable[..., Outcome], arguments: list[str]) -> None:
    outcome = call(*arguments)
    assert outcome.status == 2, outcome.error
    assert "Traceback" not in outcome.error
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "nothing.json"],
        ["run", "x", "--input", "novalue"],
        ["run", "x", "--inputs", "nothing.jsonl"],
        ["run", "x", "--input", "a=1", "--inputs", "y"],
        ["validate", "nothing.json"],
        ["doctor", "everything"],
    ],
)
def test_bad_input_is_a_line_and_a_next_step(tmp_path: Path, call: Callable[..., Outcome], arguments: list[str]) -> None:
    outcome = call(*arguments)
    assert outcome.status == 2, outcome.error
    first, second, *rest = outcome.error.splitlines()
    assert first.startswith("signalbox: ") and second.startswith("next step: ") and not rest
    assert not (tmp_path / "home").exists()


def test_a_wrong_setting_is_named(call: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALBOX_PORT", "http")
    outcome = call("user", "list")
    assert outcome.status == 2
    assert "SIGNALBOX_PORT" in outcome.error and "next step: " in outcome.error


def test_a_defect_becomes_one_line(call: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> int:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("engine.cli.people.list_users", broken)
    outcome = call("user", "list")
    assert outcome.status == 1
    assert outcome.error.startswith("signalbox: ZeroDivisionError: by nothing (test_main.py:")
    assert len(outcome.error.splitlines()) == 2
