"""Do outputs that a person sets fit a step, and by which port does it leave with them?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from engine.graph.fields import KindSpec
from engine.graph.structure import ITEM_PORT
from engine.graph.suggest import did_you_mean, listed, shown
from engine.nodes.registry import AnyKind

ERROR_PORT = "error"


class PinProblem(Exception):
    """Why outputs do not fit; `field` is where: `outputs.text`, `port`."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def pinned_port(
    spec: KindSpec, config: BaseModel, ports: tuple[str, ...], *, outputs: Mapping[str, Any], port: str | None
) -> str:  # fmt: skip
    """The port that a step with these outputs leaves by. Raises PinProblem.

    Outputs may be left out: whoever reads one of them is told then. `port` is needed only where the outputs do not tell.
    """
    kind = cast("AnyKind", spec)
    if kind.kind == "start":
        raise PinProblem("outputs", "The start hands on the inputs of the run: give other inputs instead.")
    # By its port `item` a box leads into itself.
    ports = tuple(name for name in ports if not (kind.is_box and name == ITEM_PORT))
    if not ports:
        raise PinProblem("outputs", "This step ends its branch: nothing could go on with what is pinned.")
    if port is not None and port not in ports:
        raise PinProblem("port", f"It has no port `{shown(port)}`. Its ports are: {listed(ports)}.")
    if ERROR_PORT in ports and (port == ERROR_PORT or set(outputs) == {ERROR_PORT}):
        _check_error(outputs)
        return ERROR_PORT
    _check_names(kind, config, outputs)
    _check_types(kind, outputs)
    leaving = port or kind.port_of(config, outputs) or next(iter(ports if kind.is_box else ()), None)
    if leaving not in ports:
        told = f"These outputs lead to `{shown(str(leaving))}`, which is no port of it" if leaving is not None else "The port is not clear"
        raise PinProblem("port", f"{told}. Choose one of: {listed(ports)}.")
    return leaving


def _check_error(outputs: Mapping[str, Any]) -> None:
    error = outputs.get(ERROR_PORT)
    if not isinstance(error, dict) or not all(isinstance(error.get(name), str) for name in ("code", "message")):
        raise PinProblem("outputs.error", 'An error is an object with the texts "code" and "message".')


def _check_names(kind: AnyKind, config: BaseModel, outputs: Mapping[str, Any]) -> None:
    names = kind.output_names(cast("Any", config))
    unknown = sorted(set(outputs) - names) if names is not None else []
    if unknown:
        hint = did_you_mean(unknown[0], sorted(names or ()), otherwise=f"It has: {listed(sorted(names or ()))}.")
        raise PinProblem(f"outputs.{shown(unknown[0])}", f"The step has no output `{shown(unknown[0])}`. {hint}")


def _check_types(kind: AnyKind, outputs: Mapping[str, Any]) -> None:
    if kind.Outputs is None:
        return
    try:
        kind.Outputs.model_validate(dict(outputs), strict=True)
    except ValidationError as error:
        for found in error.errors(include_url=False, include_input=False):
            if found["type"] != "missing" or len(found["loc"]) > 1:
                place = ".".join(shown(str(part)) for part in found["loc"])
                raise PinProblem(f"outputs.{place}", f"`{place}` does not fit: {found['msg'][:1].lower()}{found['msg'][1:]}.") from None
