"""What `up` looks at before it starts anything, and where the command line finds a server."""

import json
import os
import socket
from pathlib import Path

import pytest

import app.serve
from engine.cli import desk, serve
from engine.cli.client import ServedError
from engine.cli.desk import served_at
from engine.errors import ConfigInvalid, Conflict
from engine.storage.sqlite import HomeLock


def test_a_port_that_answers_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match=str(port)) as caught:
            serve.check_port("127.0.0.1", port)
        assert f"--port {port + 1}" in caught.value.next_step
        with pytest.raises(Conflict):
            serve.check_port("0.0.0.0", port)
    serve.check_port("127.0.0.1", port)


def test_a_port_that_is_shared_silently_is_refused() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConfigInvalid):
            serve.check_port("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid", "::1::"])
def test_an_address_of_another_machine_is_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> socket.socket:
        raise OSError

    monkeypatch.setattr(socket, "create_connection", unreachable)
    with pytest.raises(ConfigInvalid):
        serve.check_port(host, 8000)


def test_a_home_is_served_only_while_the_process_that_says_so_holds_it(tmp_path: Path) -> None:
    told = {"url": "http://127.0.0.1:8000", "token": "sbx_local_x", "pid": os.getpid()}
    assert served_at(tmp_path) is None
    (tmp_path / desk.SERVER_FILE).write_text(json.dumps(told))
    assert served_at(tmp_path) is None
    with HomeLock(tmp_path):
        assert served_at(tmp_path) == told
        for stale in ({**told, "pid": 1}, [], {}, "text"):
            (tmp_path / desk.SERVER_FILE).write_text(json.dumps(stale))
            assert served_at(tmp_path) is None
        (tmp_path / desk.SERVER_FILE).write_text("{")
        assert served_at(tmp_path) is None


def test_server_and_command_line_agree_on_names_and_statuses() -> None:
    assert desk.SERVER_FILE == app.serve.SERVER_FILE
    assert (serve.REFUSED, serve.AGAIN) == (app.serve.REFUSED, app.serve.AGAIN)


def test_an_error_of_the_server_keeps_its_words() -> None:
    error = ServedError(422, {"code": "workflow_has_problems", "message": "No.", "hint": "Mend.", "problems": [{"a": 1}]})
    assert (error.status, error.code, error.message, error.next_step) == (422, "workflow_has_problems", "No.", "Mend.")
    assert error.as_json() == {"code": "workflow_has_problems", "message": "No.", "hint": "Mend.", "problems": [{"a": 1}]}


@pytest.mark.parametrize(("status", "told"), [(1, "exit status 1"), (-9, "killed by SIGKILL"), (-200, "killed by signal 200")])
def test_how_a_server_ended_is_told_in_words(status: int, told: str) -> None:
    assert serve._how(status) == told
