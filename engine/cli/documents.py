"""Reads documents and inputs from files and arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.errors import Invalid, NotFound, NotJson
from engine.jsonvalue import NotJsonValue, loads, parse_strict


def read_document(path: Path) -> Any:
    """The JSON value of a file. NotFound, NotJson."""
    return _parsed(_bytes_of(path), str(path))


def read_inputs(path: Path) -> list[dict[str, Any]]:
    """One object a line; empty lines are passed over. NotFound, NotJson, Invalid."""
    found: list[dict[str, Any]] = []
    for number, line in enumerate(_bytes_of(path).splitlines(), start=1):
        if not line.strip():
            continue
        value = _parsed(line, f"{path}, line {number}")
        if not isinstance(value, dict):
            raise Invalid(f"{path}, line {number}: this is not an object.", hint='Write one object a line, e.g. {"message": "Hello"}.')
        found.append(value)
    if not found:
        raise Invalid(f"{path} holds no inputs.", hint='Write one object a line, e.g. {"message": "Hello"}.')
    return found


def parse_inputs(pairs: list[str]) -> dict[str, Any]:
    """`["k=v"]` as an object; a value that is JSON counts as such. Invalid for anything else."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise Invalid(f"--input {pair!r} is not of the form NAME=VALUE.", hint="Write for instance --input message='I lost my card'.")
        if name in found:
            raise Invalid(f"--input {name} is given twice.", hint=f"Give a list as JSON: --input '{name}=[1, 2]'.")
        found[name] = _value(text, name)
    return found


def _value(text: str, name: str) -> Any:
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise Invalid(f"--input {name} is not UTF-8.", hint="Call it from a terminal that uses UTF-8.") from None
    try:
        return loads(raw)
    except NotJsonValue:
        return text


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.", hint="Check the name of the file.") from None


def _parsed(data: bytes, where: str) -> Any:
    try:
        return parse_strict(data)
    except NotJsonValue as error:
        raise NotJson(f"{where} is not JSON that Signalbox can keep: {error}.") from None
