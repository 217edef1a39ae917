"""The inspector of a step that calls a web address, and the secrets that it can take along."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import Opens, Site
from tests.ui.test_accessibility import grave
from tests.ui.test_inspector import Bench

CALLS: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Calls",
    "nodes": [
        {"id": "start", "kind": "start", "config": {"inputs": {"type": "object", "properties": {"customer": {"type": "string"}}}}},
        {"id": "order", "kind": "http", "config": {"method": "POST", "url": "https://shop.example/orders/{{ inputs.customer }}"}},
        {"id": "done", "kind": "end"},
    ],
    "edges": [{"source": "start", "target": "order"}, {"source": "order", "target": "done"}],
}


@pytest.fixture
def bench(site: Site, open_page: Opens) -> Bench:
    stored = site.up.call("PUT", "/api/v1/secrets/SHOP_KEY", {"value": "sk-canary-1", "hosts": ["shop.example"]})
    assert stored.status == 200, stored.body
    site.up.call("PUT", "/api/v1/secrets/HOMELESS", {"value": "sk-canary-2"})
    return Bench(site, open_page(site.url, cookie=site.sign_in()), CALLS)


def test_a_step_that_calls_a_web_address_is_set_in_plain_words(bench: Bench) -> None:
    panel = bench.open("order")
    expect(bench.page.locator('.stage [data-step="order"] .kd')).to_have_text("Tools · sends to shop.example")
    expect(panel.get_by_label("What to do")).to_have_value("POST")
    panel.get_by_label("What to do").select_option(label="PUT: store something in its place")
    bench.saved(lambda: bench.config("order").get("method"), "PUT")
    panel.get_by_label("Secret").select_option("SHOP_KEY")
    bench.saved(lambda: bench.config("order").get("secret"), "SHOP_KEY")
    expect(panel).to_contain_text("Goes only to shop.example.")
    assert panel.get_by_label("Secret").locator("option").all_inner_texts() == ["None", "SHOP_KEY"], "one without hosts cannot be used"
    panel.get_by_role("button", name="Header", exact=True).click()
    name = panel.get_by_label("Name of header 1")
    name.fill("Idempotency-Key")
    name.press("Enter")
    bench.saved(lambda: bench.config("order").get("headers"), {"Idempotency-Key": ""})
    panel.get_by_test_id("text-body").click()
    bench.page.keyboard.type("hello")
    bench.saved(lambda: bench.config("order").get("body"), "hello")
    assert grave(bench.page, within='[data-testid="inspector-body"]') == []


def test_the_palette_has_the_step(bench: Bench) -> None:
    bench.open("order")
    expect(bench.page.locator("[data-kind-name=http]")).to_have_text("Call a web address")
