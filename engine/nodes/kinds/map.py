"""How a list is worked through, item by item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field

from engine.errors import ConfigInvalid
from engine.expressions.values import kind_of
from engine.jsonvalue import JsonValue
from engine.nodes.contract import BoxKind, Example, Expr, NodeConfig, OnItemError, Outcome, Resolver
from engine.nodes.form import hints


class MapConfig(NodeConfig):
    """The items, how many at a time, and what is kept of each."""

    items: Expr = Field(title="List", description="The list; the steps inside the box run once for each of its items.")
    concurrency: int = Field(
        default=5,
        ge=1,
        le=1_000,
        title="At the same time",
        description="How many items are worked on at the same time.",
        json_schema_extra=hints(text="", unit="items"),
    )
    max_items: int = Field(
        default=100,
        ge=0,
        le=100_000,
        title="At most",
        description="The most items that the list may have; a longer one is an error.",
        json_schema_extra=hints(text="A longer list is an error, so that the worst case is known.", unit="items"),
    )
    collect: Expr = Field(
        default="item",
        title="What is kept of each item",
        description="What is kept of each item, worked out inside the box when the item has ended.",
        json_schema_extra=hints(text="Worked out inside the box when the item has ended."),
    )
    on_item_error: OnItemError = Field(
        default="stop",
        title="When an item fails",
        json_schema_extra=hints(
            text="", choices={"stop": "The whole step fails", "skip": "Leave the item out", "collect": "Keep its error beside the results"}
        ),
        description="When an item fails: `stop` lets the box fail, `skip` leaves the item out of the results, "
        "`collect` puts null in its place and the error into `errors`.",
    )


class MapOutputs(BaseModel):
    """What came of the items."""

    results: list[Any] = Field(description="What was collected, in the order of the items.")
    errors: list[dict[str, Any]] = Field(
        description="With `on_item_error: collect` one `{index, code, message, path}` for each item that failed."
    )


class Map(BoxKind[MapConfig]):
    """A box: the steps inside it run once for each item of a list, several items at a time.

    The port `item` leads to the first steps inside, `out` goes on when all items have ended. Inside, `item` is the item
    and `index` its place, from 0. At most `concurrency` items are in the box at once, those that wait for a person included.
    """

    kind = "map"
    title = "For each item"
    icon = "repeat-2"
    Config = MapConfig
    Outputs = MapOutputs
    per_item_fields = frozenset({"collect"})
    wide_fields = frozenset({"items"})
    examples = (
        Example(
            "A total per order",
            {"items": "inputs.orders", "collect": "item.price * item.count"},
            {"inputs": {"orders": [{"price": 5, "count": 2}, {"price": 3, "count": 1}]}},
            {"results": [10, 3], "errors": []},
        ),
        Example("Nothing to do", {"items": "[]"}, {}, {"results": [], "errors": []}),
        Example(
            "An item that fails leaves null in its place",
            {"items": "[1, 0]", "collect": "10 / item", "on_item_error": "collect"},
            {},
            {
                "results": [10.0, None],
                "errors": [{"index": 1, "code": "division_by_zero", "message": "`/` would divide by zero", "path": "each[1]"}],
            },
        ),
        Example("Not a list", {"items": "'a, b'"}, error="config_invalid"),
        Example("More than it may have", {"items": "[1, 2, 3]", "max_items": 2}, error="config_invalid"),
    )

    def items(self, config: MapConfig, given: Mapping[str, Any]) -> list[JsonValue]:
        """The list, if it is one and not too long."""
        found = given["items"]
        if not isinstance(found, list):
            message = f"`items` must be a list; it is {kind_of(found)}."
            raise ConfigInvalid(message, hint="Write an expression that gives a list, e.g. inputs.orders or [inputs.order].")
        if len(found) > config.max_items:
            message = f"The list has {len(found):,} items; the box allows {config.max_items:,}."
            raise ConfigInvalid(message, hint="Raise `max_items` of the box, or give it a shorter list.")
        return found

    def at_once(self, config: MapConfig) -> int:
        """As the config says."""
        return config.concurrency

    def on_item_error(self, config: MapConfig) -> OnItemError:
        """As the config says."""
        return config.on_item_error

    def collected(self, config: MapConfig, fields: Mapping[str, Resolver], scope: Mapping[str, Any]) -> JsonValue:
        """`collect` inside the item."""
        return fields["collect"](scope)

    def closed(self, config: MapConfig, results: Sequence[JsonValue], errors: Mapping[int, dict[str, JsonValue]]) -> Outcome:
        """Results in the order of the items; what failed is left out, or null beside its error."""
        if config.on_item_error == "collect":
            told: list[JsonValue] = [{"index": i, **{k: errors[i].get(k) for k in ("code", "message", "path")}} for i in sorted(errors)]
            return Outcome({"results": list(results), "errors": told})
        return Outcome({"results": [r for i, r in enumerate(results) if i not in errors], "errors": []})
