"""What of people's data the workspace keeps from models: chosen by an administrator, a floor under what steps say themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from engine.facade.model_tables import place_of
from engine.facade.settings_views import MaskingChoices
from engine.llm.catalog import is_loopback
from engine.llm.checks.personal import KINDS
from engine.llm.masking import MOST_WORDS, MaskRule
from engine.llm.messages import ModelInfo
from engine.people.permissions import MAIN_WORKSPACE, Actor, Permission, require
from engine.people.records import Problem, Records, refuse
from engine.storage.tables import Setting

if TYPE_CHECKING:
    from engine.facade.core import Core

NAME = "masking"
MOST_WORD = 200
LEAST_WORD = 2


class MaskingRules:
    """Implements `engine.run.context.Masking`: the choice in memory, so that no call waits for the database."""

    def __init__(self, chosen: MaskingChoices) -> None:
        self.chosen = chosen

    def rule(self, model: Callable[[], ModelInfo], *, is_asked: bool) -> MaskRule | None:
        """What is kept from this model; `is_asked`: the step demands it. None: nothing."""
        words = tuple(self.chosen.words)
        floor = MaskRule(frozenset(self.chosen.kinds), words) if self._holds_for(model) else None
        if is_asked:
            return MaskRule(words=words).stricter(floor)
        return floor

    def _holds_for(self, model: Callable[[], ModelInfo]) -> bool:
        match self.chosen.mode:
            case "off":
                return False
            case "outside":
                info = model()
                return not (info.is_practice or is_loopback(info.base_url or ""))
            case "all":
                return True


def stored_masking(records: Records) -> MaskingChoices:
    """What was chosen; blocks."""
    with records.reading() as session:
        row = session.get(Setting, (MAIN_WORKSPACE, NAME))
    return MaskingChoices.model_validate(row.value) if row else MaskingChoices()


class MaskingDesk:
    """Every call takes the actor first and checks its permission."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def get(self, actor: Actor) -> MaskingChoices:
        """What is kept from models."""
        require(actor, Permission.SETTINGS_READ)
        return self._core.masking.chosen

    def check(self, actor: Actor, given: Mapping[str, Any]) -> None:
        """Returns if `change` would take this. Raises what it raises."""
        require(actor, Permission.SETTINGS_MANAGE)
        _checked({**self._core.masking.chosen.model_dump(), **given})

    async def change(self, actor: Actor, given: Mapping[str, Any]) -> MaskingChoices:
        """Another choice for the calls that start from now on; what is left out stays. Invalid names every field that does not fit."""
        require(actor, Permission.SETTINGS_MANAGE)
        before = self._core.masking.chosen
        chosen = _checked({**before.model_dump(), **given})
        if chosen != before:
            await asyncio.to_thread(self._keep, actor, chosen)
            self._core.masking.chosen = chosen
        return chosen

    def _keep(self, actor: Actor, chosen: MaskingChoices) -> None:
        records, now = self._core.records, self._core.clock.now_us()
        with records.writing() as session:
            row = session.get(Setting, (MAIN_WORKSPACE, NAME))
            row = row or Setting(workspace_id=MAIN_WORKSPACE, name=NAME, value={}, updated_by="", updated_at=now)
            row.value, row.updated_by, row.updated_at = chosen.model_dump(), actor.user_id or actor.label, now
            session.add(row)
            # The words are people's names: the audit log tells how many there are.
            details = {"mode": chosen.mode, "kinds": ", ".join(chosen.kinds), "words": str(len(chosen.words))}
            records.tell(session, actor, action="settings.change", subject=NAME, details=details)


def _checked(given: Mapping[str, Any]) -> MaskingChoices:
    try:
        chosen = MaskingChoices.model_validate(dict(given), strict=True, extra="forbid")
    except ValidationError as error:
        refuse([Problem(place_of(found["loc"]), "This is not what belongs here.") for found in error.errors()])
        raise
    problems: list[Problem] = []
    if unknown := [kind for kind in chosen.kinds if kind not in KINDS]:
        problems.append(Problem("kinds", f"There is no kind {unknown[0][:50]}. There are: {', '.join(KINDS)}."))
    words = list(dict.fromkeys(word.strip() for word in chosen.words if word.strip()))
    if wrong := next((word for word in words if not LEAST_WORD <= len(word) <= MOST_WORD), None):
        problems.append(Problem("words", f"“{wrong[:50]}” is not a word of {LEAST_WORD} to {MOST_WORD} characters."))
    if len(words) > MOST_WORDS:
        problems.append(Problem("words", f"At most {MOST_WORDS} words can be listed."))
    if chosen.mode != "off" and not chosen.kinds and not words:
        problems.append(Problem("kinds", "Choose what is kept from models, or turn it off."))
    refuse(problems)
    return chosen.model_copy(update={"words": words, "kinds": [kind for kind in KINDS if kind in chosen.kinds]})
