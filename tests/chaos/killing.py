"""Kills the engine over and over: `python -m tests.chaos.killing --folder DIR --kills 300 --seed 1` prints its figures as JSON.

This process imports everything and opens nothing, neither file nor thread nor loop, so that a fork of it is an engine
that lives a few milliseconds later.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

import sqlalchemy.dialects.sqlite  # noqa: F401  a fork would import it anew each time
from sqlalchemy.orm import configure_mappers

from engine.graph.validate import check
from engine.nodes.registry import Registry
from tests.chaos.life import ACKS, live
from tests.chaos.workload import DOCUMENTS, opened, publish_all, registry

WHILE_IT_OPENS_S = (0.010, 0.090)
WHILE_IT_WORKS_S = (0.0, 0.220)
"""After it has said that it is open: a busy machine takes longer to get there, and would never be killed at work."""
LAST_PATIENCE_S = 120.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    folder, home = arguments.folder, arguments.folder / "home"
    kinds = registry()
    get_ready(DOCUMENTS.values(), kinds)
    assert lived_to_its_end(fork(folder, _first(home, kinds)))
    began, died_early = time.monotonic(), 0
    chance = random.Random(arguments.seed)
    for number in range(1, arguments.kills + 1):
        child = fork(folder, live(home, kinds, number=number, seed=arguments.seed))
        if chance.random() < 0.5:
            _wait_until_open(folder / ACKS, number, child)
            time.sleep(chance.uniform(*WHILE_IT_WORKS_S))
        else:
            time.sleep(chance.uniform(*WHILE_IT_OPENS_S))
        os.kill(child, signal.SIGKILL)
        died_early += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL
    seconds = time.monotonic() - began
    last = fork(folder, live(home, kinds, number=arguments.kills + 1, seed=arguments.seed, is_last=True))
    is_finished = lived_to_its_end(last)
    figures = {"kills": arguments.kills, "seed": arguments.seed, "died_by_themselves": died_early, "finished": is_finished}
    print(json.dumps(figures | {"seconds": round(seconds, 1), "seconds_in_all": round(time.monotonic() - began, 1)}))


def get_ready(documents: Iterable[dict[str, Any]], kinds: Registry) -> None:
    """What a process works out once, it works out here, for all forks: half of a fork's start would be spent on it."""
    logging.basicConfig(level=logging.ERROR)
    configure_mappers()
    for document in documents:
        check(document, kinds)
    gc.collect()
    gc.freeze()
    assert len(os.listdir("/proc/self/task")) == 1, "a fork would lose the other threads"


async def _first(home: Path, kinds: Registry) -> None:
    engine = await opened(home, kinds)
    await publish_all(engine)
    await engine.close()


def fork(folder: Path, work: Coroutine[Any, Any, None]) -> int:
    """The process that does this work."""
    child = os.fork()
    if child:
        work.close()
        return child
    status = 1
    try:
        asyncio.run(work)
        status = 0
    except BaseException:
        # A life that ends by itself is a defect: its reason outlives it.
        with (folder / "errors").open("a") as told:
            traceback.print_exc(file=told)
    finally:
        sys.stdout.flush()
        os._exit(status)


def _wait_until_open(acks: Path, number: int, child: int) -> None:
    """Returns as soon as that life has told that it is open, or is dead."""
    opened_now = f'{{"what": "open", "life": {number}}}'
    seen = acks.stat().st_size if acks.exists() else 0
    end = time.monotonic() + LAST_PATIENCE_S
    while time.monotonic() < end and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        with acks.open("a+b") as told:
            # It may have told before we looked how much was there.
            told.seek(max(0, seen - 4096))
            if opened_now.encode() in told.read():
                return
        time.sleep(0.002)


def lived_to_its_end(child: int) -> bool:
    """Whether a process came to its end by itself, and well."""
    end = time.monotonic() + LAST_PATIENCE_S
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


if __name__ == "__main__":
    main()
