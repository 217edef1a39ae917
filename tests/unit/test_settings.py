"""Settings from the environment."""

from decimal import Decimal
from pathlib import Path

import pytest

from engine.errors import ConfigInvalid
from engine.settings import ModelPrice, Settings, describe, markdown, unknown_names

ROOT = Path(__file__).parents[2]


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.load({})
    assert (settings.home, settings.port, settings.database_url, settings.model) == (Path("data"), 8000, None, None)


def test_an_empty_variable_counts_as_not_set() -> None:
    assert Settings.load({"SIGNALBOX_PORT": " ", "DATABASE_URL": "", "SIGNALBOX_ADMIN_TOKEN": ""}) == Settings.load({})


def test_only_the_given_environment_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGNALBOX_PORT", "9999")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("SIGNALBOX_PORT=7777\n")
    assert Settings.load({}).port == 8000
    assert Settings.load({"port": "7", "home": "x"}).port == 8000


def test_good_values_are_parsed() -> None:
    settings = Settings.load(
        {
            "SIGNALBOX_HOME": "/srv/signalbox",
            "SIGNALBOX_PORT": "9000",
            "SIGNALBOX_MODEL_PRICE": "0.25, 2",
            "SIGNALBOX_MODEL_BASE_URL": "http://localhost:11434/v1/",
            "SIGNALBOX_ADMIN_EMAIL": "Ada@Example.com",
            "SIGNALBOX_ADMIN_PASSWORD": " a long password ",
            "DATABASE_URL": "postgresql://u:p@db/signalbox",
            "REDIS_URL": "redis://cache:6379/0",
        }
    )
    assert settings.home == Path("/srv/signalbox")
    assert settings.port == 9000
    assert settings.model_price == ModelPrice(Decimal("0.25"), Decimal(2))
    assert settings.model_base_url == "http://localhost:11434/v1"
    assert settings.admin_email == "ada@example.com"
    assert settings.admin_password and settings.admin_password.get_secret_value() == " a long password "


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIGNALBOX_PORT", "eighty"),
        ("SIGNALBOX_PORT", "0"),
        ("SIGNALBOX_PORT", "70000"),
        ("SIGNALBOX_PORT", "8000.5"),
        ("SIGNALBOX_MODEL_PRICE", "1"),
        ("SIGNALBOX_MODEL_PRICE", "1,2,3"),
        ("SIGNALBOX_MODEL_PRICE", "nan,1"),
        ("SIGNALBOX_MODEL_PRICE", "1,-1"),
        ("SIGNALBOX_MODEL_PRICE", "inf,1"),
        ("SIGNALBOX_MODEL_BASE_URL", "localhost:11434"),
        ("SIGNALBOX_MODEL_BASE_URL", "http://[x"),
        ("DATABASE_URL", "mysql://db"),
        ("REDIS_URL", "http://cache"),
        ("SIGNALBOX_ADMIN_TOKEN", "sbx_short"),
        ("SIGNALBOX_ADMIN_TOKEN", "a-long-token-of-somebody-else"),
        ("SIGNALBOX_ADMIN_TOKEN", "sbx_with a space in it"),
        ("SIGNALBOX_ADMIN_EMAIL", "nobody"),
        ("SIGNALBOX_ADMIN_PASSWORD", "short"),
        ("SIGNALBOX_ADMIN_PASSWORD", "long enough, but whose?"),
    ],
)
def test_a_bad_value_is_refused_by_name_and_never_shown(name: str, value: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        Settings.load({name: value})
    error = caught.value
    assert name in error.message
    assert name in error.next_step
    assert error.details["problems"][0]["field"] == name
    assert value not in error.message


def test_every_bad_value_is_told_at_once() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        Settings.load({"SIGNALBOX_PORT": "x", "REDIS_URL": "x"})
    assert {p["field"] for p in caught.value.details["problems"]} == {"SIGNALBOX_PORT", "REDIS_URL"}


def test_an_email_alone_makes_no_account() -> None:
    with pytest.raises(ConfigInvalid, match="SIGNALBOX_ADMIN_PASSWORD or SIGNALBOX_ADMIN_TOKEN"):
        Settings.load({"SIGNALBOX_ADMIN_EMAIL": "ada@example.com"})


def test_nothing_that_is_shown_holds_a_secret() -> None:
    settings = Settings.load(
        {
            "SIGNALBOX_ADMIN_EMAIL": "ada@example.com",
            "SIGNALBOX_ADMIN_PASSWORD": "canary-password",
            "SIGNALBOX_ADMIN_TOKEN": "sbx_canary-token-1",
            "DATABASE_URL": "postgresql://u:canary@db/x",
            "REDIS_URL": "redis://:canary@cache",
            "SIGNALBOX_MODEL_BASE_URL": "https://user:canary@models.example.com/v1?key=canary",
        }
    )
    shown = {line.name: line for line in describe(settings)}
    assert "canary" not in str(shown)
    assert shown["SIGNALBOX_MODEL_BASE_URL"].current == "https://models.example.com/v1"
    assert shown["SIGNALBOX_ADMIN_TOKEN"].current == "set"
    assert shown["SIGNALBOX_KEY_FILE"].current == "not set"
    assert shown["SIGNALBOX_PORT"].default == shown["SIGNALBOX_PORT"].current == "8000"
    assert shown["DATABASE_URL"].from_environment and not shown["SIGNALBOX_PORT"].from_environment


def test_misspelt_variables_are_found() -> None:
    assert unknown_names({"SIGNALBOX_PROT": "1", "SIGNALBOX_PORT": "1", "PATH": "/bin"}) == ("SIGNALBOX_PROT",)


def test_the_page_about_settings_is_the_one_that_the_code_makes() -> None:
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == markdown(), "run: python -m engine.settings > docs/settings.md"
