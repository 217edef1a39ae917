"""Why a piece of Python's syntax is not part of expressions, in plain words."""

from __future__ import annotations

import ast

from engine.expressions.errors import NotReadable

_BRACES = "In an expression field write the expression itself, without {{ }}."

_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Lambda: ("Lambdas are not part of expressions", 'where, map, count and sort take a text instead: "x -> x.amount > 3".'),
    ast.ListComp: ("Comprehensions are not part of expressions", 'Write map(list, "x -> …") or where(list, "x -> …").'),
    ast.SetComp: ("Comprehensions are not part of expressions", 'Write map(list, "x -> …") or where(list, "x -> …").'),
    ast.DictComp: ("Comprehensions are not part of expressions", 'Write map(list, "x -> …") or where(list, "x -> …").'),
    ast.GeneratorExp: ("Comprehensions are not part of expressions", 'Write map(list, "x -> …") or where(list, "x -> …").'),
    ast.JoinedStr: ("f-strings are not part of expressions", "Join texts with `+` and str(…), or use a template."),
    ast.NamedExpr: ("`:=` is not part of expressions", "Put the value into a `set` step and use it from there."),
    ast.Starred: ("`*` before a value is not part of expressions", "Join lists with `+`."),
    ast.Tuple: ("Values with commas between them need square brackets", "Write [a, b] for a list."),
    ast.Set: ("`{a, b}` is not part of expressions", 'Write [a, b] for a list, {"key": value} for an object.'),
    ast.Slice: ("Slices such as a[1:3] are not part of expressions", "Take one item with a[0], first(a) or last(a), or filter with where."),
    ast.Await: ("`await` is not part of expressions", ""),
    ast.Yield: ("`yield` is not part of expressions", ""),
    ast.YieldFrom: ("`yield` is not part of expressions", ""),
    ast.Pow: ("`**` is not part of expressions", "Multiply with `*`."),
    ast.MatMult: ("`@` is not part of expressions", "Multiply with `*`."),
    ast.LShift: ("`<<` is not part of expressions", ""),
    ast.RShift: ("`>>` is not part of expressions", ""),
    ast.BitOr: ("`|` is not part of expressions", "Write `or`."),
    ast.BitAnd: ("`&` is not part of expressions", "Write `and`."),
    ast.BitXor: ("`^` is not part of expressions", ""),
    ast.Invert: ("`~` is not part of expressions", "Write `not`."),
    ast.Is: ("`is` is not part of expressions", "Write `==`."),
    ast.IsNot: ("`is not` is not part of expressions", "Write `!=`."),
}


def refusal(node: ast.AST, at: int) -> NotReadable:
    """The error for a piece of syntax that is not on the compiler's list."""
    if isinstance(node, ast.Constant):
        kind = "Bytes are" if isinstance(node.value, bytes) else "Imaginary numbers are" if isinstance(node.value, complex) else "`...` is"
        return NotReadable(f"{kind} not part of expressions", position=at)
    if isinstance(node, ast.Set) and any(isinstance(item, (ast.Set, ast.Dict)) for item in node.elts):
        return NotReadable("`{{ }}` has no meaning inside an expression", position=at, hint=_BRACES)
    message, hint = _REFUSED.get(type(node), ("This is not part of expressions", ""))
    return NotReadable(message, position=at, hint=hint)
