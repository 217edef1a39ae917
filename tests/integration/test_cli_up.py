"""`up` as people meet it: it starts, comes back, refuses what cannot work, and takes everything along when it ends."""

import os
import signal
from pathlib import Path

import pytest

from tests.acceptance.served import ADMIN, Up, command_line, free_port, served, until

PASSWORD = "a long enough pass phrase"


def test_a_killed_server_comes_back_and_a_stopped_one_leaves_nothing(tmp_path: Path) -> None:
    with served(tmp_path / "home") as up:
        assert f"Signalbox serves on http://localhost:{up.port}" in up.lines
        first = up.server()
        os.kill(first, signal.SIGKILL)
        until("it serves again", lambda: up.says("serves again"))
        assert up.says("killed by SIGKILL")
        assert up.server() != first
        assert up.call("GET", "/api/v1/me").status == 200
        assert len(up.group()) == 2
    assert up.process.returncode == 0
    assert up.group() == []
    assert not (tmp_path / "home" / "server.json").exists()
    assert "Traceback" not in up.output


def test_whatever_kills_the_supervisor_the_server_dies_with_it(tmp_path: Path) -> None:
    up = Up(tmp_path / "home", port=free_port(), SIGNALBOX_ADMIN_TOKEN=ADMIN).ready()
    try:
        os.kill(up.process.pid, signal.SIGKILL)
        up.process.wait()
        until("nobody is left", lambda: not up.group())
        # The file that a dead server has left misleads nobody, and the home is free.
        assert (tmp_path / "home" / "server.json").exists()
        listed = command_line("user", "list", home=tmp_path / "home")
        assert listed.returncode == 0, listed.stderr
        assert "admin@signalbox.local" in listed.stdout
    finally:
        up.stop()


def test_a_taken_port_and_a_taken_home_are_refused(tmp_path: Path) -> None:
    with served(tmp_path / "home") as up:
        same_port = command_line("up", "--port", str(up.port), home=tmp_path / "other")
        assert same_port.returncode == 2
        assert f"already answers on port {up.port}" in same_port.stderr
        assert "next step: " in same_port.stderr
        same_home = command_line("up", "--port", str(free_port()), home=tmp_path / "home")
        assert same_home.returncode == 2
        assert f"process {up.server()}" in same_home.stderr
        assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_open_stream_does_not_hold_the_end_up(tmp_path: Path, number: signal.Signals) -> None:
    import urllib.request

    from tests.unit.app.conftest import ASK

    with served(tmp_path / "home") as up:
        workflow = up.call("POST", "/api/v1/workflows", ASK).body["id"]
        up.call("POST", f"/api/v1/workflows/{workflow}/publish")
        run = up.call("POST", f"/api/v1/workflows/{workflow}/runs", {}).body["run_id"]
        headers = {"Authorization": f"Bearer {ADMIN}", "Accept": "text/event-stream"}
        stream = urllib.request.urlopen(urllib.request.Request(f"{up.url}/api/v1/runs/{run}/events", headers=headers), timeout=60)
        assert stream.readline().startswith(b"retry:")
        up.process.send_signal(number)
        assert up.process.wait(timeout=60) == 0
        stream.close()
        assert up.group() == []


def test_the_first_account_is_made_through_the_printed_link(tmp_path: Path) -> None:
    with served(tmp_path / "home", SIGNALBOX_ADMIN_TOKEN="") as up:
        link = up.setup_link()
        assert up.call("GET", "/", token=None, headers={"Accept": "text/html"}).headers["location"] == "/login"
        assert up.call("GET", "/api/v1/me", token=None).status == 401
        assert 'name="token"' in up.call("GET", f"/setup?token={link}", token=None).body
        fields = {"token": link, "email": "ann@example.com", "name": "Ann", "password": PASSWORD}
        made = up.call("POST", "/setup", fields, token=None)
        assert made.status == 201
        assert up.call("POST", "/setup", {**fields, "email": "eve@example.com"}, token=None).status == 401
        answer = up.call("POST", "/login", {"email": "ann@example.com", "password": PASSWORD}, token=None)
        cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
        assert up.call("GET", "/api/v1/me", token=None, headers=cookie).body["email"] == "ann@example.com"
        document = {"nodes": [], "edges": []}
        assert up.call("POST", "/api/v1/workflows", document, token=None, headers=cookie).status == 403
        foreign = cookie | {"Origin": "https://evil.example"}
        assert up.call("POST", "/api/v1/workflows", document, token=None, headers=foreign).status == 403
        ours = cookie | {"Origin": up.url}
        assert up.call("POST", "/api/v1/workflows", document, token=None, headers=ours).status == 201
        assert up.call("GET", "/", token=None, headers=cookie).status == 200


def test_until_somebody_has_an_account_only_this_machine_is_listened_to(tmp_path: Path) -> None:
    with served(tmp_path / "home", "--host", "0.0.0.0", SIGNALBOX_ADMIN_TOKEN="") as up:
        link = up.setup_link()
        assert "not on 0.0.0.0" in up.output
        assert _listens_on(up.port) == {"127.0.0.1"}
        fields = {"token": link, "email": "ann@example.com", "name": "Ann", "password": PASSWORD}
        assert up.call("POST", "/setup", fields, token=None).status == 201
        until("it listens everywhere", lambda: _listens_on(up.port) == {"0.0.0.0"})
        until("it serves again", lambda: up.says("serves again"))
        assert up.call("GET", "/readyz", token=None).status == 200


def _listens_on(port: int) -> set[str]:
    """The addresses with a listening socket, from /proc/net/tcp (proc(5))."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        address, _, number = local.partition(":")
        if state == "0A" and int(number, 16) == port:
            found.add(".".join(str(byte) for byte in bytes.fromhex(address)[::-1]))
    return found


def test_wrong_settings_end_the_start_with_the_next_step(tmp_path: Path) -> None:
    outcome = command_line("up", home=tmp_path / "home", SIGNALBOX_PORT="http")
    assert outcome.returncode == 2
    assert "SIGNALBOX_PORT" in outcome.stderr and "next step: " in outcome.stderr
    (tmp_path / "key").write_text("nonsense")
    (tmp_path / "key").chmod(0o400)
    outcome = command_line("up", "--port", str(free_port()), home=tmp_path / "home", SIGNALBOX_KEY_FILE=str(tmp_path / "key"))
    assert outcome.returncode == 1
    assert "does not hold a key" in outcome.stderr and "next step: " in outcome.stderr
    assert "Traceback" not in outcome.stderr
