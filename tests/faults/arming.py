"""What happens at a border: the process dies there, the disk refuses, an answer is lost, or everything takes longer."""

import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Literal, get_args

from engine.errors import StorageUnavailable
from engine.faultpoints import POINTS

Action = Literal["killed", "killed after the commit", "refused", "answer lost", "outcome unknown", "killed while unsure", "late"]
ACTIONS: tuple[Action, ...] = get_args(Action)
AFTER_A_COMMIT = ("killed after the commit", "answer lost")
"""The commit behind the border happens first."""
OF_THE_JOURNAL = ("outcome unknown", "killed while unsure")
"""A commit's answer is lost, and then looking whether it is there fails too, or the process dies over it."""
LATE_S = 0.02
COMMITTED = tuple(name for name in POINTS if name.endswith(".committed"))
RAW = ("journal.", "migrate.", "snapshot.", "program.", "sweep.", "meter.")
"""Where SQLite's own error arrives, to be translated."""
NOTHING_TO_REFUSE = (
    "home.locked", "journal.asked", "journal.acknowledged", "recovery.told", "recovery.timers_set", "recovery.done", "calls.before",
    "call.answered", "timer.due", "answer.given", "answer.durable", "child.started", "child.told",
)  # fmt: skip
"""Borders within the memory of one process: nothing there could say no."""


@dataclass(frozen=True)
class Fault:
    """One thing that happens once, when a border is reached for the `hit`th time."""

    point: str
    action: Action
    hit: int = 1

    def __str__(self) -> str:
        return f"{self.point} {self.hit}: {self.action}"


def refusal(point: str) -> Exception:
    """What a full disk says there."""
    if not point.startswith(RAW):
        return StorageUnavailable(f"Refused at {point}.")
    error = sqlite3.OperationalError(f"database or disk is full (at {point})")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


class Armed:
    """Counts every border and lets one fault happen; safe from any thread."""

    def __init__(self, fault: Fault | None = None) -> None:
        self._fault = fault
        self._lock = threading.Lock()
        self._is_due = False
        self.hits: Counter[str] = Counter()
        self.last_commit_after: dict[str, int] = {}
        self.order: list[str] = []
        self.has_happened = False

    def __call__(self, name: str) -> None:
        with self._lock:
            self.hits[name] += 1
            self.order.append(name)
            does = self._does(name)
            self.has_happened = self.has_happened or does is not None
        match does:
            case "killed while unsure" if name == "journal.committed":
                raise refusal(name)
            case "killed" | "killed after the commit" | "killed while unsure":
                os.kill(os.getpid(), signal.SIGKILL)
            case "late":
                time.sleep(LATE_S)
            case None:
                return
            case _:
                raise refusal(name)

    def _does(self, name: str) -> Action | None:
        fault = self._fault
        if fault is None:
            return None
        if self.has_happened:
            # The second half of it, once.
            is_second = fault.action in OF_THE_JOURNAL and name == "journal.unsure" and self.hits[name] == 1
            return fault.action if is_second else None
        if self._is_due:
            return fault.action if name in COMMITTED else None
        if name != fault.point or self.hits[name] != fault.hit:
            return None
        if fault.action in AFTER_A_COMMIT and name not in COMMITTED:
            self._is_due = True
            return None
        return fault.action


def has_a_commit_behind(order: list[str]) -> set[str]:
    """The borders after whose first hit something was committed."""
    last = max((place for place, name in enumerate(order) if name in COMMITTED), default=-1)
    return {name for name in POINTS if name in order and order.index(name) < last}
