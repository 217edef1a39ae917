"""Which model a name means."""

import http.server
import json
import threading

import pytest

from engine.errors import ConfigInvalid, PriceUnknown
from engine.llm import ollama
from engine.llm.catalog import Catalog, GatewaySettings, is_loopback, key_from_environment, keyed_providers, small_model
from engine.llm.messages import ModelRequest
from engine.llm.prices import upper_bound
from engine.settings import Settings


def catalog(**settings) -> Catalog:
    return Catalog(GatewaySettings(**({"find_ollama": lambda: None, "key_for": lambda provider: None} | settings)))


def cost(info) -> int:
    return upper_bound(ModelRequest("x", "", "hello", None, None, 10, 1.0), info).cost_micro


def test_without_settings_the_default_is_the_practice_model() -> None:
    for alias in ("default", "cheap", "careful"):
        assert catalog().resolve(alias).name == "practice"
    assert cost(catalog().resolve("default")) == 0


def test_a_running_ollama_comes_before_the_practice_model() -> None:
    found = ollama.LocalModel(name="qwen3:4b", base_url="http://127.0.0.1:11434/v1")
    models = catalog(find_ollama=lambda: found)
    assert models.must_look
    info = models.resolve("default")
    assert (info.name, info.provider, info.base_url, info.is_practice, cost(info)) == ("qwen3:4b", "ollama", found.base_url, False, 0)
    assert models.resolve("qwen3:4b") == info
    assert not models.must_look


def test_a_named_default_asks_for_no_ollama() -> None:
    models = catalog(default_model="practice", find_ollama=lambda: pytest.fail("looked"))
    assert not models.must_look
    assert models.resolve("default").is_practice


def test_settings_come_before_the_environment_and_unset_aliases_are_the_default() -> None:
    models = catalog(default_model="gpt-4o", aliases={"default": "gpt-4o-mini", "careful": "anthropic/claude-sonnet-4-5"})
    assert [models.resolve(alias).name for alias in ("default", "cheap", "careful")] == [
        "gpt-4o-mini",
        "gpt-4o-mini",
        "anthropic/claude-sonnet-4-5",
    ]


@pytest.mark.parametrize(
    "aliases", [{"cheap": "careful", "careful": "cheap"}, {"default": "default"}, {"cheap": "default", "default": "cheap"}]
)
def test_aliases_that_go_round_in_circles_are_told(aliases: dict) -> None:
    with pytest.raises(ConfigInvalid):
        catalog(aliases=aliases).resolve(next(iter(aliases)))


@pytest.mark.parametrize("name", ["", "   ", "gpt-4o-minii", "nobody/model", "practice/nope", "text-embedding-3-small"])
def test_names_that_mean_nothing_are_told(name: str) -> None:
    with pytest.raises(ConfigInvalid):
        catalog().resolve(name)


def test_a_near_miss_gets_a_suggestion() -> None:
    with pytest.raises(ConfigInvalid, match="Did you mean gpt-4o-mini"):
        catalog().resolve("gpt-4o-minii")


def test_a_listed_model_without_a_key_says_what_is_missing() -> None:
    info = catalog().resolve("gpt-4o-mini")
    assert (info.provider, info.ready, info.price_in) == ("openai", False, 0.15)
    assert "OPENAI_API_KEY" in info.why_not
    assert catalog(key_for=lambda provider: "sk-x").resolve("gpt-4o-mini").ready


def test_a_known_provider_with_an_unlisted_model_has_no_price() -> None:
    info = catalog().resolve("groq/brand-new")
    assert info.provider == "groq"
    with pytest.raises(PriceUnknown):
        cost(info)


def test_the_operators_price_holds_for_the_default_only() -> None:
    models = catalog(default_model="groq/brand-new", price=(1.0, 2.0))
    assert models.resolve("default").price_out == 2.0
    assert models.resolve("gpt-4o-mini").price_out == 0.6


def test_the_practice_model_costs_what_the_operator_says_when_it_is_the_default() -> None:
    assert cost(catalog(price=(1.0, 1.0)).resolve("practice")) > 0
    assert cost(catalog(price=(1.0, 1.0), default_model="gpt-4o").resolve("practice")) == 0


@pytest.mark.parametrize("name", ["gemma-3-270m", "openai/gemma", "mistralai/Mistral-7B", "gpt-4o-mini"])
def test_everything_without_another_provider_goes_to_the_own_address(name: str) -> None:
    info = catalog(default_model="main", base_url="http://localhost:9102/v1").resolve(name)
    assert (info.base_url, info.ready, cost(info)) == ("http://localhost:9102/v1", True, 0)


def test_a_name_with_another_provider_does_not_go_to_the_own_address() -> None:
    info = catalog(default_model="main", base_url="http://localhost:9102/v1").resolve("anthropic/claude-sonnet-4-5")
    assert info.base_url is None


def test_an_address_elsewhere_needs_a_price() -> None:
    with pytest.raises(PriceUnknown):
        cost(catalog(default_model="main", base_url="https://models.example.com/v1").resolve("main"))
    assert cost(catalog(default_model="main", base_url="https://models.example.com/v1", price=(1.0, 1.0)).resolve("main")) > 0


