"""What differs between two settings of a step, setting by setting, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from engine.jsonvalue import dumps

SHORT = 60
MOST_SHOWN = 4_000
MOST_DEEP = 6
WORDS = {
    "min_confidence": "least confidence",
    "max_tokens": "most tokens of an answer",
    "fallback_models": "models to fall back on",
    "expires_after_s": "time to answer in seconds",
    "timeout_s": "time a try may take in seconds",
    "backoff_s": "pause between tries in seconds",
    "on_expire": "what happens when nobody answers",
    "on_error": "what happens when it fails",
    "on_item_error": "what happens when an item fails",
    "four_eyes": "four-eyes rule",
    "quorum": "number of people who have to agree",
    "when": "condition",
    "system": "instructions to the model",
    "max_items": "most items",
    "default_output": "outputs when it fails",
}
"""What a setting is called where its own name would not be understood."""
_KEYS = ("port", "name", "id")
"""What tells apart the members of a list of objects."""


class _Absent:
    """A setting that is not there, which null would not say."""


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different; a long text stands in `before` and `after`, to be shown side by side."""

    text: str
    before: str | None = None
    after: str | None = None


def changes_of(before: Any, after: Any, name: str, *, inside: str = "", deep: int = 0) -> Iterator[Change]:
    """What is different in the setting `name`; `inside` names where it stands."""
    if before == after and type(before) is type(after):
        return
    old, new = _by_name(before), _by_name(after)
    if old is not None and new is not None and deep < MOST_DEEP:
        within = f"{inside}{_called(name)} › " if name else inside
        for key in [*new, *(key for key in old if key not in new)]:
            yield from changes_of(old.get(key, ABSENT), new.get(key, ABSENT), key, inside=within, deep=deep + 1)
        return
    yield _changed(before, after, _sentence_start(f"{inside}{_called(name)}"))


def _changed(before: Any, after: Any, what: str) -> Change:
    if before is ABSENT:
        return Change(f"{what} is new: {quoted(after)}.") if _is_short(after) else Change(f"{what} is new.", None, _text(after))
    if after is ABSENT:
        short = Change(f"{what} is gone (before: {quoted(before)}).")
        return short if _is_short(before) else Change(f"{what} is gone.", _text(before), None)
    both_texts = isinstance(before, str) and isinstance(after, str)
    if _is_short(before) and _is_short(after) and not both_texts:
        return Change(f"{what} is {quoted(after)} now (before: {quoted(before)}).")
    return Change(f"{what} changed.", _text(before), _text(after))


def quoted(value: Any) -> str:
    """A value within a sentence."""
    match value:
        case True:
            return "yes"
        case False:
            return "no"
        case None:
            return "nothing"
        case str():
            return f"“{value}”"
        case _:
            return _text(value)


def _called(name: str) -> str:
    return WORDS.get(name, name.replace("_", " "))


def _sentence_start(words: str) -> str:
    return words[:1].upper() + words[1:]


def _is_short(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float)) or len(_text(value)) <= SHORT


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else dumps(value).decode()
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"


def _by_name(value: Any) -> dict[str, Any] | None:
    """The members of an object, or of a list whose members have names of their own; None for anything else."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    if not isinstance(value, list) or not value:
        return None
    members = cast("list[Any]", value)
    for key in _KEYS:
        names = [member.get(key) if isinstance(member, dict) else None for member in members]
        if all(isinstance(name, str) and name for name in names) and len(set(names)) == len(names):
            return {f"“{name}”": {k: v for k, v in member.items() if k != key} for name, member in zip(names, members, strict=True)}
    return None
