"""Does a JSON value fit a JSON Schema (Draft 2020-12), told in plain words and safe against hostile schemas.

Patterns run on re2 (linear time), references stay inside the schema, and following references has a limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import re2
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from engine.jsonvalue import canonical, loads

MOST_PROBLEMS = 20
MOST_REFERENCES = 20_000
"""References followed while one value is checked; a small schema can ask for billions."""

_SHOWN = 80
_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
"""Keywords whose keys are names, not keywords."""
_PLAIN_VALUES = ("const", "enum", "default", "examples", "example")


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """One place where a value, or a schema, is not as it should be."""

    path: str
    """`.items[3].name`; empty for the value itself."""
    message: str


class _TooMuch(Exception):
    """The schema asks for more work than a check may take."""


def problems_of(value: Any, schema: dict[str, Any] | bool) -> list[SchemaProblem]:
    """Where `value` does not fit `schema`, at most 20 places in the order of the value; empty when it fits.

    A schema that cannot be used is told as problems of the value; `check_schema` tells it before.
    """
    _left.set(MOST_REFERENCES)
    try:
        errors = list(islice(_validator(canonical(schema)).iter_errors(value), MOST_PROBLEMS))
        errors.sort(key=lambda error: [str(part).rjust(9, "0") for part in error.absolute_path])
        return list(dict.fromkeys(_told(error) for error in errors))
    except Unresolvable:
        return [SchemaProblem(path="", message="the schema refers to something outside itself or not there")]
    except (_TooMuch, RecursionError):
        return [SchemaProblem(path="", message="the schema is too deeply nested or refers to itself without end")]
    except Exception:  # a schema that nobody checked can fail in a hundred ways, all of them the schema's
        return [SchemaProblem(path="", message="the schema cannot be used; check it first")]


def check_schema(schema: Any) -> list[SchemaProblem]:
    """What is wrong with `schema` itself: not a schema, patterns that re2 cannot run, references that leave it."""
    if not isinstance(schema, (dict, bool)):
        return [SchemaProblem(path="", message="a JSON Schema is an object")]
    try:
        found = list(islice(_meta().iter_errors(schema), MOST_PROBLEMS))
    except (RecursionError, ArithmeticError):
        return [SchemaProblem(path="", message="the schema is too deeply nested")]
    problems = [_told(error) for error in found]
    return list(dict.fromkeys(problems)) or list(dict.fromkeys(islice(_own_rules(schema, schema, ""), MOST_PROBLEMS)))


def with_defaults(value: Any, schema: dict[str, Any]) -> Any:
    """The value with the `default`s of the schema's top-level properties where it has none; the value itself is not changed."""
    properties = schema.get("properties")
    if not isinstance(value, dict) or not isinstance(properties, dict):
        return value
    missing = {
        name: deepcopy(part["default"])
        for name, part in properties.items()
        if name not in value and isinstance(part, dict) and "default" in part
    }
    return {**value, **missing}


def _own_rules(schema: Any, root: Any, path: str) -> Iterator[SchemaProblem]:
    if isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from _own_rules(part, root, f"{path}[{index}]")
        return
    if not isinstance(schema, dict):
        return
    yield from _own_keywords(schema, root, path)
    for key, part in schema.items():
        if key in _BY_NAME and isinstance(part, dict):
            for name, inner in part.items():
                yield from _own_rules(inner, root, f"{path}.{key}.{name}")
        elif key not in _PLAIN_VALUES:
            yield from _own_rules(part, root, f"{path}.{key}")


