"""What Settings tell: keys, models, and what the installation says of itself."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from engine.llm.checks.personal import KINDS as MASKED_KINDS


class SecretView(BaseModel):
    """A secret by its name; its value is never told."""

    name: str
    provider: str | None
    """The model provider that takes it, if it is the usual name of its key."""
    source: str
    """`stored`, or `environment` where only the process's environment holds it."""
    is_in_environment: bool
    """Whether the environment holds one of this name too; the stored one is used."""
    hosts: list[str] = Field(default_factory=list)
    """The hosts that steps of the kind `http` may send it to; none: they may not use it."""
    header: str = ""
    """The header that carries it as it is; empty: `Authorization: Bearer …`."""
    updated_at: str | None = None
    updated_by: str = ""


class SetPrice(BaseModel):
    """What a model costs, in USD per million tokens."""

    input: float
    output: float
    cached_input: float | None = None
    """Of what the provider reads from its cache; None: as any other."""


class SetPace(BaseModel):
    """How much a model may be asked; None: as much as anybody likes."""

    requests_per_min: int | None = None
    tokens_per_min: int | None = None
    at_once: int | None = None


class LineView(BaseModel):
    """Who is at a model just now."""

    model: str
    running: int
    waiting: int
    """Calls that wait for a place, which costs nothing."""


class ModelChoices(BaseModel):
    """Which models are used; an empty text leaves the decision to what comes next: the default, or the environment."""

    default: str = ""
    cheap: str = ""
    careful: str = ""
    base_url: str = ""
    price_in: float | None = None
    """USD per million tokens, of the default model and of everything at `base_url`."""
    price_out: float | None = None
    fallbacks: dict[str, list[str]] = {}
    """Alias → the models to ask in turn when its own does not answer."""
    prices: dict[str, SetPrice] = {}
    """A model's own name → what it costs, before every list."""
    limits: dict[str, SetPace] = {}
    """A model's own name → how much it may be asked."""


class ModelSettingsView(BaseModel):
    """What was chosen here, and what the environment says."""

    chosen: ModelChoices
    environment: ModelChoices
    lines: list[LineView] = []
    """The models that are asked just now, and how many calls wait there."""


class MaskingChoices(BaseModel):
    """What of people's data is kept from models."""

    mode: Literal["off", "outside", "all"] = "off"
    """`outside`: from every model but the practice model and those on this machine; `all`: from those too."""
    kinds: list[str] = Field(default_factory=lambda: list(MASKED_KINDS))
    """Of `engine.llm.checks.personal.KINDS`."""
    words: list[str] = []
    """Names and other words, in any spelling of capitals."""


class ModelTried(BaseModel):
    """What came of asking a model one short question."""

    works: bool
    model: str
    told: str
    """In a sentence or two."""
    next_step: str = ""
    cost_usd: float = 0.0


class AboutView(BaseModel):
    """What this installation is."""

    version: str
    home: str
    database: str
    database_bytes: int
    settings: list[dict[str, str]]
    """`{name, value, source}`; secrets only as `set`."""


class FindingView(BaseModel):
    """One thing that was looked at."""

    is_well: bool
    subject: str
    told: str
    hint: str
