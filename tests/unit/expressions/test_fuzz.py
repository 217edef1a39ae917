"""Random programs over random data: nothing but JSON values and placed ExpressionErrors ever comes out.

20,000 programs in a normal run, 300,000 with SIGNALBOX_LONG=1; SIGNALBOX_FUZZ_SEED repeats a run.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from typing import Any

import pytest

from engine.expressions import FUNCTIONS, ExpressionError, compile_expression, compile_template
from engine.jsonvalue import check_json

_PROGRAMS = 300_000 if os.environ.get("SIGNALBOX_LONG") == "1" else 20_000
_SEED = int(os.environ.get("SIGNALBOX_FUZZ_SEED", "20261124"))

_KEYS = ["a", "b", "text", "items", "keys", "from", "__class__", "name", "größe", "0", "x", "total", ""]
_ROOTS = ["inputs", "nodes.a", "nodes.b", "item", "index", "visit", "run", "vars", "now"]
_UNKNOWN = ["nodes", "x", "y", "nonsense", "len", "__import__"]
_TEXTS = [
    "",
    "a",
    "abc",
    "12",
    "-1.5e3",
    "2026-11-24",
    "2026-11-24T10:00:00+02:00",
    "é",
    "𝔘",
    "x -> x",
    "[1,2]",
    '{"a":1}',
    "^a+$",
    "(",
    "YYYY",
    "0.00",
    "0,0",
    "\x00",
    "a" * 300,
]
_NUMBERS = ["0", "1", "2", "-1", "7", "1.5", "0.1", "1e308", "1e-320", "9223372036854775807", "1e16", "100"]
_OPERATORS = ["+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]
_REFUSED = ["**", "is", "|", "@", "<<"]
_NOISE = [
    *list("()[]{}.,:;'\"\\#@!?$%^&*~`=<>+-/|_ \n\r\t\x00\x0c"),
    "{{",
    "}}",
    "->",
    "lambda",
    "__",
    "not ",
    "�",
    "\u200b",
    "ａ",
    "ﬁ",
    "𝟙",
    "é",
    "0x",
    "1_0",
    "f'",
    "b'",
    "...",
]


def quoted(dice: random.Random, text: str) -> str:
    """A Python literal of the text, in one of its many spellings."""
    return dice.choice(
        [repr(text), repr(text), '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"', "r" + repr(text)]
    )


def body(dice: random.Random, depth: int) -> str:
    """A literal of the form "x -> …", whose variable the roots may be replaced by."""
    variable = dice.choice(["x", "y", "item"]) if dice.random() < 0.95 else dice.choice(["inputs", "true", "é", "if", ""])
    return quoted(dice, f"{variable} -> {program(dice, depth + 2).replace(dice.choice(_ROOTS), variable)}")


def call(dice: random.Random, depth: int) -> str:
    """A call, mostly with a fitting number of arguments."""
    function = dice.choice(list(FUNCTIONS.values()))
    most = 3 if function.most is None else function.most
    count = dice.randint(function.least, most) if dice.random() < 0.95 else dice.randint(0, 4)
    arguments = [body(dice, depth) if place == function.body else program(dice, depth + 1) for place in range(count)]
    return f"{function.name}({', '.join(arguments)})"


def look_up(dice: random.Random, depth: int) -> str:
    """A chain of look-ups."""
    kind = dice.random()
    found = dice.choice(_ROOTS) if kind < 0.9 else dice.choice(_UNKNOWN) if kind < 0.92 else f"({program(dice, depth + 1)})"
    for _ in range(dice.randint(0, 3)):
        kind = dice.random()
        if kind < 0.6:
            found += "." + (dice.choice(_KEYS) or "k")
        elif kind < 0.8:
            found += f"[{dice.choice(['0', '-1', '5', repr(dice.choice(_KEYS))])}]"
        else:
            found += f"[{program(dice, depth + 1)}]"
    return found


def program(dice: random.Random, depth: int = 0) -> str:
    """An expression of the grammar, mostly correct."""
    kind = dice.random() if depth < 5 else dice.random() * 0.45
    if kind < 0.2:
        return look_up(dice, depth + 3)
    if kind < 0.3:
        return dice.choice(_NUMBERS)
    if kind < 0.4:
        return quoted(dice, dice.choice(_TEXTS))
    if kind < 0.45:
        return dice.choice(["true", "false", "null", "None", "[]", "{}", "True"])
    if kind < 0.65:
        return call(dice, depth)
    if kind < 0.8:
        sign = dice.choice(_OPERATORS if dice.random() < 0.98 else _REFUSED)
        return f"({program(dice, depth + 1)} {sign} {program(dice, depth + 1)})"
    if kind < 0.85:
        return f"{dice.choice(['not ', '-', '+', 'not ', '-', '+', '~'])}({program(dice, depth + 1)})"
    if kind < 0.9:
        return f"({program(dice, depth + 1)} if {program(dice, depth + 1)} else {program(dice, depth + 1)})"
    if kind < 0.96:
        return "[" + ", ".join(program(dice, depth + 1) for _ in range(dice.randint(0, 3))) + "]"
    pairs = [f"{quoted(dice, dice.choice(_KEYS))}: {program(dice, depth + 1)}" for _ in range(dice.randint(0, 2))]
    return "{" + ", ".join(pairs) + "}"


def mutated(dice: random.Random, source: str) -> str:
    """The source with a few characters or slices changed."""
    for _ in range(dice.randint(1, 4)):
        start = dice.randint(0, len(source))
        end = min(len(source), start + dice.choice([0, 0, 1, 3, 10]))
        piece = dice.choice([dice.choice(_NOISE), source[start:end] * 2, "", source[: dice.randint(0, 30)]])
        source = source[:start] + piece + source[end:]
    return source


def rubbish(dice: random.Random) -> str:
    """Any characters at all, surrogates and control characters included."""
    ranges = [(0, 0x20), (0x20, 0x7F), (0x20, 0x7F), (0x80, 0x24F), (0xD7F0, 0xE010), (0xFF00, 0xFFFF), (0x1D400, 0x1D7FF)]
    return "".join(chr(dice.randint(*dice.choice(ranges))) for _ in range(dice.randint(0, 60)))


def bomb(dice: random.Random) -> str:
    """Something long or deep."""
    unit, times = (
        dice.choice(["(", "[", "not ", "-", "~", "a.", "a[", "1+", "{'a':", "len(", "[1,", "'a'+", "x if y else ", "lambda:", "f'{"]),
        dice.randint(5, 700),
    )
    return unit * times + dice.choice(["", "1", "1" + ")" * times, "1" + "]" * times, "a"])


def heavy(dice: random.Random) -> str:
    """Something that costs fuel or room: loops over long lists, and texts that grow."""
    found = dice.choice(["vars.numbers", "vars.words", "vars.long", "vars.objects"])
    for _ in range(dice.randint(1, 6)):
        wraps = [
            "map(%s, 'x -> x')",
            "[%s, %s]",
            "%s + %s",
            "json(%s)",
            "str(%s)",
            "map(vars.numbers, 'x -> %s')",
            "sort(%s)",
            "unique(%s)",
            "flat([%s, %s])",
        ]
        more = [
            "%s == %s",
            "join(%s, vars.long)",
            "split(%s, 'o')",
            "matches(vars.long, '(a?o?){30}q')",
            "upper(%s)",
            "values(%s)",
            "parse_json(%s)",
        ]
        wrap = dice.choice([*wraps, *more])
        found = wrap.replace("%s", found.replace("\\", "\\\\").replace("'", "\\'") if "'" in wrap else found)
        if len(found) > 1000:
            break
    return found


def value(dice: random.Random, depth: int = 0) -> Any:
    """A random JSON value; rarely one that is not quite."""
    kind = dice.random() if depth < 4 else dice.random() * 0.6
    if kind < 0.2:
        return dice.choice([0, 1, -1, 2, 1.5, 2**63 - 1, -(2**63), 1e308, -0.0, 250, 10**15])
    if kind < 0.45:
        return dice.choice([*_TEXTS, "long " * 2000, "\ud800"] if dice.random() < 0.1 else _TEXTS)
    if kind < 0.6:
        return dice.choice([None, True, False])
    if kind < 0.61 and depth < 2:
        return list(range(3000))
    if kind < 0.8:
        return [value(dice, depth + 1) for _ in range(dice.choice([0, 1, 2, 3, 3, 30, 200 if depth < 2 else 4]))]
    return {dice.choice(_KEYS): value(dice, depth + 1) for _ in range(dice.randint(0, 4))}


def scope(dice: random.Random) -> dict[str, Any]:
    """A scope in which some roots may be missing."""
    found: dict[str, Any] = {
        name: value(dice) for name in ("inputs", "item", "index", "visit", "run", "vars", "now") if dice.random() < 0.9
    }
    found["nodes"] = {name: value(dice) for name in ("a", "b", "c") if dice.random() < 0.8}
    found["vars"] = {"numbers": list(range(3000)), "words": ["w" * 50] * 500, "long": "oh no " * 5000, "objects": [{"a": 1}] * 300}
    return found


def source(dice: random.Random) -> str:
    """A program of one of the families."""
    kind = dice.random()
    if kind < 0.7:
        return program(dice)
    if kind < 0.87:
        return mutated(dice, program(dice))
    if kind < 0.95:
        return rubbish(dice)
    return heavy(dice) if kind < 0.98 else bomb(dice)


def outcome(text: str, data: dict[str, Any], *, template: bool) -> str:
    """`value`, or the code of the error; fails on anything else."""
    try:
        compiled = compile_template(text) if template else compile_expression(text)
        assert all(0 <= reference.position <= len(text) for reference in compiled.references)
        found = compiled.evaluate(data)
    except ExpressionError as error:
        assert 0 <= error.position <= len(text)
        assert error.message
        error.as_json()["message"].encode("utf-8")
        return error.code
    check_json(found)
    return "value"


@pytest.mark.timeout(1800)
def test_random_programs_give_json_or_a_placed_error(record_property: Any, capsys: pytest.CaptureFixture[str]) -> None:
    dice = random.Random(_SEED)
    counts, worst, worst_source, data = Counter[str](), 0.0, "", scope(dice)
    for number in range(_PROGRAMS):
        if number % 20 == 0:
            data = scope(dice)
        text = source(dice)
        template = dice.random() < 0.2
        if template and dice.random() < 0.9:
            text = dice.choice(["{{ %s }}", "a {{ %s }} b", "{{%s}}{{ %s }}"]).replace("%s", text)
        started = time.thread_time()
        try:
            counts[outcome(text, data, template=template)] += 1
        except BaseException as error:
            raise AssertionError(f"seed {_SEED}, program {number}: {text!r} over {data!r}") from error
        took = time.thread_time() - started
        if took > worst:
            worst, worst_source = took, text
    report = f"seed {_SEED}: {_PROGRAMS:,} programs, worst {worst * 1000:.1f} ms, {dict(counts.most_common())}"
    record_property("fuzz", report)
    with capsys.disabled():
        print(f"\n{report}\n  slowest: {worst_source[:200]!r}")
    # The families must really reach what they are meant to reach.
    assert counts["value"] > _PROGRAMS // 20
    assert {
        "syntax",
        "missing_value",
        "type_mismatch",
        "unknown_name",
        "bad_argument",
        "bad_date",
        "too_costly",
        "too_large",
    } <= counts.keys()
