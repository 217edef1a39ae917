"""Published ways out of sandboxes, as expressions and as templates: an error or the harmless meaning, and nothing leaks.

Each line of the corpus is a payload of a known family: a text, or [before, unit, times, after]. `means` is its value as an
expression and `fills` its value as a template, where it has one; everything else must be an ExpressionError.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.expressions import ExpressionError, compile_expression, compile_template
from engine.jsonvalue import check_json

SECRET = "the-secret-that-only-python-can-see"
_CORPUS = Path(__file__).with_name("expression_escapes.jsonl")
_ENTRIES = [json.loads(line) for line in _CORPUS.read_text(encoding="utf-8").splitlines()]
_LEAKS = ("<class", "<module", "<function", "<built-in", "<bound", "<method", "object at 0x", "Traceback", "root:x:", SECRET)
# What Python tells its auditors when something gets out: files, processes, sockets, imports, code, frames.
_EVENTS = (
    "open",
    "exec",
    "import",
    "os.",
    "subprocess.",
    "socket.",
    "sys._getframe",
    "object.__getattr__",
    "pickle.",
    "ctypes.",
    "code.__new__",
)


class Outputs(Mapping[str, Any]):
    """A node's outputs, with Python attributes that no expression may ever reach."""

    secret = SECRET

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = {**data}
        self._read = SECRET

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        return SECRET


def _laughs() -> Any:
    found: Any = ["ha"]
    for _ in range(12):
        found = [found] * 10
    return found


def _deep() -> Any:
    found: Any = 1
    for _ in range(300):
        found = [found]
    return found


def _function() -> str:
    return SECRET


SCOPE: dict[str, Any] = {
    # Keys that look like ways out are only keys.
    "inputs": {
        "a": "A", "rows": [1, 2], "big": 10**12, "items": "I", "constructor": {"constructor": "C"},
        "__class__": {"__base__": "B", "__mro__": ["M"]},
        "class": {"classLoader": "L"}, "__proto__": {"x": "P"}, "file": "F", "secret": "S",
    },
    "nodes": Outputs({"draft": Outputs({"text": "hello"})}),
    "item": {"self": 1}, "index": 0, "visit": 1, "run": {"id": "run_1"}, "now": "2026-11-24T09:30:00.000000Z",
    # Things that never ought to be here: even then they cannot be used or shown.
    "vars": {"os": os, "function": _function, "class": Outputs, "numbers": list(range(3_000)), "long": "ab" * 20_000, "laughs": _laughs(),
    "deep": _deep()},
}  # fmt: skip


def payload_of(entry: dict[str, Any]) -> str:
    """The text of an entry; surrogates and control characters included."""
    payload = entry["payload"]
    if isinstance(payload, str):
        return payload
    before, unit, times, after = payload
    return before + unit * times + after


class Auditor:
    """Hears what Python tells its auditors while an expression is worked out; hooks cannot be removed, so it is switched."""

    def __init__(self) -> None:
        self.listens = False
        self.heard: list[str] = []
        self._thread = threading.get_ident()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, _arguments: tuple[Any, ...]) -> None:
        # Threads that earlier tests have left behind are none of an expression's; starting one would be heard.
        if self.listens and threading.get_ident() == self._thread and event.startswith(_EVENTS):
            self.heard.append(event)


@pytest.fixture(scope="module")
def auditor() -> Auditor:
    return Auditor()


def outcome(auditor: Auditor, compile_it: Any, text: str) -> Any:
    """The value, or the ExpressionError itself; fails on a leak and on anything else."""
    auditor.heard.clear()
    auditor.listens = True
    try:
        found = compile_it(text).evaluate(SCOPE)
    except ExpressionError as error:
        assert 0 <= error.position <= len(text)
        assert not [leak for leak in _LEAKS if leak in json.dumps(error.as_json(), ensure_ascii=False) and leak not in text]
        return error
    finally:
        auditor.listens = False
        assert auditor.heard == []
    check_json(found)
    assert not [leak for leak in _LEAKS if leak in json.dumps(found, ensure_ascii=False) and leak not in text]
    return found


def is_as_told(entry: dict[str, Any], key: str, found: Any) -> bool:
    """Whether the outcome is the one that the corpus tells."""
    if isinstance(found, ExpressionError):
        return key not in entry
    return key in entry and json.dumps(found) == json.dumps(entry[key])


def test_the_auditor_hears_what_it_must(auditor: Auditor) -> None:
    auditor.heard.clear()
    auditor.listens = True
    _CORPUS.open("rb").close()
    auditor.listens = False
    assert "open" in auditor.heard


def test_the_corpus_is_large_and_has_no_doubles() -> None:
    assert len({json.dumps(entry["payload"]) for entry in _ENTRIES}) == len(_ENTRIES) >= 300


@pytest.mark.parametrize("number", range(len(_ENTRIES)))
def test_a_payload_is_an_error_or_its_harmless_meaning(number: int, auditor: Auditor) -> None:
    entry = _ENTRIES[number]
    payload = payload_of(entry)
    assert is_as_told(entry, "means", outcome(auditor, compile_expression, payload)), payload[:200]
    as_template = outcome(auditor, compile_template, payload)
    if "{{" in payload:
        assert is_as_told(entry, "fills", as_template), payload[:200]
    else:
        assert isinstance(as_template, ExpressionError) or as_template == payload
    outcome(auditor, compile_template, "{{ " + payload + " }}")
    outcome(auditor, compile_template, "a {{ " + payload + " }} b {{" + payload + "}}")


@pytest.mark.parametrize("number", range(len(_ENTRIES)))
def test_a_payload_in_the_data_is_only_text(number: int) -> None:
    payload = payload_of(_ENTRIES[number])[:2_000].encode("utf-8", "replace").decode("utf-8")
    scope = {"inputs": {"text": payload}}
    assert compile_expression("inputs.text").evaluate(scope) == payload
    assert compile_template("{{ inputs.text }}!").evaluate(scope) == payload + "!"
    assert compile_expression("[inputs.text][0] + ''").evaluate(scope) == payload
