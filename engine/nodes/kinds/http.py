"""One call to a web address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from engine.errors import ConfigInvalid
from engine.graph.fields import JsonTemplate
from engine.jsonvalue import JsonValue, NotJsonValue, dumps, loads
from engine.nodes.contract import (
    CallKind,
    Capability,
    Effect,
    Estimate,
    Example,
    NodeConfig,
    NodeContext,
    Outcome,
    Pricing,
    Problem,
    Template,
    WebRequest,
    text_of,
)
from engine.nodes.form import hints

READS = ("GET", "HEAD")
KEY_HEADERS = ("idempotency-key", "x-idempotency-key")
_CHOICES = {
    "GET": "GET: read something",
    "HEAD": "HEAD: see whether it is there",
    "POST": "POST: add or do something",
    "PUT": "PUT: store something in its place",
    "PATCH": "PATCH: change a part of it",
    "DELETE": "DELETE: remove it",
}
_CHANGES = re.compile(r"\{\{[^}]*\bnow\b")


class HttpConfig(NodeConfig):
    """What is called, and what goes along."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = Field(
        default="GET", title="What to do", description="The HTTP method.", json_schema_extra=hints(text="", choices=_CHOICES, order=1)
    )
    url: Template = Field(
        title="Address",
        description="The address, with http:// or https://. Private addresses are not called unless the operator allows them.",
        json_schema_extra=hints(widget="line", text="", placeholder="https://api.example.com/orders", order=0),
    )
    headers: dict[str, Template] = Field(
        default_factory=dict,
        max_length=50,
        title="Headers",
        description="Headers by their names. `Idempotency-Key` makes POST and PATCH repeatable; empty, it carries the step's own key.",
        json_schema_extra=hints(
            widget="headers", text="With “Idempotency-Key”, the call may be repeated after a crash. Left empty, it gets a key of its own.",
            add="Header", order=4,
        ),
    )  # fmt: skip
    body: JsonTemplate = Field(
        default=None,
        title="What is sent",
        description="The body: a text, or a JSON value whose texts may hold placeholders. GET and HEAD send none.",
        json_schema_extra=hints(widget="body", text="A text, or JSON. GET and HEAD send none.", placeholder="Nothing", order=2),
    )
    secret: str = Field(
        default="",
        max_length=80,
        title="Secret",
        description="The name of a stored secret that goes along; only to the hosts that it was stored for.",
        json_schema_extra=hints(widget="secret", text="It goes only to the hosts that it was stored for.", none="None", order=3),
    )


class HttpOutputs(BaseModel):
    """The answer."""

    status: int = Field(description="The status, below 400; any other one is an error of the step.")
    headers: dict[str, str] = Field(description="The headers of the answer, names in lower case, without cookies.")
    body: Any = Field(
        description="JSON where the answer says so, else text; `{base64, content_type, bytes}` for what is no text; null for nothing."
    )


