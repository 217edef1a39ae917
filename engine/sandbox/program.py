"""What a little program is before it runs: its text read and checked, with nothing of it executed.

The sandbox speaks a part of Python, so Python's own parser tells the line of a mistake; what the sandbox leaves out of the
language is told beside it. Where the program says its result is found here too (docs/decisions/0030-code-in-monty.md).
"""

from __future__ import annotations

import ast
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from engine.jsonvalue import JsonValue

MOST_CHARACTERS = 20_000
RESULT, CHECKPOINT = "result", "checkpoint"
RESERVED = (RESULT, CHECKPOINT)
"""Names that mean something in a program and cannot be inputs."""

_LEFT_OUT: dict[str, str] = {
    "Yield": "`yield`",
    "YieldFrom": "`yield`",
    "Delete": "`del`",
    "TryStar": "`except*`",
    "AsyncFor": "`async for`",
    "AsyncWith": "`async with`",
    "TypeAlias": "`type` statements",
    "TemplateStr": "template texts",
}
"""Nodes of Python's syntax tree that the sandbox has no meaning for, in words."""
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

# catch_warnings changes the filters of the whole process; one thread at a time may do so.
_filters = threading.Lock()


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a program; `line` counts from 1, 0 where it is the whole text."""

    message: str
    line: int = 0
    hint: str = ""
    is_fatal: bool = True
    """False: it would run, and is most likely not what was meant."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that can be read: `text` sets the variable `result`, its lines are those that were written."""

    text: str
    result_line: int
    """Where the result is set last; 0 where no line sets it."""


class Suspended(msgspec.Struct, frozen=True):
    """A program that stands at a `checkpoint()`: what the sandbox needs to go on from there."""

    dump: bytes
    printed: str
    checkpoints: int
    """How many it has come past, this one included."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program came to."""

    value: JsonValue
    printed: str
    checkpoints: int
    resumed_at: int = 0
    """The checkpoint that it went on from; 0 where it began at its beginning."""


@lru_cache(maxsize=256)
def read(code: str) -> tuple[Program | None, tuple[Flaw, ...]]:
    """The program, None where it cannot run, and everything that is wrong with it. Executes nothing."""
    code = code.replace("\r\n", "\n").replace("\r", "\n")
    if (flaw := _unreadable(code)) is not None:
        return None, (flaw,)
    try:
        with _filters, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except SyntaxError as error:
        message = (error.msg or "invalid syntax").splitlines()[0]
        return None, (Flaw(f"Line {error.lineno or 1} cannot be read: {message}.", error.lineno or 1, "Write it as in Python."),)
    except (ValueError, MemoryError, RecursionError, OverflowError):
        return None, (Flaw("The code is nested too deep.", hint="Give parts of it names, or use functions."),)
    flaws = tuple(sorted(_flaws(tree), key=lambda flaw: flaw.line))
    if any(flaw.is_fatal for flaw in flaws):
        return None, flaws
    program = _program(code, tree)
    if not program.result_line:
        hint = "End with a line that is a value, or set the variable `result`."
        flaws = (*flaws, Flaw("The code says no result.", hint=hint, is_fatal=False))
    return program, flaws


def _unreadable(code: str) -> Flaw | None:
    if not code.strip():
        return Flaw("There is no code yet.", hint="Write what is worked out, for instance `price * 2`.")
    if len(code) > MOST_CHARACTERS:
        return Flaw(f"The code has {len(code):,} characters; {MOST_CHARACTERS:,} are allowed.", hint="Divide it into several steps.")
    if "\0" in code or any("\ud800" <= character <= "\udfff" for character in code):
        return Flaw("The code holds a character that is no text.", hint="Type it anew instead of pasting it.")
    return None


def _flaws(tree: ast.Module) -> Iterator[Flaw]:
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Call(func=ast.Name(id="checkpoint"), args=args, keywords=keywords) if args or keywords:
                yield Flaw("`checkpoint()` takes no values.", line, "Everything that the code knows is kept by itself.")
            case ast.ImportFrom(names=[ast.alias(name="*")]):
                yield _left_out("`import *`", line)
            case ast.ClassDef(bases=bases, keywords=keywords) if bases or keywords:
                yield _left_out("classes that are made from others", line)
            case ast.comprehension(is_async=1):
                yield _left_out("`async for`", getattr(node.target, "lineno", 0))
            case _ if type(node).__name__ in _LEFT_OUT:
                yield _left_out(_LEFT_OUT[type(node).__name__], line)
            case _:
                pass
    for node in _here(tree):
        if isinstance(node, ast.Return):
            yield Flaw("`return` stands outside of a function.", node.lineno, "Set the variable `result` instead.")


def _left_out(what: str, line: int) -> Flaw:
    return Flaw(f"Line {line}: code steps do not know {what}.", line, "Write it in another way.")


def _here(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node outside of functions, classes and comprehensions, in no order."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [child for child in ast.iter_child_nodes(node) if not isinstance(child, _SCOPES)]


def _program(code: str, tree: ast.Module) -> Program:
    """The code with its last value named, unless it names its result itself."""
    lines = [node.lineno for node in _here(tree) if isinstance(node, ast.Name) and node.id == RESULT and isinstance(node.ctx, ast.Store)]
    lines += [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Global) and RESULT in node.names]
    last = tree.body[-1] if tree.body else None
    if lines or not isinstance(last, ast.Expr):
        # What the last line comes to would be sent to us for nothing.
        return Program(f"{code}\nNone", max(lines, default=0))
    rows = code.encode().split(b"\n")
    end_line, end = last.end_lineno or last.lineno, last.end_col_offset or 0
    for line, column, text in ((end_line, end, b")"), (last.lineno, last.col_offset, b"result = (")):
        rows[line - 1] = rows[line - 1][:column] + text + rows[line - 1][column:]
    return Program(b"\n".join(rows).decode(), last.lineno)
