"""Which settings of a node are expressions, which are templates, and which are plain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import BaseModel, BeforeValidator, WithJsonSchema

from engine.graph.problems import Problem


class FieldRole(Enum):
    """How a text in a node's config is read (workflow.md, Values)."""

    EXPRESSION = "expression"
    TEMPLATE = "template"


def _literal_as_source(value: object) -> object:
    # `{"limit": 5}` can only mean the number: a JSON scalar is its own expression.
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case _:
            return value


def _schema_of(role: FieldRole) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "x-role": role.value})


Expr = Annotated[str, FieldRole.EXPRESSION, BeforeValidator(_literal_as_source), _schema_of(FieldRole.EXPRESSION)]
"""A field that holds an expression; at run time it arrives as a JSON value."""

Template = Annotated[str, FieldRole.TEMPLATE, _schema_of(FieldRole.TEMPLATE)]
"""A field that holds text with `{{ expressions }}`; at run time it arrives filled in."""


@dataclass(frozen=True, slots=True)
class Deep:
    """Marks a field that may hold any JSON value: each text in it is read like this."""

    role: FieldRole


JsonTemplate = Annotated[Any, Deep(FieldRole.TEMPLATE), WithJsonSchema({"x-role": FieldRole.TEMPLATE.value})]
"""A field that holds a JSON value, at any depth with texts that hold `{{ expressions }}`."""


class KindSpec(Protocol):
    """What a document needs to know of a node kind; `engine.nodes.contract.NodeKind` is the implementation."""

    kind: ClassVar[str]
    is_box: bool
    """Whether nodes may name this one as their `parent`."""
    is_inline: ClassVar[bool]
    """Whether it only computes, inside the engine's loop."""
    per_item_fields: ClassVar[frozenset[str]]
    """Of a box: config fields that are worked out inside it, once per item."""
    wide_fields: ClassVar[frozenset[str]]
    """Config fields whose expressions may give a whole list of records, larger than other values may be."""
    consent_port: ClassVar[str | None]
    """The port that allows the node named by `config.action` to run."""
    counts: ClassVar[int]
    """Of the limit `steps` by one execution."""
    has_history: ClassVar[bool]
    """Of a box: whether what stands in it sees its item and what is remembered there."""
    more_names: ClassVar[Mapping[str, frozenset[str]]]
    """Config field -> names that its expressions may start from, beside the usual ones."""

    @property
    def config_model(self) -> type[BaseModel]:
        """The pydantic model of `config`."""
        ...

    def ports(self, config: BaseModel) -> tuple[str, ...]:
        """The ports that a node with this config has, `error` apart."""
        ...

    def outcome_ports(self, config: BaseModel) -> tuple[str, ...]:
        """Those of `ports` by which an outcome can leave; the others serve only a loop that is used up."""
        ...

    def output_names(self, config: BaseModel) -> frozenset[str] | None:
        """The names under `nodes.<id>.`; None when they are not known before the run."""
        ...

    def most_calls(self, config: BaseModel) -> tuple[int, int]:
        """The most model calls and tool calls of one execution, known before the run."""
        ...

    def problems(self, config: BaseModel) -> list[Problem]:
        """What the schema alone cannot see; `field` is relative to `config`."""
        ...

    def parts(self, config: BaseModel, draft: Any, fields: Mapping[str, Any]) -> Any:
        """The `engine.graph.parts.Parts` that stand inside such a node, a `DraftNode` with these resolvers; None for most kinds."""
        ...


class KindCatalog(Protocol):
    """The node kinds that there are."""

    def get(self, kind: str) -> KindSpec | None:
        """The kind of that name, or None."""
        ...

    def names(self) -> list[str]:
        """All names, sorted."""
        ...
