"""A step that a model works in with tools: drawn by mouse, tried, decided in the inbox, and read on the page of its run."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.served import ROOT, until
from tests.fakes.provider import FakeProvider, text, wanting
from tests.ui import refund_desk
from tests.ui.builder import empty, has, middle_of, pull, saved, stage, step, stored
from tests.ui.conftest import Opens, Site, fresh_site, ready
from tests.ui.refund_desk import BROKEN, HOLDS, UNKNOWN, Shop
from tests.ui.test_accessibility import grave
from tests.ui.test_inspector import Bench
from tests.ui.test_run import opened, start

HIDDEN = re.compile(r"\b\w+\.(turn|calls?|ask|asked|act|read|offer|say)\b")
"""Ids of steps that nobody has drawn."""
READS = wanting(("find_order", {"order": "7"}), words="Let me see.")
REFUNDS = wanting(("refund", {"order": "7", "amount": 40}), ("delete_all", {}), words="The customer is in the right. I refund it.")
ENDS = text("The refund is on its way.")


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with refund_desk.shop() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(built: Path, shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One of its own, with two tools."""
    with fresh_site(tmp_path_factory.mktemp("site") / "home", SIGNALBOX_EGRESS_ALLOW=shop.place) as site:
        refund_desk.put_tools(site.up, shop.url)
        yield site


@pytest.fixture
def provider(site: Site) -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        refund_desk.put_provider(site.up, running)
        yield running


def tells_no_ids(page: Page) -> None:
    assert HIDDEN.findall(page.locator("body").inner_text()) == []


def drawn(page: Page, site: Site) -> str:
    """Three steps, by mouse."""
    workflow = empty(site.up, "Refunds")
    page.goto(f"/workflows/{workflow}")
    page.get_by_test_id("add-first").click()
    page.locator("[data-kind-name=agent]").click()
    has(page, steps=2, edges=1)
    page.locator("[data-kind-name=end]").drag_to(stage(page), target_position={"x": 420, "y": 700})
    has(page, steps=3, edges=1)
    for port in ("out", "handover"):
        pull(page, "agent", port, middle_of(step(page, "end")))
    has(page, steps=3, edges=3)
    step(page, "agent").click(position={"x": 60, "y": 14})
    return workflow


def picks_the_tools(page: Page) -> Locator:
    panel = page.get_by_test_id("inspector-body")
    panel.get_by_test_id("text-task").click()
    page.keyboard.type("Refund order 7, please.")
    panel.get_by_test_id("add-tool").click()
    find = panel.get_by_label("Find a tool for the agent")
    find.fill("looks an order")
    expect(panel.locator("[data-tool=find_order]")).to_be_visible()
    find.press("Enter")
    find.fill("refund")
    panel.locator("[data-tool=refund]").click()
    panel.get_by_role("button", name="Done").click()
    expect(panel.get_by_test_id("tool-find_order").get_by_test_id("policy-told")).to_have_text("It only reads: called without asking")
    expect(panel.get_by_test_id("tool-refund").get_by_test_id("policy-told")).to_have_text("Asks before it writes")
    return panel


def writes_a_rule(page: Page, panel: Locator) -> None:
    refund = panel.get_by_test_id("tool-refund")
    refund.get_by_role("group", name="How freely it calls Refund").get_by_role("button", name="Ask").click()
    refund.get_by_role("button", name="Refund, unfold").click()
    refund.get_by_test_id("add-rule-1").click()
    field = refund.get_by_test_id("field-rule-1-0-0-0")
    field.fill("amount")
    refund.get_by_role("option", name="Amount").first.click()
    refund.get_by_test_id("operator-rule-1-0-0-0").select_option(label="is at most")
    value = refund.get_by_test_id("value-rule-1-0-0-0")
    value.fill("30")
    value.press("Enter")
    refund.get_by_role("button", name="Ask a person").click()
    because = refund.get_by_test_id("because-rule-1-0")
    because.fill("Only small amounts are refunded.")
    because.blur()


def test_an_agent_is_drawn_tried_decided_and_read(site: Site, open_page: Opens, provider: FakeProvider) -> None:
    page = open_page(site.url, cookie=site.sign_in())
    workflow = drawn(page, site)
    panel = picks_the_tools(page)
    writes_a_rule(page, panel)
    rule = {"that": "arguments.amount <= 30", "otherwise": "ask", "because": "Only small amounts are refunded."}
    wanted = ["find_order", {"tool": "refund", "policy": "ask", "preconditions": [rule]}]

    def tools() -> Any:
        found = next((node for node in stored(site.up, workflow)["nodes"] if node["id"] == "agent"), None)
        return found and found["config"].get("tools")

    until("the rule is kept", lambda: tools() == wanted)
    page.keyboard.press("Control+z")
    until("the reason is taken back", lambda: tools() != wanted)
    page.keyboard.press("Control+Shift+z")
    until("it is there again", lambda: tools() == wanted)
    assert grave(page, within='[data-testid="inspector-body"]') == []
    saved(page)
    provider.then(READS, REFUNDS, ENDS)
    page.get_by_role("button", name="Try", exact=True).click()
    page.get_by_test_id("begin-try").click()
    expect(step(page, "agent")).to_contain_text("Waits for a person: refund")
    tells_no_ids(page)
    run = page.get_by_test_id("run").get_attribute("data-run")
    assert run
    decides(page, refund_desk.waiting(site.up, run)["id"])
    reads_the_run(page, run)


