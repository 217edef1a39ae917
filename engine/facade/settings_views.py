"""What Settings tell: keys, models, and what the installation says of itself."""

from __future__ import annotations

from pydantic import BaseModel, Field


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


class ModelChoices(BaseModel):
    """Which models are used; an empty text leaves the decision to what comes next: the default, or the environment."""

    default: str = ""
    cheap: str = ""
    careful: str = ""
    base_url: str = ""
    price_in: float | None = None
    """USD per million tokens, of the default model and of everything at `base_url`."""
    price_out: float | None = None


class ModelSettingsView(BaseModel):
    """What was chosen here, and what the environment says."""

    chosen: ModelChoices
    environment: ModelChoices


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
