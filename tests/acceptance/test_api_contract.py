"""The sentences of the API's contract that the first implementation did not keep, each asked of a real server."""

import http.client
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.acceptance.served import ADMIN, Answer, Up, command_line, served, until
from tests.unit.app.conftest import ASK, HELLO

WORKFLOWS = "/api/v1/workflows"
HOOKED = {**HELLO, "name": "Hooked", "triggers": [{"kind": "webhook", "path": "cards"}]}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with served(tmp_path_factory.mktemp("contract") / "home") as up:
        yield up


def live(up: Up, document: dict[str, Any]) -> str:
    saved = up.call("POST", WORKFLOWS, document)
    assert saved.status == 201, saved
    published = up.call("POST", f"{WORKFLOWS}/{saved.body['id']}/publish", {"note": None})
    assert published.status == 200, published
    return saved.body["id"]


def is_error(answer: Answer, status: int) -> dict[str, Any]:
    """The error, once everything that the contract says of errors is true of it."""
    assert answer.status == status, answer
    error = answer.body["error"]
    assert all(isinstance(error[name], str) and error[name] for name in ("code", "message", "hint")), error
    if status == 422:
        assert error["problems"], error
    return error


def raw(up: Up, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """An answer with its headers, also to a method that urllib treats in its own way."""
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=30)
    connection.request(method, path, headers={"Authorization": f"Bearer {ADMIN}", **headers})
    answer = connection.getresponse()
    told = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return told


def test_every_error_says_what_to_do_next(up: Up) -> None:
    workflow = live(up, {**HELLO, "name": "Errors"})
    runs = f"{WORKFLOWS}/{workflow}/runs"
    named = {"inputs": {"name": "x"}}
    for path in ("runs/no", "runs/no/steps", "runs/no/events", "approvals/no", "workflows/no", f"workflows/{workflow}/versions/9", "no"):
        is_error(up.call("GET", f"/api/v1/{path}"), 404)
    for version in ("9", "0", "x"):
        is_error(up.call("POST", f"{WORKFLOWS}/{workflow}/versions/{version}/promote"), 404)
    for wrong in ({"limits": {"x": 1}}, {"limits": {"steps": -1}}, {"limits": {"steps": True}}, {"version": 0}, {"mode": "x"}):
        is_error(up.call("POST", runs, named | wrong), 422)
    for ops in ([{"op": "x"}], [{"op": "add", "target": "node"}], [{"op": "remove", "target": "node", "id": "no"}]):
        is_error(up.call("POST", f"{WORKFLOWS}/{workflow}/ops", {"revision": 1, "ops": ops}), 422)
    for query in ("from=x", "status=x", "cost_gt=x", "cost_gt=-1", "limit=0", "limit=1001", "cursor=x"):
        is_error(up.call("GET", f"/api/v1/runs?{query}"), 422)


def test_too_many_levels_are_a_limit_and_not_bad_json(up: Up) -> None:
    document: dict[str, Any] = {**HELLO, "vars": {}}
    inner = document["vars"]
    for _ in range(80):
        inner["a"] = inner = {}
    for path in (WORKFLOWS, f"{WORKFLOWS}/validate"):
        is_error(up.call("POST", path, document), 422)


def test_a_value_as_deep_as_allowed_does_not_shut_the_inbox(up: Up) -> None:
    document = json.loads(json.dumps(ASK)) | {"name": "Deep"}
    document["nodes"][0]["config"] = {}
    document["nodes"][1]["config"]["editable"] = {"value": "{'inside': [inputs.value]}"}
    workflow = live(up, document)
    value: Any = 1
    for _ in range(61):
        value = {"a": value}
    run = up.call("POST", f"{WORKFLOWS}/{workflow}/runs", {"inputs": {"value": value}}).body["run_id"]
    until("it waits or fails", lambda: up.call("GET", f"/api/v1/runs/{run}").body["status"] in ("waiting", "failed"))
    inbox = up.call("GET", "/api/v1/approvals?status=pending")
    assert inbox.status == 200
    for item in inbox.body["items"]:
        decided = up.call("POST", f"/api/v1/approvals/{item['id']}/decide", {"decision": "approve", "digest": item["digest"]})
        assert decided.status == 200, decided
    assert up.call("GET", f"/api/v1/runs/{run}/steps").status == 200


