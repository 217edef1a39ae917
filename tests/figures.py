"""Keeps what a test has counted, where `SIGNALBOX_FIGURES` names a directory: docs/reliability.md is made of it and of nothing else."""

import json
import os
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VARIABLE = "SIGNALBOX_FIGURES"
NAME = "figures.jsonl"


def figures(job: str, **counted: Any) -> None:
    """One line of JSON for one job: what it has done, and when. Written before the job is judged, so that failures stand there too."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rsplit(" ", 1)[0]
    told = {"job": job, "test": test, "at": datetime.now(UTC).isoformat(timespec="seconds"), "commit": commit(), **counted}
    with (Path(folder) / NAME).open("a") as kept:
        kept.write(json.dumps(told) + "\n")


@cache
def commit() -> str:
    """The commit that is tested, and whether files differ from it; empty outside a checkout."""
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    # The page itself is written by the run that it tells of.
    changed = ["git", "status", "--porcelain", "--untracked-files=no", "--", "engine", "app", "tests"]
    is_changed = subprocess.run(changed, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return f"{head} with changes" if head and is_changed else head
