"""Lets faults happen one by one: `python -m tests.faults.enumerating --folder DIR --cases FILE` prints one line of JSON a case.

Every life of an engine is a fork of this process, which has imported everything and opened nothing: a killed one is really
gone, with its threads, its locks and what it had not yet written.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy.dialects.sqlite  # noqa: F401  a fork would import it anew each time
from sqlalchemy.orm import configure_mappers

from engine.errors import StorageUnavailable
from engine.facade import sweeping
from engine.faultpoints import armed
from engine.graph.validate import check
from engine.nodes.registry import Registry
from engine.run import events, keeping
from engine.sandbox import monty
from engine.storage import journal
from tests.chaos.history import History
from tests.chaos.life import ACKS, append_only
from tests.chaos.workload import LEDGER, Marked, registry
from tests.faults.arming import Armed, Fault
from tests.faults.reference import DOCUMENTS, EXPECTED, Client, opened

PATIENCE_S, LAST_PATIENCE_S = 4.0, 90.0
"""How long a life with a fault is waited for when nothing moves any more, and how long the last one."""
CHECKPOINT_BYTES, SNAPSHOT_BYTES = 40_000, 4_000


@dataclass(frozen=True)
class Case:
    """The faults of one life after the other; the life after them is left alone."""

    faults: tuple[Fault, ...]

    @classmethod
    def of(cls, told: list[Any]) -> "Case":
        return cls(tuple(Fault(*fault) for fault in told))

    def __str__(self) -> str:
        return ", then ".join(str(fault) for fault in self.faults) or "no fault"


async def live(folder: Path, kinds: Registry, hook: Armed, *, patience_s: float) -> bool:
    """One life; True when everything has come to its end."""
    Marked.ledger, acks = append_only(folder / LEDGER), append_only(folder / ACKS)
    journal.CHECKPOINT_BYTES, keeping.LEAST_BYTES = CHECKPOINT_BYTES, SNAPSHOT_BYTES
    # What was kept for a day goes at once.
    sweeping.DAY_US = 1

    def tell(what: str, **more: Any) -> None:
        os.write(acks, (json.dumps({"what": what, **more}) + "\n").encode())

    refused: list[bool] = []
    with armed(hook):
        while True:
            try:
                engine = await opened(folder / "home", kinds)
                break
            except StorageUnavailable:
                # Whoever starts it starts it again; without a fault it is one.
                if not hook.has_happened or len(refused) > 3:
                    raise
                refused.append(True)
        is_finished = await Client(engine, folder, tell).finish(patience_s=patience_s)
        # What a slow machine has not come to yet is left out by `close`, and its borders with it.
        await engine._core.executor.keeper.settle()
        await engine.close()
    return is_finished


def fork(work: Callable[[], Any], told: Path) -> int:
    """The exit code of a fork that does this; what it returns stands in `told` as JSON."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        told.write_text(json.dumps(work()))
        status = 0
    except BaseException:
        told.with_name("errors").open("a").write(traceback.format_exc())
    finally:
        os._exit(status)


class Bench:
    """Runs cases in one folder."""

    def __init__(self, folder: Path, kinds: Registry) -> None:
        self._folder, self._kinds = folder, kinds

    def run(self, case: Case) -> dict[str, Any]:
        """What came of it: breaches, figures and whether each fault has happened."""
        folder = self._folder / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        happened: list[bool] = []
        told: dict[str, Any] = {}
        for fault in case.faults:
            exit_code, told = self._life(folder, Armed(fault), PATIENCE_S)
            happened.append(exit_code == -signal.SIGKILL if fault.action.startswith("killed") else bool(told.get("happened")))
            if exit_code not in (0, -signal.SIGKILL):
                return _told(case, happened, [f"a life ended with {exit_code}: {_errors(folder)}"])
        needs_restart = bool(told) and not told.get("finished")
        exit_code, told = self._life(folder, Armed(), LAST_PATIENCE_S)
        breaches = [] if exit_code == 0 and told["finished"] else [f"the last life ended with {exit_code}, {told}: {_errors(folder)}"]
        found, counted = ([], {}) if breaches else looked_at(folder, self._kinds)
        order = [] if case.faults else told.get("order", [])
        return _told(case, happened, breaches + found, counted, needed_a_restart=needs_restart, order=order)

    def _life(self, folder: Path, hook: Armed, patience_s: float) -> tuple[int, dict[str, Any]]:
        told = folder / "told"
        told.unlink(missing_ok=True)

        def work() -> dict[str, Any]:
            is_finished = asyncio.run(live(folder, self._kinds, hook, patience_s=patience_s))
            return {"finished": is_finished, "happened": hook.has_happened, "order": hook.order}

        exit_code = fork(work, told)
        return exit_code, json.loads(told.read_text()) if told.exists() else {}

    def surveyed(self, *lives: Armed) -> list[str]:
        """The borders of the last of these lives, in order."""
        folder = self._folder / "case"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        told = [self._life(folder, hook, LAST_PATIENCE_S)[1] for hook in lives]
        return told[-1]["order"]