def test_a_price_for_a_loopback_address_counts() -> None:
    assert cost(catalog(default_model="main", base_url="http://127.0.0.1:1/v1", price=(1.0, 1.0)).resolve("main")) > 0


def test_models_lists_aliases_their_meanings_and_the_practice_model() -> None:
    listed = {info.name: info for info in catalog(default_model="gpt-4o-mini", aliases={"cheap": "nonsense-x"}).models()}
    assert list(listed) == ["default", "cheap", "careful", "gpt-4o-mini", "practice"]
    assert listed["default"].label == "default: gpt-4o-mini"
    assert (listed["cheap"].ready, "nonsense-x" in listed["cheap"].why_not) == (False, True)


@pytest.mark.parametrize(
    ("url", "is_ours"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://localhost", True),
        ("http://[::1]:1", True),
        ("http://127.0.0.1.example.com", False),
        ("http://10.0.0.1", False),
        ("https://localhost.example.com", False),
        ("http://127.0.0.1@example.com/", False),
    ],
)
def test_loopback_is_told_by_the_host(url: str, is_ours: bool) -> None:
    assert is_loopback(url) is is_ours


def test_the_processes_settings_become_the_gateways() -> None:
    env = {"SIGNALBOX_MODEL": "m", "SIGNALBOX_MODEL_BASE_URL": "http://localhost:1/v1/", "SIGNALBOX_MODEL_PRICE": "0.25,2"}
    made = GatewaySettings.of(Settings.load(env))
    assert (made.default_model, made.base_url, made.price) == ("m", "http://localhost:1/v1", (0.25, 2.0))


def test_an_empty_key_counts_as_none(monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " ")
    assert key_from_environment("openai") is None
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    assert key_from_environment("openai") == "sk-1"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("box:123", "http://box:123"),
        ("https://box", "https://box:443"),
        ("http://box:bad", "http://127.0.0.1:11434"),
    ],
)
def test_ollamas_address_is_read_in_its_spellings(host: str, address: str) -> None:
    assert ollama.address({"OLLAMA_HOST": host}) == address


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (json.dumps({"models": [{"name": "nomic-embed-text"}, {"name": "llama3:8b"}, {"name": "old"}]}), "llama3:8b"),
        ('{"models": []}', None),
        ("<html>", None),
        ('{"models": [1]}', None),
        ("[]", None),
    ],
)
def test_ollama_is_asked_for_its_models(body: str, name: str | None) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        found = ollama.find({"OLLAMA_HOST": f"127.0.0.1:{server.server_address[1]}"})
    assert (found.name if found else None) == name


def test_no_ollama_is_no_news() -> None:
    assert ollama.find({"OLLAMA_HOST": "127.0.0.1:9"}) is None


def test_a_model_to_try_a_key_with_has_a_price_and_is_of_that_provider() -> None:
    models = {provider: model for provider, _ in keyed_providers() if (model := small_model(provider)) is not None}
    assert {"openai", "anthropic", "gemini", "mistral"} <= set(models)
    catalog = Catalog(GatewaySettings(find_ollama=lambda: None))
    for provider, model in models.items():
        info = catalog.resolve(model)
        assert info.provider.removesuffix("_chat") == provider, (model, info.provider)
        assert info.price_in is not None, model


def test_what_settings_put_behind_an_alias_is_asked_after_it_and_before_the_steps_own() -> None:
    models = catalog(default_model="gpt-4o", fallbacks={"default": ["gpt-4o-mini", "practice"], "careful": ["o3"]})
    assert models.chain("default", ["practice/slow"]) == ["default", "gpt-4o-mini", "practice", "practice/slow"]
    assert models.chain("cheap") == ["cheap", "gpt-4o-mini", "practice"], "an alias that is not set is the default, with what is behind it"
    assert models.chain("careful", ["default"]) == ["careful", "o3", "default", "gpt-4o-mini", "practice"]
    assert models.chain("gpt-4o") == ["gpt-4o"], "who names a model means that one"
    assert catalog(aliases={"cheap": "careful"}, fallbacks={"careful": ["o3"], "default": ["x"]}).chain("cheap") == ["cheap", "o3"]
    assert catalog(aliases={"cheap": "gpt-4o"}, fallbacks={"default": ["x"]}).chain("cheap") == ["cheap"]


def test_a_price_set_for_a_model_holds_however_it_is_spelled() -> None:
    models = catalog(prices={"gpt-4o-mini": (1.0, 2.0, 0.5)}, aliases={"cheap": "openai/gpt-4o-mini"})
    for name in ("gpt-4o-mini", "openai/gpt-4o-mini", "cheap"):
        info = models.resolve(name)
        assert (info.price_in, info.price_out, info.price_cached, info.is_priced_here) == (1.0, 2.0, 0.5, True)
    assert catalog(prices={"groq/brand-new": (1.0, 2.0, None)}).resolve("groq/brand-new").price_in == 1.0
