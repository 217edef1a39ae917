"""Tools that call a web address: a request with the arguments put in, made in Settings, sent through the egress door."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field

from engine.errors import ConfigInvalid
from engine.expressions import ExpressionError, compile_template
from engine.jsonvalue import JsonValue, NotJsonValue, dumps, loads
from engine.schemas import check_schema
from engine.security.webcalls import WebAnswer, WebRequest
from engine.tools.messages import EffectName, Origin, Tool

NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,63}")
NAMES = frozenset({"arguments"})
READS = ("GET", "HEAD")
TIMEOUT_S = 60.0
_PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


class WebTool(BaseModel):
    """A tool as it is written down; every `{{ expression }}` sees the call's `arguments` and nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    name: str = Field(min_length=1, max_length=64)
    description: str = Field(min_length=1, max_length=4_000)
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    effect: EffectName = "unsafe"
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: str = Field(min_length=1, max_length=8_000)
    query: dict[str, str] = Field(default_factory=dict, max_length=100)
    """Put behind the address; what comes to null is left out, a list is told value by value."""
    headers: dict[str, str] = Field(default_factory=dict, max_length=50)
    body: str = Field(default="", max_length=100_000)
    """A text, or JSON with placeholders for whole values."""
    secret: str = Field(default="", max_length=80)
    cost_usd: float = Field(default=0.0, ge=0, le=1_000)
    origins: list[Origin] = Field(default_factory=lambda: ["external"], max_length=2)
    """What is to be known of its results."""
    carries: bool | None = None
    """Whether a call may carry its arguments out of the house; None: as calls that change something do."""

    def problems(self) -> list[tuple[str, str]]:
        """(field, what is wrong with it), all at once."""
        found: list[tuple[str, str]] = []
        if not NAME.fullmatch(self.name):
            found.append(("name", "A name starts with a letter and has letters, digits, `_` and `-` only, at most 64."))
        found += [("parameters", f"The schema {p.path or 'itself'} {p.message}.") for p in check_schema(self.parameters)[:3]]
        if self.parameters.get("type") != "object":
            found.append(("parameters", 'The arguments are an object: write "type": "object".'))
        if self.method in READS and self.body.strip():
            found.append(("body", f"{self.method} sends no body."))
        if not re.match(r"https?://[^/{]", self.url.strip(), re.IGNORECASE):
            # An argument must not choose the host: the model would choose where the secret goes.
            found.append(("url", "The address starts with http:// or https:// and a host that is written out."))
        elif "{{" in self.url.split("/", 3)[2]:
            found.append(("url", "The host is written out: no argument may decide where the call goes."))
        for name, text in self._texts():
            try:
                compile_template(text, names=NAMES)
            except ExpressionError as error:
                found.append((name, f"{error.message} (at character {error.position + 1})."))
        return found

    def told(self) -> Tool:
        """What a model is told of it."""
        cost, origins = round(self.cost_usd * 1e6), tuple(dict.fromkeys(self.origins))
        return Tool(self.name, self.description, self.parameters, self.effect, cost, origins, self.carries)

    def request(self, arguments: Mapping[str, Any], key: str) -> WebRequest:
        """The call with the arguments put in. ConfigInvalid where a placeholder has no value."""
        scope = {"arguments": dict(arguments)}
        try:
            url = _PLACE.sub(lambda place: quote(_text(_value("{{" + place[1] + "}}", scope)), safe=""), self.url.strip())
            if asked := [(name, _text(value)) for name, text in self.query.items() for value in _each(_value(text, scope))]:
                url += ("&" if "?" in url else "?") + urlencode(asked)
            headers = {name: _text(_value(text, scope)) for name, text in self.headers.items()}
            body = _packed(_filled(self.body, scope), headers)
        except ExpressionError as error:
            raise ConfigInvalid(f"The tool {self.name} cannot be called with these arguments: {error.message}.") from None
        may_repeat = self.effect in ("pure", "idempotent")
        if not may_repeat:
            headers.setdefault("Idempotency-Key", key)
        return WebRequest(self.method, url, headers, None if self.method in READS else body, self.secret, may_repeat, TIMEOUT_S)

    def _texts(self) -> list[tuple[str, str]]:
        named = [(f"{place}.{name}", text) for place in ("query", "headers") for name, text in getattr(self, place).items()]
        return [("url", self.url), ("body", self.body), *named]


class Web(Protocol):
    """The egress door."""

    async def send(self, request: WebRequest) -> WebAnswer:
        """One call."""
        ...


async def called(tool: WebTool, web: Web, arguments: Mapping[str, Any], key: str) -> JsonValue:
    """The body of the answer. Raises what the door raises."""
    return (await web.send(tool.request(arguments, key))).body


def _value(text: str, scope: Mapping[str, Any]) -> JsonValue:
    return compile_template(text, names=NAMES).evaluate(scope)


def _each(value: JsonValue) -> list[JsonValue]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _text(value: JsonValue) -> str:
    return "" if value is None else value if isinstance(value, str) else dumps(value).decode()


def _filled(body: str, scope: Mapping[str, Any]) -> JsonValue:
    """JSON is filled in value by value, so that no argument can add a field; anything else is a text."""
    if not body.strip():
        return None
    try:
        return _inside(loads(body), scope)
    except NotJsonValue:
        return _value(body, scope)


def _inside(value: JsonValue, scope: Mapping[str, Any]) -> JsonValue:
    match value:
        case str():
            return _value(value, scope)
        case list():
            return [_inside(item, scope) for item in value]
        case dict():
            return {name: _inside(item, scope) for name, item in value.items()}
        case _:
            return value


def _packed(body: JsonValue, headers: dict[str, str]) -> bytes | None:
    if body is None:
        return None
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
    return body.encode() if isinstance(body, str) else dumps(body)
