"""The egress door: what it sends, what it gives back, where secrets go, and what each kind of trouble is called."""

from __future__ import annotations

import asyncio
import base64
import gzip
import zlib
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from engine.clock import SystemClock
from engine.errors import AnswerRefused, ConfigInvalid, EgressBlocked, HttpStatus, InDoubt, SignalboxError, WebUnavailable
from engine.security.webbodies import MOST_BYTES
from engine.security.webcalls import WebRequest
from tests.fakes.web import Asked, answer, never, serving
from tests.security.doors import Names, door

CANARY = "canary-7d1f0b5e+/Zq=9"


async def sent(web: Any, method: str = "GET", path: str = "/", **more: Any) -> Any:
    return await door(allow=[web.place]).send(WebRequest(method, web.url + path, **more))


async def fault_of(web: Any, method: str = "GET", **more: Any) -> SignalboxError:
    with pytest.raises(SignalboxError) as raised:
        await sent(web, method, **more)
    behind = raised.value.__context__
    while behind is not None:
        assert not isinstance(behind, httpx.HTTPError), "it holds the request with its headers"
        behind = behind.__context__
    return raised.value


async def test_what_is_asked_for_is_what_is_sent() -> None:
    async with serving() as web:
        reply = await sent(web, "POST", "/a%20b?q=1&r=ä", headers={"X-One": "1", "Content-Type": "text/plain"}, body=b"hello")
        (asked,) = web.asked
        assert (asked.method, asked.target, asked.body) == ("POST", "/a%20b?q=1&r=%C3%A4", b"hello")
        assert asked.headers["x-one"] == "1" and asked.headers["host"] == web.place and asked.headers["user-agent"] == "Signalbox"
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
        assert reply.body["method"] == "POST"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_a_call_without_a_body_says_so(method: str) -> None:
    async with serving() as web:
        await sent(web, method)
        assert web.asked[0].headers["content-length"] == "0"


async def test_a_head_has_no_body() -> None:
    async with serving(lambda asked: answer(b"", Content_Length="123")) as web:
        assert (await sent(web, "HEAD")).body is None


@pytest.mark.parametrize(
    ("body", "type_", "wanted"),
    [
        (b'{"a": [1, null]}', "application/json", {"a": [1, None]}),
        (b'{"a": 1}', "application/problem+json; charset=utf-8", {"a": 1}),
        (b"not json", "application/json", "not json"),
        (b'{"a": NaN}', "application/json", '{"a": NaN}'),
        ("grün".encode(), "text/plain", "grün"),
        ("grün".encode("latin-1"), "text/plain; charset=iso-8859-1", "grün"),
        ("grün".encode("utf-16"), "text/plain; charset=utf-16", "grün"),
        (b"\xff\xfe\xfa", "text/plain", "���"),
        (b"x", "text/plain; charset=no-such", "x"),
        (b"x", "text/plain; charset=base64", "x"),
        (b"<a/>", "application/xml", "<a/>"),
        (b"plain", "", "plain"),
        (b"", "application/json", None),
        (b"\x89PNG\r\n", "image/png", {"base64": base64.b64encode(b"\x89PNG\r\n").decode(), "content_type": "image/png", "bytes": 6}),
    ],
)
async def test_a_body_is_json_where_it_says_so_else_text_else_base64(body: bytes, type_: str, wanted: Any) -> None:
    async with serving(lambda asked: answer(body, type_=type_)) as web:
        assert (await sent(web)).body == wanted


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", lambda raw: zlib.compress(raw)[2:-4])]
)
async def test_packed_bodies_are_unpacked(encoding: str, pack: Any) -> None:
    async with serving(lambda asked: answer(pack(b'{"a":1}'), Content_Encoding=encoding)) as web:
        reply = await sent(web)
        assert reply.body == {"a": 1} and "content-encoding" not in reply.headers


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"x" * (MOST_BYTES + 1), {}),
        (gzip.compress(bytes(200 * MOST_BYTES), 9), {"Content_Encoding": "gzip"}),
        (zlib.compress(bytes(200 * MOST_BYTES), 9), {"Content_Encoding": "deflate"}),
        (gzip.compress(gzip.compress(b"x")), {"Content_Encoding": "gzip, gzip"}),
        (b"x", {"Content_Encoding": "br"}),
        (b"no gzip", {"Content_Encoding": "gzip"}),
        (gzip.compress(b"x" * 5_000)[:-9], {"Content_Encoding": "gzip"}),
    ],
    ids=["large", "gzip bomb", "deflate bomb", "twice", "unasked", "broken", "cut"],
)
async def test_what_is_too_large_or_cannot_be_unpacked_is_refused(body: bytes, headers: dict[str, str]) -> None:
    async with serving(lambda asked: answer(body, **headers)) as web:
        error = await fault_of(web)
        assert isinstance(error, AnswerRefused) and error.details["status"] == 200 and error.next_step


