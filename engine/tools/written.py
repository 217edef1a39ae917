"""Reads a description as people have it: JSON, or YAML that comes to the same plain values."""

from __future__ import annotations

from typing import Any

import yaml

from engine.jsonvalue import MAX_DEPTH, NotJsonValue, check_json, loads

MOST_TEXT = 2_000_000


class Unreadable(ValueError):
    """Says why, in a sentence."""


class _Plain(yaml.CSafeLoader):
    """YAML's own types, except dates: `2024-01-01` as a version is a text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - read only, as in the class that it is taken from
        first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:timestamp"]
        for first, known in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def read(text: str) -> dict[str, Any]:
    """The object that the text holds. Unreadable says what is wrong with it."""
    if len(text) > MOST_TEXT:
        raise Unreadable(f"The text has more than {MOST_TEXT:,} characters.")
    if not text.strip():
        raise Unreadable("There is no text.")
    value = _json(text) if text.lstrip()[0] in "{[" else _yaml(text)
    if not isinstance(value, dict):
        raise Unreadable("The text holds no named parts.")
    return value


def _json(text: str) -> Any:
    try:
        return loads(text)
    except NotJsonValue as error:
        raise Unreadable(f"This is not JSON: {str(error)[:200]}.") from None


def _yaml(text: str) -> Any:
    try:
        _look_over(text)
        loader = _Plain(text)
        try:
            value = _named(loader.get_single_data())
        finally:
            loader.dispose()
        check_json(value)
    except yaml.MarkedYAMLError as error:
        where = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise Unreadable(f"This is neither JSON nor YAML: {str(error.problem)[:200]}{where}.") from None
    except yaml.YAMLError as error:
        raise Unreadable(f"This is neither JSON nor YAML: {str(error)[:200]}.") from None
    except NotJsonValue as error:
        raise Unreadable(f"This YAML holds more than plain values: {str(error)[:200]}.") from None
    except ValueError as error:
        raise Unreadable(f"A value of this YAML cannot be read: {str(error)[:200]}.") from None
    return value


def _look_over(text: str) -> None:
    """Before anything is built: a few aliases can stand for billions of values, and deep nesting for the end of the process."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise Unreadable("Aliases (`*name`) are not read; write out what they stand for, or give JSON.")
        if depth > MAX_DEPTH:
            raise Unreadable(f"There are more than {MAX_DEPTH} levels.")


def _named(value: Any) -> Any:
    """The value with its names as texts: `200:` is a name in YAML, and a number."""
    if isinstance(value, dict):
        return {str(name) if isinstance(name, int) and not isinstance(name, bool) else name: _named(item) for name, item in value.items()}
    return [_named(item) for item in value] if isinstance(value, list) else value
