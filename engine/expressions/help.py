"""The page docs/expressions.md, written from the tables that the compiler itself uses.

`python -m engine.expressions.help > docs/expressions.md` writes it; a test holds it current.
"""

from __future__ import annotations

import sys
from itertools import groupby

from engine.expressions.errors import ExpressionError
from engine.expressions.expression import ROOT_NAMES
from engine.expressions.frame import MAX_DEPTH, MAX_FUEL, MAX_NODES, MAX_SOURCE, MAX_TEXT, MAX_WIDE_NODES, MAX_WIDE_TEXT
from engine.expressions.functions import FUNCTIONS, Function

_NAMES = {
    "inputs": "what the run was started with",
    "nodes": "the outputs of steps that have run: `nodes.<id>.<output>`",
    "item": "the item that a map box works on",
    "index": "its place in the list, from 0",
    "visit": "how often the innermost loop has begun, from 1; 1 outside loops",
    "run": "`run.id` and `run.started_at`",
    "vars": "the workflow's variables",
    "now": "when the step started, as recorded, so that a replay agrees",
}

_TOP = """# Expressions and templates

<!-- Written by `python -m engine.expressions.help`; change the code, not this page. -->

A field of a step is either an **expression** (`inputs.total > 100`) or a **template**, a text with expressions in double braces
(`Dear {{ inputs.name }}`). Both read JSON values and make JSON values; they cannot change, send or load anything.

## Names
"""

_RULES = """
`a.b` looks up the key `b`, whatever it is called (`mail.from`, `order.items`); write `a["my key"]` for other keys, `a[0]` for the
first and `a[-1]` for the last item of a list or character of a text. A key that is not there, a place beyond the end, a look-up in
null and a step that has not run are one error, `missing_value`; `default(value, fallback)` catches it, and null, and nothing else.

## Values and operators

| written | means |
|---|---|
| `12` `1.5` `"text"` `'text'` `true` `false` `null` | a value; `True`, `False` and `None` are understood too |
| `[a, b]` `{"key": a}` | a list, an object |
| `a + b` | two numbers added, two texts or two lists joined |
| `a - b` `a * b` `a / b` `a // b` `a % b` `-a` | numbers only; `/` gives 2.0 for 4 / 2, `//` rounds down |
| `a == b` `a != b` | equal as JSON, deep; 1 equals 1.0, but `true` does not equal 1 and `"1"` does not equal 1 |
| `a < b` `a <= b` `a > b` `a >= b` | two numbers or two texts; `1 < a <= 10` is allowed |
| `a in b` `a not in b` | a text in a text, a value in a list, a key in an object |
| `a and b` `a or b` `not a` | false are `null`, `false`, `0`, `""`, `[]` and `{}`; `and` and `or` give the operand that decides |
| `a if condition else b` | only the chosen side is worked out |

Booleans are not numbers. Numbers are finite, whole ones have 64 bits. There are no methods, lambdas, comprehensions, slices,
f-strings, `**` or bit operators. An expression may spread over several lines; `#` starts a comment.

## Templates

A template that is nothing but one `{{ expression }}` keeps the type of its value. In all others null becomes nothing, texts stand
as they are, numbers and booleans as in JSON, lists and objects as compact JSON. To show two opening braces write `{{ "{{" }}`.
In an expression field `{{` means nothing.

## Functions

The texts of the form `"x -> …"` are written out, never worked out; `x` is any name, and all other names can be used inside.
"""


def page() -> str:
    """The whole page as Markdown."""
    names = "\n".join(f"- `{name}`: {told}" for name, told in _NAMES.items() if name in ROOT_NAMES)
    return "\n".join([_TOP, names, _RULES, *_functions(), _limits(), "\n## Errors\n", *_errors(), ""])


def _functions() -> list[str]:
    lines: list[str] = []
    for subject, functions in groupby(FUNCTIONS.values(), key=lambda function: function.subject):
        lines += [f"### {subject}\n", "| function | what it gives | for instance |", "|---|---|---|"]
        lines += [_row(function) for function in functions] + [""]
    return lines


def _row(function: Function) -> str:
    examples = "<br>".join(f"`{source}` → `{value}`" for source, value in function.examples)
    return f"| `{function.signature}` | {function.help} | {examples} |"


def _limits() -> str:
    return (
        "## Limits\n\n"
        f"An expression has at most {MAX_SOURCE:,} characters and {MAX_DEPTH} levels of nesting. One evaluation does at most {MAX_FUEL:,}\n"
        f"units of work (an operator is one; long texts and lists cost by their size), all expressions of a template together.\n"
        f"A result has at most {MAX_NODES:,} values and {MAX_TEXT:,} characters; the items of a map box and the output of a run at most\n"
        f"{MAX_WIDE_NODES:,} and {MAX_WIDE_TEXT:,}. Longer work belongs into a map box or a code step."
    )


def _errors() -> list[str]:
    rows = [f"| `{error.code}` | {(error.__doc__ or '').splitlines()[0]} | {error.hint} |" for error in ExpressionError.__subclasses__()]
    return ["Every error tells the place in the source.", "", "| code | means | what to do |", "|---|---|---|", *rows]


if __name__ == "__main__":
    sys.stdout.write(page())
