"""What a setting is called in the form of its step: messages name it by the words that people see there."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from engine.graph.suggest import shown


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation such as `list[Case]` or `Case | None` speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (found := model_in(argument)) is not None:
            return found
    return None


def title_of(model: type[BaseModel] | None, name: str) -> str:
    """The title of a model's field; of one without a title its name in words, `max_tokens` as `Max tokens`."""
    field = model.model_fields.get(name) if model else None
    if field is not None and field.title:
        return field.title
    words = shown(name).replace("_", " ").strip()
    return words[:1].upper() + words[1:] if field is not None else shown(name)


def called(model: type[BaseModel], place: tuple[int | str, ...]) -> str:
    """`“Instructions”`, or `“Kind” of item 2 in “Kinds”` for `("labels", 1, "port")`; the item itself is `Item 2 in “Kinds”`."""
    here: type[BaseModel] | None = model
    name, item, of = "", None, ""
    for key in place:
        if isinstance(key, int):
            name, item, of = "", key + 1, name or of
            continue
        if here is None or key not in here.model_fields:
            # A name of somebody's own, as in `show.topic`, or a mark that pydantic adds; nothing below it is in the form.
            if here is None and name:
                return f"“{shown(key)}” in {name}"
            continue
        name = f"“{title_of(here, key)}”"
        here = model_in(here.model_fields[key].annotation)
    where = f"item {item} in {of}" if item else ""
    if name and where:
        return f"{name} of {where}"
    return name or (where[:1].upper() + where[1:]) or "The settings"
