"""The inspector of a little program: its code with numbered lines, what it is given, and where a mistake is."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import Opens, Site
from tests.ui.test_accessibility import grave
from tests.ui.test_inspector import Bench

CODE = "total = 0\nfor row in rows:\n    total += row['price'] * row['count']\n    print(total)\nresult = round(total, 2)"
PROGRAM: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Totals",
    "nodes": [
        {"id": "start", "kind": "start", "config": {"inputs": {"type": "object", "properties": {"rows": {"type": "array"}}}}},
        {"id": "total", "kind": "code", "title": "Add them up", "config": {"code": CODE, "inputs": {"rows": "inputs.rows"}}},
        {"id": "done", "kind": "end", "config": {"output": {"total": "nodes.total.result"}}},
    ],
    "edges": [{"source": "start", "target": "total"}, {"source": "total", "target": "done"}],
}


@pytest.fixture
def bench(site: Site, open_page: Opens) -> Bench:
    return Bench(site, open_page(site.url, cookie=site.sign_in()), PROGRAM)


def shot(bench: Bench, name: str) -> None:
    """A picture for whoever wants to look: SIGNALBOX_SHOTS names the folder."""
    if folder := os.environ.get("SIGNALBOX_SHOTS"):
        bench.page.screenshot(path=Path(folder) / f"{name}.png")


def test_code_has_numbered_lines_and_says_where_a_mistake_is(bench: Bench) -> None:
    panel = bench.open("total")
    field = panel.get_by_role("textbox", name="Code", exact=True)
    expect(field).to_have_value(CODE)
    expect(panel.locator(".ins-lines span").first).to_have_text("1")
    shot(bench, "code")
    assert "mono" in field.evaluate("field => getComputedStyle(field).fontFamily").lower()
    assert grave(bench.page, within='[data-testid="inspector-body"]') == []
    field.fill("a = 1\nb = (")
    field.blur()
    expect(panel).to_contain_text("Line 2 cannot be read")
    expect(field).to_have_attribute("aria-invalid", "true")
    shot(bench, "code-mistake")
    assert grave(bench.page, within='[data-testid="inspector-body"]') == []


def test_a_new_line_stands_as_far_in_as_the_one_before(bench: Bench) -> None:
    field = bench.open("total").get_by_role("textbox", name="Code", exact=True)
    field.fill("")
    field.press_sequentially("for row in rows:")
    field.press("Enter")
    field.press_sequentially("print(row)")
    field.press("Enter")
    field.press_sequentially("x = 1")
    field.blur()
    bench.saved(lambda: bench.config("total")["code"], "for row in rows:\n    print(row)\n    x = 1")


def test_what_it_is_given_are_names_with_values(bench: Bench) -> None:
    panel = bench.open("total")
    names = panel.get_by_test_id("names-inputs")
    expect(names.get_by_role("textbox", name="Name of value 1")).to_have_value("rows")
    names.get_by_role("button", name="Value").click()
    bench.saved(lambda: list(bench.config("total")["inputs"]), ["rows", "value"])


def test_it_is_in_the_palette_in_plain_words(bench: Bench) -> None:
    bench.open()
    page = bench.page
    palette = page.get_by_role("complementary", name="Steps to add")
    palette.get_by_role("searchbox").fill("program")
    expect(palette).to_contain_text("Run a little program")
    shot(bench, "code-palette")
    palette.get_by_role("button", name="Run a little program").click()
    panel = page.get_by_test_id("inspector-body")
    expect(panel).to_contain_text("There is no code yet")
    shot(bench, "code-new")


def test_the_page_of_a_run_shows_what_it_printed(bench: Bench) -> None:
    up, page = bench.site.up, bench.page
    assert up.call("POST", f"/api/v1/workflows/{bench.id}/publish", {}).status in (200, 201)
    rows = [{"price": 2.5, "count": 2}, {"price": 1, "count": 3}]
    run = up.call("POST", f"/api/v1/workflows/{bench.id}/runs", {"inputs": {"rows": rows}}).body["run_id"]
    page.goto(f"/runs/{run}")
    page.locator('.rn-row[data-step="total"]').click()
    expect(page.get_by_test_id("detail-title")).to_have_text("Add them up")
    printed = page.get_by_label("What it printed")
    expect(printed).to_contain_text("5.0")
    expect(printed).to_contain_text("8.0")
    shot(bench, "code-run")
