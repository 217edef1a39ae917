"""Every setting that Signalbox takes from its environment.

Read once at the start with `Settings.load()`; an empty variable counts as not set. docs/settings.md is made from this class.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from engine.errors import ConfigInvalid

MIN_PASSWORD = 10
TOKEN_PREFIX = "sbx_"
MIN_TOKEN = 16


@dataclass(frozen=True)
class ModelPrice:
    """What a model costs in US dollars per million tokens."""

    input_usd: Decimal
    output_usd: Decimal


@dataclass(frozen=True)
class SettingLine:
    """One setting as `doctor` and the settings page show it."""

    name: str
    help: str
    default: str
    current: str
    """Without passwords, tokens and credentials in addresses; `not set` if there is none."""
    from_environment: bool


class Settings(BaseSettings):
    """The settings of this process."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=False, hide_input_in_errors=True)

    home: Path = Field(
        default=Path("./data"),
        alias="SIGNALBOX_HOME",
        description="The directory of the database, the keys and all files. Nobody else on the machine may read it.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        alias="DATABASE_URL",
        description="A Postgres address (postgresql://user:password@host/name); without it, SQLite in SIGNALBOX_HOME.",
    )
    redis_url: SecretStr | None = Field(
        default=None,
        alias="REDIS_URL",
        description="A Redis address (redis://host:6379/0). Accepted, not used yet.",
    )
    port: int = Field(default=8000, alias="SIGNALBOX_PORT", description="The port that the web UI and the API are served on.")
    model: str | None = Field(
        default=None,
        alias="SIGNALBOX_MODEL",
        description="The model of steps that name none, as litellm spells it, e.g. gpt-5-mini or anthropic/claude-sonnet-4-5.",
    )
    model_base_url: str | None = Field(
        default=None,
        alias="SIGNALBOX_MODEL_BASE_URL",
        description="The address of an own model server that speaks the OpenAI API, e.g. http://localhost:11434/v1.",
    )
    model_price: ModelPrice | None = Field(
        default=None,
        alias="SIGNALBOX_MODEL_PRICE",
        description="The price of SIGNALBOX_MODEL as input,output in US dollars per million tokens, e.g. 0.25,2 (0,0 if it is free).",
    )
    admin_email: str | None = Field(
        default=None,
        alias="SIGNALBOX_ADMIN_EMAIL",
        description="E-mail address of the first account, for an unattended start; it holds every role.",
    )
    admin_password: SecretStr | None = Field(
        default=None,
        alias="SIGNALBOX_ADMIN_PASSWORD",
        description="Password of the first account, at least 10 characters. Used once: later changes are made in the web UI.",
    )
    admin_token: SecretStr | None = Field(
        default=None,
        alias="SIGNALBOX_ADMIN_TOKEN",
        description="An API token of the first account: any text that starts with sbx_ and has at least 16 characters. "
        "Another value at the next start replaces it.",
    )
    key_file: Path | None = Field(
        default=None,
        alias="SIGNALBOX_KEY_FILE",
        description="A file with the key that encrypts secrets (32 bytes in hex); without it, secret.key in SIGNALBOX_HOME is made.",
    )
    egress_allow: tuple[str, ...] = Field(
        default=(),
        alias="SIGNALBOX_EGRESS_ALLOW",
        description="Hosts that steps may call although they are private or use another port than 80 and 443, as host:port with commas "
        "between them, e.g. intranet.example:8443,10.0.0.5:8080. Anything else that is not public stays closed.",
    )
    operator_file: Path | None = Field(
        default=None,
        alias="SIGNALBOX_OPERATOR_FILE",
        description="A TOML file with what only the operator of this machine may set up: a mail server ([mail]), databases that "
        "tools may read ([databases.NAME]), programs that are MCP servers ([programs.NAME]).",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # Only what `load` hands over: neither a second look at the environment nor a .env file may change the outcome.
        return (init_settings,)

    @classmethod
    def load(cls, env: Mapping[str, str] = os.environ) -> Self:
        """The settings in `env`. ConfigInvalid names every variable that does not fit and what to do."""
        names = {str(field.alias) for field in cls.model_fields.values()}
        # A password may begin or end with a space; nothing else may.
        given = {name: env[name] if name.endswith("PASSWORD") else env[name].strip() for name in names if env.get(name, "").strip()}
        try:
            return cls(**given)  # pyright: ignore[reportArgumentType]
        except ValidationError as error:
            raise _told(error) from None

    @field_validator("port", mode="before")
    @classmethod
    def _port_exists(cls, port: int | str) -> int:
        if not re.fullmatch(r"[0-9]{1,5}", str(port)) or not 1 <= int(port) <= 65535:
            raise ValueError("must be a number from 1 to 65535")
        return int(port)

    @field_validator("database_url", mode="after")
    @classmethod
    def _is_postgres(cls, url: SecretStr) -> SecretStr:
        if urlsplit(url.get_secret_value()).scheme not in ("postgresql", "postgres"):
            raise ValueError("must start with postgresql:// (leave it out to use SQLite)")
        return url

    @field_validator("redis_url", mode="after")
    @classmethod
    def _is_redis(cls, url: SecretStr) -> SecretStr:
        if urlsplit(url.get_secret_value()).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("must start with redis://, rediss:// or unix://")
        return url

    @field_validator("model_base_url", mode="after")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an address that starts with http:// or https://")
        return url.rstrip("/")

    @field_validator("model_price", mode="before")
    @classmethod
    def _is_price(cls, text: Any) -> Any:
        return parse_price(text) if isinstance(text, str) else text

    @field_validator("egress_allow", mode="before")
    @classmethod
    def _is_hosts(cls, text: Any) -> Any:
        return parse_hosts(text) if isinstance(text, str) else text

    @field_validator("admin_email", mode="after")
    @classmethod
    def _is_email(cls, email: str) -> str:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
            raise ValueError("must be an e-mail address")
        return email.lower()

    @field_validator("admin_password", mode="after")
    @classmethod
    def _is_long_enough(cls, password: SecretStr) -> SecretStr:
        if len(password.get_secret_value()) < MIN_PASSWORD:
            raise ValueError(f"must have at least {MIN_PASSWORD} characters")
        return password

    @field_validator("admin_token", mode="after")
    @classmethod
    def _is_token(cls, token: SecretStr) -> SecretStr:
        text = token.get_secret_value()
        if not text.startswith(TOKEN_PREFIX) or len(text) < MIN_TOKEN or not re.fullmatch(r"[!-~]+", text):
            raise ValueError(f"must start with {TOKEN_PREFIX} and have at least {MIN_TOKEN} characters, without spaces")
        return token

    @model_validator(mode="after")
    def _complete_account(self) -> Self:
        if self.admin_password and not self.admin_email:
            raise ValueError("SIGNALBOX_ADMIN_PASSWORD needs SIGNALBOX_ADMIN_EMAIL beside it")
        if self.admin_email and not (self.admin_password or self.admin_token):
            raise ValueError("SIGNALBOX_ADMIN_EMAIL needs SIGNALBOX_ADMIN_PASSWORD or SIGNALBOX_ADMIN_TOKEN beside it")
        return self


def parse_price(text: str) -> ModelPrice:
    """The price in `input,output`. ValueError if it is none."""
    try:
        amounts = [Decimal(part.strip()) for part in text.split(",")]
    except InvalidOperation:
        amounts = []
    if len(amounts) != 2 or not all(amount.is_finite() and amount >= 0 for amount in amounts):
        raise ValueError("must be two numbers like 0.25,2 (US dollars per million tokens, input and output)")
    return ModelPrice(*amounts)


def parse_hosts(text: str) -> tuple[str, ...]:
    """The entries of `host:port,host:port`, in lower case. ValueError if one is none."""
    entries = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if not all(re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", entry) for entry in entries):
        raise ValueError("must be hosts with their ports, like intranet.example:8443,10.0.0.5:8080")
    return entries


def _told(error: ValidationError) -> ConfigInvalid:
    problems = []
    for found in error.errors(include_url=False, include_input=False):
        name = str(found["loc"][0]) if found["loc"] else ""
        message = found["msg"].removeprefix("Value error, ")
        problems.append({"field": name or message.split(" ", 1)[0], "message": f"{name} {message}".strip()})
    return ConfigInvalid(
        ". ".join(p["message"] for p in problems) + ".",
        hint=f"Correct or remove {' and '.join(p['field'] for p in problems)} in the environment, then start again.",
        details={"problems": [dict(p) for p in problems]},
    )


def describe(settings: Settings) -> tuple[SettingLine, ...]:
    """Every setting with its help, default and current value, safe to show."""
    return tuple(
        SettingLine(
            name=str(field.alias),
            help=field.description or "",
            default=_shown(field.default),
            current=_shown(getattr(settings, name)),
            from_environment=name in settings.model_fields_set,
        )
        for name, field in Settings.model_fields.items()
    )


def unknown_names(env: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Variables that look like ours and are not: most likely misspelt."""
    known = {str(field.alias) for field in Settings.model_fields.values()}
    return tuple(sorted(name for name in env if name.startswith("SIGNALBOX_") and name not in known))


def _shown(value: Any) -> str:
    match value:
        case None:
            return "not set"
        case SecretStr():
            return "set"
        case ModelPrice():
            return f"{value.input_usd},{value.output_usd}"
        case tuple():
            return ", ".join(map(str, value)) or "not set"
        case str() if "://" in value:
            parts = urlsplit(value)
            return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
        case _:
            return str(value)


def markdown() -> str:
    """The text of docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Made by `python -m engine.settings > docs/settings.md`; do not edit here.",
        "All of them are environment variables; an empty one counts as not set. `./signalbox doctor` shows what is in effect.",
        "Keys of model providers stand under their usual names (`OPENAI_API_KEY`, `ANTHROPIC_API_KEY` …).",
        "",
        "| variable | default | meaning |",
        "|---|---|---|",
    ]
    lines += [f"| `{field.alias}` | {_shown(field.default)} | {field.description} |" for field in Settings.model_fields.values()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
