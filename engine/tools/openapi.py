"""Tools out of an OpenAPI description: one for each of its operations, to be looked at by a person before they are kept.

Only what stands in the description itself is read: references to other files or addresses are told as problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from engine.jsonvalue import dumps
from engine.tools.web import WebTool

METHODS = ("get", "put", "post", "delete", "patch", "head")
MOST_OPERATIONS = 500
MOST_LEVELS = 24
"""Of schemas that refer to each other; deeper ones are cut off, so that one that holds itself ends."""
_WORD = re.compile(r"[^a-zA-Z0-9-]+")
_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a description."""

    tools: list[WebTool]
    problems: list[str]
    """Operations that could not be taken over, each with the reason."""


def tools_of(description: Mapping[str, Any], *, secret: str = "") -> Imported:
    """The tools of an OpenAPI 3 description that was read as JSON. Never raises: what cannot be read is told."""
    version = str(description.get("openapi", ""))
    if not version.startswith("3."):
        return Imported([], ["This is no OpenAPI 3 description: `openapi` must be 3.0 or 3.1."])
    base = _base(description)
    if base is None:
        return Imported([], ["`servers` names no address that begins with http:// or https://."])
    tools: list[WebTool] = []
    problems: list[str] = []
    for number, (path, method, operation) in enumerate(_operations(description)):
        if number == MOST_OPERATIONS:
            problems.append(f"Only the first {MOST_OPERATIONS} operations were read.")
            break
        where = f"{method.upper()} {path}"
        try:
            tool = _tool(description, base, path, method, operation, secret=secret)
        except _CannotBeRead as error:
            problems.append(f"{where}: {error}")
            continue
        if found := tool.problems():
            problems.append(f"{where}: {found[0][0]}: {found[0][1]}")
        elif any(tool.name == other.name for other in tools):
            problems.append(f"{where}: there is another operation called {tool.name}.")
        else:
            tools.append(tool)
    return Imported(tools, problems)


class _CannotBeRead(Exception):
    """Says why."""


def _base(description: Mapping[str, Any]) -> str | None:
    for server in _list(description.get("servers")):
        url = str(_dict(server).get("url", ""))
        for name, variable in _dict(_dict(server).get("variables")).items():
            url = url.replace("{" + str(name) + "}", str(_dict(variable).get("default", "")))
        if re.match(r"https?://[^/{}]+", url):
            return url.rstrip("/")
    return None


def _operations(description: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in _dict(description.get("paths")).items():
        shared = _list(_dict(item).get("parameters"))
        for method in METHODS:
            if isinstance(operation := _dict(item).get(method), dict):
                yield str(path), method, {**operation, "parameters": [*shared, *_list(operation.get("parameters"))]}


def _tool(
    description: Mapping[str, Any], base: str, path: str, method: str, operation: dict[str, Any], *, secret: str
) -> WebTool:  # fmt: skip
    name, words = _named(path, method, operation)
    properties: dict[str, Any] = {}
    required: list[str] = []
    query, headers = dict[str, str](), dict[str, str]()
    for given in operation["parameters"]:
        parameter = _dict(_resolved(description, given, 0))
        argument, place = str(parameter.get("name", "")), parameter.get("in")
        if place == "cookie" or (place == "header" and argument.lower() in ("authorization", "accept", "content-type")):
            continue
        if not _ARGUMENT.fullmatch(argument):
            raise _CannotBeRead(f"the parameter `{argument[:60]}` cannot be an argument; make this tool by hand.")
        properties[argument] = _described(_resolved(description, parameter.get("schema", {}), 0), parameter.get("description"))
        is_needed = place == "path" or parameter.get("required") is True
        required += [argument] if is_needed else []
        written = f"{{{{ arguments.{argument} }}}}" if is_needed else f"{{{{ default(arguments.{argument}, null) }}}}"
        match place:
            case "path":
                path = path.replace("{" + argument + "}", written)
            case "query":
                query[argument] = written
            case "header":
                headers[argument] = written
            case _:
                raise _CannotBeRead(f"the parameter `{argument}` stands nowhere.")
    body = ""
    if (schema := _body(description, operation)) is not None and method not in ("get", "head"):
        properties["body"] = schema
        required.append("body")
        body = "{{ arguments.body }}"
    if "{" in path.replace("{{", "").replace("}}", ""):
        raise _CannotBeRead("its path has a place that no parameter fills.")
    parameters: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    parameters |= {"required": list(dict.fromkeys(required))} if required else {}
    if len(dumps(parameters)) > 50_000:
        raise _CannotBeRead("its arguments are too large to be told to a model.")
    return WebTool(
        name=name,
        description=words,
        parameters=parameters,
        effect="idempotent" if method in ("get", "head") else "unsafe",
        method=cast("Method", method.upper()),
        url=base + path,
        query=query,
        headers=headers,
        body=body,
        secret=secret,
    )


def _named(path: str, method: str, operation: Mapping[str, Any]) -> tuple[str, str]:
    """The tool's name, and what a model is told of it."""
    name = _WORD.sub("_", str(operation.get("operationId") or f"{method}_{path}")).strip("_")[:64]
    words = " ".join(str(operation[part]).strip() for part in ("summary", "description") if operation.get(part))
    return name, (words or f"{method.upper()} {path}")[:4_000]


def _body(description: Mapping[str, Any], operation: Mapping[str, Any]) -> Any:
    content = _dict(_dict(_resolved(description, operation.get("requestBody", {}), 0)).get("content"))
    if not content:
        return None
    for kind, media in content.items():
        if "json" in str(kind):
            return _resolved(description, _dict(media).get("schema", {}), 0)
    raise _CannotBeRead(f"it wants {', '.join(map(str, content))[:80]}, not JSON.")


def _resolved(description: Mapping[str, Any], value: Any, level: int) -> Any:
    """The value with its references put in."""
    if level > MOST_LEVELS:
        return {}
    if isinstance(value, list):
        return [_resolved(description, item, level + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if (reference := value.get("$ref")) is None:
        return {name: _resolved(description, item, level + 1) for name, item in value.items() if name not in ("example", "examples", "xml")}
    if not isinstance(reference, str) or not reference.startswith("#/"):
        raise _CannotBeRead(f"it refers to {str(reference)[:80]}, which is not in this description.")
    found: Any = description
    for part in reference[2:].split("/"):
        found = _dict(found).get(part.replace("~1", "/").replace("~0", "~"))
    if found is None:
        raise _CannotBeRead(f"it refers to {reference[:80]}, which is not there.")
    return _resolved(description, found, level + 1)


def _described(schema: Any, words: Any) -> Any:
    return (
        {**schema, "description": words} if isinstance(schema, dict) and isinstance(words, str) and "description" not in schema else schema
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
