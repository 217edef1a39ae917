"""A whole server that is killed at random moments comes back with everything that it answered, and every run ends."""

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from engine.nodes.registry import Registry
from engine.run import events
from tests.acceptance.served import ADMIN, Up, free_port, until
from tests.chaos.client import Client
from tests.chaos.history import History
from tests.chaos.workload import SERVED, expected
from tests.figures import figures as keep

ACKS = "acknowledged"


def test_five_kills_of_the_server_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    kill(tmp_path, kills=5, seed=20_260_104)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_sixty_kills_of_the_server_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    kill(tmp_path, kills=60, seed=20_260_105)


def kill(folder: Path, *, kills: int, seed: int) -> None:
    home, chance, began = folder / "home", random.Random(seed), time.monotonic()
    killed_at: list[int] = []
    port = free_port()
    up = Up(home, port=port, SIGNALBOX_ADMIN_TOKEN=ADMIN).ready()
    lives = [up]
    client = Client(up, folder / ACKS, {name: publish(up, document) for name, document in SERVED.items()}, seed=seed)
    client.start()
    try:
        for number in range(kills):
            time.sleep(chance.uniform(0.05, 1.5))
            if number % 2:
                killed_at.append(kill_group(lives[-1]))
                lives.append(Up(home, port=port, SIGNALBOX_ADMIN_TOKEN=ADMIN).ready())
                client.up = lives[-1]
            else:
                killed_at.append(kill_server(lives[-1]))
        client.stop()
        settle(lives[-1])
    finally:
        for life in lives:
            life.stop()
    history = History(home, Registry.builtin())
    history.acknowledged(folder / ACKS)
    history.all_over()
    for told in history.runs.values():
        output = told.of(events.RunEnded)[-1][1].output if told.of(events.RunEnded) else None
        wanted = expected(told.row["workflow_name"], told.state.inputs["n"])
        history.found.expect(output == wanted, f"{told.name}: {output} instead of {wanted}")
    history.found.expect(len(history.runs) == len(client.asked), f"{len(client.asked)} runs were asked for, there are {len(history.runs)}")
    history.found.expect(not any("Traceback" in life.output for life in lives), "a server told of a traceback")
    figures = {"kills": kills, "whole groups": len(lives) - 1, "seed": seed, "requests repeated": client.repeated}
    figures |= dict(sorted(history.found.counted.items())) | {"seconds": round(time.monotonic() - began, 1)}
    # How long nothing moved is told, never asserted: the machine is shared.
    rows = sorted(row.at for told in history.runs.values() for row, _ in told.rows)
    pauses = sorted((next((at for at in rows if at > kill), kill) - kill) / 1e6 for kill in killed_at)
    figures |= {
        "median seconds to the next step": round(pauses[len(pauses) // 2], 2),
        "most seconds to the next step": round(pauses[-1], 2),
    }
    print(json.dumps(figures))
    keep("server kills", failures=len(history.found.breaches), **figures)
    assert not history.found.breaches, "\n".join([*history.found.breaches[:50], json.dumps(figures)])


def kill_group(up: Up) -> int:
    """The supervisor and its server at once, as when the machine goes down; when that was, in microseconds."""
    server = up.server()
    os.killpg(up.process.pid, signal.SIGKILL)
    up.process.wait()
    until("the server is gone", lambda: is_dead(server))
    killed_at = time.time_ns() // 1000
    until("nobody is left", lambda: not up.group())
    return killed_at


def kill_server(up: Up) -> int:
    """The server alone; its supervisor starts it again. When it was dead, in microseconds."""
    before, server = len(up.lines), up.server()
    os.kill(server, signal.SIGKILL)
    until("the server is gone", lambda: is_dead(server))
    killed_at = time.time_ns() // 1000
    until("it serves again", lambda: any("serves again" in line for line in up.lines[before:]))
    return killed_at


def is_dead(process: int) -> bool:
    """Whether it does nothing any more, its name may still be there."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def publish(up: Up, document: dict[str, object]) -> str:
    made = up.call("POST", "/api/v1/workflows", document)
    assert made.status == 201, made
    published = up.call("POST", f"/api/v1/workflows/{made.body['id']}/publish")
    assert published.status in (200, 201), published
    return made.body["id"]


def settle(up: Up) -> None:
    """Decides whatever still waits, until nothing moves any more."""

    def is_over() -> bool:
        for item in up.call("GET", "/api/v1/approvals?status=pending").body["items"]:
            up.call("POST", f"/api/v1/approvals/{item['id']}/decide", {"decision": "approve", "digest": item["digest"]})
        return not up.call("GET", "/api/v1/runs?status=queued,running,waiting&limit=1").body["items"]

    until("every run has ended", is_over)
