"""Measures the builder in Chromium with large workflows; run by hand, for wall-clock figures are never asserted.

    .venv/bin/python -m tests.ui.measure_canvas [50 200 500 1000]

One JSON line for each size: opening, frames while a step is dragged, messages during and after the drag, status to page, undo.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Request, sync_playwright

from tests.acceptance.served import Up, served
from tests.ui import browser as chromium

WIDE = 20
EMAIL, PASSWORD = "dana@example.com", "a long enough pass phrase"
FRAMES = """() => {
  window.__frames = []; let last = performance.now();
  const beat = (now) => { window.__frames.push(now - last); last = now; window.__beat = requestAnimationFrame(beat); };
  window.__beat = requestAnimationFrame(beat); }"""
DRAWN = """(wanted) => new Promise((done) => {
  const look = () => {
    const count = document.querySelector('[data-testid=stage]')?.dataset.steps;
    const shown = document.querySelectorAll('.react-flow__node').length;
    if (Number(count) === wanted && shown) requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
    else setTimeout(look, 5);
  };
  look(); })"""
UNDO = """() => new Promise((done) => {
  const stage = document.querySelector('[data-testid=stage]'), before = stage.dataset.steps, start = performance.now();
  new MutationObserver((_, self) => {
    if (stage.dataset.steps === before) return;
    self.disconnect();
    requestAnimationFrame(() => done(performance.now() - start));
  }).observe(stage, { attributes: true });
  window.dispatchEvent(new KeyboardEvent('keydown', { key: 'z', ctrlKey: true, bubbles: true })); })"""
STATUS = """(steps) => new Promise((done) => {
  const marks = window.__canvas.marks, times = []; let at = 0;
  const next = () => {
    if (at === steps.length) return done(times);
    const id = steps[at++], place = document.querySelector(`.stage [data-step="${id}"]`), start = performance.now();
    new MutationObserver((_, self) => { self.disconnect(); times.push(performance.now() - start); setTimeout(next, 20); })
      .observe(place, { attributes: true, attributeFilter: ['data-status'] });
    marks.statuses.set(id, { tone: 'running', word: 'Running', amount: '' });
  };
  next(); })"""


def document(size: int) -> dict[str, Any]:
    """A workflow of this many steps: columns of steps side by side, each with its way to an end."""
    nodes: list[dict[str, Any]] = [{"id": "start", "kind": "start", "config": {"inputs": {"type": "object"}}, "position": {"x": 0, "y": 0}}]
    edges: list[dict[str, Any]] = []
    for index in range(1, size):
        column, row = (index - 1) % WIDE, (index - 1) // WIDE
        node = {"id": f"s{index}", "kind": "set", "title": f"Step {index}", "config": {"values": {"a": "1"}}}
        nodes.append(node | {"position": {"x": column * 280, "y": 112 + row * 136}})
        edges.append({"source": "start" if row == 0 else f"s{index - WIDE}", "target": f"s{index}"})
    return {"format": "signalbox/1", "name": f"{size} steps", "nodes": nodes, "edges": edges}


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or [50, 200, 500, 1000]
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "home", SIGNALBOX_ADMIN_EMAIL=EMAIL, SIGNALBOX_ADMIN_PASSWORD=PASSWORD) as up,
        sync_playwright() as playwright,
    ):
        browser = chromium.start(playwright)
        context = browser.new_context(base_url=up.url, viewport={"width": 1440, "height": 900})
        answer = up.call("POST", "/login", {"email": EMAIL, "password": PASSWORD}, token=None)
        name, _, value = answer.headers["set-cookie"].split(";")[0].partition("=")
        context.add_cookies([{"name": name, "value": value, "url": up.url}])
        for size in sizes:
            print(json.dumps(measured(up, context.new_page(), size)), flush=True)
        browser.close()


def measured(up: Up, page: Page, size: int) -> dict[str, Any]:
    """The figures of one size."""
    made = up.call("POST", "/api/v1/workflows", document(size)).body["id"]
    page.goto(f"/workflows/{made}")
    page.evaluate(DRAWN, size)
    opened = []
    for _ in range(3):
        page.goto(f"/workflows/{made}")
        opened.append(page.evaluate(DRAWN, size))
    figures: dict[str, Any] = {
        "steps": size,
        "open_ms": round(statistics.median(opened)),
        "in_page": page.locator(".react-flow__node").count(),
    }
    figures["as_opened"] = dragged(page)
    page.get_by_role("button", name="percent").click()
    page.wait_for_timeout(500)
    figures["at_full_size"] = dragged(page)
    page.wait_for_timeout(1500)
    seen = page.locator(".stage .node[data-step]").evaluate_all("(all) => all.slice(0, 15).map((one) => one.dataset.step)")
    figures["status_ms"] = spread(page.evaluate(STATUS, seen))
    page.locator("[data-kind-name=set]").click()
    page.wait_for_timeout(1500)
    figures["undo_ms"] = round(page.evaluate(UNDO), 1)
    page.close()
    return figures


def dragged(page: Page) -> dict[str, Any]:
    """Drags one step in sight and counts frames and messages."""
    step = next(
        box
        for one in page.locator(".stage .node[data-kind=set]").all()[:60]
        if (box := one.bounding_box()) and 300 < box["x"] < 900 and 100 < box["y"] < 700
    )
    x, y = step["x"] + step["width"] * 0.25, step["y"] + step["height"] * 0.3
    sent: list[int] = []

    def count(request: Request) -> None:
        if request.method != "GET":
            sent.append(len(request.post_data or ""))

    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 6, y + 6)
    page.wait_for_timeout(200)
    page.on("request", count)
    page.evaluate(FRAMES)
    for turn in range(90):
        page.mouse.move(x + 6 + turn * 2, y + 6 + (turn % 30) * 2)
    frames = page.evaluate("() => { cancelAnimationFrame(window.__beat); return window.__frames.slice(2); }")
    during = len(sent)
    page.mouse.up()
    page.wait_for_timeout(1500)
    page.remove_listener("request", count)
    return {"frame_ms": spread(frames), "messages_during": during, "bytes_after": sent[during:]}


def spread(values: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 1),
        "p95": round(ordered[int(len(ordered) * 0.95)], 1),
        "max": round(ordered[-1], 1),
    }


if __name__ == "__main__":
    main()