def _own_keywords(schema: dict[str, Any], root: Any, path: str) -> Iterator[SchemaProblem]:
    for keyword in ("$ref", "$dynamicRef"):
        if keyword in schema and not _stays_inside(schema[keyword], root):
            yield SchemaProblem(path=f"{path}.{keyword}", message="must point to something in this schema, like #/$defs/name")
    patterns = [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
    by_name = schema.get("patternProperties")
    patterns += list(by_name) if isinstance(by_name, dict) else []
    for pattern in patterns:
        if not _compiles(pattern):
            told = "is not a regular expression that re2 can run (no look-around, no back references)"
            yield SchemaProblem(path=f"{path}.pattern", message=told)
    if "unevaluatedProperties" in schema:
        yield SchemaProblem(path=f"{path}.unevaluatedProperties", message="is not supported; use additionalProperties")


def _stays_inside(reference: Any, root: Any) -> bool:
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        # An anchor is a name inside the schema; anything else would have to be fetched.
        return isinstance(reference, str) and reference.startswith("#")
    place = root
    for part in reference.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(place, list) and key.isdecimal() and int(key) < len(place):
            place = place[int(key)]
        elif isinstance(place, dict) and key in place:
            place = place[key]
        else:
            return False
    return isinstance(place, (dict, bool))


_left: ContextVar[int] = ContextVar("references_left", default=MOST_REFERENCES)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


def _compiles(pattern: str) -> bool:
    try:
        _compiled(pattern)
    except re2.error:
        return False
    return True


def _counted(keyword: str) -> Any:
    follow = Draft202012Validator.VALIDATORS[keyword]

    def check(validator: Any, reference: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        left = _left.get()
        if left <= 0:
            raise _TooMuch
        _left.set(left - 1)
        yield from follow(validator, reference, instance, schema) or ()

    return check


def _required(validator: Any, names: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "object"):
        yield from (ValidationError(f"{_short(name)} is missing") for name in names if name not in instance)


def _pattern(validator: Any, pattern: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not _compiled(pattern).search(instance):
        yield ValidationError("pattern")


def _pattern_properties(validator: Any, by_pattern: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, part in by_pattern.items():
        for key, value in instance.items():
            if _compiled(pattern).search(key):
                yield from validator.descend(value, part, path=key, schema_path=pattern)


def _additional_properties(validator: Any, part: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extra = [key for key in instance if key not in named and not any(_compiled(p).search(key) for p in patterns)]
    if part is False and extra:
        yield ValidationError(f"{_short(extra[0])} is not expected here")
    elif isinstance(part, dict):
        for key in extra:
            yield from validator.descend(instance[key], part, path=key)


_Safe = extend(
    Draft202012Validator,
    {
        "$ref": _counted("$ref"),
        "$dynamicRef": _counted("$dynamicRef"),
        "required": _required,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    },
)


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Any:
    # An empty registry: a remote reference is an error, never a request.
    return _Safe(loads(schema), registry=Registry())


@lru_cache(maxsize=1)
def _meta() -> Any:
    return Draft202012Validator(Draft202012Validator.META_SCHEMA)


def _told(error: ValidationError) -> SchemaProblem:
    if error.validator in ("anyOf", "oneOf") and error.context:
        closest = best_match(error.context)
        if closest is not None and closest.validator not in ("anyOf", "oneOf"):
            return SchemaProblem(path=_path(error), message=f"fits none of the possibilities; the closest: {_words(closest)}")
    return SchemaProblem(path=_path(error), message=_words(error))


def _path(error: ValidationError) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)


def _words(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    match error.validator:
        case "type":
            kinds = wanted if isinstance(wanted, list) else [wanted]
            return f"must be {' or '.join(map(str, kinds))}, is {_kind(error.instance)}"
        case "required":
            return error.message if error.message.endswith(" is missing") else "a required key is missing"
        case "enum":
            return f"must be one of {', '.join(_short(choice) for choice in wanted[:12])}{' …' if len(wanted) > 12 else ''}"
        case "const":
            return f"must be {_short(wanted)}"
        case "pattern":
            return f"must match {_short(wanted)}"
        case "additionalProperties":
            return error.message if error.message.endswith("here") else "holds a key that is not expected"
        case "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties":
            side, what = ("at least", error.validator[3:]) if error.validator.startswith("min") else ("at most", error.validator[3:])
            return f"must have {side} {wanted} {({'Length': 'characters', 'Items': 'items', 'Properties': 'keys'})[what]}"
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            words = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than", "exclusiveMaximum": "less than"}
            return f"must be {words[error.validator]} {wanted}"
        case "multipleOf":
            return f"must be a multiple of {wanted}"
        case "uniqueItems":
            return "must not hold the same item twice"
        case _:
            return f"does not meet {error.validator or 'the schema'}" if error.validator else "is not allowed here"


def _kind(value: Any) -> str:
    for kind, types in (("null", type(None)), ("boolean", bool), ("number", (int, float)), ("string", str), ("array", list)):
        if isinstance(value, types):
            return kind
    return "object"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else canonical(value).decode("utf-8", "replace")
    return f"`{text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}`"
