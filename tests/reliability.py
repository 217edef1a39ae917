"""Makes docs/reliability.md of the figures of a run, and of nothing else.

    SIGNALBOX_FIGURES=figures ./signalbox test --long tests/faults tests/simulation tests/chaos tests/mutation
    .venv/bin/python -m tests.reliability figures

The figures themselves stay in docs/reliability.jsonl, so that a test can make the page again and compare.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.figures import NAME, ROOT

PAGE, KEPT = ROOT / "docs" / "reliability.md", ROOT / "docs" / "reliability.jsonl"
FAILURES = "failures"
ABOUT = ("job", "test", "at", "commit")
LISTED = ("seed", "first_seed")
"""Numbers that name something and count nothing."""
GREATEST = ("borders", "median seconds to the next step", "most seconds to the next step")


@dataclass(frozen=True)
class Job:
    """One way of trying to break the engine."""

    title: str
    does: str
    first: tuple[str, ...]
    """The figures that say how much was tried and what was lost; the others follow."""


JOBS = {
    "fault points": Job(
        "A fault at every border of a commit",
        "Every commit has named borders (`engine/faultpoints.py`). At each of them the process is killed, the disk refuses, the answer of"
        " a commit is lost, nobody can look up whether it is there, or everything takes longer; then the engine starts again. The"
        " reference has parallel branches, a loop, a box with approvals, a child, waits, a timer, a retry, an unsafe payment, a model call"
        " under a budget and a run that gives up its child. In the end every run has its output, the payment was made exactly once, the"
        " books agree.",
        ("borders", "cases", "failures", "lost runs", "lost steps", "unsafe effects doubled without a person"),
    ),
    "simulation": Job(
        "Simulated histories",
        "Random workflows on simulated processes with a made-up clock: processes die at any border, are believed dead and come back, two"
        " own a run at once, clocks jump, disks fill up, providers fail, and answers, timers and the ends of children arrive twice. A seed"
        " plays the same history again, to the last byte. After every commit the journal tells the same state as memory; at every prefix"
        " of every journal a run is within its limits of money, tokens, calls and steps. Seconds are not checked here.",
        ("histories", "failures", "runs", "acknowledged rows", "lost rows", "acknowledged starts", "lost runs"),
    ),
    "model": Job(
        "The engine beside a small model of the rules",
        "Hypothesis draws workflows and acts (calls end or fail, people answer, pause, resume and cancel, time passes, the process dies); a"
        " model of 200 lines that shares nothing with the engine says what must come of each.",
        ("runs", "acts", "failures"),
    ),
    "engine kills": Job(
        "Engines killed at random",
        "An engine of its own process is killed with SIGKILL while it opens, takes over and works; the next one goes on.",
        ("kills", "failures", "runs", "acknowledged row", "lost steps", "lost runs", "unsafe effects doubled without a person"),
    ),
    "server kills": Job(
        "Whole servers killed at random",
        "The served product is killed with SIGKILL under a client that repeats what was not answered.",
        ("kills", "failures", "runs", "lost steps", "lost runs", "unsafe effects doubled without a person"),
    ),
    "mutants": Job(
        "Engines with one guarantee taken out",
        "The suite must notice: each change is caught by the test that is named after what it breaks.",
        ("mutants", "caught", "failures"),
    ),
}


def page(lines: Iterable[str]) -> str:
    """The page of these figures. ValueError for a job that nobody described."""
    told = [json.loads(line) for line in lines if line.strip()]
    if unknown := {one["job"] for one in told} - set(JOBS):
        raise ValueError(f"Nobody says what these jobs do: {sorted(unknown)}")
    text = [
        "# Reliability: what was tried, and what came of it",
        "",
        "Made by `python -m tests.reliability` of the figures that a run has left in `docs/reliability.jsonl`; a job that did not run is"
        " not here, and neither is a number that none has counted. The tests that count stand in `tests/faults`, `tests/simulation`,"
        " `tests/chaos` and `tests/mutation`.",
        "",
    ]
    for name, job in JOBS.items():
        if mine := [one for one in told if one["job"] == name]:
            text += _section(job, mine)
    return "\n".join(text).rstrip() + "\n"


def _section(job: Job, told: list[dict[str, Any]]) -> list[str]:
    counted = summed(told)
    days = sorted({one["at"][:10] for one in told})
    commits = sorted({one["commit"] for one in told if one["commit"]})
    ran = f"Ran on {' and '.join(dict.fromkeys((days[0], days[-1])))}" + (f", at commit {', '.join(commits)}" if commits else "")
    named = [f"{name.replace('_', ' ')} {', '.join(map(str, counted.pop(name)))}" for name in LISTED if name in counted]
    order = [*(name for name in job.first if name in counted), *sorted(name for name in counted if name not in job.first)]
    rows = [f"| {name.replace('_', ' ')} | {_written(counted[name])} |" for name in order]
    return [f"## {job.title}", "", job.does, "", f"{'; '.join([ran, *named])}.", "", "| figure | |", "|---|---|", *rows, ""]


def _written(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def summed(told: list[dict[str, Any]]) -> dict[str, Any]:
    """All figures of one job together."""
    whole: dict[str, Any] = {}
    for one in told:
        for name, value in one.items():
            if name in ABOUT or isinstance(value, bool | str):
                continue
            if name in LISTED:
                whole[name] = sorted({*whole.get(name, ()), value})
            elif name in GREATEST:
                whole[name] = max(value, whole.get(name, value))
            else:
                whole[name] = whole.get(name, 0) + value
    return whole


def main(folder: str) -> None:
    text = (Path(folder) / NAME).read_text()
    KEPT.write_text(text)
    PAGE.write_text(page(text.splitlines()))


if __name__ == "__main__":
    main(sys.argv[1])
