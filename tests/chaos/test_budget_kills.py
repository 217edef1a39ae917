"""Sixty-four runs at once race for one budget while their process is killed: what the provider bills never passes it."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.spending import BILL, billed

ROOT = Path(__file__).resolve().parents[2]


def race(folder: Path, *, calls: int, seed: int) -> dict[str, Any]:
    """The figures of one race. AssertionError where more was billed than was allowed, at any moment."""
    command = [sys.executable, "-m", "tests.chaos.spending", "--folder", str(folder), "--calls", str(calls), "--seed", str(seed)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    errors = folder / "errors"
    assert done.returncode == 0, (done.stderr[-5000:], errors.read_text()[-5000:] if errors.exists() else "")
    figures = json.loads(done.stdout)
    assert figures["finished"], (figures, errors.read_text()[-5000:] if errors.exists() else "")
    with closing(sqlite3.connect(folder / "home" / "signalbox.db")) as database:
        ((allowed,),) = database.execute("SELECT limit_micro FROM budgets WHERE scope = 'workspace'").fetchall()
        spent = dict(database.execute("SELECT scope, sum(cost_micro) FROM spending GROUP BY scope").fetchall())
        in_runs, steps = database.execute("SELECT sum(cost_micro), sum(llm_calls) FROM runs").fetchone()
    # Every bill is charged, calls that died with their process in full; nothing is charged that a limit did not allow.
    assert figures["billed_micro"] <= spent["workspace"] <= allowed
    assert spent["workspace"] == spent["workflow"] == spent["agent"] == in_runs
    assert figures["calls"] <= steps
    return figures | {"charged_micro": spent["workspace"], "allowed_micro": allowed, "reservations": steps}


@pytest.mark.timeout(300)
def test_what_is_billed_never_passes_the_budget_however_often_the_process_dies(tmp_path: Path) -> None:
    figures = race(tmp_path, calls=1_500, seed=20_260_301)
    print(json.dumps(figures))
    assert figures["kills"] >= 15 and figures["calls"] >= 1_500
    lines = (tmp_path / BILL).read_text().splitlines()
    # The race has teeth only if the budget was used up again and again.
    assert sum(line.startswith("allowed") for line in lines) > 10


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_twenty_thousand_reservations_with_kills_never_overshoot(tmp_path: Path) -> None:
    print(json.dumps(race(tmp_path, calls=20_000, seed=20_260_302)))


def test_a_bill_above_what_was_allowed_is_found(tmp_path: Path) -> None:
    bill = tmp_path / BILL
    bill.write_text("allowed 10\nbilled 6\nallowed 12\nbilled 6\n")
    assert billed(bill) == (2, 12)
    bill.write_text("allowed 10\nbilled 6\nbilled 6\nallowed 12\n")
    with pytest.raises(AssertionError, match="12 of 10 micro-USD after 2 calls"):
        billed(bill)
