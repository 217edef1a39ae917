"""What a workflow document says: everything readable as typed values, everything else as problems, all at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from engine.errors import NotADocument
from engine.graph.plan import Limits, Retry
from engine.graph.problems import Problem
from engine.graph.reading import ProblemList, Reader
from engine.graph.suggest import shown
from engine.graph.triggers import Trigger, read_limits, read_triggers
from engine.jsonvalue import JsonValue, NotJsonValue, check_json

FORMAT = "signalbox/1"
MAX_NODES = 2_000
MAX_EDGES = 20_000
MAX_VISITS = 1_000_000_000
NODE_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
VAR_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}")

Join = Literal["all", "any"]
OnError = Literal["stop", "port", "default"]
OnLimit = Literal["stop", "ask"]


@dataclass(frozen=True, slots=True)
class DraftNode:
    """One node as it is written; `config` is not yet checked against its kind."""

    index: int
    """Its place in the array `nodes`."""
    id: str
    kind: str
    config: dict[str, Any]
    title: str = ""
    note: str = ""
    agent: str | None = None
    join: Join = "all"
    timeout_s: float | None = None
    retry: Retry = Retry()
    on_error: OnError = "stop"
    default_output: dict[str, Any] = field(default_factory=dict)
    parent: str | None = None
    is_disabled: bool = False

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"“{shown(self.title)}” ({self.id})" if self.title.strip() else f"“{self.id}”"


@dataclass(frozen=True, slots=True)
class DraftEdge:
    """One edge as it is written; its ends may not exist."""

    index: int
    source: str
    port: str
    target: str
    max_visits: int | None = None
    on_exhausted: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A document as far as it could be read, and what is wrong with it so far."""

    name: str
    description: str
    limits: Limits
    on_limit: OnLimit
    triggers: tuple[Trigger, ...]
    nodes: tuple[DraftNode, ...]
    """Nodes with a usable id, each id once, in document order."""
    edges: tuple[DraftEdge, ...]
    """An end that is missing is empty."""
    vars: dict[str, Any]
    problems: ProblemList
    aside: tuple[DraftNode, ...] = ()
    """Nodes that cannot stand in the graph, for want of an id of their own; what else is wrong with them is told all the same."""


def parse(value: JsonValue) -> Draft:
    """The draft that a JSON value holds. Raises NotADocument unless it is an object with the arrays `nodes` and `edges`."""
    try:
        check_json(value)
    except NotJsonValue as error:
        raise NotADocument(f"This cannot be kept: {error}.", hint=NotADocument.hint) from None
    if not isinstance(value, dict) or not isinstance(value.get("nodes"), list) or not isinstance(value.get("edges"), list):
        raise NotADocument
    problems = ProblemList()
    read = Reader(cast("dict[str, Any]", value), problems)
    _read_format(read)
    name = read.text("name", "", required=True, most=200, hint="Give the workflow a name.")
    description = read.text("description", most=20_000)
    limits = read_limits(read.mapping("limits"), problems)
    on_limit = read.choice("on_limit", ("stop", "ask"), "stop")
    triggers = read_triggers(read.array("triggers"), problems)
    constants = _read_vars(read)
    _read_drawings(read)
    nodes, aside = _read_nodes(read, problems)
    edges = _read_edges(read, problems, unread=_unread_ids(cast("list[Any]", value["nodes"])))
    read.finish()
    return Draft(name, description, limits, cast("OnLimit", on_limit), triggers, nodes, edges, constants, problems, aside)


def _read_format(read: Reader) -> None:
    value = read.raw("format")
    if value is None:
        read.problem("missing_key", "`format` is missing.", f'Write "format": "{FORMAT}".', key="format")
    elif value != FORMAT:
        read.problem("unknown_format", "This format of documents is not known.", f'Write "format": "{FORMAT}".', key="format")


def _read_vars(read: Reader) -> dict[str, Any]:
    constants = read.mapping("vars") or {}
    for name in constants:
        if not VAR_NAME.fullmatch(name):
            hint = "Use letters, digits and _, and start with a letter."
            read.problem("bad_name", f"`{shown(name)}` cannot be the name of a constant.", hint, key=f"vars.{shown(name)}")
    return constants


def _read_drawings(read: Reader) -> None:
    """Notes and groups only matter to the editor: they are kept as they are, if they are objects."""
    for key in ("notes", "groups"):
        for index, item in enumerate(read.array(key)):
            if not isinstance(item, dict):
                read.problem("wrong_type", "This must be an object.", "Remove it.", key=f"{key}[{index}]")


def _read_nodes(read: Reader, problems: ProblemList) -> tuple[tuple[DraftNode, ...], tuple[DraftNode, ...]]:
    """The nodes of the graph, and those that have no id of their own."""
    values = read.array("nodes")
    if len(values) > MAX_NODES:
        message = f"The workflow has {len(values):,} nodes; at most {MAX_NODES:,} are possible."
        read.problem("too_many_nodes", message, "Move parts of it into sub-workflows.", key="nodes")
    nodes: dict[str, DraftNode] = {}
    aside: list[DraftNode] = []
    for index, value in enumerate(values[:MAX_NODES]):
        place = f"nodes[{index}]"
        if not isinstance(value, dict):
            problems.add(Problem("wrong_type", "A node must be an object.", "Remove it or write it anew.", field=place))
            continue
        node = _read_node(cast("dict[str, Any]", value), index, problems)
        if node.id in nodes:
            message = f"Two nodes have the id `{shown(node.id)}`."
            problems.add(Problem("duplicate_id", message, "Give one of them another id.", node=node.id, field=f"{place}.id"))
        if node.id and node.id not in nodes:
            nodes[node.id] = node
        else:
            aside.append(node)
    return tuple(nodes.values()), tuple(aside)