async def test_cookies_are_neither_told_nor_kept() -> None:
    async with serving(lambda asked: answer(asked.echo(), Set_Cookie="session=1")) as web:
        egress = door(allow=[web.place])
        for _ in range(2):
            reply = await egress.send(WebRequest("GET", web.url))
            assert "set-cookie" not in reply.headers
        assert all("cookie" not in asked.headers for asked in web.asked)


BAD_HEADERS = ({"Host": "evil"}, {"content-length": "5"}, {"Transfer-Encoding": "chunked"}, {"A": "1", "a": "2"}, {"A B": "1"},
    {"A": "1\r\nB: 2"},
    {"A": "\0"}, {"A": "€"}, {"": "x"}, {"Connection": "x"}, {"A": "x" * 9_000})  # fmt: skip


@pytest.mark.parametrize("headers", BAD_HEADERS, ids=str)
async def test_headers_that_could_change_what_is_sent_are_refused(headers: dict[str, str]) -> None:
    async with serving() as web:
        assert isinstance(await fault_of(web, headers=headers), ConfigInvalid)
        assert web.connections == 0


# Trouble


@pytest.mark.parametrize("status", [400, 401, 404, 409, 418, 422, 500, 501])
async def test_a_status_from_400_on_is_an_error_with_the_status_and_an_excerpt(status: int) -> None:
    async with serving(lambda asked: answer(b'{"why":"' + b"x" * 2_000 + b'"}', status=status)) as web:
        for may_repeat in (True, False):
            error = await fault_of(web, "POST", may_repeat=may_repeat)
            assert isinstance(error, HttpStatus) and error.details["status"] == status
            assert error.details["body"].startswith('{"why":"xxx') and len(error.details["body"]) == 500


@pytest.mark.parametrize(
    ("status", "retry_after", "may_repeat", "wanted"),
    [(status, "7", True, WebUnavailable) for status in (408, 425, 429, 502, 503, 504)]
    + [(429, "", False, WebUnavailable), (503, "7", False, WebUnavailable), (503, "", False, HttpStatus), (500, "7", False, HttpStatus)]
    + [(502, "7", False, InDoubt), (504, "", False, InDoubt)],
)  # fmt: skip
async def test_what_can_be_tried_again_is_told_apart(status: int, retry_after: str, may_repeat: bool, wanted: type) -> None:
    async with serving(lambda asked: answer(b"", status=status, Retry_After=retry_after)) as web:
        error = await fault_of(web, "POST", may_repeat=may_repeat)
        assert type(error) is wanted
        assert error.details.get("retry_after_s") == (7.0 if retry_after else None)


@pytest.mark.parametrize("told", ["soon", "-1", "Fri, 99 Foo"])
async def test_a_retry_after_that_means_nothing_is_left_out(told: str) -> None:
    async with serving(lambda asked: answer(b"", status=503, Retry_After=told)) as web:
        assert "retry_after_s" not in (await fault_of(web)).details


async def test_a_retry_after_may_be_a_date_and_is_at_most_an_hour() -> None:
    later = formatdate(SystemClock().now_us() / 1e6 + 86_400, usegmt=True)
    async with serving(lambda asked: answer(b"", status=429, Retry_After=later)) as web:
        assert (await fault_of(web)).details["retry_after_s"] == 3_600


async def closed_port() -> int:
    async with serving() as web:
        return web.port


