"""The other verbs, on a home that is served and on one that is not: the same answers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.served import ADMIN, Up, command_line, in_process, served
from tests.unit.app.conftest import ASK, HELLO


@pytest.fixture(scope="module", params=["served", "embedded"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp(request.param) / "home"
    if request.param == "embedded":
        yield home
        return
    with served(home):
        yield home


def call(home: Path, *arguments: str, given: str | None = None) -> Any:
    return in_process(*arguments, home=home, given=given, SIGNALBOX_ADMIN_TOKEN=ADMIN)


def write(path: Path, document: dict[str, Any]) -> str:
    path.write_text(json.dumps(document))
    return str(path)


def test_a_file_runs_and_the_same_file_makes_no_second_version(home: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "hello.json", HELLO)
    first = call(home, "run", file, "--input", "name=Ann", "--json")
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert told.keys() == {"run_id", "status", "output", "spent"}
    assert (told["status"], told["output"]) == ("succeeded", {"greeting": "Hello Ann"})
    assert "as version 1" in first.stderr
    assert "published" not in call(home, "run", file, "--input", "name=Bob").stderr
    changed = write(tmp_path / "hello.json", {**HELLO, "description": "changed"})
    assert "as version 2" in call(home, "run", changed, "--input", "name=Bob").stderr
    by_slug = call(home, "run", "hello", "--input", "name=Eve")
    assert 'output: {"greeting":"Hello Eve"}' in by_slug.stdout
    assert json.loads(call(home, "export", "hello").stdout)["description"] == "changed"


def test_each_line_of_a_file_is_a_run(home: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "many.json", {**HELLO, "name": "Many"})
    lines = tmp_path / "in.jsonl"
    lines.write_text("".join(json.dumps({"name": f"n{number}"}) + "\n" for number in range(12)))
    outcome = call(home, "run", file, "--inputs", str(lines), "--concurrency", "4", "--json")
    assert outcome.returncode == 0, outcome.stderr
    told = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert sorted(run["output"]["greeting"] for run in told) == sorted(f"Hello n{number}" for number in range(12))
    lines.write_text('{"name": "good"}\n{"name": 1}\n')
    mixed = call(home, "run", "many", "--inputs", str(lines), "--json")
    assert mixed.returncode == 1
    assert "line 2: " in mixed.stderr


def test_a_run_that_waits_for_a_person_ends_the_command_well(home: Path, tmp_path: Path) -> None:
    outcome = call(home, "run", write(tmp_path / "ask.json", ASK), "--json")
    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout)["status"] == "waiting"


def test_a_run_that_fails_ends_the_command_with_1(home: Path, tmp_path: Path) -> None:
    nodes = [{"id": "start", "kind": "start"}, {"id": "stop", "kind": "fail", "config": {"message": "No way."}}]
    file = write(tmp_path / "fail.json", {**HELLO, "name": "Fails", "nodes": nodes, "edges": [{"source": "start", "target": "stop"}]})
    outcome = call(home, "run", file)
    assert outcome.returncode == 1, outcome.stderr
    assert "failed" in outcome.stdout and "No way." in outcome.stdout


def test_what_cannot_be_started_ends_with_2(home: Path, tmp_path: Path) -> None:
    broken = write(tmp_path / "broken.json", {**HELLO, "name": "Broken", "edges": []})
    for arguments in (["run", broken], ["run", "nobody-knows-it"], ["run", write(tmp_path / "h.json", HELLO), "--input", "name=1"]):
        outcome = call(home, *arguments)
        assert outcome.returncode == 2, outcome.stderr
        assert "next step: " in outcome.stderr and "Traceback" not in outcome.stderr
    assert "error: " in call(home, "run", broken).stderr


def test_people_and_tokens(home: Path) -> None:
    added = call(
        home, "user", "add", "bob@example.com", "--role", "viewer", "--role", "editor", "--password", given="a fine long password\n"
    )
    assert added.returncode == 0, added.stderr
    assert "bob@example.com" in call(home, "user", "list").stdout
    assert call(home, "user", "add", "bob@example.com", "--role", "viewer").returncode == 2
    assert call(home, "user", "add", "x@example.com", "--role", "king").returncode == 2
    made = call(home, "token", "create", "--name", "ci", "--role", "viewer", "--days", "1", "--user", "bob@example.com")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("sbx_") and made.stdout.count("\n") == 1
    line = next(line for line in call(home, "token", "list").stdout.splitlines() if "  ci  " in line)
    assert made.stdout.strip() not in line
    assert "revoked" in call(home, "token", "revoke", line.split()[0]).stdout
    assert call(home, "token", "create", "--name", "x", "--role", "viewer", "--user", "eve@example.com").returncode == 2


def test_the_doctor_finds_nothing(home: Path) -> None:
    for part in ([], ["audit"], ["journal"]):
        outcome = call(home, "doctor", *part)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        assert "✗" not in outcome.stdout
    assert "proven" in call(home, "doctor", "audit").stdout


def test_the_doctor_tells_whether_the_operators_file_was_read_and_no_password(tmp_path: Path) -> None:
    file, secret = tmp_path / "operator.toml", "canary-operator-6a1f"
    file.write_text(f'[mail]\nhost = "mail.example"\nsender = "a@b.example"\npassword = "{secret}"\n[programs.files]\ncommand = ["x"]\n')
    named = {"SIGNALBOX_ADMIN_TOKEN": ADMIN, "SIGNALBOX_OPERATOR_FILE": str(file)}
    outcome = in_process("doctor", home=tmp_path / "home", **named)
    assert "operator.toml was read; mail: mail.example; databases: none; programs: files" in outcome.stdout, outcome.stdout
    assert secret not in outcome.stdout + outcome.stderr
    file.write_text(f'[mail]\npassword = "{secret}"\n')
    outcome = in_process("doctor", home=tmp_path / "home", **named)
    assert outcome.returncode == 1 and "✗ trouble  operator's file" in outcome.stdout and "mail.host" in outcome.stdout
    assert secret not in outcome.stdout + outcome.stderr


def test_what_waits_is_decided_later_by_another_process(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = command_line("run", write(tmp_path / "ask.json", ASK), "--json", home=home, SIGNALBOX_ADMIN_TOKEN=ADMIN)
    run = json.loads(first.stdout)["run_id"]
    with served(home) as up:
        item = up.call("GET", "/api/v1/approvals?status=pending").body["items"][0]
        assert item["run_id"] == run
        decided = up.call("POST", f"/api/v1/approvals/{item['id']}/decide", {"decision": "approve", "digest": item["digest"]})
        assert decided.status == 200, decided
        assert _ended(up, run)["output"] == {"decision": "approved"}


def _ended(up: Up, run: str) -> dict[str, Any]:
    from tests.acceptance.served import until

    return until("the run ends", lambda: (found := up.call("GET", f"/api/v1/runs/{run}").body)["ended_at"] and found)


def test_validate_tells_problems_and_the_worst_case(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "good.json", HELLO), write(tmp_path / "bad.json", {**HELLO, "edges": []})
    outcome = command_line("validate", good, bad, home=tmp_path / "home")
    assert outcome.returncode == 1
    assert f"{good}: can be published. A run uses at most 2 steps" in outcome.stderr
    assert f"{bad}: error: " in outcome.stdout
    assert not (tmp_path / "home").exists()


def test_the_doctor_sees_what_was_changed_behind_our_back(tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    home = tmp_path / "home"
    assert call(home, "run", write(tmp_path / "hello.json", HELLO), "--input", "name=Ann").returncode == 0
    with closing(sqlite3.connect(home / "signalbox.db", isolation_level=None)) as database:
        database.execute("UPDATE audit SET actor = 'user:eve' WHERE seq = 2")
        database.execute("UPDATE runs SET status = 'failed'")
        database.execute("DELETE FROM journal WHERE seq = 2")
    (home / "signalbox.db").chmod(0o644)
    all_else, audit, journal = (call(home, "doctor", *part) for part in ([], ["audit"], ["journal"]))
    assert audit.returncode == journal.returncode == all_else.returncode == 1
    assert "broken at row 2" in audit.stdout
    assert "do not count" in journal.stdout
    assert "may read it" in all_else.stdout
