"""What is wrong with a document, told so that a person can mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `field` is a path such as `config.labels[0].port`, `edge` the edge's index."""

    code: str
    message: str
    hint: str = ""
    severity: Severity = "error"
    node: str | None = None
    edge: int | None = None
    field: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As the API tells it; places that do not apply are left out."""
        told: dict[str, Any] = {"code": self.code, "severity": self.severity}
        for name in ("node", "edge", "field"):
            if (value := getattr(self, name)) is not None:
                told[name] = value
        return told | {"message": self.message, "hint": self.hint}


def has_errors(problems: list[Problem]) -> bool:
    """Whether one of the problems blocks publishing."""
    return any(p.severity == "error" for p in problems)
