"""What a step does to the world, and what it may ask its context for."""

from __future__ import annotations

from enum import StrEnum


class Effect(StrEnum):
    """What running a step twice would do to the world (workflow.md, Running 9)."""

    PURE = "pure"
    IDEMPOTENT = "idempotent"
    RECONCILABLE = "reconcilable"
    UNSAFE = "unsafe"


class Capability(StrEnum):
    """What a kind may ask its context for; using one that is not declared is a defect of the kind."""

    MODEL = "model"
    MEANING = "meaning"
    NOTIFY = "notify"
    ASK = "ask"
    EGRESS = "egress"
    TOOL = "tool"
    CODE = "code"
    COLLEAGUE = "colleague"