def decides(page: Page, item: str) -> None:
    page.goto(f"/inbox/{item}")
    ready(page)
    expect(page.get_by_test_id("title")).to_contain_text("wants to call refund")
    expect(page.get_by_test_id("sentence")).to_contain_text("If you approve")
    expect(page.get_by_test_id("action")).to_contain_text("Amount")
    expect(page.get_by_test_id("against")).to_contain_text("Does not hold")
    expect(page.get_by_test_id("against")).to_contain_text("Only small amounts are refunded.")
    expect(page.get_by_test_id("message")).to_contain_text("The customer is in the right.")
    expect(page.get_by_test_id("to-grid")).to_have_count(0)
    tells_no_ids(page)
    page.get_by_role("button", name="Approve", exact=False).first.click()
    sure = page.get_by_role("button", name="Yes, approve")
    if sure.is_visible():
        sure.click()
    expect(page.get_by_test_id("outcome")).to_be_visible()


def reads_the_run(page: Page, run: str) -> None:
    shown = opened(page, run, "?step=agent")
    expect(shown).to_have_attribute("data-status", "succeeded")
    agent = page.locator("[role=row][data-step=agent]")
    expect(agent).to_contain_text("1 stopped · 1 asked · 3 calls · 3 turns")
    expect(page.get_by_test_id("story")).to_contain_text("took 3 turns and wanted 3 calls: 1 was stopped, 1 needed a person.")
    agent.get_by_role("button", name="Unfold").click()
    rows = page.get_by_test_id("steps").get_by_role("row")
    told = [(row.locator(".a .md").inner_text(), row.locator(".fact").inner_text()) for row in rows.all()]
    assert [name for name, _ in told[2:8]] == ["Turn 1", "Call find_order", "Turn 2", "Call refund", "Call delete_all", "Turn 3"]
    assert told[2][1] == "wants find_order" and told[4][1] == "wants refund, delete_all" and told[7][1] == "answers"
    assert told[3][1].startswith("allowed") and "approved by" in told[5][1] and "There is no tool delete_all" in told[6][1]
    tells_no_ids(page)


@pytest.fixture
def judged(site: Site, provider: FakeProvider) -> tuple[str, str]:
    """A run that waits for a person, and its item: one rule holds, one does not, of one it cannot be said."""
    provider.then(READS, REFUNDS, ENDS)
    refund = {"tool": "refund", "policy": "auto", "preconditions": [HOLDS, BROKEN, UNKNOWN]}
    run = start(site.up, refund_desk.desk("find_order", refund, name="Judged"))
    return run, refund_desk.waiting(site.up, run)["id"]


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)])
def test_a_call_that_waits_shows_what_speaks_for_and_against_it(
    site: Site, open_page: Opens, judged: tuple[str, str], theme: str, width: int
) -> None:
    run, item = judged
    page = open_page(site.url, cookie=site.sign_in(), theme=theme, width=width)
    page.goto(f"/inbox/{item}")
    ready(page)
    against = page.get_by_test_id("against").get_by_role("listitem")
    expect(against).to_have_text([re.compile("Does not hold.*24 hours"), re.compile("Cannot be said.*regular customers")])
    expect(page.get_by_test_id("speaks-for")).to_contain_text("At most $50 are refunded.")
    tells_no_ids(page)
    assert grave(page) == []
    opened(page, run)
    tells_no_ids(page)
    assert grave(page) == []
    answer = site.up.call("GET", f"/api/v1/approvals/{item}")
    decision = {"decision": "reject", "digest": answer.body["digest"], "reason": "Too old."}
    assert site.up.call("POST", f"/api/v1/approvals/{item}/decide", decision).status == 200
    until("it has ended", lambda: site.up.call("GET", f"/api/v1/runs/{run}").body["status"] == "succeeded")
    opened(page, run, "?step=desk[0]/desk.turn%232/desk.calls[0]/desk.ask")
    expect(page.get_by_test_id("detail-title")).to_have_text("Call refund")
    expect(page.get_by_test_id("verdict")).to_contain_text("Refused: refused by")
    assert page.get_by_test_id("verdict").get_by_role("listitem").count() == 3
    expect(page.get_by_test_id("consent")).to_contain_text("“Too old.”")
    tells_no_ids(page)
    assert grave(page) == []
    page.get_by_role("navigation", name="Where this is").get_by_role("button", name="Turn 2").click()
    expect(page.get_by_test_id("detail-title")).to_have_text("Turn 2")
    expect(page.get_by_test_id("told-last")).to_contain_text("Fragile.")
    expect(page.get_by_test_id("turn-said")).to_contain_text("The customer is in the right.")
    expect(page.get_by_test_id("offered")).to_contain_text("find_order, refund")
    page.get_by_role("navigation", name="Where this is").get_by_role("button", name="Refund desk").click()
    expect(page.get_by_test_id("agent-sum")).to_contain_text("2 stopped · 1 asked · 3 calls · 3 turns")
    expect(page.get_by_test_id("worth-a-look").get_by_role("listitem")).to_have_text(
        [re.compile("delete_all.*Stopped"), re.compile("refund.*Refused")]
    )
    expect(page.get_by_test_id("agent-answer")).to_contain_text("The refund is on its way.")
    tells_no_ids(page)