def test_head_is_answered_like_get_without_the_body(up: Up) -> None:
    run = up.call("POST", f"{WORKFLOWS}/{live(up, {**ASK, 'name': 'Head'})}/runs").body["run_id"]
    for path in ("/healthz", "/readyz", WORKFLOWS, f"/api/v1/runs/{run}", "/api/v1/openapi.json", "/api/v1/runs/none"):
        wanted = 404 if path.endswith("none") else 200
        status, headers, body = raw(up, "HEAD", path)
        assert (status, body) == (wanted, b""), path
        assert headers["content-type"] == raw(up, "GET", path)[1]["content-type"]
    # The run waits, so the stream of its events would not end.
    assert raw(up, "HEAD", f"/api/v1/runs/{run}/events", Accept="text/event-stream")[0] == 200


def test_allow_names_every_method_of_an_address(up: Up) -> None:
    assert raw(up, "PUT", WORKFLOWS)[:2][1]["allow"] == "GET, HEAD, POST"
    assert raw(up, "POST", f"{WORKFLOWS}/x")[1]["allow"] == "DELETE, GET, HEAD, PUT"


def test_metrics_never_lead_to_a_page(up: Up) -> None:
    answer = up.call("GET", "/metrics", token=None, headers={"Accept": "text/html"})
    is_error(answer, 401)


def test_filters_may_be_empty_repeated_or_joined(up: Up) -> None:
    workflow = live(up, {**HELLO, "name": "Filters"})
    run = up.call("POST", f"{WORKFLOWS}/{workflow}/runs?wait=20", {"inputs": {"name": "x"}}).body["id"]
    for query in (
        "status=&q=&cost_gt=&from=&to=",
        "status=failed&status=succeeded",
        "status=failed,succeeded",
        "from=2020-01-01T00:00:00+02:00",
        "from=2020-01-01T00:00:00%2B02:00&to=2120-01-01",
    ):
        found = up.call("GET", f"/api/v1/runs?workflow={workflow}&{query}")
        assert [item["id"] for item in found.body["items"]] == [run], (query, found)
    assert up.call("GET", "/api/v1/approvals?status=pending,done&type=").status == 200
    assert up.call("GET", "/api/v1/approvals?status=").status == 200


def test_a_run_in_the_list_tells_what_the_run_tells(up: Up) -> None:
    workflow = live(up, {**HELLO, "name": "Listed"})
    short = up.call("POST", f"{WORKFLOWS}/{workflow}/runs?wait=20", {"inputs": {"name": "x"}, "limits": {"steps": 7}}).body
    assert up.call("GET", f"/api/v1/runs?workflow={workflow}").body["items"] == [short]
    name = "x" * 9000
    up.call("POST", f"{WORKFLOWS}/{workflow}/runs?wait=20", {"inputs": {"name": name}})
    large = up.call("GET", f"/api/v1/runs?workflow={workflow}").body["items"][0]
    reference = large["inputs"]
    assert up.call("GET", reference["$ref"]).body[reference["field"]] == {"name": name}


def test_the_runs_of_a_deleted_workflow_are_still_found(up: Up) -> None:
    workflow = live(up, {**HELLO, "name": "Gone"})
    run = up.call("POST", f"{WORKFLOWS}/{workflow}/runs?wait=20", {"inputs": {"name": "x"}}).body
    assert up.call("DELETE", f"{WORKFLOWS}/{workflow}").status == 200
    assert up.call("GET", f"/api/v1/runs?workflow={workflow}").body["items"] == [run]
    is_error(up.call("GET", "/api/v1/runs?workflow=never-was"), 404)


def test_large_bodies_of_steps_are_found_behind_their_reference(up: Up) -> None:
    document = json.loads(json.dumps(ASK)) | {"name": "Large"}
    document["nodes"][0]["config"] = {}
    document["nodes"][1]["config"]["message"] = "{{ inputs.text }}"
    document["edges"][2] |= {"target": "ok", "max_visits": 2, "on_exhausted": "expired"}
    document["nodes"].pop()
    workflow = live(up, document)
    run = up.call("POST", f"{WORKFLOWS}/{workflow}/runs", {"inputs": {"text": "y" * 9000}}).body["run_id"]
    steps = until("it waits", lambda: (s := up.call("GET", f"/api/v1/runs/{run}/steps").body["items"])[-1]["status"] == "waiting" and s)
    assert len(json.dumps(steps)) < 8192
    (waiting,) = [step for step in steps if step["path"] == "ok#1"]
    for field in ("inputs", "note"):
        reference = waiting[field]
        # An address of its own, and right as well for whoever reads it relative to the list.
        address = urljoin(f"/api/v1/runs/{run}/steps", reference["$ref"])
        whole = up.call("GET", address).body
        assert whole["path"] == "ok#1"
        assert "y" * 9000 in json.dumps(whole[reference["field"]])


