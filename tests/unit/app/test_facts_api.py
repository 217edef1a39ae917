"""Facts over HTTP: told, looked through as of a day, decided in the inbox, merged, exported and brought in."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine import Role
from tests.unit.app.conftest import bearer, error_of

FACTS, ENTITIES = "/api/v1/memory/facts", "/api/v1/memory/entities"
ANN = ""
"""Of each test another one: all of them share an engine."""


@pytest.fixture(autouse=True)
def somebody(request: pytest.FixtureRequest) -> None:
    globals()["ANN"] = f"{blake2b(request.node.name.encode(), digest_size=6).hexdigest()} Berg"


@pytest.fixture
def viewer(tokens: dict[Role, str]) -> dict[str, str]:
    return bearer(tokens[Role.VIEWER])


def tell(client: TestClient, *facts: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.post(FACTS, json={"facts": [*facts]})
    assert answer.status_code == 201, answer.text
    return answer.json()["items"]


def works(at: str, since: str, **more: Any) -> dict[str, Any]:
    return {"subject": ANN, "predicate": "works_at", "object": at, "valid_from": since, **more}


def texts(client: TestClient, **asked: Any) -> list[str]:
    answer = client.get(FACTS, params={"q": ANN.split()[0]} | asked)
    assert answer.status_code == 200, answer.text
    return [one["text"].replace(ANN, "Ann Berg") for one in answer.json()["items"]]


def test_a_fact_is_told_read_with_its_receipts_and_asked_for_as_of_a_day(client: TestClient) -> None:
    (first,) = tell(client, works("Acme", "2026-01-01", source={"quote": "I start at Acme in January."}))
    (second,) = tell(client, works("Globex", "2026-03-01"))
    assert (first["result"], second["ended"]) == ("added", [first["fact"]])
    told = client.get(f"{FACTS}/{first['fact']}").json()
    assert (told["status"], told["valid_to"]) == ("superseded", "2026-03-01T00:00:00.000000Z")
    assert [one["quote"] for one in told["sources"]] == ["I start at Acme in January."]
    assert [one["action"] for one in told["states"]] == ["assert", "supersede"]
    assert [one["object"] for one in told["history"]] == ["Acme", "Globex"]
    assert texts(client, as_of="2026-02-01") == ["Ann Berg works at Acme"]
    assert texts(client, as_of="2026-04-01", known_at=told["states"][0]["believed_from"]) == ["Ann Berg works at Acme"]
    assert texts(client, as_of="2026-04-01") == ["Ann Berg works at Globex"]
    assert texts(client, q=f"{ANN} start january") == ["Ann Berg works at Acme"]
    assert texts(client, predicate="works_at", status="active,confirmed") == ["Ann Berg works at Globex"]
    page = client.get(FACTS, params={"limit": 1, "q": ANN}).json()
    assert [one["object"] for one in page["items"]] == ["Globex"]
    rest = client.get(FACTS, params={"limit": 1, "q": ANN, "cursor": page["next"]}).json()
    assert [one["object"] for one in rest["items"]] == ["Acme"] and rest["next"] is None


def test_what_is_wrong_is_named(client: TestClient, viewer: dict[str, str]) -> None:
    wrong = client.post(FACTS, json={"facts": [{"subject": "Ann", "object": "x", "confidence": 7, "colour": "red"}]})
    assert wrong.status_code == 422
    assert {one["field"] for one in error_of(wrong)["problems"]} == {"predicate", "confidence", "colour"}
    (refused,) = tell(client, {"subject": "Ann", "predicate": "flies_to", "object": "Rome"})
    assert refused["result"] == "rejected" and "flies_to" in refused["why"]
    for asked in ({"as_of": "soon"}, {"status": "sure"}, {"cursor": "x"}):
        assert client.get(FACTS, params=asked).status_code == 422
    assert client.get(f"{FACTS}/none").status_code == 404 and client.get(FACTS, params={"entity": "none"}).status_code == 404
    mine = client.post(FACTS, json={"facts": [works("Acme", "2026-01-01", visibility="private", owner="user:somebody")]})
    assert mine.status_code == 403
    assert client.post(FACTS, json={"facts": [works("Acme", "2026-01-01")]}, headers=viewer).status_code == 403


def test_a_dispute_waits_in_the_inbox_and_is_decided_there(client: TestClient, viewer: dict[str, str]) -> None:
    old, new = tell(client, works("Acme", "2026-01-01"), works("Globex", "2026-01-01"))
    assert new["result"] == "disputed"
    items = client.get("/api/v1/approvals", params={"status": "pending", "type": "memory"}).json()["items"]
    (item,) = [one for one in items if one["id"] == new["item"]]
    assert item["run_id"] == "" and item["choices"] == ["keep_old", "take_new", "both"]
    assert item["show"]["says"] == f"{ANN} works at Globex" and item["show"]["other_says"] == f"{ANN} works at Acme"
    decision = {"decision": "take_new", "digest": item["digest"]}
    assert client.post(f"/api/v1/approvals/{item['id']}/decide", json=decision, headers=viewer).status_code == 403
    stale = client.post(f"/api/v1/approvals/{item['id']}/decide", json=decision | {"digest": "x"})
    assert error_of(stale)["code"] == "stale_approval"
    done = client.post(f"/api/v1/approvals/{item['id']}/decide", json=decision)
    assert done.json() == {"id": item["id"], "status": "done", "decision": "take_new", "run_id": ""}
    again = client.post(f"/api/v1/approvals/{item['id']}/decide", json=decision)
    assert error_of(again)["code"] == "already_decided"
    assert texts(client, as_of="2026-02-01") == ["Ann Berg works at Globex"]
    assert client.get(f"{FACTS}/{old['fact']}").json()["status"] == "retracted"
    assert client.get(f"{FACTS}/{new['fact']}").json()["status"] == "confirmed"


def test_a_fact_is_confirmed_corrected_and_taken_back(client: TestClient) -> None:
    (told,) = tell(client, works("Acme", "2026-01-01"))
    path = f"{FACTS}/{told['fact']}"
    assert client.post(f"{path}/confirm").json()["status"] == "confirmed"
    corrected = client.post(f"{path}/correct", json={"object": "Acme Ltd", "reason": "A typing mistake."}).json()
    assert (corrected["object"], corrected["status"], corrected["valid_from"]) == ("Acme Ltd", "confirmed", "2026-01-01T00:00:00.000000Z")
    assert client.get(path).json()["reason"] == "A typing mistake."
    assert client.post(f"{FACTS}/{corrected['id']}/retract", json={"reason": "She never did."}).json()["status"] == "retracted"
    assert error_of(client.post(f"{path}/retract", json={}))["code"] == "wrong_state"
    assert texts(client, as_of="2026-02-01") == []


def test_entities_have_other_names_and_are_merged_and_parted(client: TestClient) -> None:
    tell(client, works("Acme", "2026-01-01"), works("Globex", "2026-02-01", subject="Dr. Bergmann"))
    ann, other = (client.get(ENTITIES, params={"q": name}).json()["items"][0]["id"] for name in (ANN, "bergmann"))
    assert client.patch(f"{ENTITIES}/{ann}", json={"aliases": ["A. B."], "description": "Buys."}).json()["aliases"] == ["A. B."]
    merged = client.post(f"{ENTITIES}/merge", json={"keep": ann, "drop": other, "reason": "married"}).json()
    told = client.get(f"{ENTITIES}/{other}").json()
    assert (told["id"], told["aliases"], told["description"]) == (ann, ["A. B.", "Dr. Bergmann"], "Buys.")
    assert [one["text"] for one in told["about"]] == [f"{ANN} works at Globex"] and len(merged["changed"]) == 2
    assert client.post(f"{ENTITIES}/unmerge", json={"merge": merged["id"]}).json()["left"] == []
    assert [one["text"] for one in client.get(f"{ENTITIES}/{ann}").json()["about"]] == [f"{ANN} works at Acme"]
    assert client.post(f"{ENTITIES}/unmerge", json={"merge": merged["id"]}).status_code == 409
    assert client.post(f"{ENTITIES}/merge", json={"keep": ann, "drop": "none"}).status_code == 404


def test_what_can_be_said_is_listed_and_added(client: TestClient) -> None:
    path = "/api/v1/memory/predicates"
    drives = {"name": "drives", "cardinality": "one", "value_type": "text", "words": "drives a"}
    assert client.post(path, json=drives).status_code == 201
    assert client.post(path, json=drives).status_code == 409
    assert {"works_at", "drives"} <= {one["name"] for one in client.get(path).json()["items"]}
    wrong = client.post(path, json={"name": "Flies To", "cardinality": "few", "inverse": "flown_by"})
    assert {one["field"] for one in error_of(wrong)["problems"]} == {"name", "cardinality", "value_type"}
    assert [one["result"] for one in tell(client, {"subject": ANN, "predicate": "drives", "object": "Volvo"})] == ["added"]


def test_exported_facts_come_back_as_they_were_or_wait_for_a_person(client: TestClient) -> None:
    tell(client, works("Acme", "2026-01-01"), works("Globex", "2026-03-01"), {"subject": ANN, "predicate": "likes", "object": "tea"})
    answer = client.get(f"{FACTS}/export")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    mine = [line for line in answer.text.splitlines() if ANN in line]
    assert len(mine) == 3
    same = client.post(f"{FACTS}/import", json={"lines": "\n".join(mine), "vouched": True}).json()
    assert same == {"lines": 3, "results": {"reinforced": 3}, "rejected": []}
    line = json.dumps({"subject": "Bea", "predicate": "likes", "object": "tea"})
    brought = client.post(f"{FACTS}/import", json={"lines": f"{line}\n\n{line.replace('likes', 'flies_to')}\n"}).json()
    assert brought["results"] == {"candidate": 1, "rejected": 1} and brought["rejected"][0]["line"] == 3
    assert texts(client, q="Bea tea", as_of="2030-01-01") == []
    assert error_of(client.post(f"{FACTS}/import", json={"lines": "{"}))["problems"][0]["field"] == "line 1"
