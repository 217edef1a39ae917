"""The State of the tables of models: fallbacks, prices and limits, and the dialog in which a row is set."""

from __future__ import annotations

from typing import Any

import reflex as rx

from app.api.reading import Asking
from app.pages.settings.model_tables_rows import (
    LIMIT_FIELDS,
    PRICE_FIELDS,
    TableRow,
    limit_rows,
    names_of,
    price_rows,
    typed_limit,
    typed_price,
)  # fmt: skip
from app.pages.settings.models_state import ALIASES, Models
from app.ui.actions import SIGNED_IN, action
from engine import Invalid, Permission

TABLES = {"prices": (PRICE_FIELDS, typed_price), "limits": (LIMIT_FIELDS, typed_limit)}


class ModelTables(rx.State):
    """Rows, and the dialog that is open."""

    fallbacks: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    """Alias -> names with commas between them."""
    prices: rx.Field[list[TableRow]] = rx.field(default_factory=list)
    limits: rx.Field[list[TableRow]] = rx.field(default_factory=list)
    table: rx.Field[str] = rx.field(default="")
    """`prices` or `limits`, whose dialog is open."""
    dialog: rx.Field[str] = rx.field(default="")
    """`set`, `remove`, or nothing."""
    name: rx.Field[str] = rx.field(default="")
    """The model that the dialog is about; empty for a new row."""
    typed: rx.Field[list[str]] = rx.field(default_factory=lambda: ["", "", ""])
    wrong: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    """Field -> what is wrong with it."""
    problem: rx.Field[str] = rx.field(default="")
    """What is wrong with no field of the dialog."""
    is_saved: rx.Field[bool] = rx.field(default=False)

    @action(Permission.SETTINGS_READ)
    async def load(self, asking: Asking) -> None:
        """What is set, and who is at which model just now."""
        view = await asking.ask(asking.engine.model_settings.get(asking.actor))
        chosen = view.chosen
        self.fallbacks = {alias: ", ".join(chosen.fallbacks.get(alias, [])) for alias in ALIASES}
        self.prices, self.limits = price_rows(chosen.prices), limit_rows(chosen.limits, view.lines)

    @action(Permission.SETTINGS_MANAGE)
    async def save_fallbacks(self, asking: Asking, form: dict[str, Any]) -> Any:
        """What is asked when the model of a name does not answer."""
        self.fallbacks = {alias: str(form.get(f"instead_{alias}", "")) for alias in ALIASES}
        given = {alias: names for alias, text in self.fallbacks.items() if (names := names_of(text))}
        self.wrong = await _changed(asking, {"fallbacks": given})
        self.is_saved = not self.wrong

    @action(SIGNED_IN)
    async def show(self, asking: Asking, dialog: str, table: str, name: str, values: list[str]) -> None:
        """Opens a dialog about a row, or about a new one."""
        self.dialog, self.table, self.name = dialog, table if table in TABLES else "prices", name
        self.typed, self.wrong, self.problem, self.is_saved = values or ["", "", ""], {}, "", False

    @action(SIGNED_IN)
    async def close(self, asking: Asking) -> None:
        """Closes it."""
        self.dialog = ""

    @action(Permission.SETTINGS_MANAGE)
    async def save(self, asking: Asking, form: dict[str, Any]) -> Any:
        """Sets a row; it counts for the calls that start from now on."""
        parts, typed = TABLES[self.table]
        name = self.name or str(form.get("name", "")).strip()
        self.typed = [str(form.get(part, "")) for part in parts]
        row = {part: typed(text) for part, text in zip(parts, self.typed, strict=True)}
        rows = await _rows(asking, self.table)
        self.wrong = _in_the_dialog(await _changed(asking, {self.table: rows | {name: row}}))
        self.problem = self.wrong.get("form", "")
        if self.wrong:
            return None
        self.dialog = ""
        return [ModelTables.load, Models.load_models]

    @action(Permission.SETTINGS_MANAGE)
    async def remove(self, asking: Asking) -> Any:
        """Takes a row away."""
        self.dialog, rows = "", await _rows(asking, self.table)
        await _changed(asking, {self.table: {name: row for name, row in rows.items() if name != self.name}})
        return [ModelTables.load, Models.load_models]


async def _rows(asking: Asking, table: str) -> dict[str, Any]:
    view = await asking.ask(asking.engine.model_settings.get(asking.actor))
    return view.chosen.model_dump()[table]


async def _changed(asking: Asking, given: dict[str, Any]) -> dict[str, str]:
    """Field -> what is wrong with it; empty when it was kept."""
    try:
        await asking.ask(asking.engine.model_settings.change(asking.actor, given))
    except Invalid as error:
        return {_place(problem["field"]): problem["message"] for problem in error.details["problems"]}
    return {}


def _place(field: str) -> str:
    """`fallbacks/cheap/1` is told at the field `cheap`."""
    parts = field.split("/")
    return parts[1] if parts[0] == "fallbacks" and len(parts) > 1 else field


def _in_the_dialog(wrong: dict[str, str]) -> dict[str, str]:
    """`prices/some/model/input` is told at the field `input`; what belongs to no field stands below the form."""
    known = {*PRICE_FIELDS, *LIMIT_FIELDS, "name"}
    return {(last if (last := field.rsplit("/", 1)[-1]) in known else "form"): message for field, message in wrong.items()}