def test_a_live_run_does_not_pretend_to_simulate(up: Up) -> None:
    workflow = live(up, {**HELLO, "name": "Effects"})
    body = {"inputs": {"name": "x"}, "mode": "live", "effects": "simulated"}
    assert is_error(up.call("POST", f"{WORKFLOWS}/{workflow}/runs", body), 422)["problems"][0]["field"] == "effects"
    assert up.call("POST", f"{WORKFLOWS}/{workflow}/runs?wait=20", body | {"mode": "test"}).status == 200


def test_optional_fields_may_be_null(up: Up) -> None:
    workflow = live(up, {**ASK, "name": "Nulls"})
    nothing = {"inputs": None, "version": None, "limits": None, "mode": None, "effects": None}
    run = up.call("POST", f"{WORKFLOWS}/{workflow}/runs", nothing)
    assert run.status == 202, run
    item = until("it asks", lambda: next((i for i in pending(up) if i["run_id"] == run.body["run_id"]), None))
    body = {"decision": "approve", "digest": item["digest"], "values": None, "reason": None}
    assert up.call("POST", f"/api/v1/approvals/{item['id']}/decide", body).status == 200


def pending(up: Up) -> list[dict[str, Any]]:
    return up.call("GET", "/api/v1/approvals?status=pending&limit=1000").body["items"]


def test_values_that_are_not_editable_are_named(up: Up) -> None:
    run = up.call("POST", f"{WORKFLOWS}/{live(up, {**ASK, 'name': 'Values'})}/runs").body["run_id"]
    item = until("it asks", lambda: next((i for i in pending(up) if i["run_id"] == run), None))
    body = {"decision": "approve", "digest": item["digest"], "values": {"other": 1}}
    error = is_error(up.call("POST", f"/api/v1/approvals/{item['id']}/decide", body), 422)
    assert error["problems"][0]["field"] == "values.other"


def test_a_position_may_be_moved_in_the_form_that_nodes_have(up: Up) -> None:
    workflow = live(up, {**HELLO, "name": "Moved"})
    for revision, value in ((1, {"x": 3, "y": 4}), (2, {"position": {"x": 5, "y": 6}})):
        op = {"op": "move", "target": "node", "id": "start", "value": value}
        assert up.call("POST", f"{WORKFLOWS}/{workflow}/ops", {"revision": revision, "ops": [op]}).body["problems"] == []
    assert up.call("GET", f"{WORKFLOWS}/{workflow}").body["document"]["nodes"][0]["position"] == {"x": 5, "y": 6}


def test_tokens_in_a_stream_have_the_shape_of_all_events(up: Up) -> None:
    document = json.loads(json.dumps(ASK)) | {"name": "Tokens"}
    document["nodes"][2] = {"id": "done", "kind": "llm", "config": {"prompt": "Say hello"}}
    run = up.call("POST", f"{WORKFLOWS}/{live(up, document)}/runs").body["run_id"]
    item = until("it asks", lambda: next((i for i in pending(up) if i["run_id"] == run), None))
    connection = http.client.HTTPConnection("127.0.0.1", up.port, timeout=30)
    headers = {"Authorization": f"Bearer {ADMIN}", "Accept": "text/event-stream"}
    connection.request("GET", f"/api/v1/runs/{run}/events", headers=headers)
    stream = connection.getresponse()
    assert stream.readline()
    up.call("POST", f"/api/v1/approvals/{item['id']}/decide", {"decision": "approve", "digest": item["digest"]})
    with stream:
        blocks = [block.strip().splitlines() for block in stream.read().decode().split("\n\n") if "data:" in block]
    events = [dict(line.split(": ", 1) for line in block) for block in blocks]
    connection.close()
    for event in events:
        told = json.loads(event["data"])
        assert {"seq", "type", "at", "path", "data"} <= told.keys()
        assert event["event"] == told["type"]
        assert ("id" in event) == (told["type"] != "token")
    text = "".join(json.loads(event["data"])["data"]["text"] for event in events if event["event"] == "token")
    assert text == up.call("GET", f"/api/v1/runs/{run}/steps/done").body["outputs"]["text"]


