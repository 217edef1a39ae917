"""The State of models and keys: what is chosen, which keys there are, and what came of trying one. A key passes through, it never stays."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.pages.settings.rows import PROVIDERS, KeyRow, ModelRow, key_row, model_row
from app.ui.actions import SIGNED_IN, action
from engine import Invalid, ModelTried, Permission, SignalboxError

ALIASES = ("default", "cheap", "careful")
TEXTS = (*ALIASES, "base_url")


class Models(rx.State):
    """Fields and rows of the section."""

    rows: rx.Field[list[ModelRow]] = rx.field(default_factory=list)
    chosen: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    outside: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    """What the environment says, shown where nothing is chosen."""
    wrong: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    """Field -> what is wrong with it."""
    is_saved: rx.Field[bool] = rx.field(default=False)
    keys: rx.Field[list[KeyRow]] = rx.field(default_factory=list)
    providers: rx.Field[list[list[str]]] = rx.field(default_factory=list)
    """`[name of the key, provider in words]`."""
    dialog: rx.Field[str] = rx.field(default="")
    """`key`, `secret` or `remove`."""
    key: rx.Field[str] = rx.field(default="")
    """The name of the key that the dialog is about; empty for a new one."""
    hosts: rx.Field[str] = rx.field(default="")
    """Where the secret that the dialog is about may be sent."""
    header: rx.Field[str] = rx.field(default="")
    problem: rx.Field[str] = rx.field(default="")
    trying: rx.Field[str] = rx.field(default="")
    tried: rx.Field[str] = rx.field(default="")
    """Which row the result belongs to."""
    tone: rx.Field[str] = rx.field(default="")
    told: rx.Field[str] = rx.field(default="")

    @action(Permission.MODEL_READ)
    async def load_models(self, asking: Asking) -> None:
        """What the names that steps use mean at the moment."""
        found = await asking.ask(asking.engine.models(asking.actor))
        self.rows = [model_row(model) for model in found if model["name"] in ALIASES]

    @action(Permission.SETTINGS_READ)
    async def load_choices(self, asking: Asking) -> None:
        """What was chosen here, and what the environment says."""
        view = await asking.ask(asking.engine.model_settings.get(asking.actor))
        self.chosen, self.outside = _texts(view.chosen), _texts(view.environment)
        self.wrong, self.is_saved, self.told, self.dialog = {}, False, "", ""

    @action(Permission.SECRET_LIST)
    async def load_keys(self, asking: Asking) -> None:
        """The names of the keys."""
        secrets, now = asking.engine.secrets, asking.engine.now()
        self.keys = [key_row(secret, now=now) for secret in await asking.look(lambda: secrets.list(asking.actor))]
        self.providers = [[name, PROVIDERS.get(provider, provider)] for provider, name in secrets.providers(asking.actor)]

    @action(Permission.SETTINGS_MANAGE)
    async def save(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Other choices, for the calls that start from now on."""
        self.chosen = {name: str(value) for name, value in form.items()}
        try:
            await asking.ask(asking.engine.model_settings.change(asking.actor, _given(form)))
        except Invalid as error:
            self.wrong, self.is_saved = {p["field"]: p["message"] for p in error.details["problems"]}, False
            return None
        self.wrong, self.is_saved = {}, True
        return Models.load_models

    @action(SIGNED_IN)
    async def show(self, asking: Asking, dialog: str, key: str) -> None:
        """Opens a dialog about a key."""
        self.dialog, self.key, self.problem = dialog, key, ""
        row = next((row for row in self.keys if row.name == key), None)
        self.hosts, self.header = (row.hosts, row.header) if row else ("", "")

    @action(SIGNED_IN)
    async def close(self, asking: Asking) -> None:
        """Closes it."""
        self.dialog = self.problem = ""

    @action(Permission.SECRET_MANAGE)
    async def store(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Stores a key. It goes to the engine and nowhere else: no variable of the page ever holds it."""
        name, value = self.key or str(form.get("name", "")), str(form.get("value", ""))
        hosts = str(form["hosts"]).replace(",", " ").split() if "hosts" in form else None
        header = str(form["header"]) if "header" in form else None
        try:
            await asking.look(lambda: asking.engine.secrets.put(asking.actor, name, value=value, hosts=hosts, header=header))
        except SignalboxError as error:
            self.problem = error.message
            return None
        self.dialog = self.problem = self.told = ""
        return [Models.load_keys, Models.load_models]

    @action(Permission.SECRET_MANAGE)
    async def remove(self, asking: Asking) -> Any:
        """Forgets a key at once."""
        self.dialog, name = "", self.key
        await asking.look(lambda: asking.engine.secrets.remove(asking.actor, name))
        return [Models.load_keys, Models.load_models]

    @action(Permission.SETTINGS_MANAGE, background=True)
    async def try_model(self, asking: Asking, name: str) -> None:
        """Asks a model one short question."""
        async with self:
            self.trying, self.told = name, ""
        try:
            tried = await asking.ask(asking.engine.model_settings.try_out(asking.actor, name))
        finally:
            async with self:
                self.trying = ""
        async with self:
            self.tried, self.tone, self.told = name, _tone(tried), _words(tried)

    @action(Permission.SETTINGS_MANAGE, background=True)
    async def try_key(self, asking: Asking, key: str, provider: str) -> None:
        """Asks a model of the provider whose key it is."""
        async with self:
            self.trying, self.told = key, ""
        try:
            tried = await asking.ask(asking.engine.model_settings.try_key(asking.actor, provider))
        finally:
            async with self:
                self.trying = ""
        async with self:
            self.tried, self.tone, self.told = key, _tone(tried), _words(tried)


def _tone(tried: ModelTried) -> str:
    return "done" if tried.works else "failed"


def _words(tried: ModelTried) -> str:
    return f"{tried.told} {tried.next_step}".strip()


def _texts(choices: Any) -> dict[str, str]:
    return {
        name: "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in choices.model_dump().items()
    }


def _given(form: dict[str, Any]) -> dict[str, Any]:
    """The form as the engine takes it; a price that is no number stays a text, which the engine refuses by name."""
    prices = {name: _number(str(form.get(name, "")).strip()) for name in ("price_in", "price_out")}
    return {name: str(form.get(name, "")) for name in TEXTS} | prices


def _number(text: str) -> Any:
    try:
        return float(text) if text else None
    except ValueError:
        return text
