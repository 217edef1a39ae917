"""Which models are used: what people chose goes before what the environment says, and every choice can be tried."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from engine.errors import SignalboxError
from engine.facade.keys import KeyRing
from engine.facade.model_tables import place_of, table_problems, unknown_in_tables
from engine.facade.settings_views import LineView, ModelChoices, ModelSettingsView, ModelTried
from engine.llm.catalog import ALIASES, Catalog, small_model
from engine.llm.gateway import GatewaySettings
from engine.llm.messages import ModelAnswer, ModelRequest
from engine.llm.pacing import Pace
from engine.people.permissions import MAIN_WORKSPACE, Actor, Permission, require
from engine.people.records import Problem, Records, refuse
from engine.settings import Settings
from engine.storage.tables import Setting

if TYPE_CHECKING:
    from engine.facade.core import Core

NAME = "models"
QUESTION = "Answer with the one word: ready"
MOST_TOKENS = 64
PATIENCE_S = 30.0
MOST_USD = 0.05
MOST_NAME = 200


def stored_choices(records: Records) -> ModelChoices:
    """What people chose; blocks."""
    with records.reading() as session:
        row = session.get(Setting, (MAIN_WORKSPACE, NAME))
    return ModelChoices.model_validate(row.value) if row else ModelChoices()


def gateway_settings(settings: Settings, chosen: ModelChoices, ring: KeyRing) -> GatewaySettings:
    """What the gateway works with: each choice, or else what the environment says."""
    outside = GatewaySettings.of(settings)
    price = (chosen.price_in, chosen.price_out) if chosen.price_in is not None and chosen.price_out is not None else outside.price
    return replace(
        outside,
        base_url=chosen.base_url or outside.base_url,
        price=price,
        aliases={alias: name for alias in ALIASES if (name := getattr(chosen, alias))},
        key_for=ring.key_for,
        fallbacks=chosen.fallbacks,
        prices={name: (price.input, price.output, price.cached_input) for name, price in chosen.prices.items()},
        paces={name: Pace(limit.requests_per_min, limit.tokens_per_min, limit.at_once) for name, limit in chosen.limits.items()},
    )


class ModelDesk:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def get(self, actor: Actor) -> ModelSettingsView:
        """What was chosen here, and what the environment says."""
        require(actor, Permission.SETTINGS_READ)
        return self._view(await asyncio.to_thread(stored_choices, self._core.records))

    async def change(self, actor: Actor, given: Mapping[str, Any]) -> ModelSettingsView:
        """Other choices for the calls that start from now on; what is left out stays. Invalid names every field that does not fit."""
        require(actor, Permission.SETTINGS_MANAGE)
        before = await asyncio.to_thread(stored_choices, self._core.records)
        chosen = _checked({**before.model_dump(), **given})
        wanted = gateway_settings(self._core.settings, chosen, self._core.ring)
        refuse(await asyncio.to_thread(_unknown, wanted, chosen))
        await asyncio.to_thread(self._keep, actor, before, chosen)
        self._core.gateway.reconfigure(wanted)
        await self._core.gateway.prepare()
        return self._view(chosen)

    def _keep(self, actor: Actor, before: ModelChoices, chosen: ModelChoices) -> None:
        records, now = self._core.records, self._core.clock.now_us()
        were = before.model_dump()
        changed = {key: value for key, value in chosen.model_dump().items() if were[key] != value}
        if not changed:
            return
        with records.writing() as session:
            row = session.get(Setting, (MAIN_WORKSPACE, NAME))
            row = row or Setting(workspace_id=MAIN_WORKSPACE, name=NAME, value={}, updated_by="", updated_at=now)
            row.value, row.updated_by, row.updated_at = chosen.model_dump(), actor.user_id or actor.label, now
            session.add(row)
            records.tell(session, actor, action="settings.change", subject=NAME, details=changed)

    def _view(self, chosen: ModelChoices) -> ModelSettingsView:
        outside = GatewaySettings.of(self._core.settings)
        price_in, price_out = outside.price or (None, None)
        environment = ModelChoices(
            default=outside.default_model or "", base_url=outside.base_url or "", price_in=price_in, price_out=price_out
        )
        lines = [LineView(model=line.model, running=line.running, waiting=line.waiting) for line in self._core.gateway.lines()]
        return ModelSettingsView(chosen=chosen, environment=environment, lines=lines)

    async def try_out(self, actor: Actor, model: str) -> ModelTried:
        """Asks a model one short question, for at most MOST_USD and PATIENCE_S seconds; tells in words what came of it."""
        require(actor, Permission.SETTINGS_MANAGE)
        name = model.strip()[:MOST_NAME] or "default"
        tried = await self._tried(name)
        await asyncio.to_thread(self._tell, actor, name, tried)
        return tried

    async def try_key(self, actor: Actor, provider: str) -> ModelTried:
        """The same with the key of a provider: asks the model of it that was chosen, else a cheap one."""
        require(actor, Permission.SETTINGS_MANAGE)
        model = await asyncio.to_thread(self._model_of, provider)
        if model is None:
            return ModelTried(
                works=False, model="", told=f"Signalbox knows no model of {provider} to ask.", next_step="Choose one above and try that."
            )
        return await self.try_out(actor, model)

    def _model_of(self, provider: str) -> str | None:
        for alias in ALIASES:
            try:
                info = self._core.gateway.resolve(alias)
            except SignalboxError:
                continue  # An alias that means nothing is told where it is shown.
            if info.provider == provider:
                return info.name
        return small_model(provider)

    async def _tried(self, name: str) -> ModelTried:
        gateway = self._core.gateway
        request = ModelRequest(name, "", QUESTION, None, None, MOST_TOKENS, PATIENCE_S)
        try:
            await gateway.prepare()
            if (most := gateway.bound(request).cost_micro / 1e6) > MOST_USD:
                return ModelTried(works=False, model=name, told=f"One question could cost ${most:.2f}, so it was not asked.")
            return _told(await gateway.complete(request), label=gateway.resolve(name).label)
        except SignalboxError as error:
            return ModelTried(works=False, model=name, told=error.message, next_step=error.next_step)

    def _tell(self, actor: Actor, name: str, tried: ModelTried) -> None:
        details = {"model": name, "works": tried.works, "cost_usd": f"{tried.cost_usd:.6f}"}
        with self._core.records.writing() as session:
            self._core.records.tell(session, actor, action="model.try", subject=name, details=details)


def _told(answer: ModelAnswer, *, label: str) -> ModelTried:
    usage = answer.usage
    cost = usage.cost_micro / 1e6
    paid = f"It cost ${cost:.6f} ({usage.tokens_in} tokens in, {usage.tokens_out} out)." if cost else "It cost nothing."
    if answer.is_practice:
        told = f"The practice model answered. It is no language model: it stands in until a real one is chosen. {paid}"
    else:
        said = " ".join(answer.text.split())[:80]
        told = f"{label} answered “{said}”. {paid}" if said else f"{label} answered, with an empty text. {paid}"
    return ModelTried(works=True, model=answer.model, told=told, cost_usd=cost)


def _checked(given: Mapping[str, Any]) -> ModelChoices:
    try:
        chosen = ModelChoices.model_validate(dict(given), strict=True, extra="forbid")
    except ValidationError as error:
        refuse([Problem(place_of(found["loc"]), "This is not what belongs here.") for found in error.errors()])
        raise
    names = {alias: getattr(chosen, alias).strip() for alias in ALIASES}
    chosen = chosen.model_copy(update={**names, "base_url": chosen.base_url.strip().rstrip("/")})
    problems = [Problem(alias, "The name is too long.") for alias in ALIASES if len(getattr(chosen, alias)) > MOST_NAME]
    refuse([*problems, *_address_problems(chosen.base_url), *_price_problems(chosen), *table_problems(chosen)])
    return chosen


def _address_problems(address: str) -> list[Problem]:
    if not address:
        return []
    try:
        parts = urlsplit(address)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return [Problem("base_url", "This is no address. It looks like http://localhost:11434/v1.")]
    if not is_good or len(address) > 500 or any(character.isspace() for character in address):
        return [Problem("base_url", "The address starts with http:// or https:// and looks like http://localhost:11434/v1.")]
    if parts.username or parts.password or parts.query or parts.fragment:
        return [Problem("base_url", "An address holds no password and no question mark. Store a key below instead.")]
    return []


def _price_problems(chosen: ModelChoices) -> list[Problem]:
    prices = {"price_in": chosen.price_in, "price_out": chosen.price_out}
    if any(price is not None and not (math.isfinite(price) and 0 <= price <= 1_000_000) for price in prices.values()):
        return [Problem("price_in", "A price is a number of US dollars for a million tokens, 0 if it is free.")]
    missing = [name for name, price in prices.items() if price is None]
    return [Problem(missing[0], "Give both prices, of what goes in and of what comes out.")] if len(missing) == 1 else []


def _unknown(wanted: GatewaySettings, chosen: ModelChoices) -> list[Problem]:
    """Names that mean no model; looks at the price list, so it blocks."""
    catalog, problems = Catalog(wanted), list[Problem]()
    for alias in ALIASES:
        if not getattr(chosen, alias):
            continue
        try:
            catalog.resolve(alias)
        except SignalboxError as error:
            problems.append(Problem(alias, error.message))
    return problems + unknown_in_tables(catalog, chosen)