class Http(CallKind[HttpConfig]):
    """Calls a web address. A status of 400 or more is an error, with `status` and the beginning of the `body` beside its code.

    GET, HEAD, PUT and DELETE may be repeated after a crash. POST and PATCH are not, unless they carry the header `Idempotency-Key`.
    """

    kind = "http"
    title = "Call a web address"
    icon = "globe"
    group = "Tools"
    effect = Effect.UNSAFE
    uses = frozenset({Capability.EGRESS})
    Config = HttpConfig
    Outputs = HttpOutputs
    examples = (
        Example(
            "Add an order, once",
            {
                "method": "POST",
                "url": "https://shop.example/orders",
                "headers": {"Idempotency-Key": ""},
                "body": {"customer": "{{ inputs.customer }}", "paid": True},
                "secret": "SHOP_KEY",
            },
            {"inputs": {"customer": "Ada"}},
            {"status": 200, "headers": {"content-type": "application/json"}, "body": {"id": "A-17", "state": "open"}},
        ),
        Example(
            "Look an order up",
            {"url": "https://shop.example/orders/{{ inputs.id }}"},
            {"inputs": {"id": "A-17"}},
            {"status": 200, "headers": {"content-type": "application/json"}, "body": {"id": "A-17", "state": "open"}},
        ),
    )

    def effect_of(self, config: HttpConfig) -> Effect:
        """By the method: POST and PATCH are unsafe unless they carry an idempotency key (workflow.md, Running 9)."""
        may_repeat = config.method not in ("POST", "PATCH") or any(name.lower() in KEY_HEADERS for name in config.headers)
        return Effect.IDEMPOTENT if may_repeat else Effect.UNSAFE

    def touches_world(self, config: HttpConfig) -> bool:
        """Whatever is more than reading."""
        return config.method not in READS

    def is_outward(self, config: HttpConfig, given: Mapping[str, Any]) -> bool:
        """Whatever is more than reading from an address that is written out: values in the address or a header leave the house too."""
        return config.method not in READS or any("{{" in text for text in (config.url, *config.headers.values()))

    def cannot_be_undone(self, config: HttpConfig) -> bool:
        """Whatever is more than reading."""
        return config.method not in READS

    def problems(self, config: HttpConfig) -> list[Problem]:
        """There must be an address, headers must be ones, and a key the same for every attempt."""
        found: list[Problem] = []
        if not config.url.strip():
            found.append(Problem("empty_text", "“Address” is empty.", "Write the address to call.", field="url"))
        elif "{{" not in config.url and not re.match(r"https?://[^/]", config.url.strip(), re.IGNORECASE):
            found.append(Problem("bad_value", "The address does not start with http:// or https://.", "Write it in full.", field="url"))
        if config.method in READS and config.body not in (None, ""):
            told = f"{config.method} sends no body."
            found.append(Problem("unused_setting", told, "Choose POST or PUT, or empty the body.", "warning", field="body"))
        names = [name.lower() for name in config.headers]
        for name, value in config.headers.items():
            field = f"headers.{name}"
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or names.count(name.lower()) > 1:
                hint = "Give each header its own name, of letters, digits and hyphens."
                found.append(Problem("bad_value", f"`{name[:60]}` cannot be the name of a header.", hint, field=field))
            if name.lower() in KEY_HEADERS and _CHANGES.search(value):
                told = "The idempotency key would be another one at each attempt, so the call could happen twice."
                found.append(Problem("bad_value", told, "Leave out `now`, or leave the key empty.", field=field))
        return found

    def most_calls(self, config: HttpConfig) -> tuple[int, int]:
        """One call, redirects included."""
        return (0, 1)

    def estimate(self, config: HttpConfig, given: Mapping[str, Any], pricing: Pricing) -> Estimate:
        """One tool call."""
        return Estimate(tool_calls=1)

    async def execute(self, config: HttpConfig, given: Mapping[str, Any], ctx: NodeContext) -> Outcome:
        """The answer. Raises EgressBlocked, HttpStatus, WebUnavailable, InDoubt, AnswerRefused."""
        headers = {name: text_of(value) for name, value in given["headers"].items()}
        for name in headers:
            if name.lower() in KEY_HEADERS and not headers[name].strip():
                headers[name] = ctx.idempotency_key
        body = None if config.method in READS else _packed(given["body"], headers)
        if not isinstance(url := given["url"], str):
            raise ConfigInvalid("The address is not a text.", hint="Look at the step's setting `url`.")
        may_repeat = self.effect_of(config) is Effect.IDEMPOTENT
        answer = await ctx.http(WebRequest(config.method, url, headers, body, config.secret, may_repeat))
        return Outcome({"status": answer.status, "headers": dict[str, JsonValue](answer.headers), "body": answer.body})


def _packed(body: JsonValue, headers: dict[str, str]) -> bytes | None:
    """The body as bytes; its type is told where the step does not tell one."""
    if body is None or body == "":
        return None
    kind = "application/json" if not isinstance(body, str) or _is_json(body) else "text/plain; charset=utf-8"
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = kind
    return body.encode() if isinstance(body, str) else dumps(body)


def _is_json(text: str) -> bool:
    try:
        return text.lstrip().startswith(("{", "[")) and loads(text) is not None
    except NotJsonValue:
        return False
