"""A program from outside: it knows the API's contract and Python's standard library, and nothing of Signalbox's code.

Called with the address and a token; ends with 0 when everything is as the contract says.
"""

import json
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

URL, TOKEN = sys.argv[1], sys.argv[2]

TRIAGE = {
    "format": "signalbox/1",
    "name": "Card request triage",
    "limits": {"cost_usd": 0.5, "steps": 50},
    "nodes": [
        {
            "id": "start",
            "kind": "start",
            "config": {"inputs": {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}}},
        },
        {"id": "draft", "kind": "llm", "config": {"model": "default", "system": "Be kind.", "prompt": "Answer: {{ inputs.message }}"}},
        {
            "id": "ok",
            "kind": "approval",
            "config": {
                "title": "Send this?",
                "message": "{{ nodes.draft.text }}",
                "editable": {"reply": "nodes.draft.text"},
                "approvers": {"roles": ["approver"]},
                "expires_after_s": 86400,
            },
        },
        {"id": "done", "kind": "end", "config": {"output": {"reply": "nodes.ok.values.reply", "by": "nodes.ok.by"}}},
    ],
    "edges": [
        {"source": "start", "target": "draft"},
        {"source": "draft", "target": "ok"},
        {"source": "ok", "port": "approved", "target": "done"},
        {"source": "ok", "port": "rejected", "target": "draft", "max_visits": 3, "on_exhausted": "expired"},
    ],
}


