"""Steps that call web addresses: what is repeated, what is in doubt, what is only simulated, and secrets that turn up nowhere."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from engine import Engine, Settings
from engine.clock import SystemClock
from engine.jsonvalue import dumps
from engine.llm.gateway import Gateway, GatewaySettings
from tests.fakes.web import Asked, Web, answer, never, serving
from tests.integration.running import ANN, BEA, Bench, Works, edge, node
from tests.unit.graph.workflows import document

CANARY = "canary-9f2c71d0b8e34a65+/Z"
EDGES = [edge("start -> call"), edge("call -> done")]


@asynccontextmanager
async def opened(home: Path, *allow: str) -> AsyncIterator[Bench]:
    clock, works = SystemClock(), Works()
    settings = Settings.load({"SIGNALBOX_HOME": str(home), "SIGNALBOX_EGRESS_ALLOW": ",".join(allow)})
    gateway = Gateway(GatewaySettings(practice_ms_per_token=0, find_ollama=lambda: None), clock=clock)
    engine = await Engine.open(settings, clock=clock, gateway=gateway)
    try:
        yield Bench(engine, home, works, clock)
    finally:
        await engine.close()


def calling(url: str, *, more: dict[str, Any] | None = None, **config: Any) -> list[Any]:
    output = {"body": "nodes.call.body", "status": "nodes.call.status"}
    call = {"id": "call", "kind": "http", "config": {"url": url, **config}, **(more or {})}
    return [node("start", "start"), call, {"id": "done", "kind": "end", "config": {"output": output}}]


async def come(web: Web) -> None:
    async with asyncio.timeout(20):
        await web.has_come.wait()


async def called(bench: Bench, web: Web, inputs: Any = None, **config: Any) -> Any:
    run = await bench.start(calling(web.url + "/x", **config), EDGES, inputs=inputs)
    return await bench.until(run)


async def test_a_step_gives_the_status_the_headers_and_the_body_and_counts_as_one_tool_call(tmp_path: Path) -> None:
    async with serving() as web, opened(tmp_path / "home", web.place) as bench:
        headers = {"X-Id": "{{ inputs.id }}"}
        body = {"id": "{{ inputs.id }}", "all": ["{{ inputs.list }}", 1, None], "text": "no. {{ inputs.id }}"}
        view = await called(bench, web, {"id": 7, "list": [1, 2]}, method="PUT", headers=headers, body=body)
        assert (view.status, view.output["status"], view.spent["tool_calls"]) == ("succeeded", 200, 1)
        (asked,) = web.asked
        assert asked.headers["x-id"] == "7" and asked.headers["content-type"] == "application/json"
        assert asked.body == dumps({"id": 7, "all": [[1, 2], 1, None], "text": "no. 7"})


@pytest.mark.parametrize(
    ("body", "type_", "sent"),
    [
        ("hello {{ inputs.id }}", "text/plain; charset=utf-8", b"hello 7"),
        ('{"a": {{ inputs.id }}}', "application/json", b'{"a": 7}'),
        ("{{ inputs }}", "application/json", b'{"id":7}'),
        ("", None, b""),
        (None, None, b""),
        (5, "application/json", b"5"),
    ],
)
async def test_the_body_is_a_text_or_json_and_says_which(tmp_path: Path, body: Any, type_: str | None, sent: bytes) -> None:
    async with serving() as web, opened(tmp_path / "home", web.place) as bench:
        assert (await called(bench, web, {"id": 7}, method="POST", body=body)).status == "succeeded"
        assert (web.asked[0].headers.get("content-type"), web.asked[0].body) == (type_, sent)


async def test_an_error_status_is_an_error_of_the_step_that_on_error_catches(tmp_path: Path) -> None:
    async with serving(lambda asked: answer(b'{"why":"gone"}', status=404)) as web, opened(tmp_path / "home", web.place) as bench:
        nodes = calling(web.url, more={"on_error": "port"})
        nodes[2]["config"]["output"] = {name: f"nodes.call.error.{name}" for name in ("code", "status", "body")}
        view = await bench.until(await bench.start(nodes, [edge("start -> call"), edge("call.error -> done")]))
        assert view.output == {"code": "http_status", "status": 404, "body": '{"why":"gone"}'}


async def test_an_address_that_is_not_public_is_never_called(tmp_path: Path) -> None:
    async with serving() as web, opened(tmp_path / "home") as bench:
        run = await bench.start(calling(web.url, more={"retry": {"attempts": 5}}), EDGES)
        assert (await bench.until(run)).status == "failed"
        error = (await bench.steps(run))["call"].error
        assert error is not None and error["code"] == "egress_blocked" and web.place in error["message"] and error["hint"]
        assert web.connections == 0


async def test_a_server_that_asks_to_wait_is_called_again_after_that(tmp_path: Path) -> None:
    def busy(asked: Asked) -> bytes:
        return answer(b"", status=429, Retry_After="0") if len(web.asked) == 1 else answer(b"{}")

    async with serving(busy) as web, opened(tmp_path / "home", web.place) as bench:
        view = await called(bench, web, method="POST", more={"retry": {"attempts": 3, "backoff_s": 0.01}})
        assert view.status == "succeeded" and len(web.asked) == 2


# Whether a call happened


REPEATED = ({"method": "GET"}, {"method": "HEAD"}, {"method": "PUT"}, {"method": "DELETE"},
    {"method": "POST", "headers": {"Idempotency-Key": ""}},
    {"method": "PATCH", "headers": {"idempotency-key": "order-{{ inputs.id }}"}})  # fmt: skip
UNSAFE = ({"method": "POST"}, {"method": "PATCH", "headers": {"X-Other": "1"}})


@pytest.mark.parametrize("config", REPEATED, ids=str)
async def test_get_head_put_and_delete_are_idempotent_and_are_post_and_patch_with_an_idempotency_header(
    tmp_path: Path, config: dict[str, Any]
) -> None:  # fmt: skip
    """After a crash they are made again, with the same key."""
    async with serving(never) as web:
        async with opened(tmp_path / "home", web.place) as bench:
            run = await bench.start(calling(web.url, **config), EDGES, inputs={"id": 7})
            await come(web)
            after = bench.copy()
        web.answers = lambda asked: answer(b"" if asked.method == "HEAD" else b"{}")
        async with opened(after, web.place) as bench:
            assert (await bench.until(run)).status == "succeeded"
            first, second = web.asked
            key = first.headers.get("idempotency-key")
            assert second.headers.get("idempotency-key") == key and (key is None) == ("headers" not in config)
            assert (config["method"] != "POST") or len(str(key)) == 64


@pytest.mark.parametrize("config", UNSAFE, ids=str)
async def test_a_post_that_is_lost_when_the_process_dies_is_in_doubt_and_never_made_again(tmp_path: Path, config: dict[str, Any]) -> None:
    async with serving(never) as web:
        async with opened(tmp_path / "home", web.place) as bench:
            run = await bench.start(calling(web.url, **config, more={"retry": {"attempts": 5}}), EDGES)
            await come(web)
            after = bench.copy()
        web.answers = lambda asked: answer(b"{}")
        async with opened(after, web.place) as bench:
            item = await bench.item()
            assert item.type == "in_doubt" and (await bench.steps(run))["call"].status == "in_doubt"
            assert len(web.asked) == 1
            await bench.decide(item, "done", by=BEA, values={"status": 200, "headers": {}, "body": {"id": 1}})
            assert (await bench.until(run)).output == {"status": 200, "body": {"id": 1}}
            assert len(web.asked) == 1


async def test_a_post_whose_answer_is_cut_off_is_in_doubt_and_a_put_is_made_again(tmp_path: Path) -> None:
    retry = {"retry": {"attempts": 3, "backoff_s": 0.01}}
    async with serving(lambda asked: b"") as web, opened(tmp_path / "home", web.place) as bench:
        run = await bench.start(calling(web.url, method="POST", more=retry), EDGES)
        await bench.item()
        assert (await bench.steps(run))["call"].status == "in_doubt" and len(web.asked) == 1
    async with serving() as web, opened(tmp_path / "other", web.place) as bench:
        web.answers = lambda asked: b"" if len(web.asked) == 1 else answer(b"{}")
        view = await called(bench, web, method="PUT", more=retry)
        assert view.status == "succeeded" and len(web.asked) == 2


async def test_a_post_that_was_never_sent_is_tried_again(tmp_path: Path) -> None:
    async with serving() as gone:
        place = gone.place
    async with opened(tmp_path / "home", place) as bench:
        nodes = calling(f"http://{place}", method="POST", more={"retry": {"attempts": 2, "backoff_s": 0.01}})
        run = await bench.start(nodes, EDGES)
        assert (await bench.until(run)).status == "failed"
        step = (await bench.steps(run))["call"]
        assert step.attempt == 2 and step.error is not None and step.error["code"] == "web_unavailable"


async def test_a_step_that_takes_longer_than_it_may_says_whether_it_was_sent(tmp_path: Path) -> None:
    async with serving(never) as web, opened(tmp_path / "home", web.place) as bench:
        run = await bench.start(calling(web.url, method="POST", more={"timeout_s": 0.5}), EDGES)
        await bench.item()
        assert (await bench.steps(run))["call"].status == "in_doubt"
        run = await bench.start(calling(web.url, method="DELETE", more={"timeout_s": 0.5}), EDGES, name="Other")
        assert (await bench.until(run)).status == "failed"


@pytest.mark.parametrize(("method", "is_called"), [("GET", True), ("HEAD", True), ("POST", False), ("PUT", False), ("DELETE", False)])
async def test_in_a_test_run_only_reading_is_done_and_the_rest_is_simulated(tmp_path: Path, method: str, is_called: bool) -> None:
    async with serving(lambda asked: answer(b"")) as web, opened(tmp_path / "home", web.place) as bench:
        flow = (await bench.engine.workflows.create(ANN, document(calling(web.url, method=method), EDGES))).id
        run = (await bench.engine.runs.start(ANN, flow, mode="test")).run_id
        view = await bench.until(run)
        assert view.status == "succeeded" and len(web.asked) == is_called
        assert (await bench.steps(run))["call"].simulated != is_called
        run = (await bench.engine.runs.start(ANN, flow, mode="test", effects="real")).run_id
        assert (await bench.until(run)).status == "succeeded" and len(web.asked) == 1 + is_called


# Secrets


def forms() -> set[bytes]:
    raw = CANARY.encode()
    inner = {base64.b64encode(bytes(shift) + raw)[4:-4] for shift in range(3)}
    return {raw, quote(CANARY, safe="").encode(), raw.hex().encode(), *inner}


def echo(asked: Asked) -> bytes:
    """All that was asked, also in other spellings, in the body, a header and, with /fail, in an error."""
    auth = asked.headers.get("authorization", "")
    value = auth.removeprefix("Bearer ")
    raw = value.encode()
    spelled = [auth, *(base64.b64encode(one).decode() for one in (auth.encode(), raw)), quote(value, safe=""), raw.hex()]
    return answer(dumps({"echo": spelled, value: 1}), status=400 if asked.target == "/fail" else 200, X_Echo=auth)


async def test_a_secret_is_sent_and_turns_up_nowhere_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[Any] = []
    async with serving(echo) as web, opened(tmp_path / "home", web.place) as bench:
        engine = bench.engine
        told.append(engine.secrets.put(ANN, "CANARY_KEY", value=CANARY, hosts=[web.place]))
        for number, (path, method) in enumerate((("/ok", "GET"), ("/ok", "POST"), ("/fail", "POST"))):
            nodes = calling(web.url + path, method=method, secret="CANARY_KEY", body={"a": 1} if method == "POST" else None)
            run = await bench.start(nodes, EDGES, name=f"No. {number}")
            told += [await bench.until(run), await bench.steps(run), await bench.events(run)]
            told += [event async for event in _streamed(bench, run)]
        assert [asked.headers["authorization"] for asked in web.asked] == [f"Bearer {CANARY}"] * 3
        await _in_doubt(bench, web, told)
        told += [engine.secrets.list(ANN), (await engine.approvals.list(ANN, status=None)).items]
    kept = b"".join(path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file())
    text = (str([getattr(one, "model_dump", lambda one=one: one)() for one in told]) + caplog.text).encode()
    assert b"[secret]" in kept and b"[secret]" in text
    assert not [form for form in forms() if form in kept or form in text]


async def _streamed(bench: Bench, run: str) -> AsyncIterator[Any]:
    async for event in bench.engine.runs.watch(ANN, run):
        yield event


async def _in_doubt(bench: Bench, web: Web, told: list[Any]) -> None:
    web.answers = lambda asked: b""
    run = await bench.start(calling(web.url, method="POST", secret="CANARY_KEY"), EDGES, name="Doubt")
    told.append(await bench.item())
    told += [await bench.steps(run), await bench.events(run)]


async def test_a_secret_does_not_go_to_a_host_that_it_was_not_stored_for(tmp_path: Path) -> None:
    async with serving() as web, opened(tmp_path / "home", web.place) as bench:
        bench.engine.secrets.put(ANN, "FOREIGN", value=CANARY, hosts=["api.example"])
        bench.engine.secrets.put(ANN, "HOMELESS", value=CANARY)
        for name in ("FOREIGN", "HOMELESS", "NONE"):
            run = await bench.start(calling(web.url, secret=name), EDGES, name=name)
            await bench.until(run)
            error = (await bench.steps(run))["call"].error
            assert error is not None and name in error["message"]
            assert error["code"] == ("config_invalid" if name == "NONE" else "egress_blocked")
        assert web.connections == 0


async def test_the_hosts_of_a_secret_cannot_be_changed_in_the_database(tmp_path: Path) -> None:
    async with serving() as web, opened(tmp_path / "home", web.place) as bench:
        bench.engine.secrets.put(ANN, "FOREIGN", value=CANARY, hosts=["api.example"])
        core = bench.engine._core
        with core.records.writing() as session:
            from sqlalchemy import text

            session.execute(text("UPDATE secrets SET allowed_hosts = :hosts"), {"hosts": f'["{web.place}"]'})
        core.ring.load()
        run = await bench.start(calling(web.url, secret="FOREIGN"), EDGES)
        await bench.until(run)
        error = (await bench.steps(run))["call"].error
        assert error is not None and error["code"] == "config_invalid" and "behind Signalbox's back" in error["message"]
        assert web.connections == 0
