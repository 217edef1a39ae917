"""Whatever happens at the border of a commit, nothing acknowledged is lost, nothing is done twice and every run comes to its end."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.faultpoints import POINTS
from tests.faults.arming import ACTIONS, AFTER_A_COMMIT, COMMITTED, NOTHING_TO_REFUSE, OF_THE_JOURNAL, Fault, has_a_commit_behind
from tests.figures import figures

ROOT = Path(__file__).resolve().parents[2]
AT_WORK = Fault("call.answered", "killed", 3)
"""Where a process dies so that the next one has something to take over."""
SEED = 20_260_401
AT_ONCE = 2
TRIES = 3
MEMORY = Path("/dev/shm")

Faults = list[tuple[str, str, int]]


def program(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "tests.faults.enumerating", "--folder", str(folder), *arguments]
    # One thread: numpy would else start others at its import, and a fork cannot take them along.
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """In memory where there is any: a killed process leaves the same behind, and other tests do not wait for our disk."""
    if not MEMORY.is_dir():
        yield tmp_path_factory.mktemp("faults")
        return
    with tempfile.TemporaryDirectory(prefix="signalbox-", dir=MEMORY) as made:
        yield Path(made)


@pytest.fixture
def folder(shelf: Path) -> Path:
    """Nothing of the test before is in it."""
    for left in shelf.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    return shelf


@pytest.fixture(scope="module")
def survey(shelf: Path) -> dict[str, Any]:
    """The borders that the reference comes past: in a first life, and in one that takes over."""
    told = json.loads(program(shelf))
    assert not told["first"]["breaches"], told["first"]["breaches"]
    return {"first": told["first"]["order"], "second": told["second"], "unsure": told["unsure"]}


def possible(order: list[str]) -> Iterable[tuple[str, str]]:
    """Every border of a life with everything that can happen there."""
    behind = has_a_commit_behind(order)
    for point in POINTS:
        for action in ACTIONS:
            waits = action in AFTER_A_COMMIT
            is_none = (
                point not in order
                or (action in OF_THE_JOURNAL and point != "journal.committed")
                or (action == "refused" and (point in NOTHING_TO_REFUSE or point in COMMITTED))
                or (action == "killed after the commit" and point in COMMITTED)
                or (waits and point not in COMMITTED and point not in behind)
            )
            if not is_none:
                yield point, action


def all_cases(survey: dict[str, Any], *, hits_of: Any) -> list[Faults]:
    """In the first life where it comes past the border, else in the life that takes over."""
    first, second = survey["first"], survey["second"]
    cases: list[Faults] = [[(p, a, hit)] for p, a in possible(first) for hit in hits_of(first.count(p))]
    dead = (AT_WORK.point, AT_WORK.action, AT_WORK.hit)
    return cases + [[dead, (p, a, hit)] for p, a in possible(second) if p not in first for hit in hits_of(second.count(p))]


def during_recovery(survey: dict[str, Any], *, every: int) -> list[Faults]:
    """Killed at a border, and killed again at one while the next process takes over."""
    first, second = sorted(set(survey["first"])), sorted(set(survey["second"]))
    pairs = [[(p, "killed", 1 if first_hits(survey, p) < 3 else 3), (q, "killed", 1)] for p in first for q in second]
    return pairs[::every]


def first_hits(survey: dict[str, Any], point: str) -> int:
    return int(survey["first"].count(point))


def carried_out(folder: Path, cases: list[Faults]) -> list[dict[str, Any]]:
    """What came of each. Fails with every breach."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        parts = list(pool.map(lambda at: _part(folder / f"part{at}", cases[at::AT_ONCE]), range(AT_ONCE)))
    # In the order of the cases.
    told = [parts[at % AT_ONCE][at // AT_ONCE] for at in range(len(cases))]
    breaches = [f"{one['case']}: {breach}" for one in told for breach in one["breaches"]]
    assert len(told) == len(cases)
    figures(
        "fault points",
        cases=len(told),
        failures=len({one["case"] for one in told if one["breaches"]}),
        borders=len(POINTS),
        **counted(told),
    )
    assert not breaches, "\n".join(breaches[:40])
    return told


def _part(folder: Path, cases: list[Faults]) -> list[dict[str, Any]]:
    folder.mkdir(exist_ok=True)
    (folder / "cases").write_text(json.dumps(cases))
    told = [json.loads(line) for line in program(folder, "--cases", str(folder / "cases")).splitlines()]
    assert len(told) == len(cases)
    return told


def counted(told: list[dict[str, Any]]) -> dict[str, int]:
    whole = Counter[str]()
    for one in told:
        whole[f"{one['case'].rsplit(': ', 1)[1]}" if len(one["happened"]) == 1 else "while a process takes over"] += all(one["happened"])
        whole["not met"] += not all(one["happened"])
        whole["went on only after another start"] += one["needed_a_restart"]
        for name in ("runs", "rows", "steps", "lost runs", "lost steps", "unsafe effects doubled without a person"):
            whole[name] += one["counted"].get(name, 0)
    return dict(whole)


def test_the_reference_comes_past_every_border(survey: dict[str, Any]) -> None:
    assert sorted({*survey["first"], *survey["second"], *survey["unsure"]}) == sorted(POINTS)


@pytest.mark.timeout(1200)
def test_whatever_happens_at_any_border_loses_and_doubles_nothing(folder: Path, survey: dict[str, Any]) -> None:
    chance = random.Random(SEED)
    cases = all_cases(survey, hits_of=lambda count: [chance.randint(1, count)])
    told = carried_out(folder, cases)
    missed = [case for case, one in zip(cases, told, strict=True) if not all(one["happened"])]
    # How often a border is reached depends on how commits share a group and on what the thread of the snapshots comes to.
    for _ in range(TRIES):
        again = carried_out(folder, [[*case[:-1], (*case[-1][:2], 1)] for case in missed]) if missed else []
        missed = [case for case, one in zip(missed, again, strict=True) if not all(one["happened"])]
    assert missed == []


@pytest.mark.timeout(600)
def test_a_process_that_dies_while_it_takes_over_leaves_the_next_one_everything(folder: Path, survey: dict[str, Any]) -> None:
    told = carried_out(folder, during_recovery(survey, every=29))
    assert sum(all(one["happened"]) for one in told) > len(told) // 3, [one["case"] for one in told if not all(one["happened"])]


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_every_time_a_border_is_reached(folder: Path, survey: dict[str, Any]) -> None:
    carried_out(folder, all_cases(survey, hits_of=lambda count: range(1, count + 1)))


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_every_pair_of_a_border_and_one_while_the_next_process_takes_over(folder: Path, survey: dict[str, Any]) -> None:
    carried_out(folder, during_recovery(survey, every=1))
