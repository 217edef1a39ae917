"""What only the operator of this machine may set up: a mail server, databases to read, programs that are MCP servers.

A TOML file named by SIGNALBOX_OPERATOR_FILE, read once at the start. Nothing in it can be changed from the web UI or the API: a program
that is started and a database that is opened are as trusted as whoever may write to the disk.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from engine.errors import ConfigInvalid

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
MOST_BYTES = 1_000_000
_SECRET = re.compile("TOKEN|KEY|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


class MailServer(_Section):
    """Where e-mail is handed in."""

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`none` only to a server on this machine or in a trusted network: the password would be readable on the way."""
    user: str = ""
    password: SecretStr = SecretStr("")
    sender: str = Field(min_length=3)
    """The address that mail comes from."""
    recipients: list[str] = Field(default_factory=list)
    """Addresses and @domains that mail may go to; empty: anywhere."""


class Database(_Section):
    """A database that tools may read, and never write to."""

    url: SecretStr
    """sqlite:///path/to/file or postgresql://user:password@host/name."""
    description: str = Field(default="", max_length=2_000)
    """What is in it, in words for a model."""
    rows: int = Field(default=100, ge=1, le=10_000)
    """The most that one question gets."""
    seconds: float = Field(default=10.0, gt=0, le=300)


class Program(_Section):
    """An MCP server that is started here and talked to over its standard input and output."""

    command: list[str] = Field(min_length=1)
    env: dict[str, SecretStr] = Field(default_factory=dict)
    """What it sees of the environment, beside PATH and HOME."""
    directory: Path | None = None


class OperatorFile(_Section):
    """The whole file."""

    mail: MailServer | None = None
    databases: dict[Name, Database] = Field(default_factory=dict)
    programs: dict[Name, Program] = Field(default_factory=dict)

    def secrets(self) -> list[str]:
        """What must not be said back: passwords, and what a program's environment calls a secret; a path in it is none."""
        found = [self.mail.password.get_secret_value()] if self.mail else []
        for one in self.databases.values():
            found += _passwords(one.url.get_secret_value())
        env = [item for program in self.programs.values() for item in program.env.items()]
        return [text for text in (*found, *(value.get_secret_value() for name, value in env if _SECRET.search(name))) if text]


def _passwords(url: str) -> list[str]:
    """What an address keeps to itself, as it is written and as it is meant; all of one that cannot be taken apart."""
    try:
        parts = urlsplit(url)
        asked = parse_qsl(parts.query)
    except ValueError:
        return [url]
    written = parts.password or ""
    return list(dict.fromkeys([unquote(written), written, *(value for name, value in asked if _SECRET.search(name))]))


def read_operator_file(path: Path | None) -> OperatorFile:
    """What the file says; without a path, nothing is set up. ConfigInvalid names the file and every entry that does not fit."""
    if path is None:
        return OperatorFile()
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _refused(path, [f"it is larger than {MOST_BYTES:,} bytes"])
        return OperatorFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise _refused(path, [error.strerror or "it cannot be read"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _refused(path, [str(error)]) from None
    except ValidationError as error:
        raise _refused(path, [_line(one) for one in error.errors(include_url=False, include_input=False)]) from None


def _line(found: Any) -> str:
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"


def _refused(path: Path, problems: list[str]) -> ConfigInvalid:
    return ConfigInvalid(
        f"The operator's file {path} cannot be used: {'; '.join(problems[:5])}.",
        hint="Correct the file that SIGNALBOX_OPERATOR_FILE names, then start again.",
    )
