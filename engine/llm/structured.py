"""Reads the JSON out of a model's answer, and asks for it in plain words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from engine.errors import OutputInvalid
from engine.jsonvalue import JsonValue, NotJsonValue, check_json, dumps
from engine.schemas import SchemaProblem, problems_of

_MOST_STARTS = 200
_decoder = json.JSONDecoder(parse_constant=lambda word: _refuse(word))


def parse_json_answer(text: str, schema: dict[str, Any]) -> JsonValue:
    """The first JSON value in `text` that fits `schema`: the whole text, or a part of it past prose and code fences.

    OutputInvalid names the first place where the first value does not fit.
    """
    first: list[SchemaProblem] = []
    for value in _values(text.strip(), scalars=_takes_scalars(schema)):
        problems = problems_of(_checked(value), schema)
        if not problems:
            return value
        first = first or problems
    if not first:
        raise OutputInvalid("The model answered with text in which there is no JSON." if text.strip() else "The model's answer is empty.")
    where = f"{first[0].path} " if first[0].path else ""
    told: list[JsonValue] = [{"path": problem.path, "message": problem.message} for problem in first]
    raise OutputInvalid(f"The model's JSON does not fit: {where}{first[0].message}.", details={"problems": told})


def instruction(schema: dict[str, Any]) -> str:
    """What to tell a model that cannot be made to answer in a schema."""
    order = "Answer with one JSON value and nothing else: no explanation, no code fence. It must fit this JSON Schema:"
    return f"{order}\n{dumps(schema).decode()}"


def _values(text: str, *, scalars: bool) -> Iterator[Any]:
    """Every JSON value in `text`, one after the other, never one inside another."""
    whole = _value_at(text, 0) if scalars or text[:1] in ("{", "[") else None
    if whole is not None and not text[whole[1] :].strip():
        yield whole[0]
        return
    if scalars and (found := _value_at(_fenced(text), 0)):
        # `true` or 12 in a fence is an answer; a number somewhere in prose is not.
        yield found[0]
    at = 0
    for _ in range(_MOST_STARTS):
        at = min((place for place in (text.find("{", at), text.find("[", at)) if place >= 0), default=-1)
        if at < 0:
            return
        found = _value_at(text, at)
        if found is not None:
            yield found[0]
        at = found[1] if found is not None else at + 1


def _value_at(text: str, at: int) -> tuple[Any, int] | None:
    """The value that starts at `at` and where it ends. OutputInvalid if the text ends before it: a part of it is no answer."""
    try:
        return _decoder.raw_decode(text, at)
    except json.JSONDecodeError as error:
        cut = text[at : at + 1] in ("{", "[") and (error.pos >= len(text) or error.msg.startswith("Unterminated string"))
    except (ValueError, RecursionError):
        return None
    if cut and text[at + 1 :].strip():
        raise OutputInvalid("The model's JSON breaks off before its end.", hint="Raise max_tokens, or ask for less.")
    return None


def _checked(value: Any) -> JsonValue:
    try:
        check_json(value)
    except NotJsonValue as error:
        raise OutputInvalid(f"The model's JSON cannot be kept: {error}.") from None
    return value


def _fenced(text: str) -> str:
    start = text.find("```")
    end = text.find("```", start + 3)
    if start < 0 or end < 0:
        return ""
    inside = text[start + 3 : end].strip()
    return inside.removeprefix("json").strip()


def _takes_scalars(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return any(kind not in ("object", "array") for kind in kinds)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")