def _told(
    case: Case,
    happened: list[bool],
    breaches: list[str],
    counted: dict[str, int] | None = None,
    *,
    needed_a_restart: bool = False,
    order: Any = (),
) -> dict[str, Any]:
    return {
        "case": str(case),
        "happened": happened,
        "needed_a_restart": needed_a_restart,
        "breaches": breaches,
        "counted": counted or {},
        "order": list(order),
    }


def _errors(folder: Path) -> str:
    return (folder / "errors").read_text()[-3000:] if (folder / "errors").exists() else ""


def looked_at(folder: Path, kinds: Registry) -> tuple[list[str], dict[str, int]]:
    """What the home, the ledger and the acknowledgements tell."""
    history = History(folder / "home", kinds)
    history.acknowledged(folder / ACKS)
    history.effects(folder / LEDGER)
    history.all_over()
    expect = history.found.expect
    expect(len(history.runs) == len(EXPECTED), f"{len(history.runs)} runs instead of {len(EXPECTED)}")
    for told in history.runs.values():
        status, output = EXPECTED[told.row["workflow_name"]]
        ends = told.of(events.RunEnded)
        expect(told.row["status"] == status, f"{told.name}: {told.row['status']} ({told.row['reason']}) instead of {status}")
        expect(bool(ends) and ends[-1][1].output == output, f"{told.name}: another output than {output}: {ends[-1:]}")
    paid = Counter(line.split(" ")[1:3][1] for line in (folder / LEDGER).read_text().splitlines() if line.startswith("unsafe"))
    expect(paid == {"pay": 1}, f"paid {dict(paid)}")
    _money(history)
    return history.found.breaches, dict(history.found.counted)


def _money(history: History) -> None:
    """What the budgets say was spent is what the runs have spent."""
    spent = history.database_value("SELECT coalesce(sum(cost_micro), 0) FROM spending WHERE scope = 'workspace'")
    told = sum(run.row["cost_micro"] for run in history.runs.values() if run.row["parent_run"] is None)
    history.found.expect(spent == told, f"the workspace has spent {spent}, its runs {told}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--cases", type=Path, help="a JSON list of cases; without it, what a life comes past")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    kinds = registry()
    configure_mappers()
    monty.library()
    for document in DOCUMENTS.values():
        check(document, kinds)
    gc.collect()
    gc.freeze()
    assert len(os.listdir("/proc/self/task")) == 1, "a fork would lose the other threads"
    bench = Bench(arguments.folder, kinds)
    if arguments.cases is None:
        first = bench.run(Case(()))
        second = bench.surveyed(Armed(Fault("call.answered", "killed", 3)), Armed())
        unsure = bench.surveyed(Armed(Fault("journal.committed", "answer lost", 5)))
        print(json.dumps({"first": first, "second": second, "unsure": unsure}))
        return
    for told in json.loads(arguments.cases.read_text()):
        began = time.monotonic()
        outcome = bench.run(Case.of(told))
        print(json.dumps(outcome | {"seconds": round(time.monotonic() - began, 2)}), flush=True)


if __name__ == "__main__":
    main()
    sys.exit(0)