def test_a_step_that_uses_a_tool_asks_for_its_arguments(site: Site, open_page: Opens) -> None:
    document = refund_desk.desk(name="Pay back")
    document["nodes"][1] = {"id": "desk", "kind": "tool", "title": "Pay back", "config": {"tool": "", "arguments": {"colour": "1"}}}
    document["edges"] = document["edges"][:2]
    bench = Bench(site, open_page(site.url, cookie=site.sign_in()), document)
    panel = bench.open("desk")
    panel.get_by_label("Find the tool").fill("pays an order back")
    expect(panel.locator("[data-tool=refund]")).to_be_visible()
    panel.get_by_label("Find the tool").press("Enter")
    expect(panel.get_by_test_id("tool-name")).to_have_text("Refund")
    bench.saved(lambda: bench.config("desk"), {"tool": "refund", "arguments": {"colour": "1"}})
    expect(panel.get_by_test_id("unknown-colour")).to_contain_text("the tool refuses it")
    expect(panel.get_by_test_id("missing-amount")).to_be_visible()
    amount = panel.get_by_test_id("expression-arguments.amount")
    amount.fill("25")
    amount.press("Enter")
    expect(panel.get_by_test_id("missing-amount")).to_have_count(0)
    panel.get_by_test_id("unknown-colour").get_by_role("button", name="Remove").click()
    bench.saved(lambda: bench.config("desk"), {"tool": "refund", "arguments": {"amount": "25"}})
    panel.get_by_role("button", name="Change").click()
    panel.locator("[data-tool=find_order]").click()
    bench.saved(lambda: bench.config("desk"), {"tool": "find_order", "effect": "idempotent", "arguments": {"amount": "25"}})
    expect(panel.get_by_test_id("unknown-amount")).to_be_visible()
    assert grave(bench.page, within='[data-testid="inspector-body"]') == []


def test_many_tools_with_many_rules_stay_folded_and_tell_how_many(site: Site, open_page: Opens) -> None:
    airline = json.loads((ROOT / "examples" / "airline" / "workflow.json").read_text())
    bench = Bench(site, open_page(site.url, cookie=site.sign_in()), airline)
    panel = bench.open("desk")
    tools = panel.get_by_test_id("agent-tools").locator(".ins-tool")
    expect(tools).to_have_count(14)
    expect(panel.get_by_test_id("agent-tools").locator(".ins-toolrules")).to_have_count(0)
    book = panel.get_by_test_id("tool-book_reservation")
    expect(book.get_by_test_id("policy-told")).to_have_text("A person decides each time, if its 15 rules hold")
    book.get_by_role("button", name="Book reservation, unfold").click()
    expect(book.locator(".ins-toolrules > li")).to_have_count(15)
    book.get_by_test_id("rule-8-1").get_by_role("button").first.click()
    expect(book.get_by_test_id("whole-rule-8-1")).to_contain_text("count(where(results,")
    assert grave(bench.page, within='[data-testid="inspector-body"]') == []
    # Nothing was changed by looking.
    assert bench.config("desk")["tools"] == next(node for node in airline["nodes"] if node["id"] == "desk")["config"]["tools"]


def test_a_colleague_is_chosen_by_name_and_what_it_lacks_stands_at_the_tool(site: Site, open_page: Opens) -> None:
    mara = {"name": "Mara", "duty": "Answers card requests.", "tools": ["find_order"]}
    assert site.up.call("POST", "/api/v1/agents", mara).status == 201
    bench = Bench(site, open_page(site.url, cookie=site.sign_in()), refund_desk.desk("refund", name="With Mara"))
    panel = bench.open("desk")
    panel.get_by_label("Colleague").select_option("mara")
    bench.saved(lambda: bench.config("desk").get("agent"), "mara")
    expect(panel).to_contain_text("Mara's instructions and tools come along.")
    expect(panel.get_by_test_id("tool-refund")).to_contain_text("Mara does not have the tool")
    panel.get_by_role("button", name="Refund, unfold").click()
    panel.get_by_role("button", name="Take it away").click()
    bench.saved(lambda: bench.config("desk").get("tools"), None)
    expect(panel.get_by_test_id("agent-tools")).to_contain_text("it has all tools of the colleague")
