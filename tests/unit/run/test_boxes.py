"""Map boxes: the body once per item, so many at a time (workflow.md, Running 5 and 6)."""

from __future__ import annotations

from typing import Any

from tests.unit.run.driving import Trial, call, node


def each(id_: str = "each", items: str = "inputs.list", *, parent: str | None = None, **more: Any) -> dict[str, Any]:
    """A map box; settings of its config and of nodes."""
    own = {name: more.pop(name) for name in list(more) if name in ("concurrency", "max_items", "collect", "on_item_error")}
    return node(id_, "map", config={"items": items, **own}, **({"parent": parent} if parent else {}), **more)


def ends(**output: str) -> dict[str, Any]:
    return {"id": "done", "kind": "end", "config": {"output": output or {"results": "nodes.each.results", "errors": "nodes.each.errors"}}}


def simple(items: Any, *body: Any, **more: Any) -> Trial:
    """start -> each(check) -> done."""
    settings = {"collect": "nodes.check.x", **more}
    return Trial.of(
        ["start", each(**settings), *(body or (call("check", say="{{ item }}/{{ index }}", parent="each"),)), ends()],
        ["start -> each", "each.item -> check", "each -> done"],
        inputs={"list": items},
    )


def test_the_body_runs_once_per_item_and_results_keep_the_order_of_the_items() -> None:
    run = simple(["a", "b", "c"])
    assert run.live == ["each[0]/check", "each[1]/check", "each[2]/check"]
    assert [run.calls[path].given["say"] for path in run.live] == ["a/0", "b/1", "c/2"]
    for i in (2, 0, 1):
        run.done(f"each[{i}]/check", x=i * 10)
    assert run.status == "succeeded"
    assert run.output == {"results": [0, 10, 20], "errors": []}
