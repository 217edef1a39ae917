"""How the form of a step shows a setting: hints that stand in its JSON Schema beside what pydantic writes there."""

from __future__ import annotations

from typing import Literal

from engine.jsonvalue import JsonValue

Widget = Literal[
    "line", "text", "code", "rule", "cases", "labels", "names", "schema", "approvers", "people", "model", "models", "step", "share",
    "duration", "headers", "body", "secret", "ticks", "agent_tools", "tool", "arguments", "colleague", "consenters",
]  # fmt: skip
"""What a setting is edited with, where its type alone does not tell; app/components/inspector/form.jsx draws them."""


ONE_OF = "x-one-of"
"""In the schema of settings: those of which exactly one is set, each with the words for choosing it; the first one is offered first."""


def hints(
    *,
    widget: Widget | None = None,
    text: str | None = None,
    choices: dict[str, str] | None = None,
    unit: str | None = None,
    none: str | None = None,
    placeholder: str | None = None,
    add: str | None = None,
    order: int | None = None,
    when: dict[str, str] | None = None,
    is_folded: bool = False,
    group: str | None = None,
) -> dict[str, JsonValue]:
    """For `Field(json_schema_extra=…)`.

    `text` replaces the description where that is written for documents; `choices` are the words for each value; `none` says what an
    empty setting means; `add` is the word of the button that adds a row; `when` names settings that this one depends on, with the
    value that they must have (`*`: any). A folded setting is found under “More settings”;
    those of one `group` are folded together under its name.
    """
    told: dict[str, JsonValue] = {
        "x-widget": widget,
        "x-help": text,
        "x-choices": dict[str, JsonValue](choices) if choices else None,
        "x-unit": unit,
        "x-none": none,
        "x-placeholder": placeholder,
        "x-add": add,
        "x-order": order,
        "x-when": dict[str, JsonValue](when) if when else None,
        "x-folded": True if is_folded else None,
        "x-group": group,
    }
    return {name: value for name, value in told.items() if value is not None}
