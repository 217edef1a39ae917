"""A program written only from the contract works against a real server, and what was started survives its death."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.acceptance.served import ADMIN, PATIENCE_S, served, until
from tests.unit.app.conftest import ASK, HELLO


def test_a_program_that_knows_only_the_contract_works(tmp_path: Path) -> None:
    with served(tmp_path / "home") as up:
        program = Path(__file__).with_name("outside_program.py")
        # -I: neither our packages nor our folder are on its import path.
        command = [sys.executable, "-I", str(program), up.url, ADMIN]
        outcome = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S, env={"PATH": os.environ["PATH"]})
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr + up.output
        assert outcome.stdout == "everything is as the contract says\n"


def test_what_waits_survives_the_death_of_the_server(tmp_path: Path) -> None:
    with served(tmp_path / "home") as up:
        workflow = up.call("POST", "/api/v1/workflows", ASK).body["id"]
        up.call("POST", f"/api/v1/workflows/{workflow}/publish")
        key = {"Idempotency-Key": "once"}
        run = up.call("POST", f"/api/v1/workflows/{workflow}/runs", {}, headers=key).body["run_id"]
        item = until("it asks", lambda: up.call("GET", "/api/v1/approvals?status=pending").body["items"])[0]
        os.kill(up.server(), signal.SIGKILL)
        until("it serves again", lambda: up.says("serves again"))
        assert up.call("GET", f"/api/v1/approvals/{item['id']}").body == item
        assert up.call("POST", f"/api/v1/workflows/{workflow}/runs", {}, headers=key).body["run_id"] == run
        decided = up.call("POST", f"/api/v1/approvals/{item['id']}/decide", {"decision": "reject", "digest": item["digest"]})
        assert decided.status == 200
        ended = until("it ends", lambda: (found := up.call("GET", f"/api/v1/runs/{run}").body)["ended_at"] and found)
        assert ended["output"] == {"decision": "rejected"}
        assert len(up.call("GET", f"/api/v1/runs?workflow={workflow}").body["items"]) == 1


def test_twenty_requests_at_once_start_one_run(tmp_path: Path) -> None:
    with served(tmp_path / "home") as up:
        workflow = up.call("POST", "/api/v1/workflows", HELLO).body["id"]
        up.call("POST", f"/api/v1/workflows/{workflow}/publish")
        together = threading.Barrier(20)

        def start(_: int) -> tuple[int, str]:
            together.wait()
            answer = up.call("POST", f"/api/v1/workflows/{workflow}/runs", {"inputs": {"name": "Ann"}}, headers={"Idempotency-Key": "race"})
            return answer.status, answer.body.get("run_id", answer.body)

        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(start, range(20)))
        assert set(answers) == {(202, answers[0][1])}
        assert len(up.call("GET", f"/api/v1/runs?workflow={workflow}").body["items"]) == 1


def test_large_bodies_and_bad_credentials_are_answered_over_the_wire(tmp_path: Path) -> None:
    import http.client

    with served(tmp_path / "home") as up:
        large = b" " * (11 * 1024 * 1024)
        assert up.call("POST", "/api/v1/workflows", large).status == 413
        assert up.call("POST", "/api/v1/workflows", large, token="sbx_nobody_at_all_here").status == 401
        connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=PATIENCE_S)
        headers = {"Authorization": f"Bearer {ADMIN}", "Transfer-Encoding": "chunked"}
        pieces = (b" " * 1024 * 1024 for _ in range(11))
        connection.request("POST", "/api/v1/workflows", body=pieces, headers=headers, encode_chunked=True)
        assert connection.getresponse().status == 413
        connection.close()
        for path in ("/api/v1/runs", "/api/v1/nothing", "/hooks/x", "/api"):
            for method in ("GET", "POST", "DELETE"):
                answer = up.call(method, path, token=None)
                assert (answer.status, answer.body["error"]["code"]) == (401, "not_signed_in")
        for path in ("/api/v1/runs/%00", "/api/v1/runs/%ff", "/api/v1/runs/..%2f..%2f", "/api/v1/%2e%2e/runs", "/api//v1/runs"):
            answer = up.call("GET", path)
            assert answer.status == 404, (path, answer)
            assert answer.body["error"]["code"] == "not_found"
