"""Keeps what a test has counted, where `SIGNALBOX_FIGURES` names a directory: docs/reliability.md is made of it and of nothing else."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VARIABLE = "SIGNALBOX_FIGURES"


def figures(job: str, **counted: Any) -> None:
    """One line of JSON for one job: what it has done, and when. Written before the job is judged, so that failures stand there too."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    test = os.environ.get("PYTEST_CURRENT_TEST", "").split(" ")[0]
    told = {"job": job, "test": test, "at": datetime.now(UTC).isoformat(timespec="seconds"), **counted}
    with (Path(folder) / "figures.jsonl").open("a") as kept:
        kept.write(json.dumps(told) + "\n")
