"""The settings of the workspace over HTTP: which models are used."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from app.api.reading import AskingOf, Body, StrictRoute
from engine import MaskingChoices, ModelSettingsView, SetPace, SetPrice

router = APIRouter(prefix="/api/v1/settings", tags=["settings"], route_class=StrictRoute)

Text = Annotated[str, Field(max_length=1000)]


class ModelChange(Body):
    """What becomes different; what is left out stays, an empty text leaves the decision to the environment."""

    default: Text | None = None
    cheap: Text | None = None
    careful: Text | None = None
    base_url: Text | None = None
    price_in: float | None = None
    price_out: float | None = None
    fallbacks: dict[str, list[Text]] | None = None
    """Alias → models to ask in turn when its own does not answer."""
    prices: dict[str, SetPrice] | None = None
    """Model → USD per million tokens."""
    limits: dict[str, SetPace] | None = None
    """Model → requests and tokens a minute, and calls at once."""


class MaskingChange(Body):
    """What becomes different; what is left out stays."""

    mode: Literal["off", "outside", "all"] | None = None
    """`outside`: from every model but the practice model and those on this machine; `all`: from those too."""
    kinds: list[Text] | None = None
    words: list[Text] | None = None


class Change(Body):
    """The settings to change."""

    models: ModelChange | None = None
    masking: MaskingChange | None = None
    """What of people's data is kept from models."""


class AllSettings(BaseModel):
    """Every setting that can be changed here."""

    models: ModelSettingsView
    masking: MaskingChoices


@router.get("")
async def current(asking: AskingOf) -> AllSettings:
    """What is set here, and what the environment says."""
    models = await asking.ask(asking.engine.model_settings.get(asking.actor))
    return AllSettings(models=models, masking=await asking.ask(asking.engine.masking.get(asking.actor)))


@router.patch("")
async def change(asking: AskingOf, body: Change) -> AllSettings:
    """Change settings, for what starts from now on."""
    chosen = body.masking.model_dump(exclude_none=True) if body.masking is not None else {}
    # Both or neither: what cannot be taken is told before anything is changed.
    asking.engine.masking.check(asking.actor, chosen)
    if body.models is not None:
        given: dict[str, Any] = body.models.model_dump(exclude_unset=True)
        # A price that is null takes the price away; a text that is null is one that was left out.
        kept = {key: value for key, value in given.items() if value is not None or key.startswith("price")}
        await asking.ask(asking.engine.model_settings.change(asking.actor, kept))
    if chosen:
        await asking.ask(asking.engine.masking.change(asking.actor, chosen))
    return await current(asking)
