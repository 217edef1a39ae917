"""How a node kind is described: as JSON for the editor and the API, as a page for people.

`python -m engine.nodes.docs` writes docs/nodes/*.md anew; a test fails while a page is not what it would write.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from engine.graph.fieldtree import roles_of
from engine.nodes.contract import Example
from engine.nodes.registry import AnyKind, Registry

FOLDER = Path(__file__).parents[2] / "docs" / "nodes"
_EFFECTS = {
    "pure": "only computes: repeating it changes nothing",
    "idempotent": "may be repeated: the world ends up the same",
    "reconcilable": "after a crash the other system is asked whether it happened",
    "unsafe": "is never repeated by itself: after a crash a person is asked",
}


def describe(kind: AnyKind) -> dict[str, Any]:
    """`{kind, title, icon, group, summary, effect, uses, ports, schema, roles, outputs, examples}`.

    `ports` is null where the settings decide them; `roles` tells which settings are expressions and templates.
    """
    return {
        "kind": kind.kind,
        "title": kind.title,
        "icon": kind.icon,
        "group": kind.group,
        "summary": inspect.cleandoc(type(kind).__doc__ or ""),
        "effect": kind.effect.value,
        "uses": sorted(capability.value for capability in kind.uses),
        "ports": list(kind.fixed_ports) if has_fixed_ports(kind) else None,
        "is_box": kind.is_box,
        "schema": kind.Config.model_json_schema(),
        "roles": {path: role.value for path, role in roles_of(kind.Config).items()},
        "outputs": outputs_of(kind),
        "examples": [_example(example) for example in kind.examples],
    }


def has_fixed_ports(kind: AnyKind) -> bool:
    """Whether every node of the kind has the same ports, `error` apart."""
    return "ports" not in vars(type(kind))


def outputs_of(kind: AnyKind) -> dict[str, str] | None:
    """Output -> what it holds; None where the settings or the run decide the names."""
    if kind.Outputs is None:
        return None if kind.fixed_ports or not has_fixed_ports(kind) else {}
    return {field.alias or name: field.description or "" for name, field in kind.Outputs.model_fields.items()}


def _example(example: Example) -> dict[str, Any]:
    told: dict[str, Any] = {"name": example.name, "config": example.config, "scope": example.scope}
    if example.error is not None:
        return told | {"error": example.error}
    return told | {"port": example.port} | ({} if example.outputs is None else {"outputs": example.outputs})


def page(kind: AnyKind) -> str:
    """The kind's page in Markdown."""
    told = describe(kind)
    parts = [f"# {told['title']} (`{kind.kind}`)", told["summary"], *_settings(kind), *_ways_on(kind), *_examples(told["examples"])]
    return "\n\n".join(["<!-- Written by `python -m engine.nodes.docs`; do not edit. -->", *parts]) + "\n"


def _settings(kind: AnyKind) -> list[str]:
    roles = {path: role.value for path, role in roles_of(kind.Config).items()}
    rows = _rows(kind.Config, "", roles)
    if not rows:
        return []
    return ["## Settings", "\n".join(["| setting | is | default | |", "|---|---|---|---|", *rows])]


def _rows(model: type[BaseModel], start: str, roles: dict[str, str]) -> list[str]:
    rows: list[str] = []
    for name, field in model.model_fields.items():
        path = f"{start}{name}"
        role = next((role for place, role in roles.items() if place in (path, f"{path}[]", f"{path}.*")), "plain")
        default = "needed" if field.is_required() else f"`{_shown(field.get_default(call_default_factory=True, validated_data={}))}`"
        rows.append(f"| `{path}` | {role} | {default} | {field.description} |")
        if (inner := part_of(field.annotation)) is not None:
            mark = "[]." if "list" in str(field.annotation) else "."
            rows += _rows(inner, path + mark, roles)
    return rows


def part_of(annotation: Any) -> type[BaseModel] | None:
    """The model of the parts of a setting such as `list[Case]`."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return annotation
    found = (part_of(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in found if model is not None), None)


def _shown(value: Any) -> str:
    return json.dumps(value.model_dump() if isinstance(value, BaseModel) else value)


def _ways_on(kind: AnyKind) -> list[str]:
    ports = " ".join(f"`{port}`" for port in kind.fixed_ports) if has_fixed_ports(kind) else "decided by its settings"
    lines = [f"**Ports:** {ports or 'none: it ends its branch'}. With `on_error: port` there is `error` as well."]
    outputs = outputs_of(kind)
    if outputs is None:
        lines.append("**Outputs:** decided by its settings or by the run.")
    elif outputs:
        lines.append("**Outputs:**\n\n" + "\n".join(f"- `{name}`: {text}" for name, text in outputs.items()))
    worst = kind.effect.value if "effect_of" not in vars(type(kind)) else f"decided by its settings, at worst {kind.effect.value}"
    lines.append(f"**Effect:** {worst}; it {_EFFECTS[kind.effect.value]}.")
    return ["## Ports and outputs", *lines]


def _examples(examples: list[dict[str, Any]]) -> list[str]:
    parts = ["## Examples"]
    for example in examples:
        shown = {name: value for name, value in example.items() if name != "name" and value != {}}
        parts.append(f"{example['name']}:\n\n```json\n{json.dumps(shown, indent=2, ensure_ascii=False)}\n```")
    return parts


def write_pages(folder: Path = FOLDER) -> list[Path]:
    """Writes one page a kind and removes the pages of kinds that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {folder / f"{kind.kind}.md": page(kind) for kind in Registry.builtin().all()}
    for old in set(folder.glob("*.md")) - set(pages):
        old.unlink()
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    return sorted(pages)


if __name__ == "__main__":
    write_pages()
