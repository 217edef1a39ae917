"""Colleagues in a browser: made, given tools with conditions, narrowed and widened by those who may, seen by the others, removed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from engine import Role
from tests.ui.conftest import Opens, Site, fresh_site, ready
from tests.ui.test_accessibility import grave

WEB = {"parameters": {"type": "object", "properties": {"order": {"type": "string"}}}, "url": "https://desk.example/x"}


@pytest.fixture(scope="module")
def site(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One of its own, on which there are two tools and nobody yet."""
    with fresh_site(tmp_path_factory.mktemp("site") / "home") as site:
        for name, effect, about in (("find_order", "idempotent", "Looks an order up."), ("refund", "unsafe", "Gives the money back.")):
            answer = site.up.call("PUT", f"/api/v1/tools/{name}", {**WEB, "description": about, "effect": effect})
            assert answer.status == 200, answer.body
        yield site


@pytest.fixture
def mara(site: Site) -> Iterator[dict[str, Any]]:
    """A colleague that a live workflow names."""
    tools = [{"tool": "find_order", "policy": "auto"}, {"tool": "refund", "policy": "ask", "preconditions": [RULE]}, "gone_tool"]
    made = site.up.call("POST", "/api/v1/agents", MARA | {"tools": tools})
    assert made.status == 201, made.body
    yield made.body
    site.up.call("DELETE", f"/api/v1/agents/{made.body['id']}")


RULE = {"that": "arguments.order != ''", "otherwise": "ask", "because": "Without an order nothing is paid."}
MARA: dict[str, Any] = {
    "name": "Mara",
    "face": {"mark": "🦊", "colour": "iris"},
    "duty": "Answers card requests and asks before anything changes a card.",
    "duties": ["Sorts new card messages into four kinds", "Drafts replies for lost cards", "Does not open accounts"],
    "instructions": "You are Mara, who answers card requests.\nBe kind and short. Never promise a delivery date.",
    "model": "careful",
    "limits": {"max_turns": 8, "cost_usd_per_day": 5},
}


def looked_at(open_page: Opens, site: Site, address: str, *, role: Role = Role.ADMIN, **more: Any) -> Page:
    page = open_page(site.url, cookie=site.sessions[role], **more)
    page.goto(address)
    ready(page)
    return page


def part(page: Page, title: str) -> Locator:
    return page.locator(f"section[aria-label='{title}']")


def tool(page: Page, name: str) -> Locator:
    return page.locator(f"[data-tool='{name}']")


def test_nobody_yet_says_what_to_do_first_and_one_is_made_from_there(site: Site, open_page: Opens) -> None:
    page = looked_at(open_page, site, "/agents")
    empty = page.get_by_test_id("empty")
    expect(empty).to_contain_text("Who should do the work?")
    empty.get_by_role("button", name="New colleague").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Otto")
    dialog.get_by_label("Face").fill("abcd")
    dialog.get_by_role("button", name="Make colleague").click()
    expect(dialog.get_by_role("alert")).to_contain_text("A face is an emoji or up to three letters.")
    dialog.get_by_label("Face").fill("🦉")
    dialog.get_by_label("Duty, in one sentence").fill("Gives refunds.")
    dialog.get_by_role("button", name="Make colleague").click()
    expect(page).to_have_url(f"{site.url}/agents/otto")
    expect(page.get_by_test_id("agent")).to_contain_text("Gives refunds.")
    # A tool: one that writes begins with asking.
    page.get_by_role("button", name="Add a tool").click()
    page.get_by_label("Tool", exact=True).select_option("refund")
    expect(page.get_by_label("May it?")).to_have_value("ask")
    page.get_by_role("button", name="Add tool").click()
    expect(tool(page, "refund")).to_have_attribute("data-policy", "ask")
    # A condition that cannot be read is refused at its field, and what was typed stays.
    tool(page, "refund").get_by_role("button", name="Add a condition for refund").click()
    page.get_by_label("Only when this holds").fill("inputs.sum < 5")
    page.get_by_role("button", name="Add condition").click()
    expect(tool(page, "refund").get_by_role("alert")).to_contain_text("It can use arguments, results and said.")
    expect(page.get_by_label("Only when this holds")).to_have_value("inputs.sum < 5")
    page.get_by_label("Only when this holds").fill("arguments.sum < 5")
    page.get_by_label("Because").fill("More needs a person.")
    page.get_by_role("button", name="Add condition").click()
    expect(tool(page, "refund")).to_contain_text("More needs a person. · else it is not called")
    # Its words, its duties and its limits.
    page.get_by_role("button", name="Edit the duties").click()
    page.get_by_label("Duties, one a line").fill("Gives refunds\nAsks first")
    part(page, "Duties").get_by_role("button", name="Save").click()
    expect(part(page, "Duties").get_by_role("listitem")).to_have_text(["Gives refunds", "Asks first"])
    page.get_by_role("button", name="Edit the limits").click()
    page.get_by_label("Turns in one step, at most").fill("many")
    part(page, "Limits").get_by_role("button", name="Save").click()
    expect(part(page, "Limits").get_by_role("alert").first).to_contain_text("a whole number")
    page.get_by_label("Turns in one step, at most").fill("4")
    page.get_by_label("Money a day, in US dollars").fill("2.50")
    part(page, "Limits").get_by_role("button", name="Save").click()
    expect(part(page, "Limits")).to_contain_text("of $2.50")
    told = site.up.call("GET", "/api/v1/agents/otto").body
    assert told["limits"] == {"max_turns": 4, "calls_per_turn": None, "cost_usd_per_day": 2.5}
    assert told["tools"] == [
        {
            "tool": "refund",
            "policy": "ask",
            "preconditions": [{"that": "arguments.sum < 5", "otherwise": "stop", "because": "More needs a person."}],
        }
    ]
    assert told["duties"] == ["Gives refunds", "Asks first"]
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page).to_have_url(f"{site.url}/agents")
    expect(page.get_by_test_id("empty")).to_be_visible()