@pytest.mark.parametrize("may_repeat", [True, False])
async def test_what_was_never_sent_can_be_tried_again(may_repeat: bool) -> None:
    place = f"127.0.0.1:{await closed_port()}"
    with pytest.raises(WebUnavailable, match="Nothing was sent"):
        await door(allow=[place]).send(WebRequest("POST", f"http://{place}/", may_repeat=may_repeat))


CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: text/plain\r\n\r\nhalf"


@pytest.mark.parametrize("found", [b"", b"HTTP/1.1 2", b"garbage\r\n\r\n"], ids=["closed", "half a line", "garbage"])
@pytest.mark.parametrize(("may_repeat", "wanted"), [(True, WebUnavailable), (False, InDoubt)])
async def test_a_lost_answer_is_in_doubt_only_where_the_call_must_not_be_made_twice(found: bytes, may_repeat: bool, wanted: type) -> None:
    async def breaks(_asked: Asked) -> bytes:
        return found

    async with serving(breaks) as web:
        call = asyncio.create_task(fault_of(web, "POST", may_repeat=may_repeat, body=b"x", timeout_s=0.5))
        assert type(await call) is wanted
        assert len(web.asked) == 1


@pytest.mark.parametrize(("may_repeat", "wanted"), [(True, WebUnavailable), (False, InDoubt)])
async def test_an_answer_that_does_not_come_in_time_is_lost(may_repeat: bool, wanted: type) -> None:
    async with serving(never) as web:
        assert type(await fault_of(web, "POST", may_repeat=may_repeat, timeout_s=0.3)) is wanted


async def test_a_call_that_was_answered_by_sending_it_on_is_never_made_again() -> None:
    def sends_on(asked: Asked) -> bytes:
        return answer(b"", status=303, Location="/done") if asked.method == "POST" else answer(b"", status=503, Retry_After="1")

    async with serving(sends_on) as web:
        assert type(await fault_of(web, "POST", may_repeat=False)) is HttpStatus
    async with serving(lambda asked: answer(b"", status=307, Location="http://nobody.example/")) as web:
        assert type(await fault_of(web, "POST", may_repeat=False)) is InDoubt


# Redirects


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [(301, "POST", "GET"), (302, "POST", "GET"), (303, "PUT", "GET"), (303, "HEAD", "HEAD"), (307, "POST", "POST"), (308, "PUT", "PUT"),
     (301, "PUT", "PUT"), (302, "DELETE", "DELETE")],
)  # fmt: skip
async def test_redirects_keep_or_change_the_method_as_rfc_9110_says(status: int, method: str, then: str) -> None:
    def leads_on(asked: Asked) -> bytes:
        return answer(b"", status=status, Location="/next?a=1") if asked.target == "/" else answer(asked.echo())

    async with serving(leads_on) as web:
        await sent(web, method, body=b"{}", headers={"Content-Type": "application/json", "X-Mine": "1"})
        first, second = web.asked
        assert (second.method, second.target) == (then, "/next?a=1")
        assert second.body == (first.body if then == method else b"") and second.headers["x-mine"] == "1"


async def test_a_redirect_to_another_host_takes_neither_the_secret_nor_headers_along() -> None:
    async with serving() as other:
        async with serving(lambda asked: answer(b"", status=307, Location=other.url)) as web:
            egress = door(allow=[web.place, other.place], value=CANARY, hosts=[web.place])
            request = WebRequest("PUT", web.url, {"X-Key": "typed", "Accept": "text/plain"}, b"x", "KEY")
            reply = await egress.send(request)
            assert web.asked[0].headers["authorization"] == f"Bearer {CANARY}"
        (led,) = other.asked
        assert not {"authorization", "x-key"} & set(led.headers) and led.headers["accept"] == "text/plain" and led.body == b"x"
        assert CANARY not in str(reply)


async def test_the_secret_does_not_come_back_when_it_is_led_back() -> None:
    async with serving() as web:
        async with serving(lambda asked: answer(b"", status=302, Location=web.url + "/back")) as other:
            web.answers = lambda asked: (
                answer(asked.echo()) if asked.target == "/back" else answer(b"", status=302, Location=other.url)
            )  # fmt: skip
            egress = door(allow=[web.place, other.place], value=CANARY, hosts=[web.place])
            await egress.send(WebRequest("GET", web.url, secret="KEY"))
        assert ["authorization" in asked.headers for asked in web.asked] == [True, False]


