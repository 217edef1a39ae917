"""An engine that is killed at random moments loses nothing that it acknowledged, doubles nothing, and every run ends."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.run import events
from tests.chaos.history import History
from tests.chaos.life import ACKS
from tests.chaos.workload import LEDGER, expected, registry
from tests.figures import figures as keep

ROOT = Path(__file__).resolve().parents[2]


def kill(folder: Path, *, kills: int, seed: int) -> dict[str, Any]:
    """The figures of one kill loop in `folder`."""
    command = [sys.executable, "-m", "tests.chaos.killing", "--folder", str(folder), "--kills", str(kills), "--seed", str(seed)]
    # One thread: numpy would else start others at its import, and a fork cannot take them along.
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    errors = folder / "errors"
    figures = json.loads(done.stdout) | {"stderr": done.stderr[-5000:], "errors": errors.read_text()[-5000:] if errors.exists() else ""}
    assert not figures["errors"] and not figures["died_by_themselves"], figures
    assert figures["finished"], figures
    return figures


def checked(folder: Path, figures: dict[str, Any]) -> dict[str, Any]:
    """The figures and what the home tells. Fails with every breach."""
    history = History(folder / "home", registry())
    history.acknowledged(folder / ACKS)
    history.effects(folder / LEDGER)
    history.all_over()
    outcomes(history)
    told = figures | dict(sorted(history.found.counted.items()))
    keep("engine kills", failures=len(history.found.breaches), **{name: value for name, value in told.items() if value != ""})
    assert not history.found.breaches, "\n".join([f"seed {figures['seed']}", *history.found.breaches[:50], json.dumps(told)])
    return told


def outcomes(history: History) -> None:
    """However often its process died, a run comes to what it would have come to undisturbed."""
    for told in history.runs.values():
        name, n = told.row["workflow_name"], told.state.inputs["n"]
        match told.row["status"]:
            case "succeeded":
                output = told.of(events.RunEnded)[-1][1].output
                history.found.expect(output == expected(name, n), f"{told.name}: {output} instead of {expected(name, n)}")
            case "failed":
                code = (told.state.failure or {}).get("code")
                is_right = (name == "unsafe" and code == "in_doubt") or (name == "called" and code == "child_failed")
                history.found.expect(is_right, f"{told.name}: failed: {told.row['reason']}")
            case "cancelled":
                is_right = "chaos" in told.row["reason"] or "does not wait for it" in told.row["reason"]
                history.found.expect(is_right, f"{told.name}: cancelled: {told.row['reason']}")


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", [20_260_101])
def test_three_hundred_kills_lose_nothing_and_double_nothing(tmp_path: Path, seed: int) -> None:
    told = checked(tmp_path, kill(tmp_path, kills=300, seed=seed))
    print(json.dumps(told))
    # The loop has teeth only if it met what it is about.
    assert told["taken over"] > 100 and told["attempts lost and repeated"] > 20 and told["in doubt"] > 0, told
    assert told["items done"] > 100 and told["items failed"] > 0, told
    assert told["acknowledged start"] > 60 and told["acknowledged row"] > 200 and told["acknowledged decided"] > 0, told


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", [20_260_102, 20_260_103, 20_260_104, 20_260_105, 20_260_106])
def test_ten_thousand_kills_lose_nothing_and_double_nothing(tmp_path: Path, seed: int) -> None:
    """Five homes of 2,000 kills each: the figures are printed, and add up to 10,000."""
    print(json.dumps(checked(tmp_path, kill(tmp_path, kills=2000, seed=seed))))
