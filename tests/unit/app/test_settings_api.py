"""Keys and models over HTTP: what is stored is used, tried and never told again."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.server import create_app
from engine import EngineThread, Settings
from tests.fakes.provider import FakeProvider, failing, text
from tests.unit.app.conftest import ADMIN, bearer, error_of

CANARY = "sk-canary-3f9a1c77e2b84d60"


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture(autouse=True)
def nothing_kept(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    yield
    for secret in client.get("/api/v1/secrets").json()["items"]:
        if secret["source"] == "stored":
            client.delete(f"/api/v1/secrets/{secret['name']}")
    empty = {"default": "", "cheap": "", "careful": "", "base_url": "", "price_in": None, "price_out": None}
    empty |= {"fallbacks": {}, "prices": {}, "limits": {}}
    assert change(client, **empty).status_code == 200


def change(client: TestClient, **models: Any) -> Any:
    return client.patch("/api/v1/settings", json={"models": models})


def audit(home: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(home / "signalbox.db") as db:
        return db.execute("SELECT action, details FROM audit ORDER BY seq").fetchall()


def test_a_stored_key_is_used_for_the_call_and_never_told_again(client: TestClient, provider: FakeProvider, home: Path) -> None:
    stored = client.put("/api/v1/secrets/OPENAI_API_KEY", json={"value": f"  {CANARY}\n"})
    assert stored.json() | {"updated_at": 0} == {
        "name": "OPENAI_API_KEY", "provider": "openai", "source": "stored", "is_in_environment": False, "updated_at": 0,
        "updated_by": "Administrator", "hosts": [], "header": "",
    }  # fmt: skip
    assert change(client, default="openai/some-model", base_url=provider.base_url).status_code == 200
    tried = client.post("/api/v1/models/try", json={"model": "default"}).json()
    assert tried["works"], tried
    assert "Hello from the fake provider" in tried["told"] and "It cost nothing." in tried["told"]
    assert provider.calls[-1].authorization == f"Bearer {CANARY}"
    told = [stored.text, *(client.get(path).text for path in ("/api/v1/secrets", "/api/v1/settings", "/api/v1/models"))]
    assert not any(CANARY in text or CANARY[-4:] in text for text in told)
    assert CANARY.encode() not in b"".join(file.read_bytes() for file in home.glob("signalbox.db*"))
    assert [action for action, _ in audit(home) if action.startswith(("secret.", "settings.", "model."))][-3:] == [
        "secret.add", "settings.change", "model.try",
    ]  # fmt: skip


def test_another_value_takes_the_place_of_the_first_at_once(client: TestClient, provider: FakeProvider, home: Path) -> None:
    change(client, default="openai/some-model", base_url=provider.base_url)
    for value in ("sk-first-one", "sk-second-one"):
        client.post("/api/v1/secrets", json={"name": "OPENAI_API_KEY", "value": value})
        client.post("/api/v1/models/try")
        assert provider.calls[-1].authorization == f"Bearer {value}"
    assert client.delete("/api/v1/secrets/OPENAI_API_KEY").json() == {"removed": "OPENAI_API_KEY"}
    client.post("/api/v1/models/try")
    assert provider.calls[-1].authorization == "Bearer none"
    assert [action for action, _ in audit(home) if action.startswith("secret.")][-3:] == ["secret.add", "secret.replace", "secret.remove"]


def test_what_is_stored_goes_before_the_environment(client: TestClient, monkeypatch: pytest.MonkeyPatch, provider: FakeProvider) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    (outside,) = client.get("/api/v1/secrets").json()["items"]
    assert (outside["name"], outside["source"]) == ("OPENAI_API_KEY", "environment")
    assert error_of(client.delete("/api/v1/secrets/OPENAI_API_KEY"))["code"] == "not_found"
    change(client, default="openai/some-model", base_url=provider.base_url)
    client.post("/api/v1/models/try")
    assert provider.calls[-1].authorization == "Bearer sk-of-the-environment"
    client.put("/api/v1/secrets/OPENAI_API_KEY", json={"value": "sk-stored"})
    client.post("/api/v1/models/try")
    assert provider.calls[-1].authorization == "Bearer sk-stored"
    (stored,) = client.get("/api/v1/secrets").json()["items"]
    assert (stored["source"], stored["is_in_environment"]) == ("stored", True)


def test_a_provider_that_refuses_is_told_in_words_without_the_key(client: TestClient, provider: FakeProvider) -> None:
    client.put("/api/v1/secrets/OPENAI_API_KEY", json={"value": CANARY})
    change(client, default="openai/some-model", base_url=provider.base_url)
    provider.then(failing(401, error=f"Incorrect API key provided: {CANARY}"))
    tried = client.post("/api/v1/models/try")
    assert not tried.json()["works"] and tried.json()["told"] and tried.json()["next_step"]
    assert CANARY not in tried.text


def test_a_model_whose_price_nobody_knows_is_not_asked(client: TestClient, provider: FakeProvider) -> None:
    change(client, default="my-model", base_url="http://models.example.test/v1")
    tried = client.post("/api/v1/models/try").json()
    assert not tried["works"] and "price" in tried["told"]
    change(client, price_in=1000.0, price_out=100_000.0)
    tried = client.post("/api/v1/models/try").json()
    assert not tried["works"] and "could cost" in tried["told"]


def test_the_cost_of_a_trial_is_told(client: TestClient, provider: FakeProvider) -> None:
    change(client, default="my-model", base_url=provider.base_url, price_in=1.0, price_out=2.0)
    provider.then(text("ready"))
    tried = client.post("/api/v1/models/try").json()
    assert tried["works"] and tried["cost_usd"] > 0
    assert f"It cost ${tried['cost_usd']:.6f}" in tried["told"]


def test_a_price_that_people_set_holds_at_once_and_is_in_the_audit_log(client: TestClient, provider: FakeProvider, home: Path) -> None:
    change(client, default="openai/mine", base_url=provider.base_url)
    assert client.post("/api/v1/models/try").json()["cost_usd"] == 0
    assert change(client, prices={"mine": {"input": 5.0, "output": 7.0, "cached_input": 1.0}}).status_code == 200
    (default,) = [model for model in client.get("/api/v1/models").json()["items"] if model["name"] == "default"]
    assert (default["price_in"], default["price_out"]) == (5.0, 7.0)
    provider.then(text("ready", cached=3))
    tried = client.post("/api/v1/models/try").json()
    assert tried["works"], tried
    cost = tried["cost_usd"]
    call = provider.calls[-1]
    assert cost == pytest.approx(((call.tokens_in - 3) * 5 + 3 * 1 + call.tokens_out * 7) / 1e6)
    told = [details for action, details in audit(home) if action == "settings.change"][-1]
    assert '"cached_input":1' in told and '"mine"' in told


def test_limits_and_fallbacks_are_kept_and_told(client: TestClient) -> None:
    limits = {"practice": {"requests_per_min": 60, "tokens_per_min": 100_000, "at_once": 2}}
    kept = change(client, limits=limits, fallbacks={"careful": ["practice"]}).json()["models"]
    assert kept["chosen"]["limits"] == limits and kept["chosen"]["fallbacks"] == {"careful": ["practice"]} and kept["lines"] == []
    assert change(client, cheap="practice").json()["models"]["chosen"]["limits"] == limits, "what is left out stays"


def test_what_is_kept_from_models_is_changed_together_with_models_or_not_at_all(client: TestClient) -> None:
    before = client.get("/api/v1/settings").json()
    for body in (
        {"masking": {"mode": "all"}, "models": {"price_in": -1, "price_out": 1}},
        {"masking": {"mode": "all", "kinds": ["face"]}, "models": {"price_in": 1, "price_out": 1}},
    ):
        assert client.patch("/api/v1/settings", json=body).status_code == 422
        assert client.get("/api/v1/settings").json() == before
    told = client.patch("/api/v1/settings", json={"masking": {"mode": "outside", "words": ["Anna"]}}).json()["masking"]
    assert (told["mode"], told["words"], len(told["kinds"])) == ("outside", ["Anna"], 8)
    assert client.patch("/api/v1/settings", json={"masking": {"mode": "off", "words": []}}).json() == before


def test_choices_outlive_a_restart_and_are_what_steps_get(tmp_path: Path, provider: FakeProvider) -> None:
    settings = Settings.load({"SIGNALBOX_HOME": str(tmp_path / "home"), "SIGNALBOX_ADMIN_TOKEN": ADMIN})
    for is_second in (False, True):
        thread = EngineThread.open(settings)
        try:
            with TestClient(create_app(thread), headers=bearer(ADMIN)) as client:
                if not is_second:
                    change(client, default="openai/mine", base_url=provider.base_url)
                    client.put("/api/v1/secrets/OPENAI_API_KEY", json={"value": "sk-kept"})
                default = client.get("/api/v1/models").json()["items"][0]
                assert default["label"].startswith("default: mine at"), default
                client.post("/api/v1/models/try")
                assert provider.calls[-1].authorization == "Bearer sk-kept"
        finally:
            thread.close()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"default": "no-such-model-anywhere"}, "default"),
        ({"cheap": "cheap"}, "cheap"),
        ({"base_url": "ftp://x/v1"}, "base_url"),
        ({"base_url": "http://user:word@host/v1"}, "base_url"),
        ({"base_url": "http://host:99999/v1"}, "base_url"),
        ({"price_in": 1.0}, "price_out"),
        ({"price_in": -1.0, "price_out": 1.0}, "price_in"),
        ({"fallbacks": {"fast": ["practice"]}}, "fallbacks/fast"),
        ({"fallbacks": {"default": ["practice", "no-such-model"]}}, "fallbacks/default/1"),
        ({"fallbacks": {"default": ["cheap"]}}, "fallbacks/default/0"),
        ({"fallbacks": {"default": ["practice"] * 6}}, "fallbacks/default"),
        ({"prices": {"gpt-4o-mini": {"input": -1, "output": 1}}}, "prices/gpt-4o-mini/input"),
        ({"prices": {"default": {"input": 1, "output": 1}}}, "prices/default/name"),
        ({"prices": {"no-such-model": {"input": 1, "output": 1}}}, "prices/no-such-model/name"),
        ({"limits": {"practice": {"at_once": 0}}}, "limits/practice/at_once"),
        ({"limits": {" ": {"at_once": 1}}}, "limits/ /name"),
    ],
)
def test_a_choice_that_cannot_work_is_refused_with_its_field_and_changes_nothing(client: TestClient, given: Any, field: str) -> None:
    before = client.get("/api/v1/settings").json()
    answer = change(client, **given)
    assert answer.status_code == 422, answer.text
    assert [problem["field"] for problem in error_of(answer)["problems"]] == [field]
    assert client.get("/api/v1/settings").json() == before


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("a|b", "x"), ("9", "x"), ("A", ""), ("A", "two\nlines"), ("A", "x" * 9000)])
def test_a_secret_that_cannot_be_kept_is_refused(client: TestClient, name: str, value: str) -> None:
    answer = client.post("/api/v1/secrets", json={"name": name, "value": value})
    assert answer.status_code == 422
    assert [problem["field"] for problem in error_of(answer)["problems"]] == ["value" if name == "A" else "name"]


def test_a_secret_names_its_hosts_and_keeps_them_when_its_value_is_replaced(client: TestClient, home: Path) -> None:
    terms = {"hosts": [" API.Example.com", "*.shop.example:8443"], "header": "X-Api-Key"}
    stored = client.post("/api/v1/secrets", json={"name": "SHOP_KEY", "value": CANARY, **terms}).json()
    assert (stored["hosts"], stored["header"]) == (["api.example.com", "*.shop.example:8443"], "X-Api-Key")
    replaced = client.put("/api/v1/secrets/SHOP_KEY", json={"value": "another-value"}).json()
    assert (replaced["hosts"], replaced["header"]) == (stored["hosts"], stored["header"])
    assert client.put("/api/v1/secrets/SHOP_KEY", json={"value": "third-value", "hosts": []}).json()["hosts"] == []


def test_hosts_do_not_change_without_the_value(client: TestClient) -> None:
    client.put("/api/v1/secrets/SHOP_KEY", json={"value": CANARY, "hosts": ["api.example.com"]})
    assert client.put("/api/v1/secrets/SHOP_KEY", json={"hosts": ["evil.example"]}).status_code == 422
    assert next(s for s in client.get("/api/v1/secrets").json()["items"] if s["name"] == "SHOP_KEY")["hosts"] == ["api.example.com"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hosts", ["https://a.example/x"]), ("hosts", ["*"]), ("hosts", ["*.com"]), ("hosts", ["0x7f.1"]), ("hosts", ["a.example:0"]),
        ("header", "Host"), ("header", "X Y"), ("header", "A\r\nB"),
    ],
)  # fmt: skip
def test_hosts_and_headers_that_cannot_be_are_refused(client: TestClient, field: str, value: Any) -> None:
    answer = client.post("/api/v1/secrets", json={"name": "SHOP_KEY", "value": CANARY, field: value})
    assert [problem["field"] for problem in error_of(answer)["problems"]] == [field]
