"""What each node's kind makes of its settings: the typed config, the ports, and problems in plain words."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.graph.called import called, model_in
from engine.graph.document import DraftNode
from engine.graph.fields import KindCatalog, KindSpec
from engine.graph.problems import Problem
from engine.graph.reading import ProblemList
from engine.graph.suggest import did_you_mean, listed, nearest, shown

MOST_ERRORS_PER_NODE = 50
ERROR_PORT = "error"


@dataclass(frozen=True, slots=True)
class KnownNode:
    """A node of the draft together with its kind, as far as both could be made sense of."""

    draft: DraftNode
    kind: KindSpec | None
    """None when no such kind exists."""
    config: BaseModel | None
    """None when the settings do not fit the kind."""
    ports: tuple[str, ...] | None
    """With `error` where it has one; None when the settings do not tell."""
    outputs: frozenset[str] | None
    """None when they are not known before the run."""

    @property
    def id(self) -> str:
        """The node's id."""
        return self.draft.id

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.draft.name

    @property
    def may_be_box(self) -> bool:
        """Whether other nodes may stand in it; a kind that is not known gets the benefit of the doubt."""
        return self.kind is None or self.kind.is_box


def know(draft: DraftNode, catalog: KindCatalog, problems: ProblemList) -> KnownNode:
    """Checks one node's settings against its kind."""
    kind = catalog.get(draft.kind) if draft.kind else None
    if kind is None:
        if draft.kind:
            hint = did_you_mean(draft.kind, catalog.names(), otherwise=f"There are: {listed(catalog.names(), most=40)}.")
            message = f"There is no kind of node called `{shown(draft.kind)}`."
            problems.add(Problem("unknown_kind", message, hint, node=draft.id, field="kind"))
        return KnownNode(draft, None, None, None, None)
    try:
        config = kind.config_model.model_validate(draft.config)
    except ValidationError as error:
        for told in _told(error, kind.config_model):
            problems.add(replace(told, node=draft.id))
        # Ports and outputs are still needed: one bad setting must not make every edge of the node look wrong.
        guess = _mended(kind.config_model, draft.config) or kind.config_model.model_construct(**draft.config)
        return KnownNode(draft, kind, None, _ports(kind, guess, draft, problems=None), _outputs(kind, guess))
    for problem in kind.problems(config):
        field = f"config.{problem.field}" if problem.field else "config"
        problems.add(replace(problem, node=draft.id, field=field))
    return KnownNode(draft, kind, config, _ports(kind, config, draft, problems=problems), kind.output_names(config))


def _ports(kind: KindSpec, config: BaseModel, draft: DraftNode, *, problems: ProblemList | None) -> tuple[str, ...] | None:
    try:
        ports = kind.ports(config)
    except Exception:  # a kind's own code: an unchecked config may hold anything, and what its ports would be is then not known
        if problems is not None:
            raise
        return None
    if not all(isinstance(port, str) for port in ports):
        return None
    if problems is not None and (ERROR_PORT in ports or len(set(ports)) != len(ports)):
        hint = f"Give every port its own name; `{ERROR_PORT}` is taken."
        problems.add(Problem("duplicate_port", "Two ports of the node have the same name.", hint, node=draft.id, field="config"))
        ports = tuple(dict.fromkeys(p for p in ports if p != ERROR_PORT))
    return (*ports, ERROR_PORT) if draft.on_error == "port" else ports


def _outputs(kind: KindSpec, config: BaseModel) -> frozenset[str] | None:
    try:
        names = kind.output_names(config)
    except Exception:  # the config was never checked
        return None
    return names if names and all(isinstance(name, str) for name in names) else None


def _mended(model: type[BaseModel], config: dict[str, Any]) -> BaseModel | None:
    """The config without the settings that are wrong, if it fits then."""
    rest = deepcopy(config)
    for _ in range(3):
        try:
            return model.model_validate(rest)
        except ValidationError as error:
            places = {e["loc"] for e in error.errors(include_url=False, include_context=False, include_input=False)}
            if not all(_remove(rest, place) for place in places):
                return None
    return None


def _remove(value: Any, place: tuple[int | str, ...]) -> bool:
    """Takes out what stands at the place; False when that is not a key of an object."""
    for key in place[:-1]:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return False
    return bool(place) and isinstance(value, dict) and value.pop(place[-1], None) is not None


def _told(error: ValidationError, model: type[BaseModel]) -> Iterable[Problem]:
    errors = error.errors(include_url=False)
    for details in errors[:MOST_ERRORS_PER_NODE]:
        yield _in_plain_words(details, model)
    if len(errors) > MOST_ERRORS_PER_NODE:
        message = f"{len(errors) - MOST_ERRORS_PER_NODE} more settings of the node do not fit."
        yield Problem("bad_value", message, "Mend the others first.", field="config")


def path_of(place: Iterable[int | str], *, start: str = "config") -> str:
    """`config.labels[0].port` for `("labels", 0, "port")`."""
    return start + "".join(f"[{key}]" if isinstance(key, int) else f".{shown(key)}" for key in place)


def _in_plain_words(details: ErrorDetails, model: type[BaseModel]) -> Problem:
    place = details["loc"]
    # Pydantic adds the step `[key]` after a key of an object that is itself wrong.
    field = path_of(k for k in place if k != "[key]")
    name = called(model, tuple(k for k in place if k != "[key]"))
    context = details.get("ctx") or {}
    match details["type"]:
        case "missing":
            return Problem("missing_key", f"{name} is missing.", f"Fill in {name}.", field=field)
        case "extra_forbidden":
            known = _settings_at(model, place[:-1])
            hint = did_you_mean(str(place[-1]), known, otherwise=f"Known here: {listed(known, most=30)}.")
            return Problem("unknown_key", f"`{shown(str(place[-1]))}` is not a setting that exists here.", hint, field=field)
        case "literal_error":
            given = details["input"]
            near = nearest(given, _quoted(str(context.get("expected", "")))) if isinstance(given, str) else None
            hint = f"Did you mean `{near}`?" if near else f"Choose one of: {context.get('expected')}."
            return Problem("bad_value", f"{name} has a value that is not one of the choices.", hint, field=field)
        case "value_error":
            message = str(context.get("error", details["msg"]))
            return Problem("bad_value", f"{name}: {message}", "Change the value.", field=field)
        case type_:
            wanted = _WANTED.get(type_)
            if wanted:
                return Problem("wrong_type", f"{name} must be {wanted}.", f"Write {wanted}.", field=field)
            return Problem("bad_value", f"{name} does not fit: {_lower(details['msg'])}.", "Change the value.", field=field)


_WANTED = {
    "string_type": "a text", "int_type": "a whole number", "int_from_float": "a whole number", "float_type": "a number",
    "finite_number": "a number", "bool_type": "true or false", "list_type": "an array", "dict_type": "an object",
    "model_type": "an object", "model_attributes_type": "an object", "none_required": "left out",
}  # fmt: skip


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _quoted(expected: str) -> list[str]:
    return [part.strip(" '") for part in expected.replace(" or ", ",").split(",")]


def _settings_at(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Names of the settings of the model that stands at the place."""
    fields = model.model_fields
    for key in place:
        if isinstance(key, int):
            continue
        if key not in fields:
            return []
        inner = model_in(fields[key].annotation)
        if inner is None:
            return []
        fields = inner.model_fields
    return list(fields)