def call(method: str, path: str, body: Any = None, *, expect: int, headers: dict[str, str] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    all_headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(f"{URL}{path}", data=data, method=method, headers=all_headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, told = answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            status, told = error.code, json.loads(error.read())
    if status != expect:
        sys.exit(f"{method} {path} answered {status}, not {expect}: {told}")
    return told


def hold(is_true: Any, what: str) -> None:
    if not is_true:
        sys.exit(f"not as promised: {what}")


def stream(run: str, *, after: int = 0) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/event-stream"}
    if after:
        headers["Last-Event-ID"] = str(after)
    found = []
    fields: dict[str, str] = {}
    with urllib.request.urlopen(urllib.request.Request(f"{URL}/api/v1/runs/{run}/events", headers=headers), timeout=60) as lines:
        for raw in lines:
            line = raw.decode().rstrip("\n")
            if not line:
                if "data" in fields:
                    told = json.loads(fields["data"])
                    hold(told["type"] == fields["event"], "the type of an event")
                    hold(("id" in fields) == (told["type"] != "token"), "tokens carry no id, everything else does")
                    found.append(told)
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
    return found


def pending(run: str) -> dict[str, Any]:
    for _ in range(600):
        for item in call("GET", "/api/v1/approvals?status=pending", expect=200)["items"]:
            if item["run_id"] == run:
                return item
        time.sleep(0.1)
    sys.exit("the run asks nobody")


def check_and_publish() -> str:
    told = call("POST", "/api/v1/workflows/validate", TRIAGE, expect=200)
    hold([p for p in told["problems"] if p["severity"] == "error"] == [], f"the document has no errors: {told['problems']}")
    hold(told["worst_case"]["llm_calls"] == 3, f"a loop of three visits asks the model three times at most: {told['worst_case']}")
    broken = {**TRIAGE, "edges": [*TRIAGE["edges"], {"source": "done", "target": "nowhere"}]}
    draft = call("POST", "/api/v1/workflows", broken, expect=201)
    hold(draft["problems"] and {"code", "severity", "message", "hint"} <= draft["problems"][0].keys(), "problems of a draft")
    refused = call("POST", f"/api/v1/workflows/{draft['id']}/publish", {"note": "too early"}, expect=422)
    hold(refused["error"]["code"] == "workflow_has_problems" and refused["error"]["problems"], "publishing with errors")
    call("POST", f"/api/v1/workflows/{draft['id']}/runs", {"inputs": {"message": "x"}}, expect=409)
    saved = call("PUT", f"/api/v1/workflows/{draft['id']}", {"revision": draft["revision"], "document": TRIAGE}, expect=200)
    call("PUT", f"/api/v1/workflows/{draft['id']}", {"revision": draft["revision"], "document": TRIAGE}, expect=409)
    op = {"op": "update", "target": "node", "id": "draft", "value": {"title": "Draft an answer"}}
    saved = call("POST", f"/api/v1/workflows/{draft['id']}/ops", {"revision": saved["revision"], "ops": [op]}, expect=200)
    hold(saved["revision"] == 3, "each change makes a revision")
    published = call("POST", f"/api/v1/workflows/{draft['slug']}/publish", {"note": "first"}, expect=200)
    hold(published["version"] == 1 and published["hash"], "the first version")
    return draft["id"]


def run_and_approve(workflow: str) -> None:
    call("POST", f"/api/v1/workflows/{workflow}/runs", {"inputs": {}}, expect=422)
    key = {"Idempotency-Key": "outside-1"}
    body = {"inputs": {"message": "I lost my card"}}
    started = call("POST", f"/api/v1/workflows/{workflow}/runs", body, expect=202, headers=key)
    again = call("POST", f"/api/v1/workflows/{workflow}/runs", body, expect=202, headers=key)
    hold(started == again, "the same key answers with the first run")
    call("POST", f"/api/v1/workflows/{workflow}/runs", {"inputs": {"message": "other"}}, expect=409, headers=key)
    run = started["run_id"]
    watched: list[dict[str, Any]] = []
    watcher = threading.Thread(target=lambda: watched.extend(stream(run)))
    watcher.start()
    item = pending(run)
    hold(item["title"] == "Send this?" and item["editable"]["reply"] == item["message"], "what the person sees")
    decide = f"/api/v1/approvals/{item['id']}/decide"
    stale = call("POST", decide, {"decision": "approve", "digest": "0" * 64}, expect=409)
    hold(stale["error"]["code"] == "stale_approval", "a wrong digest")
    edited = {"decision": "approve", "digest": item["digest"], "values": {"reply": "We have blocked it."}, "reason": "clear"}
    call("POST", decide, edited, expect=200)
    call("POST", decide, edited, expect=409)
    watcher.join(60)
    hold(watched and watched[-1]["type"] == "run_ended", "the stream ends with the run")
    ended = call("GET", f"/api/v1/runs/{run}", expect=200)
    hold(ended["status"] == "succeeded" and ended["output"]["reply"] == "We have blocked it.", f"the outcome: {ended}")
    hold(ended["spent"]["llm_calls"] == 1 and ended["spent"]["steps"] == 4, f"what it used: {ended['spent']}")
    rows = [event for event in watched if event["type"] != "token"]
    listed = call("GET", f"/api/v1/runs/{run}/events?limit=1000", expect=200)["items"]
    hold([row["seq"] for row in rows] == [row["seq"] for row in listed], "stream and list agree")
    rest = stream(run, after=rows[1]["seq"])
    hold([row["seq"] for row in rest] == [row["seq"] for row in rows[2:]], "a stream goes on behind Last-Event-ID")
    steps = call("GET", f"/api/v1/runs/{run}/steps", expect=200)["items"]
    hold([step["node"] for step in steps] == ["start", "draft", "ok", "done"], f"the steps: {steps}")
    hold(all(step["status"] == "done" for step in steps), "every step is done")


def reject_until_it_is_enough(workflow: str) -> None:
    run = call("POST", f"/api/v1/workflows/{workflow}/runs", {"inputs": {"message": "Hello"}}, expect=202)["run_id"]
    for _ in range(3):
        item = pending(run)
        call("POST", f"/api/v1/approvals/{item['id']}/decide", {"decision": "reject", "digest": item["digest"]}, expect=200)
    hold(stream(run)[-1]["type"] == "run_ended", "a loop that is used up ends")
    nodes = [step["path"] for step in call("GET", f"/api/v1/runs/{run}/steps", expect=200)["items"]]
    hold(nodes == ["start", "draft#1", "draft#1/ok", "draft#2", "draft#2/ok", "draft#3", "draft#3/ok"], f"paths name the visit: {nodes}")


def cancel_and_resume(workflow: str) -> None:
    run = call("POST", f"/api/v1/workflows/{workflow}/runs", {"inputs": {"message": "Hello"}}, expect=202)["run_id"]
    item = pending(run)
    hold(call("POST", f"/api/v1/runs/{run}/cancel", {}, expect=200)["status"] == "cancelled", "a cancelled run")
    call("POST", f"/api/v1/runs/{run}/cancel", {}, expect=409)
    call("POST", f"/api/v1/approvals/{item['id']}/decide", {"decision": "approve", "digest": item["digest"]}, expect=409)
    body = {"inputs": {"message": "Hello"}, "limits": {"llm_calls": 0}}
    run = call("POST", f"/api/v1/workflows/{workflow}/runs?wait=1", body, expect=202)["run_id"]
    stopped = call("GET", f"/api/v1/runs/{run}", expect=200)
    hold(stopped["status"] == "stopped" and "llm_calls" in stopped["reason"], f"a limit stops the run and says so: {stopped}")
    call("POST", f"/api/v1/runs/{run}/resume", {"limits": {"llm_calls": 5}}, expect=200)
    hold(pending(run)["run_id"] == run, "a resumed run goes on")
    call("POST", f"/api/v1/runs/{run}/cancel", {"reason": "seen enough"}, expect=200)


def versions_and_lists(workflow: str) -> None:
    now = call("GET", f"/api/v1/workflows/{workflow}", expect=200)
    hold(now["live_version"] == 1 and now["document"]["name"] == TRIAGE["name"], "one workflow")
    document = {**now["document"], "description": "second"}
    call("PUT", f"/api/v1/workflows/{workflow}", {"revision": now["revision"], "document": document}, expect=200)
    hold(call("POST", f"/api/v1/workflows/{workflow}/publish", {}, expect=200)["version"] == 2, "the second version")
    call("POST", f"/api/v1/workflows/{workflow}/versions/1/promote", expect=200)
    hold(call("GET", f"/api/v1/workflows/{workflow}", expect=200)["live_version"] == 1, "a version taken back")
    hold(len(call("GET", f"/api/v1/workflows/{workflow}/versions", expect=200)["items"]) == 2, "both versions")
    runs = call("GET", f"/api/v1/runs?workflow={workflow}&limit=2", expect=200)
    hold(len(runs["items"]) == 2 and runs["next"], "a page of runs")
    started = [run["started_at"] for run in runs["items"]]
    hold(started == sorted(started, reverse=True), "newest first")
    for path in ("/api/v1/nothing", "/api/v1/runs/nothing", "/hooks/nothing"):
        call("GET" if path.startswith("/api") else "POST", path, expect=404)
    call("GET", "/api/v1/runs?limit=1001", expect=422)
    call("DELETE", f"/api/v1/workflows/{workflow}", expect=200)
    call("GET", f"/api/v1/workflows/{workflow}", expect=404)


def main() -> None:
    workflow = check_and_publish()
    run_and_approve(workflow)
    reject_until_it_is_enough(workflow)
    cancel_and_resume(workflow)
    versions_and_lists(workflow)
    print("everything is as the contract says")


main()