# Secrets


@pytest.mark.parametrize(("header", "name", "carried"), [("", "authorization", f"Bearer {CANARY}"), ("X-Api-Key", "x-api-key", CANARY)])
async def test_a_secret_goes_along_in_its_header_and_is_blotted_out_of_what_comes_back(header: str, name: str, carried: str) -> None:
    async with serving(lambda asked: answer(asked.echo(), X_Echo=asked.headers[name])) as web:
        reply = await door(allow=[web.place], value=CANARY, hosts=[web.place], header=header).send(WebRequest("GET", web.url, secret="KEY"))
        assert web.asked[0].headers[name] == carried
        assert "[secret]" in reply.body["headers"][name] and "[secret]" in reply.headers["x-echo"] and CANARY not in str(reply)


@pytest.mark.parametrize("status", [200, 404, 503])
@pytest.mark.parametrize("type_", ["application/json", "text/plain", "text/plain; charset=utf-16", "image/png", ""])
async def test_an_echo_in_any_form_is_blotted_out(type_: str, status: int) -> None:
    forms = [
        CANARY,
        base64.b64encode(CANARY.encode()).decode(),
        base64.b64encode(b"u:" + CANARY.encode()).decode(),
        CANARY.encode().hex(),
    ]

    def echo(_asked: Asked) -> bytes:
        text = '["' + '", "'.join(forms) + '"]'
        return answer(text.encode("utf-16" if "16" in type_ else "utf-8"), type_=type_, status=status)

    async with serving(echo) as web:
        try:
            told = str(await door(allow=[web.place], value=CANARY, hosts=[web.place]).send(WebRequest("GET", web.url, secret="KEY")))
        except SignalboxError as error:
            told = str(error.as_json())
        # The letters at the ends of a base64 text belong to its neighbours as well.
        kept = [form for form in (form[3:-3] for form in forms) if form in told or base64.b64encode(form.encode()).decode()[4:-4] in told]
        assert not kept


@pytest.mark.parametrize(
    ("hosts", "url"),
    [
        ([], "https://api.example/"),
        (["api.example"], "https://evil.example/"),
        (["api.example"], "https://api.example.evil.example/"),
        (["api.example"], "https://evilapi.example/"),
        (["*.api.example"], "https://api.example/"),
        (["api.example"], "https://sub.api.example/"),
        (["api.example:8443"], "https://api.example/"),
        (["api.example"], "http://api.example/"),
    ],
)
async def test_a_secret_to_a_host_that_it_is_not_for_is_never_sent(hosts: list[str], url: str) -> None:
    names = Names()
    with pytest.raises(EgressBlocked, match="was not called") as raised:
        await door(names=names, value=CANARY, hosts=hosts).send(WebRequest("GET", url, secret="KEY"))
    assert names.asked == [] and CANARY not in str(raised.value.as_json())


@pytest.mark.parametrize(("hosts", "url"), [(["*.api.example"], "https://a.b.api.example/"), (["API.example"], "https://api.EXAMPLE./x")])
async def test_a_host_is_meant_whatever_its_spelling(hosts: list[str], url: str) -> None:
    with pytest.raises(WebUnavailable, match="Nobody knows"):
        await door(value=CANARY, hosts=hosts).send(WebRequest("GET", url, secret="KEY"))


async def test_a_secret_that_is_not_there_is_told_by_its_name() -> None:
    with pytest.raises(ConfigInvalid, match="no secret called `OTHER`"):
        await door(value=CANARY, hosts=["api.example"]).send(WebRequest("GET", "https://api.example/", secret="OTHER"))


async def test_the_step_cannot_set_the_header_of_the_secret() -> None:
    with pytest.raises(ConfigInvalid, match="Both the secret and the step"):
        await door(value=CANARY, hosts=["api.example"]).send(
            WebRequest("GET", "https://api.example/", {"AUTHORIZATION": "x"}, secret="KEY")
        )  # fmt: skip


def test_what_the_operator_writes_is_checked_at_the_start() -> None:
    with pytest.raises(ConfigInvalid, match="SIGNALBOX_EGRESS_ALLOW"):
        door(allow=["0x7f.1:80"])
