"""How `run` stores a file, and what it tells about runs."""

from types import SimpleNamespace
from typing import Any

import pytest

from engine.cli import run
from engine.errors import NotFound, NotPublished, WorkflowHasProblems

DOCUMENT = {"name": "Hello", "nodes": [], "edges": []}


class FakeDesk:
    """Remembers what it was asked to change; everything else is not asked here."""

    def __init__(self, *, live: Any = None, draft: Any = None) -> None:
        self.live, self.draft = live, draft
        self.done: list[str] = []

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is not needed here")

    def workflows(self, *, query: str) -> list[dict[str, Any]]:
        others = [{"id": "wf_9", "name": f"{query} and more"}]
        return others if self.draft is None else [*others, {"id": "wf_1", "name": self.draft["name"]}]

    def workflow(self, workflow: str) -> dict[str, Any]:
        if workflow != "wf_1":
            raise NotFound
        return {"id": "wf_1", "name": "Hello", "revision": 3, "document": self.draft, "live_version": 2 if self.live else None}

    def version(self, workflow: str, version: int) -> dict[str, Any]:
        return {"document": self.live}

    def create(self, document: Any) -> dict[str, Any]:
        self.done.append("create")
        return {"id": "wf_1"}

    def replace(self, workflow: str, *, revision: int, document: Any) -> dict[str, Any]:
        self.done.append(f"replace {revision}")
        return {}

    def publish(self, workflow: str) -> dict[str, Any]:
        self.done.append("publish")
        return {"version": 1, "hash": "0", "triggers": []}

    def templates(self) -> list[dict[str, Any]]:
        return [{"slug": "begin", "document": DOCUMENT}]


def test_a_new_file_is_stored_and_published() -> None:
    desk = FakeDesk()
    assert run.keep(desk, DOCUMENT) == "wf_1"
    assert desk.done == ["create", "publish"]


def test_the_same_file_again_makes_no_version() -> None:
    desk = FakeDesk(live={"edges": [], **DOCUMENT}, draft={**DOCUMENT, "description": "being changed"})
    assert run.keep(desk, DOCUMENT) == "wf_1"
    assert desk.done == []


def test_a_changed_file_becomes_a_version_of_the_same_workflow() -> None:
    desk = FakeDesk(live={**DOCUMENT, "description": "before"}, draft=DOCUMENT)
    run.keep(desk, DOCUMENT)
    assert desk.done == ["publish"]
    desk = FakeDesk(live=DOCUMENT, draft=DOCUMENT)
    run.keep(desk, {**DOCUMENT, "description": "after"})
    assert desk.done == ["replace 3", "publish"]


def test_problems_are_told_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    desk = FakeDesk()

    def publish(_: str) -> dict[str, Any]:
        problem: Any = {"severity": "error", "node": "a", "field": "config.x", "message": "It is wrong.", "hint": "Mend it."}
        raise WorkflowHasProblems(details={"problems": [problem]})

    desk.publish = publish
    with pytest.raises(WorkflowHasProblems):
        run.keep(desk, DOCUMENT)
    assert capsys.readouterr().err == "  error: node a, config.x: It is wrong. Mend it.\n"


def test_the_secret_of_a_new_webhook_is_told_beside_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    desk = FakeDesk()
    known = {"path": "old", "url": "http://x/hooks/old", "secret": None}
    triggers = [{"path": "new", "url": "http://x/hooks/new", "secret": "s3cret"}, known]
    desk.publish = lambda _: {"version": 2, "hash": "0", "triggers": triggers}
    run.keep(desk, DOCUMENT)
    told = capsys.readouterr()
    assert told.out == ""
    assert "http://x/hooks/new is signed with the secret s3cret" in told.err
    assert "hooks/old" not in told.err


def test_a_target_is_a_workflow_or_a_template() -> None:
    assert run.find(FakeDesk(live=DOCUMENT, draft=DOCUMENT), "wf_1") == "wf_1"
    desk = FakeDesk()
    assert run.find(desk, "begin") == "wf_1"
    assert desk.done == ["create", "publish"]
    with pytest.raises(NotFound, match="nothing"):
        run.find(desk, "nothing")
    with pytest.raises(NotPublished):
        run.find(FakeDesk(draft=DOCUMENT), "wf_1")


SPENT = {"cost_usd": 0.5, "tokens": 10, "seconds": 1.25, "steps": 3, "llm_calls": 1, "tool_calls": 0}


def test_a_run_is_one_line_of_json() -> None:
    told = run.json_line({"id": "run_1", "status": "succeeded", "output": {"a": "ä"}, "spent": SPENT, "reason": ""})
    assert told.startswith('{"run_id":"run_1","status":"succeeded","output":{"a":"ä"},"spent":{"cost_usd":0.5')
    assert "\n" not in told


def test_a_run_is_told_to_people_with_its_reason() -> None:
    lines = list(run.told({"id": "run_1", "status": "failed", "output": None, "spent": SPENT, "reason": "It broke."}))
    assert lines == ["run_1 failed", "reason: It broke.", "spent:  0.5000 USD, 10 tokens, 3 steps, 1.2 s"]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        ({"type": "step_done", "path": "a", "data": {"port": "out"}}, "done    a"),
        ({"type": "step_done", "path": "a", "data": {"port": "lost"}}, "done    a (lost)"),
        ({"type": "step_failed", "path": "a", "data": {"error": {"message": "No."}}}, "failed  a: No."),
        ({"type": "step_waiting", "path": "a", "data": {}}, "waits   a"),
        ({"type": "step_paused", "path": "a", "data": {"event": "paid", "key": "R-17"}}, "waits   a for the event paid R-17"),
        ({"type": "step_paused", "path": "a", "data": {"until": 1_750_000_000_000_000}}, "waits   a until 2025-06-15T15:06:40.000000Z"),
        ({"type": "step_in_doubt", "path": "pay", "data": {"why": "got no answer"}}, "doubt   pay: it got no answer"),
        ({"type": "doubt_resolved", "path": "pay", "data": {"decision": "retry"}}, "told    pay: it did not happen"),
        ({"type": "limit_asked", "path": "", "data": {}}, "asks    how it goes on: the answer is given in the inbox"),
        ({"type": "box_opened", "path": "each", "data": {"inputs": {"items": [1, 2]}}}, "opens   each: 2 items"),
        ({"type": "item_ended", "path": "each[0]", "data": {"outputs": {"result": 1}}}, ""),
        ({"type": "run_started", "path": "", "data": None}, ""),
    ],
)
def test_progress_tells_what_matters_to_people(event: dict[str, Any], line: str) -> None:
    assert run.progress_line(event) == line


@pytest.mark.parametrize(
    ("reason", "steps", "rests"),
    [
        ("Pay is in doubt: somebody has to say in the inbox whether it happened.", ["done", "in_doubt"], True),
        ("The limit tokens is reached. Somebody has to say in the inbox how it goes on.", ["done"], True),
        ("Ask waits for an answer in the inbox.", ["waiting"], True),
        ("Post it is tried again later.", ["done", "ready"], False),
    ],
)
def test_a_run_rests_when_only_somebody_moves_it_on(reason: str, steps: list[str], rests: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "RETRY_GLANCE_S", 0)
    desk: Any = SimpleNamespace(steps=lambda _: [{"status": status} for status in steps])
    assert run.rests(desk, {"id": "run_1", "status": "waiting", "reason": reason}) is rests
