"""What a request asks somebody to fill in: the fields of a JSON Schema, the limits that may be raised, and what typed text means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.pages.inbox.values import TYPED, as_words, label, number, plain, structure
from app.ui import words
from engine import InboxCard

WHOLE = ""
"""Name of a field that stands for all values at once."""
REQUIRED = "Fill this in."
_LIKE = {"array": '["red", "blue"]', "object": '{"colour": "red"}'}
_ZONED = {"date-time": "2026-12-01T09:00:00Z", "time": "09:00:00Z"}


@dataclass(frozen=True)
class Option:
    """One entry of a list; `value` is what the form sends."""

    value: str
    word: str


@dataclass(frozen=True)
class Asked:
    """One field of a form; `kind` is `text`, `long`, `number`, `choice`, `date` or `json`."""

    name: str
    input: str
    id: str
    label: str
    help: str
    kind: str
    original: str
    keep: str
    is_required: bool = False
    options: list[Option] = field(default_factory=list)
    placeholder: str = ""
    problem: str = ""
    told_by: str = ""
    """Ids of what describes it."""


def asked(item: InboxCard, problems: Mapping[str, str]) -> list[Asked]:
    """The fields of a request, in the order they are drawn; a request that asks for nothing has none."""
    match item.type:
        case "form":
            return _of_schema(item, item.fields or {}, problems)
        case "in_doubt":
            return _of_schema(item, (item.outputs or {}) | {"required": []}, problems) if item.outputs else [_whole(item, problems)]
        case "limit":
            return [_limit(item, at, name, value, problems) for at, (name, value) in enumerate(item.editable.items())]
        case _:
            return []


def answers(item: InboxCard, form: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What was filled in, in the types that are asked for, and what is wrong with the rest."""
    if item.type == "in_doubt" and not item.outputs:
        return _all_at_once(_text(form, WHOLE))
    schemas = {name: {"type": "number"} for name in item.editable} if item.type == "limit" else _properties(item)
    required = set(item.editable) if item.type == "limit" else _required(item.fields) if item.type == "form" else set[str]()
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, schema in schemas.items():
        text = _text(form, name)
        if not text.strip():
            if name in required:
                problems[name] = REQUIRED
            elif kind_of(schema) in ("text", "long") and schema.get("default"):
                # Left out it would be filled in with its default: it was emptied on purpose.
                values[name] = ""
            continue
        try:
            values[name] = _value(text, schema)
        except ValueError as error:
            problems[name] = str(error)
    return values, problems


def refused(problems: Any, item: InboxCard) -> dict[str, str]:
    """What the engine finds wrong, by the field that it stands beside; what belongs to no field is left out."""
    known = {one.name for one in asked(item, {})}
    found: dict[str, str] = {}
    for problem in problems if isinstance(problems, list) else []:
        where, message = str(problem.get("field", "")), str(problem.get("message", ""))
        path = where.removeprefix("values.") if where.startswith("values.") else ""
        name = next(
            (name for name in sorted(known, key=len, reverse=True) if name and (path == name or path.startswith((f"{name}.", f"{name}[")))),
            None,
        )
        name = WHOLE if name is None and WHOLE in known and where.startswith("values") else name
        if name is not None and name not in found:
            told = message.removeprefix(f"{name} ") if name else message
            found[name] = told[:1].upper() + told[1:]
    return found


def kind_of(schema: Mapping[str, Any]) -> str:
    """How a field of this schema is drawn."""
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return "choice"
    kinds = {
        "string": "date"
        if schema.get("format") == "date"
        else "long"
        if schema.get("x-rows") or schema.get("maxLength", 0) > 200
        else "text",
        "number": "number",
        "integer": "number",
        "boolean": "choice",
    }
    return kinds.get(str(schema.get("type")), "json")


# Fields


def _of_schema(item: InboxCard, schema: Mapping[str, Any], problems: Mapping[str, str]) -> list[Asked]:
    required = _required(schema)
    return [
        _field(item, at, name, part, is_required=name in required, problem=problems.get(name, ""))
        for at, (name, part) in enumerate(_properties(item).items())
    ]


def _field(item: InboxCard, at: int, name: str, schema: Mapping[str, Any], *, is_required: bool, problem: str) -> Asked:
    kind, default = kind_of(schema), schema.get("default")
    options = _options(schema, is_empty_offered=not (is_required and default is not None)) if kind == "choice" else []
    told = plain(str(schema.get("description") or ""))
    if default is not None and not is_required and kind not in ("text", "long", "choice"):
        told = f"{told} Left empty, it is {as_words(default)}.".strip()
    like = _LIKE.get(str(schema.get("type")), "") if kind == "json" else ""
    told = f"{told} Written like {like}.".strip() if like else told
    id_ = f"asked-{at}"
    return Asked(
        name=name,
        input=f"{TYPED}{name}",
        id=id_,
        label=_label(name, plain(str(schema.get("title") or ""))),
        help=told,
        kind=kind,
        original=_prefilled(schema, default, kind),
        keep=f"{item.id}/{name}",
        is_required=is_required,
        options=options,
        placeholder=_ZONED.get(str(schema.get("format")), ""),
        problem=problem,
        told_by=_described(id_, told, problem),
    )


