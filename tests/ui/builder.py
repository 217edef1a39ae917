"""Hands for the builder: what a person does with mouse and keyboard, in the words of a journey."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.served import Up


def empty(up: Up, name: str) -> str:
    """A draft without steps; its id."""
    answer = up.call("POST", "/api/v1/workflows", {"format": "signalbox/1", "name": name, "nodes": [], "edges": []})
    assert answer.status == 201, answer.body
    return answer.body["id"]


def stored(up: Up, workflow: str) -> dict[str, Any]:
    """The draft as the server has it."""
    return up.call("GET", f"/api/v1/workflows/{workflow}").body["document"]


def edges_of(document: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(edge["source"], edge.get("port", "out"), edge["target"]) for edge in document["edges"]}


def step(page: Page, name: str) -> Locator:
    return page.locator(f'.stage [data-step="{name}"]')


def stage(page: Page) -> Locator:
    return page.get_by_test_id("stage")


def has(page: Page, *, steps: int, edges: int) -> None:
    expect(stage(page)).to_have_attribute("data-steps", str(steps))
    expect(stage(page)).to_have_attribute("data-edges", str(edges))


def saved(page: Page) -> None:
    expect(stage(page)).to_have_attribute("data-saving", "saved")


def middle_of(place: Locator) -> tuple[float, float]:
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def pull(page: Page, source: str, port: str, to: tuple[float, float]) -> None:
    """Drags from a port to a place."""
    x, y = middle_of(page.locator(f'.stage [data-step="{source}"] [data-port="{port}"]'))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 6, y + 6)
    page.mouse.move(*to, steps=6)
    page.mouse.up()


def below(page: Page, source: str, port: str, *, by: float = 80) -> tuple[float, float]:
    x, y = middle_of(page.locator(f'.stage [data-step="{source}"] [data-port="{port}"]'))
    return x, y + by


def choose(page: Page, kind: str) -> None:
    """Takes a kind from the picker."""
    page.get_by_test_id("picker").get_by_role("option", name=kind).click()
