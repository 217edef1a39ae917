"""How the card triage does on real messages: a whole server is started, asked over HTTP by many at once, and held to account."""

from __future__ import annotations

import csv
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.cli.client import Client
from engine.cli.run import find, through
from engine.cli.served import Served
from engine.errors import Invalid, ProviderUnavailable
from engine.templates import banking77_messages, banking77_topics

TEMPLATE = "card-triage"
RESTING = ("succeeded", "failed", "stopped", "cancelled", "waiting")
START_PATIENCE_S = 120.0
GLANCE_S = 0.5


@dataclass(frozen=True, slots=True)
class Message:
    """One line of the file: what somebody wrote, and what people say it is about."""

    text: str
    category: str


def measure(*, data: Path | None, messages: int, at_once: int) -> Iterator[dict[str, Any]]:
    """Figures of one run through the file, one dictionary a subject. Invalid when the file has not the columns text and category."""
    chosen = spread(read_messages(data), messages)
    with _served() as server, _watched(server.process.pid) as memory:
        desk = Served(server.client)
        workflow = find(desk, TEMPLATE)
        began = time.perf_counter()
        runs = _run_all(desk, workflow, chosen, at_once=at_once)
        seconds = time.perf_counter() - began
        statuses = Counter(run["status"] for run in runs)
        yield {
            "bench": "triage",
            "messages": len(chosen),
            "at_once": at_once,
            "model": os.environ.get("SIGNALBOX_MODEL", "practice"),
            "seconds": round(seconds, 2),
            "runs_s": round(len(runs) / seconds, 1),
            "statuses": dict(statuses),
            "neither_ended_nor_waiting": sum(n for status, n in statuses.items() if status not in RESTING),
            **_lost(server.client, runs),
            "cost_usd": round(sum(run["spent"]["cost_usd"] for run in runs), 6),
            "tokens": sum(run["spent"]["tokens"] for run in runs),
        }
        yield from _topics(desk, chosen, runs)
    yield {"subject": "memory of the whole server", "processes": memory.processes, "peak_mb": memory.peak_mb}


def read_messages(data: Path | None) -> list[Message]:
    """All lines of a file with the columns text and category, as banking77 has them; without one, a small excerpt of it."""
    text = banking77_messages() if data is None else data.read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    if not rows or not {"text", "category"} <= rows[0].keys():
        raise Invalid(f"{data} is not a CSV file with the columns text and category.", hint="See ../shared/data/banking77/messages.csv.")
    return [Message(row["text"], row["category"]) for row in rows]


def spread(messages: list[Message], most: int) -> list[Message]:
    """At most `most` messages, evenly from the whole file. Of banking77 that is every tenth, which the template's examples leave out."""
    return messages[:: max(1, len(messages) // most)][:most]


def _run_all(desk: Served, workflow: str, messages: list[Message], *, at_once: int) -> list[dict[str, Any]]:
    told, lock = 0, threading.Lock()

    def one(message: Message) -> dict[str, Any]:
        nonlocal told
        run = through(desk, workflow, {"message": message.text})
        with lock:
            told += 1
            if told % 100 == 0 or told == len(messages):
                print(f"  {told} of {len(messages)}", file=sys.stderr, flush=True)
        return run

    with ThreadPoolExecutor(max_workers=at_once) as pool:
        return list(pool.map(one, messages))


def _lost(client: Client, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Every run that was acknowledged is in the list, once, and every one that waits has exactly one open item."""
    acknowledged = Counter(run["id"] for run in runs)
    stored = Counter(row["id"] for row in client.all("/runs"))
    waiting = Counter(run["id"] for run in runs if run["status"] == "waiting")
    items = Counter(item["run_id"] for item in client.all("/approvals", query={"status": "pending"}))
    return {"lost": (acknowledged - stored).total(), "doubled": (stored - acknowledged).total(), "items_missing": (waiting - items).total()}


def _topics(desk: Served, messages: list[Message], runs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Share of each topic, and how often it is the one that the file's labels name."""
    topics = banking77_topics()
    chosen: Counter[str] = Counter()
    labelled: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    for message, run in zip(messages, runs, strict=True):
        topic = next((step["outputs"] for step in desk.steps(run["id"]) if step["path"] == "topic" and step["status"] == "done"), {})
        label = str(topic.get("label") or "unsure")
        chosen[label] += 1
        if (wanted := topics.get(message.category)) is not None:
            labelled[wanted] += 1
            agreed[wanted] += label == wanted
    for topic in sorted(set(chosen) | set(labelled)):
        recall = round(agreed[topic] / labelled[topic], 3) if labelled[topic] else None
        yield {"topic": topic, "share": round(chosen[topic] / len(runs), 3), "runs": chosen[topic], "found_of_labelled": recall}
    total = labelled.total()
    yield {"subject": "agreement with the labels", "labelled": total, "agreement": round(agreed.total() / total, 3) if total else None}


# The server


@dataclass(frozen=True, slots=True)
class Server:
    """A Signalbox of its own, on a home that is thrown away."""

    process: subprocess.Popen[bytes]
    client: Client


@contextmanager
def _served() -> Iterator[Server]:
    token = f"sbx_{secrets.token_hex(16)}"
    with tempfile.TemporaryDirectory(prefix="signalbox-bench-") as home, socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
        found.close()
        account = {"SIGNALBOX_ADMIN_EMAIL": "bench@example.com", "SIGNALBOX_ADMIN_PASSWORD": secrets.token_urlsafe(16)}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.cli.main", "up", "--port", str(port)],
            env=os.environ | account | {"SIGNALBOX_HOME": home, "SIGNALBOX_ADMIN_TOKEN": token},
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _wait_until_ready(process, port)
            with Client(url=f"http://127.0.0.1:{port}", token=token) as client:
                yield Server(process, client)
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
    raise ProviderUnavailable("The server that is to be measured did not start.", hint="Look at what it told above, then try again.")


@dataclass(slots=True)
class Memory:
    """Resident memory of a process group; peak_mb is the largest sum seen, None where /proc does not tell."""

    peak_mb: float | None = None
    processes: int = 0


@contextmanager
def _watched(group: int) -> Iterator[Memory]:
    memory, done = Memory(), threading.Event()

    def watch() -> None:
        while not done.wait(GLANCE_S):
            found = [kb for pid in _members(group) if (kb := _resident_kb(pid)) is not None]
            if found and sum(found) / 1024 > (memory.peak_mb or 0.0):
                memory.peak_mb, memory.processes = round(sum(found) / 1024, 1), len(found)

    thread = threading.Thread(target=watch, name="memory", daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        done.set()
        thread.join()


def _members(group: int) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name in brackets may hold anything, spaces included.
            if int((folder / "stat").read_text().rpartition(")")[2].split()[2]) == group:
                yield int(folder.name)
        except (OSError, ValueError, IndexError):
            continue


def _resident_kb(pid: int) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    except (OSError, StopIteration, ValueError):
        return None
