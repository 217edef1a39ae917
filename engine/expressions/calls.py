"""How a call of a function is checked and compiled: counts, lazy arguments and bodies such as "x -> x.amount > 3"."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.expressions import closures
from engine.expressions.closures import Step
from engine.expressions.errors import BadArgument, ExpressionError, NotReadable, UnknownFunction, suggestion
from engine.expressions.functions import FUNCTIONS, Function
from engine.expressions.functions.texts import matcher
from engine.expressions.parse import OPENING, split_body
from engine.expressions.source import Source, is_plain_name

if TYPE_CHECKING:
    from engine.expressions.compile import Compiler

# What people write for it elsewhere.
_OTHER_NAMES = {
    "strip": "trim", "length": "len", "size": "len", "filter": "where", "sorted": "sort", "float": "number", "tostring": "str",
    "tolower": "lower", "lowercase": "lower", "toupper": "upper", "uppercase": "upper", "includes": "contains", "get": "default",
    "coalesce": "default", "average": "sum", "distinct": "unique", "tojson": "json", "loads": "parse_json", "dumps": "json",
    "test": "matches", "match": "matches", "regex": "matches", "string": "str", "strftime": "format", "flatten": "flat",
}  # fmt: skip
_RESERVED = frozenset({"true", "false", "null"})


def compile_call(compiler: Compiler, node: ast.Call) -> Step:
    """The closure of a call. UnknownFunction, BadArgument, NotReadable and what is wrong with the arguments."""
    at = compiler.source.at(node)
    function = _function(compiler, node, at)
    _check_arguments(compiler, node, function, at)
    if function.name == "default":
        return _default(compiler, node)
    if function.name == "matches" and _text_in(node.args[1]) is not None:
        return closures.call(_matcher(compiler, node.args[1]), [compiler.step(node.args[0])], at)
    arguments = [
        _body(compiler, function, argument) if place == function.body else compiler.step(argument)
        for place, argument in enumerate(node.args)
    ]  # fmt: skip
    return closures.call(function.run, arguments, at)


def _function(compiler: Compiler, node: ast.Call, at: int) -> Function:
    match node.func:
        case ast.Name(id=name):
            found = FUNCTIONS.get(name)
            if found and compiler.source.name_at_end(node.func, name) is not None:
                return found
            message = f"There is no function `{name[:60]}`"
        case ast.Attribute(attr=name):
            message = f"Values have no methods; `{name[:60]}` cannot be called on one"
        case _:
            raise NotReadable("Only the listed functions can be called", position=at)
    other = _OTHER_NAMES.get(name.lower(), name)
    if other in FUNCTIONS:
        raise UnknownFunction(message, position=at, hint=f"Write {FUNCTIONS[other].signature}.")
    raise UnknownFunction(message + suggestion(name, FUNCTIONS), position=at)


def _check_arguments(compiler: Compiler, node: ast.Call, function: Function, at: int) -> None:
    if node.keywords:
        raise NotReadable(f"Arguments of `{function.name}` have no names", position=at, hint=f"Write {function.signature}.")
    given = len(node.args)
    if given < function.least or (function.most is not None and given > function.most):
        most = function.most
        wanted = f"at least {function.least}" if most is None else str(most) if most == function.least else f"{function.least} to {most}"
        word = "argument" if wanted == "1" else "arguments"
        raise BadArgument(f"`{function.name}` takes {wanted} {word}, not {given}", position=at, hint=f"Write {function.signature}.")
    if function.most is None and not given:
        raise BadArgument(f"`{function.name}` needs an argument", position=at, hint=f"Write {function.signature}.")


def _default(compiler: Compiler, node: ast.Call) -> Step:
    outside = compiler.guarded
    compiler.guarded = True
    wanted = compiler.step(node.args[0])
    compiler.guarded = outside
    return closures.fallback(wanted, compiler.step(node.args[1]))


def _text_in(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and type(node.value) is str else None


def _matcher(compiler: Compiler, pattern: ast.expr) -> Callable[..., bool]:
    try:
        return matcher(_text_in(pattern) or "")
    except ExpressionError as error:
        error.place(compiler.source.at(pattern))
        raise


def _body(compiler: Compiler, function: Function, node: ast.expr) -> Step:
    at, hint = compiler.source.at(node), f"Write {function.signature}."
    text = _text_in(node)
    if text is None:
        raise NotReadable(f'`{function.name}` takes a quoted text "x -> …" here, nothing that is worked out', position=at, hint=hint)
    found = split_body(text)
    if found is None:
        raise NotReadable(f'`{function.name}` takes a text of the form "x -> …" here', position=at, hint=hint)
    name, start = found
    if name in _RESERVED or not is_plain_name(name):
        raise NotReadable(f"`{name[:60]}` cannot be the name of a variable", position=at, hint='Write "x -> …".')
    exact = compiler.source.is_exact_text(node, text)
    inner, slot = compiler.inside(Source(text[start:], OPENING, base=at + 1 + start if exact else at, exact=exact), name)
    return closures.body(inner.whole(), slot, inner.cost + 1)
