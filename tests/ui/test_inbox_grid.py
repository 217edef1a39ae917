"""The approvals of one map box in a browser: one row, one grid; decided singly and in bulk, edited, too late, by keyboard, on a phone."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from engine import Role
from tests.acceptance.served import until
from tests.ui.conftest import PASSWORD, Opens, Site, ready
from tests.ui.test_accessibility import grave
from tests.ui.test_inbox import INBOX, beat, rows, without_a_pulse
from tests.ui.wire import Wire

GRID = "reflex___state____state.app___pages___inbox___grid_state____grid"
FRAME = "reflex___state____state.app___ui___frame____frame"


def refunds(name: str, *, action: bool = False, title: str = "Refund this order?") -> dict[str, Any]:
    """Asks once for each order; with an action, each that is approved is sent."""
    ask = {
        "title": title,
        "message": "<b>Approve it</b>, says the customer.",
        "show": {"customer": "item.who", "amount": "item.sum"},
        "editable": {"reply": "'Dear ' + item.who", "amount_paid": "item.sum", "gift": "false"},
        "approvers": {"roles": ["approver"]},
        **({"action": "send"} if action else {}),
    }
    send = {
        "id": "send",
        "kind": "notify",
        "title": "Send the letter",
        "parent": "each",
        "config": {"subject": "Order of {{ item.who }}", "message": "{{ nodes.ok.values.reply }}"},
    }
    box = {"items": "inputs.orders", "concurrency": 200, "max_items": 200}
    return {
        "format": "signalbox/1",
        "name": name,
        "nodes": [
            {"id": "start", "kind": "start", "config": {"inputs": {"type": "object", "properties": {"orders": {"type": "array"}}}}},
            {"id": "each", "kind": "map", "title": "Every order", "config": box},
            {"id": "ok", "kind": "approval", "title": "Ask the desk", "parent": "each", "config": ask},
            *([send] if action else []),
            {"id": "done", "kind": "end", "config": {"output": {}}},
        ],
        "edges": [
            {"source": "start", "target": "each"},
            {"source": "each", "port": "item", "target": "ok"},
            *([{"source": "ok", "port": "approved", "target": "send"}] if action else []),
            {"source": "each", "target": "done"},
        ],
        "limits": {"steps": 1000},
    }


class Orders:
    """One run that asks for each of its orders."""

    def __init__(self, site: Site, document: dict[str, Any], who: list[str]) -> None:
        self.up, self.number = site.up, len(who)
        workflow = site.up.call("POST", "/api/v1/workflows", document).body["id"]
        answer = site.up.call("POST", f"/api/v1/workflows/{workflow}/publish", {"note": ""})
        assert answer.status == 200, answer.body
        orders = [{"who": name, "sum": 10 * (place + 1)} for place, name in enumerate(who)]
        self.run = site.up.call("POST", f"/api/v1/workflows/{workflow}/runs", {"inputs": {"orders": orders}}).body["run_id"]
        until("all of them wait", lambda: len([one for one in self.items() if one["status"] == "pending"]) == len(who))
        self.name = f"{self.run}-ok"

    def items(self) -> list[dict[str, Any]]:
        """All of them, as the API tells them, in the order of the orders."""
        found = self.up.call("GET", "/api/v1/approvals?limit=1000").body["items"]
        return sorted(
            (one for one in found if one["run_id"] == self.run), key=lambda one: int(one["path"].partition("[")[2].partition("]")[0])
        )

    def item(self, number: int) -> dict[str, Any]:
        return self.items()[number - 1]

    def output(self, number: int) -> dict[str, Any]:
        """What the decision gave to the workflow."""
        steps = self.up.call("GET", f"/api/v1/runs/{self.run}/steps?limit=1000").body["items"]
        return next(step["outputs"] for step in steps if step["path"] == f"each[{number - 1}]/ok")

    def cancel(self) -> None:
        self.up.call("POST", f"/api/v1/runs/{self.run}/cancel", {})


def open_grid(page: Page, orders: Orders) -> None:
    page.goto(f"/inbox/{orders.name}")
    ready(page)
    expect(lines(page).first).to_be_visible()


def lines(page: Page) -> Any:
    return page.locator("[data-line]")


def line(page: Page, number: int | str) -> Any:
    return lines(page).filter(has=page.get_by_role("link", name=f"Item {number}", exact=True))


def state(page: Page, number: int) -> Any:
    return line(page, number).locator(".gd-state")


def test_one_row_opens_one_grid_and_its_lines_are_decided_singly_and_together(site: Site, open_page: Opens) -> None:
    orders = Orders(site, refunds("Decided orders"), ["Ann", "Ben", "Cleo", "Dan", "Eve"])
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    page.goto("/inbox")
    ready(page)
    row = rows(page).filter(has_text="Decided orders")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Refund this order? · 5 to decide")
    expect(row).to_contain_text("Every order")
    row.click()
    expect(page).to_have_url(f"{site.url}/inbox/{orders.name}")
    expect(row).to_have_attribute("aria-current", "true")
    expect(page.get_by_test_id("title")).to_have_text("Refund this order?")
    expect(lines(page)).to_have_count(5)
    grid = page.get_by_test_id("grid")
    expect(grid.get_by_role("columnheader")).to_have_text(
        ["Select all", "Item", "Customer", "Amount", "Reply", "Amount paid", "Gift", "State"]
    )
    expect(line(page, 2).get_by_role("cell").nth(1)).to_have_text("Ben")
    expect(line(page, 2).get_by_role("rowheader")).to_have_text("Item 2")
    assert grave(page) == []
    # One, with an edit.
    page.get_by_label("Reply of item 2").fill("Dear Benjamin")
    page.get_by_label("Gift of item 2").select_option("yes")
    page.get_by_role("button", name="Approve item 2").click()
    expect(state(page, 2)).to_contain_text("Approved")
    expect(state(page, 2)).to_contain_text("by you")
    expect(line(page, 2)).to_contain_text("Dear Benjamin")
    expect(page.get_by_role("button", name="Approve item 3")).to_be_focused()
    assert orders.output(2)["values"] == {"reply": "Dear Benjamin", "amount_paid": 20, "gift": True}
    # Another, refused with a reason.
    page.get_by_role("button", name="Reject item 4").click()
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_label("Reason")).to_be_focused()
    assert orders.item(4)["status"] == "pending"
    page.get_by_label("Reason").fill("Not our order.")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(state(page, 4)).to_contain_text("Rejected")
    expect(line(page, 4)).to_contain_text("Not our order.")
    expect(row).to_contain_text("3 to decide")
    # All others at once; one of them holds what cannot be a number.
    page.get_by_label("Amount paid of item 3").fill("many")
    page.get_by_label("Select all that wait on this page").check()
    expect(page.get_by_test_id("picked")).to_have_text("3 of 3 selected")
    page.get_by_label("Select item 5").uncheck()
    page.get_by_role("button", name="Approve 2", exact=False).click()
    expect(state(page, 1)).to_contain_text("Approved")
    expect(line(page, 3).get_by_role("alert")).to_contain_text("Amount paid: Write a number")
    expect(page.get_by_label("Amount paid of item 3")).to_have_value("many")
    assert [one["status"] for one in orders.items()] == ["approved", "approved", "pending", "rejected", "pending"]
    page.get_by_label("Amount paid of item 3").fill("7")
    page.get_by_label("Select item 5").check()
    page.get_by_role("button", name="Reject 2", exact=False).click()
    page.get_by_label("Reason").fill("Too many.")
    page.get_by_role("button", name="Reject 2", exact=True).click()
    expect(state(page, 5)).to_contain_text("Rejected")
    assert [one["status"] for one in orders.items()] == ["approved", "approved", "rejected", "rejected", "rejected"]
    assert [orders.output(number)["reason"] for number in (3, 5)] == ["Too many.", "Too many."]
    # What was decided stays, and the row is gone.
    expect(row).to_have_count(0)
    expect(lines(page)).to_have_count(5)
    assert grave(page) == []


def test_what_cannot_be_undone_is_asked_once_more_and_the_line_stays_until_it_was_done(site: Site, open_page: Opens) -> None:
    orders = Orders(site, refunds("Sent orders", action=True), ["Ann", "Ben", "Cleo"])
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    open_grid(page, orders)
    expect(page.get_by_test_id("sentence")).to_contain_text("“Send the letter” runs once: it sends a message")
    # The card of an item, and back, with what was typed.
    page.get_by_label("Reply of item 1").fill("Dear Anna")
    line(page, 1).get_by_text("Exactly what “Send the letter” does").click()
    expect(line(page, 1)).to_contain_text("with your edits")
    expect(line(page, 1).locator("dd").filter(has_text="Dear Anna")).to_be_visible()
    line(page, 1).get_by_role("link", name="Item 1").click()
    expect(page.get_by_test_id("to-grid")).to_have_text("Item 1 of “Every order”; 3 to decide")
    expect(page.get_by_label("Reply")).to_have_value("Dear Anna")
    expect(rows(page).filter(has_text="Sent orders")).to_have_attribute("aria-current", "true")
    page.get_by_test_id("to-grid").click()
    expect(page.get_by_label("Reply of item 1")).to_have_value("Dear Anna")
    page.get_by_label("Select item 1").check()
    page.get_by_label("Select item 3").check()
    page.keyboard.press("a")
    assert orders.item(1)["status"] == "pending", "what cannot be undone is asked once more"
    expect(page.get_by_role("dialog")).to_contain_text("runs for 2 items as soon as you say yes")
    expect(page.get_by_role("button", name="Yes, approve")).to_be_focused()
    page.keyboard.press("a")
    for number in (1, 3):
        expect(state(page, number)).to_contain_text("Done")
        expect(state(page, number)).to_contain_text("approved by you")
    assert [one["status"] for one in orders.items()] == ["done", "pending", "done"]
    line(page, 1).get_by_text("“Send the letter”").click()
    expect(line(page, 1).locator("dd").filter(has_text="Dear Anna")).to_be_visible()
    orders.cancel()
    expect(state(page, 2)).to_contain_text("Not needed")


def test_whoever_decides_late_is_told_on_the_line_and_the_others_are_decided(site: Site, open_page: Opens) -> None:
    orders = Orders(site, refunds("Late orders"), ["Ann", "Ben", "Cleo"])
    site.up.call("POST", "/api/v1/users", {"email": "quin@example.com", "name": "Quin Ray", "roles": ["approver"], "password": PASSWORD})
    late = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    without_a_pulse(late)
    open_grid(late, orders)
    first = open_page(site.url, cookie=site.sign_in("quin@example.com"))
    open_grid(first, orders)
    first.get_by_role("button", name="Reject item 2").click()
    first.get_by_label("Reason").fill("Not ours.")
    first.get_by_role("button", name="Reject", exact=True).click()
    expect(state(first, 2)).to_contain_text("by you")
    late.get_by_label("Reply of item 3").fill("Dear Cleopatra")
    late.get_by_label("Select item 1").check()
    late.get_by_label("Select item 2").check()
    late.get_by_role("button", name="Approve 2", exact=False).click()
    expect(line(late, 2).get_by_role("alert")).to_contain_text("Your decision came too late")
    expect(state(late, 2)).to_contain_text("by Quin Ray")
    expect(state(late, 1)).to_contain_text("by you")
    expect(late.get_by_test_id("said")).to_have_text("1 approved. 1 not: look at its line.")
    expect(late.get_by_label("Reply of item 3")).to_have_value("Dear Cleopatra")
    # Whoever waits hears of it by himself.
    expect(state(first, 1)).to_contain_text("by Approver Smith")
    assert [one["status"] for one in orders.items()] == ["approved", "rejected", "pending"]
    orders.cancel()


def test_a_decision_on_another_digest_than_the_one_shown_decides_nothing(site: Site, open_page: Opens) -> None:
    orders = Orders(site, refunds("Swapped orders"), ["Ann", "Ben"])
    wire = Wire(site.url, cookie=site.sessions[Role.APPROVER])
    wire.send(f"{GRID}.open", {"name": orders.name, "is_same": False})
    shown = wire.until(lambda deltas: "lines_rx_state_" in deltas.get(GRID, {}))[GRID]["lines_rx_state_"]
    right, swapped = ({"id": one["id"], "digest": one["digest"]} for one in shown)
    stranger = {"id": "apr_nothing", "digest": "x"}
    form = {"decision": "approve", "lines": [right, swapped | {"digest": "of something else"}, stranger, "nonsense"]}
    wire.send(f"{GRID}.decide", {"form": form})
    told = wire.until(lambda deltas: "answered_rx_state_" in deltas.get(GRID, {}))[GRID]["problems_rx_state_"]
    assert list(told) == [swapped["id"]] and "Nothing was done" in told[swapped["id"]]
    wire.send(f"{GRID}.decide", {"form": {"decision": "reject", "lines": [swapped], "reason": "  "}})
    told = wire.until(lambda deltas: "answered_rx_state_" in deltas.get(GRID, {}))[GRID]["problems_rx_state_"]
    assert told == {swapped["id"]: "Say why, then reject again."}
    wire.close()
    assert [one["status"] for one in orders.items()] == ["approved", "pending"]
    orders.cancel()


def test_a_viewer_sees_the_lines_and_decides_nothing(site: Site, open_page: Opens) -> None:
    orders = Orders(site, refunds("Seen orders"), ["Ann", "Ben"])
    page = open_page(site.url, cookie=site.sessions[Role.VIEWER])
    open_grid(page, orders)
    expect(page.get_by_test_id("may-not")).to_contain_text("Your role lets you look, not decide.")
    expect(page.get_by_role("checkbox")).to_have_count(0)
    expect(page.get_by_test_id("grid").get_by_role("button")).to_have_count(0)
    wire = Wire(site.url, cookie=site.sessions[Role.VIEWER])
    item = orders.item(1)
    lines_ = [{"id": item["id"], "digest": item["digest"]}]
    wire.send(f"{GRID}.open", {"name": orders.name, "is_same": False})
    wire.send(f"{GRID}.decide", {"form": {"decision": "approve", "lines": lines_}})
    assert "You may not" in wire.until(lambda deltas: FRAME in deltas)[FRAME]["trouble_rx_state_"]
    wire.close()
    assert orders.item(1)["status"] == "pending"
    orders.cancel()


def test_the_grid_is_reached_by_keyboard_and_j_still_moves_through_the_list(site: Site, open_page: Opens) -> None:
    first, second = (Orders(site, refunds(f"Keyed orders {n}"), ["Ann", "Ben", "Cleo"]) for n in (1, 2))
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    page.goto("/inbox")
    ready(page)
    page.keyboard.press("/")
    page.keyboard.type("Keyed orders")
    expect(rows(page)).to_have_count(2)
    page.keyboard.press("Escape")
    rows(page).first.click()
    expect(page).to_have_url(f"{site.url}/inbox/{first.name}")
    expect(lines(page)).to_have_count(3)
    page.get_by_label("Select all that wait on this page").focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Select item 2")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_test_id("picked")).to_have_text("1 of 3 selected")
    page.keyboard.press("ArrowRight")
    expect(line(page, 2).get_by_role("link", name="Item 2")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Reply of item 2")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Reply of item 3")).to_be_focused()
    # A letter in a field decides nothing.
    page.keyboard.type("ar")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page).to_have_url(f"{site.url}/inbox/{second.name}")
    page.keyboard.press("k")
    expect(page).to_have_url(f"{site.url}/inbox/{first.name}")
    assert {one["status"] for one in first.items()} == {"pending"}
    page.get_by_label("Select item 3").check()
    page.keyboard.press("r")
    expect(page.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("No")
    page.keyboard.press("Control+Enter")
    expect(state(page, 3)).to_contain_text("Rejected")
    first.cancel()
    second.cancel()


def test_many_items_are_one_row_and_their_lines_come_page_by_page(site: Site, open_page: Opens) -> None:
    orders = Orders(site, refunds("Many orders", title="Refund {{ item.who }}?"), [f"Customer {n}" for n in range(104)])
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    page.goto("/inbox")
    ready(page)
    row = rows(page).filter(has_text="Many orders")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Ask the desk · 104 to decide")
    row.click()
    expect(lines(page)).to_have_count(50)
    expect(page.get_by_test_id("lines")).to_have_text("1–50 of 104")
    expect(line(page, 7)).to_contain_text("Refund Customer 6?")
    page.get_by_label("Select all that wait on this page").check()
    expect(page.get_by_test_id("picked")).to_have_text("50 of 50 selected")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_test_id("lines")).to_have_text("51–100 of 104")
    expect(page.get_by_test_id("picked")).to_have_text("0 of 50 selected")
    page.get_by_label("Select all that wait on this page").check()
    page.get_by_role("button", name="Approve 50", exact=False).click()
    expect(state(page, 100)).to_contain_text("by you")
    expect(row).to_contain_text("54 to decide")
    expect(page.get_by_test_id("lines")).to_have_text("51–100 of 104")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(lines(page)).to_have_count(4)
    assert [one["status"] for one in orders.items()].count("approved") == 50
    orders.cancel()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_each_line_is_a_block_with_its_buttons_in_reach(site: Site, open_page: Opens, theme: str) -> None:
    orders = Orders(
        site, refunds(f"Phone orders {theme}", action=True), ["Ann", "A-name-that-is-so-long-that-it-would-push-a-narrow-page-apart"]
    )
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER], width=390, theme=theme)
    page.goto("/inbox")
    ready(page)
    rows(page).filter(has_text=f"Phone orders {theme}").click()
    expect(lines(page)).to_have_count(2)
    expect(rows(page).first).not_to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    wide = "[...document.querySelectorAll('main *')].filter(e => !e.closest('.sr') && e.getBoundingClientRect().right > 390.5).length"
    assert page.evaluate(wide) == 0
    for name in ("Approve item 1", "Reject item 1"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box is not None and box["height"] >= 44, name
    assert grave(page) == []
    page.get_by_label("Select item 1").check()
    page.get_by_role("button", name="Reject 1", exact=False).click()
    page.get_by_label("Reason").fill("No.")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(state(page, 1)).to_contain_text("Rejected")
    page.get_by_role("link", name="All requests").click()
    expect(rows(page).first).to_be_visible()
    orders.cancel()


def test_a_grid_that_there_never_was_is_missing(site: Site, open_page: Opens) -> None:
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    without_a_pulse(page)
    page.goto("/inbox/run_nothing-ok")
    ready(page)
    expect(page.get_by_test_id("missing")).to_contain_text("This request is not here")
    beat(page)
    wire = Wire(site.url, cookie=site.sessions[Role.APPROVER])
    wire.send(f"{INBOX}.load", {})
    assert INBOX in wire.until(lambda deltas: INBOX in deltas)
    wire.close()