def _unread_ids(values: list[Any]) -> frozenset[str]:
    """Ids of the nodes beyond the most that are read: an edge to one of them does not hang loose."""
    ids = (value.get("id") for value in values[MAX_NODES:] if isinstance(value, dict))
    return frozenset(id_ for id_ in ids if isinstance(id_, str))


def _read_node(value: dict[str, Any], index: int, problems: ProblemList) -> DraftNode:
    id_ = _read_id(value, index, problems)
    read = Reader(value, problems, node=id_) if id_ else Reader(value, problems, where=f"nodes[{index}]")
    read.raw("id")
    kind = read.text("kind", required=True, most=80, hint="Say which kind of node this is.")
    config = read.mapping("config")
    title = read.text("title", most=200)
    note = read.text("note", most=20_000)
    agent = read.text("agent", most=200) or None
    join = read.choice("join", ("all", "any"), "all")
    timeout_s = read.number("timeout_s", 0, above=0, most=31_536_000) or None
    retry = _read_retry(read, problems, node=id_, index=index)
    on_error = read.choice("on_error", ("stop", "port", "default"), "stop")
    default_output = _read_default_output(read, on_error)
    parent = read.text("parent", most=200) or None
    is_disabled = read.flag("disabled")
    _read_position(read, problems, node=id_, index=index)
    read.finish()
    return DraftNode(
        index, id_ or "", kind, config or {}, title, note, agent, cast("Join", join), timeout_s, retry, cast("OnError", on_error),
        default_output, parent, is_disabled,
    )  # fmt: skip


def _read_id(value: dict[str, Any], index: int, problems: ProblemList) -> str | None:
    """An id of the wrong form is reported but kept: the edges that name it are not wrong as well."""
    id_ = value.get("id")
    place = f"nodes[{index}].id"
    hint = "Use a small letter first, then small letters, digits and _, at most 40 in all."
    if not isinstance(id_, str) or not id_:
        code, message = ("missing_key", "The node has no id.") if id_ in (None, "") else ("wrong_type", "An id must be a text.")
        problems.add(Problem(code, message, hint, field=place))
        return None
    if not NODE_ID.fullmatch(id_):
        problems.add(Problem("bad_id", f"`{shown(id_)}` cannot be an id.", hint, node=id_, field="id"))
    return id_


def _read_retry(read: Reader, problems: ProblemList, *, node: str | None, index: int) -> Retry:
    value = read.mapping("retry")
    if value is None:
        return Retry()
    where = "retry" if node else f"nodes[{index}].retry"
    inner = Reader(value, problems, where=where, node=node)
    attempts = inner.integer("attempts", Retry().attempts, least=1, most=20)
    backoff_s = inner.number("backoff_s", Retry().backoff_s, least=0, most=86_400)
    factor = inner.number("factor", Retry().factor, least=1, most=100)
    inner.finish()
    return Retry(attempts, backoff_s, factor, refused=attempts)


def _read_default_output(read: Reader, on_error: str) -> dict[str, Any]:
    value = read.mapping("default_output")
    if on_error == "default" and value is None:
        hint = "Say which outputs the node has when it fails, for instance {}."
        read.problem("missing_key", "`on_error` is `default`, so `default_output` is needed.", hint, key="default_output")
    if on_error != "default" and value is not None:
        message = "`default_output` is only used when `on_error` is `default`."
        read.problem("unused_setting", message, "Set `on_error` to `default` or remove it.", key="default_output", severity="warning")
    return value or {}


def _read_position(read: Reader, problems: ProblemList, *, node: str | None, index: int) -> None:
    value = read.mapping("position")
    if value is not None:
        inner = Reader(value, problems, where="position" if node else f"nodes[{index}].position", node=node)
        inner.number("x", 0)
        inner.number("y", 0)
        inner.finish()


def _read_edges(read: Reader, problems: ProblemList, *, unread: frozenset[str]) -> tuple[DraftEdge, ...]:
    values = read.array("edges")
    if len(values) > MAX_EDGES:
        message = f"The workflow has {len(values):,} edges; at most {MAX_EDGES:,} are possible."
        read.problem("too_many_edges", message, "Move parts of it into sub-workflows.", key="edges")
    edges: list[DraftEdge] = []
    for index, value in enumerate(values[:MAX_EDGES]):
        if not isinstance(value, dict):
            problems.add(Problem("wrong_type", "An edge must be an object.", "Remove it or draw it anew.", edge=index))
            continue
        inner = Reader(cast("dict[str, Any]", value), problems, edge=index)
        source = inner.text("source", required=True, most=200, hint="Say which node the edge comes from.")
        port = inner.text("port", "out", most=200) or "out"
        target = inner.text("target", required=True, most=200, hint="Say which node the edge leads to.")
        max_visits = inner.integer("max_visits", 0, least=1, most=MAX_VISITS) or None
        on_exhausted = inner.text("on_exhausted", most=200) or None
        inner.finish()
        if (source or target) and not unread & {source, target}:
            edges.append(DraftEdge(index, source, port, target, max_visits, on_exhausted))
    return tuple(edges)
