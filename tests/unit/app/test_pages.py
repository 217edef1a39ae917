"""Signing in and out, the first account, and what a browser may do with its cookie."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.gate import COMMAND_LINE, COOKIE
from app.server import create_app
from engine import EngineThread, Settings
from tests.unit.app.conftest import PASSWORD, bearer, error_of

HTML = {"Accept": "text/html"}
OURS = {"Origin": "http://testserver"}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[EngineThread]:
    """An engine where nobody has an account."""
    thread = EngineThread.open(Settings.load({"SIGNALBOX_HOME": str(tmp_path / "data")}))
    yield thread
    thread.close()


@pytest.fixture
def browser(fresh: EngineThread) -> Iterator[TestClient]:
    with TestClient(create_app(fresh), follow_redirects=False) as client:
        yield client


def with_account(fresh: EngineThread, *, name: str = "Ann") -> None:
    fresh.engine.accounts.add(COMMAND_LINE, email="ann@example.com", name=name, roles=["admin"], password=PASSWORD)


def sign_in(browser: TestClient, *, password: str = PASSWORD) -> object:
    return browser.post("/login", data={"email": "ann@example.com", "password": password}, headers=OURS)


def test_without_an_account_every_page_leads_to_the_link_in_the_terminal(browser: TestClient) -> None:
    assert browser.get("/", headers=HTML).headers["location"] == "/login"
    assert "Nobody has an account yet" in browser.get("/login").text
    assert "Nobody has an account yet" in browser.get("/setup").text


def test_the_set_up_link_makes_the_first_account_once(fresh: EngineThread, browser: TestClient) -> None:
    token = fresh.engine.accounts.new_setup_link()
    page = browser.get(f"/setup?token={token}")
    assert page.status_code == 200
    assert f'value="{token}"' in page.text
    fields = {"token": token, "email": "ann@example.com", "name": "Ann", "password": PASSWORD}
    made = browser.post("/setup", data=fields, headers=OURS)
    assert (made.status_code, made.headers["location"]) == (303, "/")
    assert browser.get("/", headers=HTML).status_code == 200
    again = browser.post("/setup", data={**fields, "email": "eve@example.com"}, headers=OURS)
    assert again.status_code == 401
    assert browser.get("/setup").headers["location"] == "/login"


@pytest.mark.parametrize("token", ["", "x", "A" * 43])
def test_an_invented_link_makes_no_account(fresh: EngineThread, browser: TestClient, token: str) -> None:
    fresh.engine.accounts.new_setup_link()
    answer = browser.post("/setup", json={"token": token, "email": "eve@example.com", "name": "Eve", "password": PASSWORD})
    assert answer.status_code == 401
    error_of(answer)
    assert fresh.engine.accounts.needs_setup()


def test_a_weak_password_is_told_and_the_rest_is_kept(fresh: EngineThread, browser: TestClient) -> None:
    token = fresh.engine.accounts.new_setup_link()
    page = browser.post(
        "/setup", data={"token": token, "email": "ann@example.com", "name": "<b>Ann</b>", "password": "short"}, headers=OURS
    )
    assert page.status_code == 422
    assert 'role="alert"' in page.text and "ann@example.com" in page.text
    assert "<b>Ann</b>" not in page.text and "short" not in page.text


def test_the_set_up_callback_is_called_after_the_answer(fresh: EngineThread) -> None:
    called: list[bool] = []
    with TestClient(create_app(fresh, when_set_up=lambda: called.append(True)), follow_redirects=False) as browser:
        token = fresh.engine.accounts.new_setup_link()
        browser.post("/setup", json={"token": token, "email": "ann@example.com", "name": "Ann", "password": PASSWORD})
    assert called == [True]


def test_a_session_opens_pages_and_the_api_until_it_is_closed(fresh: EngineThread, browser: TestClient) -> None:
    with_account(fresh, name="<i>Ann</i>")
    answer = sign_in(browser)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/" in cookie and "Secure" not in cookie
    home = browser.get("/", headers=HTML)
    assert home.status_code == 200
    assert browser.get("/api/v1/me").json()["email"] == "ann@example.com"
    left = browser.post("/logout", headers=OURS)
    assert (left.status_code, left.headers["location"]) == (303, "/login")
    assert browser.get("/api/v1/me").status_code == 401
    browser.cookies.set(COOKIE, cookie.split("=", 1)[1].split(";")[0])
    assert browser.get("/api/v1/me").status_code == 401


def test_behind_https_the_cookie_is_secure(fresh: EngineThread) -> None:
    with_account(fresh)
    with TestClient(create_app(fresh), base_url="https://testserver", follow_redirects=False) as browser:
        answer = browser.post("/login", json={"email": "ann@example.com", "password": PASSWORD})
        assert "Secure" in answer.headers["set-cookie"]
        assert "max-age" in answer.headers["strict-transport-security"]


def test_a_wrong_password_is_told_without_saying_which_half_was_wrong(fresh: EngineThread, browser: TestClient) -> None:
    with_account(fresh)
    wrong = sign_in(browser, password="not the one")
    unknown = browser.post("/login", data={"email": "eve@example.com", "password": "not the one"}, headers=OURS)
    assert wrong.status_code == unknown.status_code == 401
    assert 'role="alert"' in wrong.text and "set-cookie" not in wrong.headers
    assert wrong.text.replace("ann@", "") == unknown.text.replace("eve@", "")
    told = browser.post("/login", json={"email": "ann@example.com", "password": "not the one"})
    assert told.status_code == 401
    error_of(told)


def test_guessing_is_slowed_down(fresh: EngineThread, browser: TestClient) -> None:
    with_account(fresh)
    for _ in range(5):
        sign_in(browser, password="not the one")
    page = sign_in(browser)
    assert page.status_code == 429
    assert int(page.headers["retry-after"]) > 0
    assert "Too many attempts" in page.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"email": 1, "password": 2}', b'"text"'])
def test_a_sign_in_that_is_no_form_is_refused(browser: TestClient, body: bytes) -> None:
    answer = browser.post("/login", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    error_of(answer)


def test_a_form_with_a_thousand_fields_is_refused(browser: TestClient) -> None:
    answer = browser.post("/login", data={f"f{number}": "x" for number in range(1000)}, headers=OURS)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({"Origin": "http://testserver"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://testserver:3000"}, False),
        ({"Origin": "http://testserver.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, False),
        ({}, False),
    ],
)
def test_a_cookie_changes_things_only_from_our_own_pages(
    fresh: EngineThread, browser: TestClient, headers: dict[str, str], is_let_in: bool
) -> None:
    with_account(fresh)
    sign_in(browser)
    answer = browser.post("/api/v1/workflows", json={"nodes": [], "edges": []}, headers=headers)
    assert answer.status_code == (201 if is_let_in else 403)
    if not is_let_in:
        assert error_of(answer)["code"] == "not_allowed"
    assert browser.get("/api/v1/workflows", headers=headers).status_code == 200


def test_a_token_needs_no_origin_and_does_not_fall_back_on_the_cookie(fresh: EngineThread, browser: TestClient) -> None:
    with_account(fresh)
    sign_in(browser)
    token = fresh.engine.tokens.create(
        COMMAND_LINE, name="t", roles=["viewer"], user_id=fresh.engine.accounts.list(COMMAND_LINE)[0].id
    ).text
    evil = {"Origin": "https://evil.example"}
    assert browser.post("/api/v1/workflows/validate", json={"nodes": [], "edges": []}, headers=bearer(token) | evil).status_code == 200
    assert browser.get("/api/v1/me", headers=bearer("sbx_of_nobody_at_all")).status_code == 401
    assert browser.post("/api/v1/workflows", json={"nodes": [], "edges": []}, headers=bearer(token)).status_code == 403


@pytest.mark.parametrize("path", ["/login", "/setup"])
def test_another_site_cannot_sign_anybody_in(browser: TestClient, path: str) -> None:
    answer = browser.post(path, data={"email": "a", "password": "b"}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_every_answer_carries_the_security_headers(fresh: EngineThread, browser: TestClient) -> None:
    with_account(fresh)
    sign_in(browser)
    paths = [
        "/",
        "/login",
        "/setup",
        "/api/docs",
        "/api/v1/me",
        "/api/v1/nothing",
        "/nothing",
        "/healthz",
        "/door/style.css",
        "/door/x",
        "/fonts/x",
        "/assets/x",
    ]
    for path in paths:
        headers = browser.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "same-origin", path
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, path
        assert "unsafe" not in policy and "http" not in policy, path


def test_pages_load_nothing_from_elsewhere(fresh: EngineThread, browser: TestClient) -> None:
    with_account(fresh)
    pages = [browser.get("/login").text]
    sign_in(browser)
    pages += [browser.get(path, headers=HTML).text for path in ("/", "/api/docs")]
    pages.append(browser.get("/door/style.css").text)
    for page in pages:
        assert "//" not in page.replace("</", "").replace("/>", ""), page
        assert "<script" not in page and "style=" not in page


def test_a_stranger_is_led_to_the_sign_in_page_only_from_pages(browser: TestClient) -> None:
    assert browser.get("/workflows/x", headers=HTML).headers["location"] == "/login"
    assert browser.get("/api/v1/runs", headers=HTML).status_code == 401
    assert browser.get("/hooks/x", headers=HTML).status_code == 401
    assert browser.post("/workflows", headers=HTML).status_code == 401
    assert browser.get("/workflows/x").status_code == 401
