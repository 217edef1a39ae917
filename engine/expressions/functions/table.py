"""What a function of the expression language is, and how its docstring becomes its help."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.expressions.errors import BadArgument, TypeMismatch
from engine.expressions.values import is_number, is_object, kind_of

Body = Callable[[Any], Any]  # what "x -> expression" becomes: it works the expression out for one value

_EXAMPLE = re.compile(r"^ *(\S.*?) => (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Function:
    """One function that expressions can call."""

    name: str
    signature: str
    """As it is written, e.g. `round(number, digits=0)`."""
    subject: str
    """The heading under which the help lists it."""
    help: str
    """One line."""
    examples: tuple[tuple[str, str], ...]
    """Pairs of an expression and its value as JSON; a test runs them."""
    least: int
    most: int | None
    """How many arguments it takes; None means any number."""
    body: int | None
    """Which argument, counted from 0, is a text "x -> expression"."""
    run: Callable[..., Any]
    """Called with the frame and the arguments."""


def define(function: Callable[..., Any], *, subject: str, body: int | None = None) -> Function:
    """The Function that a Python function describes.

    Its docstring holds the signature in the first line, the help in the next paragraph, then lines `expression => JSON`.
    """
    signature, _, rest = inspect.cleandoc(function.__doc__ or f"{function.__name__}()").partition("\n")
    text = " ".join(rest.strip().partition("\n\n")[0].split())
    parameters = list(inspect.signature(function).parameters.values())[1:]
    several = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    needed = [p for p in parameters if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    return Function(
        name=signature.partition("(")[0], signature=signature, subject=subject, help=text,
        examples=tuple((m.group(1), m.group(2)) for m in _EXAMPLE.finditer(rest)),
        least=len(needed), most=None if several else len(parameters), body=body, run=function,
    )  # fmt: skip


def text_of(name: str, value: Any) -> str:
    """The argument, if it is a text; else TypeMismatch."""
    if type(value) is not str:
        raise TypeMismatch(f"`{name}` takes a text here, not {kind_of(value)}")
    return value


def list_of(name: str, value: Any) -> list[Any]:
    """The argument, if it is a list; else TypeMismatch."""
    if type(value) is not list:
        raise TypeMismatch(f"`{name}` takes a list here, not {kind_of(value)}")
    return value


def number_of(name: str, value: Any) -> int | float:
    """The argument, if it is a number; else TypeMismatch."""
    if not is_number(value):
        raise TypeMismatch(f"`{name}` takes a number here, not {kind_of(value)}")
    return value


def object_of(name: str, value: Any) -> Any:
    """The argument, if it is an object; else TypeMismatch."""
    if not is_object(value):
        raise TypeMismatch(f"`{name}` takes an object here, not {kind_of(value)}")
    return value


def whole_of(name: str, value: Any, least: int, most: int) -> int:
    """The argument, if it is a whole number within the bounds; else TypeMismatch or BadArgument."""
    if type(value) is not int:
        raise TypeMismatch(f"`{name}` takes a whole number here, not {kind_of(value)}")
    if not least <= value <= most:
        raise BadArgument(f"`{name}` takes a whole number from {least} to {most} here, not {value}")
    return value
