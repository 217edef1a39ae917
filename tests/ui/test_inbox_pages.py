"""An inbox with more requests than are drawn at once: all of them are counted, and none is out of reach. Forms of a box stay single."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from engine import Role
from tests.acceptance.served import until
from tests.ui.conftest import Opens, Site, fresh_site, ready
from tests.ui.test_inbox import rows

MANY = 104
EACH: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Check every invoice",
    "nodes": [
        {"id": "start", "kind": "start", "config": {"inputs": {"type": "object", "properties": {"all": {"type": "array"}}}}},
        {"id": "each", "kind": "map", "config": {"items": "inputs.all", "concurrency": MANY, "max_items": MANY}},
        {"id": "ok", "kind": "form", "parent": "each", "config": {"title": "Is invoice {{ item }} paid?"}},
        {"id": "done", "kind": "end", "config": {"output": {}}},
    ],
    "edges": [
        {"source": "start", "target": "each"},
        {"source": "each", "port": "item", "target": "ok"},
        {"source": "each", "target": "done"},
    ],
    "limits": {"steps": 1000},
}


@pytest.fixture(scope="module")
def site(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One of its own: nobody else has so many."""
    with fresh_site(tmp_path_factory.mktemp("site") / "home") as site:
        workflow = site.up.call("POST", "/api/v1/workflows", EACH).body["id"]
        assert site.up.call("POST", f"/api/v1/workflows/{workflow}/publish", {"note": ""}).status == 200
        site.up.call("POST", f"/api/v1/workflows/{workflow}/runs", {"inputs": {"all": list(range(MANY))}})
        asked = "/api/v1/approvals?status=pending&limit=1000"
        until("all of them wait", lambda: len(site.up.call("GET", asked).body["items"]) == MANY)
        yield site


def test_all_that_waits_is_counted_and_shown_step_by_step(site: Site, open_page: Opens) -> None:
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    page.goto("/inbox")
    ready(page)
    expect(page.get_by_test_id("summary")).to_contain_text(f"{MANY} open")
    expect(page.get_by_role("button", name=f"Waiting for me {MANY}")).to_be_visible()
    expect(rows(page)).to_have_count(100)
    expect(page.get_by_test_id("shown")).to_have_text(f"100 of {MANY} shown")
    page.get_by_role("button", name="Show more").click()
    expect(rows(page)).to_have_count(MANY)
    # Older ones are not new, though this page shows them for the first time.
    expect(page.locator("[data-row=request] .dot")).to_have_count(0)
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    page.get_by_role("button", name="Decided").click()
    expect(rows(page)).to_have_count(0)
    page.get_by_role("button", name="Waiting for me").click()
    expect(rows(page)).to_have_count(100)
