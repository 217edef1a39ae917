"""What starts a workflow and what limits it, as its document says."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from engine.graph.cron import BadCron, parse_cron
from engine.graph.plan import LIMIT_NAMES, SCALED, Limits
from engine.graph.problems import Problem
from engine.graph.reading import ProblemList, Reader
from engine.graph.suggest import shown

TRIGGER_KINDS = ("manual", "schedule", "webhook", "form", "chat")
WEBHOOK_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
CRON = re.compile(r"\s*[0-9A-Za-z*/,?#-]+(\s+[0-9A-Za-z*/,?#-]+){4}\s*")
ZONE_HINT = "Write a name such as Europe/Berlin."
TIMEZONE = re.compile(r"[A-Za-z0-9_+/-]{1,60}")
# Scaled by a million these still fit 64 bits.
MOST_SCALED = 1_000_000_000
MOST_COUNTED = 1_000_000_000_000
# A run without a step or without time cannot even reach its `start`.
AT_LEAST_ONE = frozenset({"steps", "seconds"})


@dataclass(frozen=True, slots=True)
class Trigger:
    """One way in which runs of the workflow are started."""

    kind: str
    cron: str = ""
    timezone: str = "UTC"
    inputs: dict[str, Any] = field(default_factory=dict)
    path: str = ""


def read_limits(value: dict[str, Any] | None, problems: ProblemList, *, where: str = "limits", base: Limits | None = None) -> Limits:
    """The limits that are given, the others as in `base` (else the defaults); none can be removed."""
    base = base or Limits()
    if value is None:
        return base
    read = Reader(value, problems, where=where)
    found: dict[str, int] = {}
    for name, attribute in LIMIT_NAMES.items():
        given = read.raw(name)
        if name not in value:
            continue
        if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
            read.problem("bad_limit", f"The limit `{name}` must be a number; it cannot be removed.", "Write a number.", key=name)
        elif name not in SCALED and not float(given).is_integer():
            read.problem("bad_limit", f"The limit `{name}` must be a whole number.", "Write a whole number.", key=name)
        elif given < 0 or (given == 0 and name in AT_LEAST_ONE):
            bound = "more than 0" if name in AT_LEAST_ONE else "0 or more"
            read.problem("bad_limit", f"The limit `{name}` must be {bound}.", "Write a larger number.", key=name)
        elif given > (MOST_SCALED if name in SCALED else MOST_COUNTED):
            read.problem("bad_limit", f"The limit `{name}` is larger than any run could need.", "Write a smaller number.", key=name)
        else:
            found[attribute] = max(round(given * 1_000_000), 1 if given else 0) if name in SCALED else int(given)
    read.finish()
    return replace(base, **found)


def read_triggers(values: list[Any], problems: ProblemList) -> tuple[Trigger, ...]:
    """The triggers whose shape is right."""
    triggers: list[Trigger] = []
    paths: set[str] = set()
    for index, value in enumerate(values):
        where = f"triggers[{index}]"
        if not isinstance(value, dict):
            problems.add(Problem("wrong_type", "A trigger must be an object.", "Remove it or write it anew.", field=where))
            continue
        read = Reader(cast("dict[str, Any]", value), problems, where=where)
        trigger = _read_trigger(read)
        read.finish()
        if trigger.path and trigger.path in paths:
            read.problem("duplicate_path", f"Two webhooks have the path `{trigger.path}`.", "Give one another path.", key="path")
        paths.add(trigger.path)
        triggers.append(trigger)
    return tuple(triggers)


def _read_trigger(read: Reader) -> Trigger:
    match read.choice("kind", TRIGGER_KINDS, ""):
        case "schedule":
            hint = "Write five parts: minute, hour, day, month, weekday; `0 9 * * 1` is Mondays at nine."
            cron = _read_cron(read, read.text("cron", required=True, most=200, like=CRON, hint=hint), hint)
            zone = _read_zone(read, read.text("timezone", "UTC", like=TIMEZONE, hint=ZONE_HINT) or "UTC")
            return Trigger("schedule", cron, zone, read.mapping("inputs") or {})
        case "webhook":
            hint = "Use letters, digits, `-`, `_` and `.`; it becomes the end of the address /hooks/…"
            return Trigger("webhook", path=read.text("path", required=True, like=WEBHOOK_PATH, hint=hint))
        case "":
            if read.raw("kind") is None:
                read.problem("missing_key", "`kind` is missing.", "Write one of: " + ", ".join(TRIGGER_KINDS) + ".", key="kind")
            # Which keys belong here is not known, so none is called wrong.
            for key in ("cron", "timezone", "inputs", "path"):
                read.raw(key)
            return Trigger("manual")
        case kind:
            return Trigger(kind)


def _read_cron(read: Reader, text: str, hint: str) -> str:
    try:
        return text if not text or parse_cron(text) else ""
    except BadCron as error:
        read.problem("bad_value", f"`{shown(text)}` is no schedule: {error}", hint, key="cron")
        return ""


def _read_zone(read: Reader, name: str) -> str:
    # Where the machine has no time zones at all, it cannot tell which there are.
    if _is_zone(name) or not _is_zone("Europe/Berlin"):
        return name
    read.problem("bad_value", f"There is no time zone `{shown(name)}`.", ZONE_HINT, key="timezone")
    return "UTC"


@lru_cache(maxsize=200)
def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name))
    except (OSError, ValueError, KeyError):
        # No file of that name, a folder of zones, a file that is no zone, or a name that would leave their folder.
        return False
