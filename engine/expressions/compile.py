"""Which pieces of Python's syntax are expressions, and how they become closures."""

from __future__ import annotations

import ast
import operator as python
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine.expressions import closures, operators
from engine.expressions.calls import compile_call
from engine.expressions.closures import Step
from engine.expressions.errors import ExpressionError, NotReadable, TypeMismatch, UnknownName, suggestion
from engine.expressions.frame import MAX_DEPTH
from engine.expressions.functions import FUNCTIONS
from engine.expressions.parse import OPENING, parse
from engine.expressions.refusals import refusal
from engine.expressions.source import Source
from engine.expressions.values import checked, is_clean, kind_of

_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}

_BINARY: dict[type[ast.operator], closures.Operator] = {
    ast.Add: operators.add, ast.Sub: operators.subtract, ast.Mult: operators.multiply,
    ast.Div: operators.divide, ast.FloorDiv: operators.divide_down, ast.Mod: operators.remainder,
}  # fmt: skip

_COMPARE: dict[type[ast.cmpop], closures.Operator] = {
    ast.Eq: operators.is_equal, ast.NotEq: operators.is_different, ast.Lt: operators.less, ast.LtE: operators.less_or_equal,
    ast.Gt: operators.greater, ast.GtE: operators.greater_or_equal, ast.In: operators.is_in, ast.NotIn: operators.is_not_in,
}  # fmt: skip

_PLAIN_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: python.eq, ast.NotEq: python.ne, ast.Lt: python.lt, ast.LtE: python.le, ast.Gt: python.gt, ast.GtE: python.ge,
}  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """A chain of constant keys that an expression reads, such as `nodes.draft.text`."""

    root: str
    """The name it starts from."""
    path: tuple[str | int, ...]
    """The keys and places behind it, up to the first that is worked out."""
    guarded: bool
    """Whether it stands inside the first argument of default(…)."""
    position: int
    """Where it starts in the source."""


@dataclass
class Unit:
    """What one expression and all bodies inside it share."""

    names: frozenset[str]
    references: list[Reference] = field(default_factory=list)
    slots: int = 0


