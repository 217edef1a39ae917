"""The inspector of steps that wait: who fills a form in, and the one thing that a wait is for."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import Opens, Site
from tests.ui.test_accessibility import grave
from tests.ui.test_inspector import Bench

FIELDS = {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "number"}}}
WAITING: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Waiting",
    "nodes": [
        {"id": "start", "kind": "start"},
        {"id": "ask", "kind": "form", "config": {"title": "How much?", "fields": FIELDS}},
        {"id": "pause", "kind": "wait", "config": {"seconds": 3600}},
        {"id": "done", "kind": "end"},
    ],
    "edges": [
        {"source": "start", "target": "ask"},
        {"source": "ask", "port": "submitted", "target": "pause"},
        {"source": "pause", "target": "done"},
    ],
}


@pytest.fixture
def bench(site: Site, open_page: Opens) -> Bench:
    return Bench(site, open_page(site.url, cookie=site.sign_in()), WAITING)


def ports(bench: Bench, step: str) -> Any:
    return bench.page.locator(f'.stage [data-step="{step}"] .pts [data-port]')


def test_a_form_names_who_fills_it_in_and_its_deadline_makes_a_port(bench: Bench) -> None:
    panel = bench.open("ask")
    expect(bench.page.locator('.stage [data-step="ask"] .kd')).to_have_text("People · asks for 1 field")
    people = panel.get_by_test_id("fillers")
    expect(people).to_contain_text("every approver may fill it in")
    expect(people.get_by_label("How many must agree")).to_have_count(0)
    expect(people.get_by_label("Somebody else decides")).to_have_count(0)
    people.get_by_role("button", name="Operators").click()
    bench.saved(lambda: bench.config("ask").get("assignees"), {"roles": ["operator"]})
    expect(ports(bench, "ask")).to_have_count(0)
    panel.get_by_role("textbox", name="Answer within").fill("2")
    panel.get_by_role("textbox", name="Answer within").press("Enter")
    expect(ports(bench, "ask")).to_have_count(2)
    expect(bench.page.locator('.stage [data-step="ask"] .pts')).to_contain_text("No answer")
    assert grave(bench.page, within='[data-testid="inspector-body"]') == []


def test_a_wait_is_for_one_thing_and_the_others_are_out_of_sight(bench: Bench) -> None:
    panel = bench.open("pause")
    expect(bench.page.locator('.stage [data-step="pause"] .kd')).to_have_text("Flow · for 1 hour")
    choice = panel.get_by_test_id("one-of")
    expect(choice.get_by_role("button", name="For so long")).to_have_attribute("aria-pressed", "true")
    expect(panel.get_by_role("textbox", name="For this event")).to_have_count(0)
    choice.get_by_role("button", name="For an event").click()
    bench.saved(lambda: bench.config("pause"), {})
    expect(panel.get_by_role("textbox", name="For so long")).to_have_count(0)
    expect(panel).to_contain_text("Nothing says what to wait for")
    event = panel.get_by_role("textbox", name="For this event")
    event.click()
    bench.page.keyboard.type("invoice.paid")
    event.blur()
    bench.saved(lambda: bench.config("pause"), {"event": "invoice.paid"})
    expect(bench.page.locator('.stage [data-step="pause"] .kd')).to_have_text("Flow · for the event invoice.paid")
    most = panel.get_by_role("textbox", name="Wait at most")
    most.fill("3")
    most.press("Enter")
    expect(bench.page.locator('.stage [data-step="pause"] .pts')).to_contain_text("Expired")
    assert grave(bench.page, within='[data-testid="inspector-body"]') == []
    # What belongs to the event alone goes with it.
    choice.get_by_role("button", name="Until a time").click()
    bench.saved(lambda: bench.config("pause"), {})
    expect(panel.get_by_role("textbox", name="Wait at most")).to_have_count(0)
    expect(ports(bench, "pause")).to_have_count(0)