def test_the_secret_of_a_webhook_is_shown_once(up: Up) -> None:
    key = {"Idempotency-Key": "hooked"}
    workflow = up.call("POST", WORKFLOWS, HOOKED).body["id"]
    first = up.call("POST", f"{WORKFLOWS}/{workflow}/publish", {"note": "first"}, headers=key)
    assert first.body.keys() == {"version", "hash", "triggers"}
    (trigger,) = first.body["triggers"]
    assert trigger.keys() == {"path", "url", "secret"}
    assert (trigger["path"], trigger["url"]) == ("cards", f"{up.url}/hooks/cards")
    assert re.fullmatch(r"[0-9a-f]{64}", trigger["secret"])
    assert up.call("POST", f"{WORKFLOWS}/{workflow}/publish", {"note": "first"}, headers=key).body == first.body
    assert up.call("POST", f"{WORKFLOWS}/{workflow}/publish", {"note": "second"}).body["triggers"] == [trigger | {"secret": None}]
    kept = [path.name for path in up.home.rglob("*") if path.is_file() and trigger["secret"].encode() in path.read_bytes()]
    assert kept == []


def test_a_webhook_path_has_one_owner_and_the_next_one_gets_another_secret(up: Up) -> None:
    document = {**HOOKED, "triggers": [{"kind": "webhook", "path": "owned"}]}
    owner, other = (up.call("POST", WORKFLOWS, document).body["id"] for _ in range(2))
    secret = up.call("POST", f"{WORKFLOWS}/{owner}/publish").body["triggers"][0]["secret"]
    second = up.call("POST", f"{WORKFLOWS}/{other}/publish")
    trigger = second.body["triggers"][0]
    assert second.status in (200, 201) and (trigger["path"], trigger["url"], trigger["secret"]) == ("owned", None, None)
    assert "listens on the path `owned` already" in trigger["problem"]
    up.call("DELETE", f"{WORKFLOWS}/{owner}")
    fresh = up.call("POST", f"{WORKFLOWS}/{other}/publish").body["triggers"][0]["secret"]
    assert fresh and fresh != secret


def test_whatever_was_acknowledged_is_there_after_kill_9(tmp_path: Path) -> None:
    with served(tmp_path / "home") as up:
        workflow = live(up, ASK)
        user = up.call("POST", "/api/v1/users", {"email": "ann@example.com", "roles": ["viewer"]}).body
        token = up.call("POST", "/api/v1/tokens", {"name": "t", "roles": ["viewer"], "user_id": user["id"]}).body["token"]
        run = up.call("POST", f"{WORKFLOWS}/{workflow}/runs").body["run_id"]
        item = until("it asks", lambda: next((i for i in pending(up) if i["run_id"] == run), None))
        ended = up.call("POST", f"{WORKFLOWS}/{workflow}/runs").body["run_id"]
        assert up.call("POST", f"/api/v1/runs/{ended}/cancel").body["status"] == "cancelled"
        decided = up.call("POST", f"/api/v1/approvals/{item['id']}/decide", {"decision": "approve", "digest": item["digest"]})
        assert decided.status == 200
        os.kill(up.server(), signal.SIGKILL)
        until("it serves again", lambda: up.says("serves again"))
        assert user in up.call("GET", "/api/v1/users").body["items"]
        assert up.call("GET", WORKFLOWS, token=token).body["items"][0]["live_version"] == 1
        assert up.call("GET", f"/api/v1/runs/{ended}").body["status"] == "cancelled"
        again = up.call("POST", f"/api/v1/approvals/{item['id']}/decide", {"decision": "reject", "digest": item["digest"]})
        assert is_error(again, 409)["code"] == "already_decided"
        until("it goes on", lambda: up.call("GET", f"/api/v1/runs/{run}").body["status"] == "succeeded")


def test_the_doctor_lists_the_variables_of_providers(tmp_path: Path) -> None:
    told = command_line("doctor", home=tmp_path / "home", OPENAI_API_KEY="sk-very-secret").stdout
    assert re.search(r"OPENAI_API_KEY +set", told)
    assert re.search(r"ANTHROPIC_API_KEY +not set", told)
    assert "very-secret" not in told