def test_a_policy_is_one_press_for_those_who_may_and_none_for_a_viewer(site: Site, open_page: Opens, mara: dict[str, Any]) -> None:
    page = looked_at(open_page, site, "/agents/mara", role=Role.OPERATOR)
    expect(tool(page, "gone_tool")).to_contain_text("There is no such tool any more")
    press = tool(page, "find_order").get_by_role("button", name="Never")
    press.click()
    expect(press).to_have_attribute("aria-pressed", "true")
    expect(part(page, "Changes")).to_contain_text("find_order: Never")
    assert site.up.call("GET", "/api/v1/agents/mara").body["tools"][0]["policy"] == "never"
    seen = looked_at(open_page, site, "/agents/mara", role=Role.VIEWER)
    expect(tool(seen, "find_order")).to_contain_text("Never")
    for button in ("Edit", "Remove", "Add a tool", "Auto", "Ask", "Never"):
        expect(seen.get_by_role("main").get_by_role("button", name=button)).to_have_count(0)
    expect(seen.get_by_text("operators and administrators do")).to_be_visible()


def test_what_somebody_else_has_changed_meanwhile_is_shown_and_not_written_over(site: Site, open_page: Opens, mara: dict[str, Any]) -> None:
    page = looked_at(open_page, site, "/agents/mara")
    body = {name: mara[name] for name in ("name", "face", "duty", "duties", "instructions", "model", "tools", "limits")}
    site.up.call("PUT", "/api/v1/agents/mara", {**body, "duty": "Something else.", "revision": mara["revision"]})
    tool(page, "find_order").get_by_role("button", name="Never").click()
    expect(page.get_by_test_id("trouble")).to_contain_text("Mara is at revision 2 by now.")
    expect(page.get_by_test_id("agent")).to_contain_text("Something else.")
    expect(tool(page, "find_order")).to_have_attribute("data-policy", "auto")


def test_removing_one_names_the_workflows_that_need_it(site: Site, open_page: Opens, mara: dict[str, Any]) -> None:
    nodes = [{"id": "start", "kind": "start"}, {"id": "desk", "kind": "agent", "config": {"agent": "mara", "task": "x"}}]
    document = {"format": "signalbox/1", "name": "Card requests", "nodes": nodes, "edges": [{"source": "start", "target": "desk"}]}
    workflow = site.up.call("POST", "/api/v1/workflows", document).body["id"]
    page = looked_at(open_page, site, "/agents/mara")
    expect(part(page, "Works in")).to_contain_text("Card requests")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("dialog")).to_contain_text("Card requests")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(looked_at(open_page, site, "/agents").locator("[data-agent=Mara]")).to_contain_text("In Card requests")
    site.up.call("DELETE", f"/api/v1/workflows/{workflow}")


def test_an_address_where_nobody_is_says_so(site: Site, open_page: Opens) -> None:
    page = looked_at(open_page, site, "/agents/nobody")
    expect(page.get_by_test_id("nobody")).to_contain_text("Nobody works here under this name")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_on_the_pages(site: Site, open_page: Opens, mara: dict[str, Any], theme: str, width: int) -> None:
    page = looked_at(open_page, site, "/agents", theme=theme, width=width)
    expect(page.locator("[data-agent=Mara]")).to_be_visible()
    assert grave(page) == []
    page.goto("/agents/mara")
    expect(tool(page, "refund")).to_be_visible()
    assert grave(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Add a condition for refund").click()
    page.get_by_label("Only when this holds").wait_for()
    assert grave(page) == []
