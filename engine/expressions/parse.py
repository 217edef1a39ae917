"""How the text of an expression becomes a syntax tree, without trusting Python's parser to be safe or polite."""

from __future__ import annotations

import ast
import re
import threading
import warnings

from engine.expressions.errors import NotReadable
from engine.expressions.frame import MAX_DEPTH, MAX_SOURCE
from engine.expressions.source import Source, check_brackets
from engine.expressions.values import is_clean

# In brackets an expression may spread over several lines and start with white space.
OPENING, _CLOSING = "(", "\n)"

_BODY = re.compile(r"\s*([^\W\d]\w*)\s*->(?=.)", re.DOTALL)

_INVALID = "invalid syntax"

# Spellings of other languages, with what to write instead.
_FOREIGN = (
    (re.compile(r"&&"), "Write `and` instead of `&&`."),
    (re.compile(r"\|\|"), "Write `or` instead of `||`."),
    (re.compile(r"[=!]=="), "Write `==` or `!=`; it is strict already."),
    (re.compile(r"(?<![=!<>])=(?!=)"), "Write `==` to compare; expressions cannot set anything."),
    (re.compile(r"!(?!=)"), "Write `not` instead of `!`."),
    (re.compile(r"\?"), "Write `a if condition else b` instead of `condition ? a : b`."),
    (re.compile(r"->"), 'Write "x -> …" in quotes, as an argument of where, map, count or sort.'),
)

# catch_warnings changes the filters of the whole process; one thread at a time may do so.
_filters = threading.Lock()


def parse(source: Source, levels: int = MAX_DEPTH) -> ast.expr:
    """The syntax tree of an expression; its nodes are not checked yet, but its depth is.

    NotReadable with the position for everything that is no expression, whatever Python's parser says to it.
    """
    _check_text(source)
    text = OPENING + _let_words_pass(source) + _CLOSING
    try:
        with _filters, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise _not_readable(source, error) from None
    except (ValueError, MemoryError, RecursionError, OverflowError):
        raise NotReadable("The expression is nested too deep or is not text", position=source.place(0)) from None
    _check_depth(source, tree, levels)
    return tree


def _let_words_pass(source: Source) -> str:
    try:
        words = check_brackets(source.text)
    except NotReadable as error:
        error.position = source.place(error.position)
        raise
    text = source.text
    for start in words:
        text = text[:start] + text[start].swapcase() + text[start + 1 :]
    return text


def split_body(text: str) -> tuple[str, int] | None:
    """The variable and the start of the expression in "x -> expression", or None if the text is not of that form."""
    found = _BODY.match(text)
    return (found.group(1), found.end()) if found else None


def _check_text(source: Source) -> None:
    text = source.text
    if len(text) > MAX_SOURCE:
        message = f"The expression has {len(text):,} characters; {MAX_SOURCE:,} are allowed"
        raise NotReadable(message, position=source.place(MAX_SOURCE), hint="Work it out in several `set` steps, or in a code step.")
    if not text.strip():
        raise NotReadable("The expression is empty", position=source.place(0), hint="Write a value, for instance inputs.name.")
    if "\0" in text:
        raise NotReadable("There is a NUL character here", position=source.place(text.index("\0")))
    if not is_clean(text):
        at = next(i for i, character in enumerate(text) if "\ud800" <= character <= "\udfff")
        raise NotReadable("There is half a character here (a lone surrogate)", position=source.place(at))


def _not_readable(source: Source, error: SyntaxError) -> NotReadable:
    line = error.lineno or 1
    # Unlike the tree's offsets, those of a SyntaxError count characters, from 1.
    offset = (error.offset or 1) - 1 - (len(OPENING) if line == 1 else 0)
    start = source.index(line, len(OPENING) if line == 1 else 0)
    position = source.place(max(0, min(start + max(offset, 0), len(source.text))))
    hint = next((hint for pattern, hint in _FOREIGN if pattern.search(source.text)), "")
    reason = (error.msg or _INVALID).splitlines()[0]
    # Where we know what was meant, the hint says it; Python's words then only tell of Python.
    told = "something is missing, or stands where it cannot stand" if hint or reason.startswith(_INVALID) else reason
    return NotReadable(f"This cannot be read as an expression: {told}", position=position, hint=hint)


def _check_depth(source: Source, tree: ast.expr, levels: int) -> None:
    waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > levels and isinstance(node, ast.expr):
            message = f"The expression is nested deeper than {MAX_DEPTH} levels"
            raise NotReadable(message, position=source.at(node), hint="Join many texts with join([…]), or use several `set` steps.")
        # Only expressions are levels; what stands between them (comprehension, slice bounds) is refused later anyway.
        deeper = depth + isinstance(node, ast.expr)
        waiting.extend((child, deeper) for child in ast.iter_child_nodes(node))