def _label(name: str, title: str) -> str:
    # `Is Booked` of `is_booked` was made by a program.
    is_made = title.lower() == name.replace("_", " ").lower()
    return title if title and not is_made else label(plain(name))


def _whole(item: InboxCard, problems: Mapping[str, str]) -> Asked:
    told = "As names with their values, in curly brackets. May be empty."
    return Asked(
        name=WHOLE,
        input=TYPED,
        id="asked-0",
        label="What it answered",
        help=told,
        kind="json",
        original="",
        keep=f"{item.id}/",
        placeholder='{"receipt": "R-17"}',
        problem=problems.get(WHOLE, ""),
        told_by=_described("asked-0", told, problems.get(WHOLE, "")),
    )


def _limit(item: InboxCard, at: int, name: str, value: Any, problems: Mapping[str, str]) -> Asked:
    unit = {"cost_usd": ", in US dollars", "seconds": ", in seconds"}.get(name, "")
    told = "For the whole run, what it has used included."
    return Asked(
        name=name,
        input=f"{TYPED}{name}",
        id=f"asked-{at}",
        label=f"New {words.limit_word(name)}{unit}",
        help=told,
        kind="number",
        original=_decimal(value),
        keep=f"{item.id}/{name}",
        is_required=True,
        problem=problems.get(name, ""),
        told_by=_described(f"asked-{at}", told, problems.get(name, "")),
    )


def _described(id_: str, told: str, problem: str) -> str:
    return " ".join(part for part in (f"{id_}-help" if told else "", f"{id_}-problem" if problem else "") if part)


def _properties(item: InboxCard) -> dict[str, dict[str, Any]]:
    schema = (item.fields if item.type == "form" else item.outputs) or {}
    parts = schema.get("properties")
    if not isinstance(parts, Mapping):
        return {}
    # Names are kept sorted; the list of what is required still is in the order that somebody gave it.
    first = [str(name) for name in schema.get("required") or () if name in parts]
    return {name: _single(parts[name]) for name in dict.fromkeys([*first, *map(str, parts)])}


def _single(schema: Any) -> dict[str, Any]:
    """The schema, without the `null` beside a type: an empty field says as much."""
    if not isinstance(schema, Mapping):
        return {}
    kinds = [kind for kind in schema["type"] if kind != "null"] if isinstance(schema.get("type"), list) else None
    if kinds is not None:
        return {**schema, "type": kinds[0] if len(kinds) == 1 else None}
    parts = [part for part in schema.get("anyOf", ()) if isinstance(part, Mapping) and part.get("type") != "null"]
    return {**schema, **parts[0]} if len(parts) == 1 else dict(schema)


def _required(schema: Mapping[str, Any] | None) -> set[str]:
    names = (schema or {}).get("required")
    return {str(name) for name in names} if isinstance(names, list) else set()


def _choices(schema: Mapping[str, Any]) -> list[Any]:
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"]
    return [True, False]


def _options(schema: Mapping[str, Any], *, is_empty_offered: bool) -> list[Option]:
    """By their numbers: what the form sends says nothing about their types."""
    found = [Option(str(at), as_words(choice)) for at, choice in enumerate(_choices(schema))]
    return [Option("", "Choose one"), *found] if is_empty_offered else found


def _prefilled(schema: Mapping[str, Any], default: Any, kind: str) -> str:
    if default is None:
        return ""
    if kind == "choice":
        return next((str(at) for at, choice in enumerate(_choices(schema)) if choice == default and type(choice) is type(default)), "")
    if kind == "number" and isinstance(default, int | float):
        return _decimal(default)
    return default if isinstance(default, str) and kind != "json" else json.dumps(default, ensure_ascii=False, indent=1)


def _decimal(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


# Values


def _text(form: Mapping[str, Any], name: str) -> str:
    text = form.get(f"{TYPED}{name}")
    # A form sends every end of a line as two characters.
    return text.replace("\r\n", "\n") if isinstance(text, str) else ""


def _value(text: str, schema: Mapping[str, Any]) -> Any:
    match kind_of(schema):
        case "text" | "long" | "date":
            return text
        case "number":
            found = number(text.strip())
            if schema.get("type") == "integer" and isinstance(found, float):
                raise ValueError("Write a whole number, like 12.")
            return found
        case "choice":
            choices = _choices(schema)
            if not text.isdecimal() or int(text) >= len(choices):
                raise ValueError("Choose one of the list.")
            return choices[int(text)]
        case _:
            return structure(text, {"array": list, "object": dict}.get(str(schema.get("type")), object))


def _all_at_once(text: str) -> tuple[dict[str, Any], dict[str, str]]:
    if not text.strip():
        return {}, {}
    try:
        return structure(text, dict), {}
    except ValueError as error:
        return {}, {WHOLE: str(error)}