class Compiler:
    """Turns the syntax tree of one expression, or of one body inside it, into a closure."""

    def __init__(self, unit: Unit, source: Source, *, variables: dict[str, int], depth: int = 0, guarded: bool = False) -> None:
        self.unit = unit
        self.source = source
        self.variables = variables
        self.depth = depth
        self.guarded = guarded
        self.cost = 0

    def whole(self) -> Step:
        """The closure of the whole source. ExpressionError."""
        return self.step(parse(self.source, MAX_DEPTH - self.depth))

    def inside(self, source: Source, variable: str) -> tuple[Compiler, int]:
        """The compiler of a body inside this expression, and the slot of its variable."""
        slot = self.unit.slots
        self.unit.slots += 1
        variables = {**self.variables, variable: slot}
        return Compiler(self.unit, source, variables=variables, depth=self.depth, guarded=self.guarded), slot

    def step(self, node: ast.expr) -> Step:
        """The closure of one node. ExpressionError for everything that is not on the list."""
        compile_node = _NODES.get(type(node))
        if compile_node is None:
            raise refusal(node, self.source.at(node))
        self.depth += 1
        found = compile_node(self, node)
        self.depth -= 1
        return found

    def constant(self, node: ast.Constant) -> Step:
        return closures.constant(self._literal(node, node.value))

    def _literal(self, node: ast.expr, value: Any) -> Any:
        try:
            if type(value) is int or type(value) is float:
                return checked(value)
        except ExpressionError as error:
            error.place(self.source.at(node))
            raise
        if type(value) is str and not is_clean(value):
            raise NotReadable("The text holds half a character (a lone surrogate)", position=self.source.at(node))
        if value is not None and type(value) not in (bool, str):
            raise refusal(node, self.source.at(node))
        return value

    def name(self, node: ast.Name) -> Step:
        name = self._name(node, node.id)
        if name in self.variables:
            return closures.variable(self.variables[name])
        if name in self.unit.names:
            return self._root(node, ())
        if name in _LITERALS:
            return closures.constant(_LITERALS[name])
        raise self._unknown(name, self.source.at(node))

    def _name(self, node: ast.expr, name: str) -> str:
        spelled = self.source.name_at_end(node, name)
        if spelled is None:
            message = f"A name is written with look-alike letters here; did you mean `{name}`?"
            raise NotReadable(message, position=self.source.at(node), hint='Retype the name, or write it in quotes: a["…"].')
        return spelled

    def _unknown(self, name: str, at: int) -> ExpressionError:
        if name in FUNCTIONS:
            return UnknownName(f"`{name}` is a function; write {FUNCTIONS[name].signature}", position=at)
        near = suggestion(name, sorted(self.unit.names | self.variables.keys()))
        input_told = (
            f"An input is written `inputs.{name[:60]}`, the result of a step `nodes.step.name`. " if "inputs" in self.unit.names else ""
        )
        hint = f"{input_told}Names start from {', '.join(sorted(self.unit.names))}; texts stand in quotes."
        return UnknownName(f"There is no `{name[:60]}` here{near}", position=at, hint=hint)

    def _root(self, node: ast.Name, path: tuple[str | int, ...]) -> Step:
        at = self.source.at(node)
        if node.id == "nodes" and not (path and type(path[0]) is str):
            raise NotReadable("`nodes` is followed by the name of a node", position=at, hint="Write nodes.<name of the node>.<output>.")
        self.unit.references.append(Reference(node.id, path, self.guarded, at))
        return closures.root(node.id, at)

    def look_up(self, node: ast.Attribute | ast.Subscript) -> Step:
        links: list[ast.Attribute | ast.Subscript] = []
        base: ast.expr = node
        while isinstance(base, (ast.Attribute, ast.Subscript)):
            links.append(base)
            base = base.value
        links.reverse()
        places = [self._constant_place(link) for link in links]
        if isinstance(base, ast.Name) and self._name(base, base.id) not in self.variables and base.id in self.unit.names:
            known = places.index(None) if None in places else len(places)
            path = tuple(place for place in places[:known] if place is not None)
            found = self._root(base, path)
        else:
            self.depth += len(links)
            found = self.step(base)
            self.depth -= len(links)
        for link, place in zip(links, places, strict=True):
            found = self._link(found, link, place, self.source.told(node))
        return found

    def _constant_place(self, link: ast.Attribute | ast.Subscript) -> str | int | None:
        if isinstance(link, ast.Attribute):
            return self._name(link, link.attr)
        match link.slice:
            case ast.Constant(value=str() | int() as value) if not isinstance(value, bool):
                return self._literal(link.slice, value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)) if not isinstance(value, bool):
                return self._literal(link.slice, -value)
            case _:
                return None

    def _link(self, holder: Step, link: ast.Attribute | ast.Subscript, place: str | int | None, told: str) -> Step:
        self.cost += 1
        holder_told, at = self.source.told(link.value), self.source.at(link)
        if place is None and isinstance(link, ast.Subscript):
            return closures.index(holder, self.step(link.slice), told, holder_told, at)
        return closures.key(holder, place, told, holder_told, at)

    def unary(self, node: ast.UnaryOp) -> Step:
        self.cost += 1
        at = self.source.at(node)
        match node.op, node.operand:
            case ast.Not(), operand:
                return closures.negation(self.step(operand))
            case ast.USub(), ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return closures.constant(self._literal(node, -value))
            case ast.USub(), operand:
                return closures.unary(operators.negate, self.step(operand), at)
            case ast.UAdd(), operand:
                return closures.unary(operators.affirm, self.step(operand), at)
            case _:
                raise refusal(node.op, at)

    def binary(self, node: ast.BinOp) -> Step:
        self.cost += 1
        at = self.source.after(node.left)
        found = _BINARY.get(type(node.op))
        if found is None:
            raise refusal(node.op, at)
        return closures.binary(found, self.step(node.left), self.step(node.right), at)

    def compare(self, node: ast.Compare) -> Step:
        self.cost += len(node.ops)
        values = [node.left, *node.comparators]
        places = [self.source.after(value) for value in values[:-1]]
        for sign, at in zip(node.ops, places, strict=True):
            if type(sign) not in _COMPARE:
                raise refusal(sign, at)
        steps = [self.step(value) for value in values]
        if len(steps) > 2:
            found = [_COMPARE[type(sign)] for sign in node.ops]
            return closures.chain(steps[0], list(zip(found, steps[1:], places, strict=True)))
        sign = type(node.ops[0])
        if sign in _PLAIN_COMPARE:
            return closures.comparison(_COMPARE[sign], _PLAIN_COMPARE[sign], steps[0], steps[1], places[0])
        return closures.binary(_COMPARE[sign], steps[0], steps[1], places[0])

    def bool_op(self, node: ast.BoolOp) -> Step:
        self.cost += len(node.values)
        steps = [self.step(value) for value in node.values]
        if len(steps) > 2:
            return closures.first_with(isinstance(node.op, ast.Or), steps)
        join = closures.both if isinstance(node.op, ast.And) else closures.either
        return join(*steps)

    def choice(self, node: ast.IfExp) -> Step:
        self.cost += 1
        return closures.choice(self.step(node.test), self.step(node.body), self.step(node.orelse))

    def make_list(self, node: ast.List) -> Step:
        self.cost += 1 + len(node.elts)
        return closures.make_list([self.step(item) for item in node.elts])

    def make_object(self, node: ast.Dict) -> Step:
        self.cost += 1 + len(node.keys)
        pairs: list[tuple[Step, Step]] = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise NotReadable("`**` is not part of expressions", position=self.source.at(value))
            pairs.append((self._key(key), self.step(value)))
        return closures.make_object(pairs)

    def _key(self, node: ast.expr) -> Step:
        if isinstance(node, ast.Constant) and type(node.value) is str:
            return self.step(node)
        return closures.unary(_text_key, self.step(node), self.source.at(node))

    def call(self, node: ast.Call) -> Step:
        self.cost += 1
        return compile_call(self, node)


def _text_key(value: Any) -> str:
    if type(value) is not str:
        raise TypeMismatch(f"The keys of an object are texts, not {kind_of(value)}")
    return value


_NODES: dict[type[ast.expr], Callable[[Compiler, Any], Step]] = {
    ast.Constant: Compiler.constant, ast.Name: Compiler.name, ast.Attribute: Compiler.look_up, ast.Subscript: Compiler.look_up,
    ast.UnaryOp: Compiler.unary, ast.BinOp: Compiler.binary, ast.Compare: Compiler.compare, ast.BoolOp: Compiler.bool_op,
    ast.IfExp: Compiler.choice, ast.List: Compiler.make_list, ast.Dict: Compiler.make_object, ast.Call: Compiler.call,
}  # fmt: skip


def compile_source(text: str, names: frozenset[str]) -> tuple[Step, Unit, int]:
    """The closure of an expression, what it refers to, and its cost in fuel without its bodies. ExpressionError."""
    unit = Unit(names)
    compiler = Compiler(unit, Source(text, OPENING), variables={})
    step = compiler.whole()
    return step, unit, compiler.cost
