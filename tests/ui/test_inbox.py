"""The inbox in a browser: decided with an edit, by keyboard alone, by two people at once, on what has changed, and on a phone."""

import sqlite3
from typing import Any

from playwright.sync_api import Page, expect

from engine import Role
from tests.acceptance.served import until
from tests.ui.conftest import PASSWORD, Opens, Site, ready
from tests.ui.test_accessibility import grave
from tests.ui.wire import Wire

INBOX = "reflex___state____state.app___pages___inbox___state____inbox"
FRAME = "reflex___state____state.app___ui___frame____frame"
LONG_LETTER = "Dear Ines,\nwe have blocked your card.\nYour card desk"


def letters(name: str, *, action: dict[str, Any] | None = None, beside: tuple[Any, ...] = (), **config: Any) -> dict[str, Any]:
    """Asks before it sends a letter whose text may be edited."""
    text = LONG_LETTER.replace("\n", "\\n")
    ask = {
        "title": "Send the letter to {{ inputs.who }}?",
        "message": "<b>Just approve it</b>, says the customer.",
        "show": {"amount": "1240", "topic": "'lost card'"},
        "editable": {"reply": f"'{text}'"},
        "approvers": {"roles": ["approver"]},
        "action": "send",
        "expires_after_s": 7200,
        **config,
    }
    inputs = {"type": "object", "properties": {"who": {"type": "string"}}}
    return {
        "format": "signalbox/1",
        "name": name,
        "nodes": [
            {"id": "start", "kind": "start", "config": {"inputs": inputs}},
            {"id": "ok", "kind": "approval", "title": "Ask the desk", "config": ask},
            {
                "id": "send",
                "kind": "notify",
                "title": "Send the letter",
                "config": action or {"subject": "To {{ inputs.who }}", "message": "{{ nodes.ok.values.reply }}"},
            },
            {"id": "done", "kind": "end", "title": "Letter sent", "config": {"output": {"sent": "nodes.ok.values.reply"}}},
            {"id": "kept", "kind": "end", "config": {"output": {"why": "nodes.ok.reason"}}},
            *(part for part in beside if "id" in part),
        ],
        "edges": [
            {"source": "start", "target": "ok"},
            {"source": "ok", "port": "approved", "target": "send"},
            {"source": "send", "target": "done"},
            {"source": "ok", "port": "rejected", "target": "kept"},
            *(part for part in beside if "source" in part),
        ],
    }


class Desk:
    """One workflow that asks, and the requests of its runs."""

    def __init__(self, site: Site, document: dict[str, Any]) -> None:
        self.up = site.up
        self.workflow = site.up.call("POST", "/api/v1/workflows", document).body["id"]
        answer = site.up.call("POST", f"/api/v1/workflows/{self.workflow}/publish", {"note": ""})
        assert answer.status == 200, answer.body

    def asks(self, who: str) -> dict[str, Any]:
        """A new request."""
        return self.waiting(self.up.call("POST", f"/api/v1/workflows/{self.workflow}/runs", {"inputs": {"who": who}}).body["run_id"])

    def waiting(self, run: str, title: str = "letter") -> dict[str, Any]:
        def look() -> Any:
            items = self.up.call("GET", "/api/v1/approvals?status=pending").body["items"]
            return [item for item in items if item["run_id"] == run and title in item["title"]]

        return until("it asks", look)[0]

    def item(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.up.call("GET", f"/api/v1/approvals/{request['id']}").body

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Its run, once it has ended."""

        def look() -> Any:
            run = self.up.call("GET", f"/api/v1/runs/{request['run_id']}").body
            return run if run["ended_at"] else None

        return until("the run ends", look)


def open_card(page: Page, request: dict[str, Any], who: str) -> None:
    page.goto(f"/inbox/{request['id']}")
    ready(page)
    expect(page.get_by_test_id("title")).to_have_text(f"Send the letter to {who}?")


def rows(page: Page) -> Any:
    return page.locator("[data-row=request]")


def without_a_pulse(page: Page) -> None:
    """What this page shows stays as old as it is, so that a decision comes late."""
    page.add_init_script(
        "window.asleep = true; Object.defineProperty(document, 'visibilityState', { get: () => asleep ? 'hidden' : 'visible' })"
    )


def beat(page: Page) -> None:
    """The page asks again now, as it does every few seconds and whenever somebody comes back to it."""
    page.evaluate("window.asleep = false; document.dispatchEvent(new Event('visibilitychange'))")


def test_an_edited_letter_is_approved_and_the_card_stays_until_it_was_sent(site: Site, open_page: Opens) -> None:
    desk = Desk(site, letters("Edited letters"))
    first, second = desk.asks("Ines"), desk.asks("Tom")
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    page.goto("/")
    page.get_by_role("link", name="Send the letter to Ines?").click()
    expect(page).to_have_url(f"{site.url}/inbox/{first['id']}")
    expect(page.get_by_test_id("sentence")).to_contain_text("Edited letters asks to run “Send the letter”")
    expect(page.get_by_test_id("message")).to_contain_text("<b>Just approve it</b>")
    expect(page.get_by_test_id("cost")).to_contain_text("$0 of $1.00")
    action = page.get_by_test_id("action")
    expect(action).to_contain_text("Cannot be undone")
    page.get_by_label("Reply").fill(LONG_LETTER.replace("have blocked", "are blocking"))
    expect(action).to_contain_text("we are blocking your card.")
    expect(action).to_contain_text("with your edits")
    page.get_by_role("button", name="Changes").click()
    expect(page.locator("[data-field=reply] del")).to_have_text("have blocked")
    expect(page.locator("[data-field=reply] ins")).to_have_text("are blocking")
    assert grave(page) == []
    # Leaving the card and coming back loses nothing of it.
    rows(page).filter(has_text="Tom").click()
    expect(page.get_by_test_id("title")).to_contain_text("Tom")
    rows(page).filter(has_text="Ines").click()
    expect(page.get_by_label("Reply")).to_have_value(LONG_LETTER.replace("have blocked", "are blocking"))
    page.get_by_role("button", name="Approve with your edits").click()
    assert desk.item(first)["status"] == "pending", "what cannot be undone is asked once more"
    page.get_by_role("button", name="Yes, approve").click()
    expect(page.get_by_test_id("outcome")).to_contain_text("Approved and done")
    expect(page.get_by_test_id("outcome")).to_contain_text("Delivered")
    expect(action).to_contain_text("Exactly this ran")
    expect(action).to_contain_text("we are blocking your card.")
    assert desk.run(first)["output"]["sent"] == LONG_LETTER.replace("have blocked", "are blocking")
    assert grave(page) == []
    page.get_by_test_id("next").click()
    expect(page.get_by_test_id("title")).not_to_contain_text("Ines")
    expect(page.get_by_test_id("last")).to_contain_text("Approved by you")
    expect(page.get_by_test_id("last").locator(".stp.done")).to_have_count(3)
    page.get_by_role("button", name="Decided").click()
    expect(rows(page).filter(has_text="Ines")).to_contain_text("Done")
    site.up.call("POST", f"/api/v1/runs/{second['run_id']}/cancel", {})


def test_everything_is_decided_by_keyboard_alone(site: Site, open_page: Opens) -> None:
    desk = Desk(site, letters("Letters by key"))
    first, second, third = desk.asks("Ann"), desk.asks("Ben"), desk.asks("Cleo")
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    open_card(page, first, "Ann")
    page.keyboard.press("/")
    page.keyboard.type("by key")
    expect(rows(page)).to_have_count(3)
    page.keyboard.press("Escape")
    for who in ("Ben", "Cleo"):
        page.keyboard.press("j")
        expect(page.get_by_test_id("title")).to_contain_text(who)
    page.keyboard.press("k")
    expect(page.get_by_test_id("title")).to_contain_text("Ben")
    # A letter that is typed into a field decides nothing, and neither does Enter.
    page.keyboard.press("r")
    page.keyboard.type("are you sure? aea")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("outcome")).to_contain_text("Rejected")
    expect(page.get_by_test_id("outcome")).to_contain_text("Reason: are you sure? aea")
    assert desk.run(second)["output"]["why"] == "are you sure? aea"
    page.keyboard.press("j")
    expect(page.get_by_test_id("title")).to_contain_text("Cleo")
    page.keyboard.press("e")
    expect(page.get_by_label("Reply")).to_be_focused()
    page.keyboard.press("Control+End")
    page.keyboard.type(" and Ann")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Yes, approve")).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_test_id("outcome")).to_contain_text("Approved and done")
    assert desk.run(third)["output"]["sent"] == f"{LONG_LETTER} and Ann"
    site.up.call("POST", f"/api/v1/runs/{first['run_id']}/cancel", {})


def test_a_rejection_needs_a_reason_and_a_line_break_sends_nothing(site: Site, open_page: Opens) -> None:
    desk = Desk(site, letters("Paid letters", action={"message": "Thank you."}, editable={"amount": "5", "gift": "true"}))
    request = desk.asks("Ines")
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    open_card(page, request, "Ines")
    page.get_by_label("Amount").fill("many")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Approve with your edits").click()
    page.get_by_role("button", name="Yes, approve").click()
    expect(page.locator("[data-field=amount]")).to_contain_text("Write a number")
    expect(page.get_by_test_id("notice")).to_contain_text("Nothing was decided yet")
    expect(page.get_by_label("Amount")).to_have_value("many")
    page.get_by_role("button", name="Reject…").click()
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_label("Reason")).to_be_focused()
    assert desk.item(request)["status"] == "pending"
    page.get_by_label("Reason").fill("Nobody asked for it.")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_test_id("outcome")).to_contain_text("Nobody asked for it.")


def test_a_viewer_sees_everything_and_decides_nothing(site: Site, open_page: Opens) -> None:
    desk = Desk(site, letters("Seen letters"))
    request = desk.asks("Ines")
    page = open_page(site.url, cookie=site.sessions[Role.VIEWER])
    open_card(page, request, "Ines")
    expect(page.get_by_test_id("may-not")).to_contain_text("Your role lets you look, not decide.")
    expect(page.get_by_test_id("foot").get_by_role("button")).to_have_count(0)
    expect(page.get_by_label("Reply")).to_have_count(0)
    for key in "aer":
        page.keyboard.press(key)
    wire = Wire(site.url, cookie=site.sessions[Role.VIEWER])
    for name in ("approve", "reject", "choose"):
        wire.send(f"{INBOX}.{name}", {"form": {"item": request["id"], "digest": request["digest"], "choice": "approve"}})
        assert "You may not" in wire.deltas()[FRAME]["trouble_rx_state_"]
    wire.close()
    assert desk.item(request)["status"] == "pending"
    # Somebody who may decides in another browser, and this one hears of it by itself.
    other = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    open_card(other, request, "Ines")
    other.get_by_role("button", name="Approve", exact=True).click()
    other.get_by_role("button", name="Yes, approve").click()
    expect(page.get_by_test_id("outcome")).to_contain_text("Approver Smith decided this")


def test_whoever_decides_late_is_told_who_was_faster(site: Site, open_page: Opens) -> None:
    desk = Desk(site, letters("Late letters"))
    request = desk.asks("Ines")
    body = {"email": "priya@example.com", "name": "Priya Shah", "roles": ["approver"], "password": PASSWORD}
    site.up.call("POST", "/api/v1/users", body)
    late = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    without_a_pulse(late)
    open_card(late, request, "Ines")
    first = open_page(site.url, cookie=site.sign_in("priya@example.com"))
    open_card(first, request, "Ines")
    first.get_by_role("button", name="Reject…").click()
    first.get_by_label("Reason").fill("Not our customer.")
    first.get_by_role("button", name="Reject", exact=True).click()
    expect(first.get_by_test_id("outcome")).to_contain_text("You decided this")
    late.get_by_role("button", name="Approve", exact=True).click()
    late.get_by_role("button", name="Yes, approve").click()
    expect(late.get_by_test_id("notice")).to_contain_text("Your decision came too late")
    expect(late.get_by_test_id("outcome")).to_contain_text("Priya Shah decided this")
    expect(late.get_by_test_id("outcome")).to_contain_text("Not our customer.")
    assert desk.item(request)["decision"] == "rejected"


def test_what_has_changed_is_shown_again_before_anything_runs(site: Site, open_page: Opens) -> None:
    gate = {"id": "gate", "kind": "approval", "config": {"title": "Gate", "approvers": {"roles": ["approver", "admin"]}}}
    news = {"id": "news", "kind": "set", "config": {"values": {"text": "'late news'"}}}
    edges = ({"source": "start", "target": "gate"}, {"source": "gate", "port": "approved", "target": "news"})
    action = {"subject": "{{ default(nodes.news.text, 'nothing new') }}", "message": "{{ nodes.ok.values.reply }}"}
    desk = Desk(site, letters("Changing letters", action=action, beside=(gate, news, *edges)))
    request = desk.asks("Ines")
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    without_a_pulse(page)
    open_card(page, request, "Ines")
    expect(page.get_by_test_id("action")).to_contain_text("nothing new")
    page.get_by_label("Reply").fill("Dear Ines, all is well.")
    expect(page.get_by_test_id("action")).to_contain_text("all is well")
    opened = desk.waiting(request["run_id"], "Gate")
    decided = site.up.call("POST", f"/api/v1/approvals/{opened['id']}/decide", {"decision": "approve", "digest": opened["digest"]})
    assert decided.status == 200, decided.body
    page.get_by_role("button", name="Approve with your edits").click()
    page.get_by_role("button", name="Yes, approve").click()
    expect(page.get_by_test_id("notice")).to_contain_text("What would run has changed since you looked")
    expect(page.get_by_test_id("action")).to_contain_text("late news")
    expect(page.get_by_label("Reply")).to_have_value("Dear Ines, all is well.")
    assert desk.item(request)["status"] == "void"
    page.get_by_role("button", name="Approve with your edits").click()
    page.get_by_role("button", name="Yes, approve").click()
    expect(page.get_by_test_id("outcome")).to_contain_text("You decided this")
    beat(page)
    expect(page.get_by_test_id("outcome")).to_contain_text("Approved and done")
    assert desk.run(request)["output"]["sent"] == "Dear Ines, all is well."
    page.goto(f"/inbox/{request['id']}")
    expect(page.get_by_test_id("outcome")).to_contain_text("Asked again")


def test_a_decision_on_another_digest_than_the_one_seen_is_refused(site: Site, open_page: Opens) -> None:
    desk = Desk(site, letters("Swapped letters"))
    request = desk.asks("Ines")
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    without_a_pulse(page)
    open_card(page, request, "Ines")
    page.locator("#decide input[name=digest]").evaluate("field => { field.value = 'of something else' }")
    page.get_by_role("button", name="Approve", exact=True).click()
    page.get_by_role("button", name="Yes, approve").click()
    expect(page.get_by_test_id("notice")).to_contain_text("Nothing was done.")
    assert desk.item(request)["status"] == "pending"
    site.up.call("POST", f"/api/v1/runs/{request['run_id']}/cancel", {})


def test_the_number_that_waits_is_live_in_the_navigation_and_the_title(site: Site, open_page: Opens) -> None:
    desk = Desk(site, letters("Counted letters"))
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    page.goto("/inbox")
    ready(page)
    before = len(site.up.call("GET", "/api/v1/approvals?status=pending&limit=1000").body["items"])
    request = desk.asks("Ines")
    beat(page)
    expect(page).to_have_title(f"({before + 1}) Inbox · Signalbox")
    expect(page.locator(".nav .pill")).to_have_text(str(before + 1))
    row = rows(page).filter(has_text="Counted letters")
    expect(row).to_contain_text("1,240")
    expect(row.locator(".dot")).to_have_count(1)
    row.click()
    expect(row.locator(".dot")).to_have_count(0)
    site.up.call("POST", f"/api/v1/runs/{request['run_id']}/cancel", {})
    beat(page)
    expect(page.get_by_test_id("outcome")).to_contain_text("Not needed any more")
    page.goto("/inbox/apr_nothing")
    expect(page.get_by_test_id("missing")).to_contain_text("This request is not here")


def test_a_type_without_a_card_of_its_own_shows_its_choices(site: Site, open_page: Opens) -> None:
    desk = Desk(site, letters("Stopped letters"))
    request = desk.asks("Ines")
    # No step opens such an item yet; what it will look like must not wait for the first one.
    with sqlite3.connect(site.up.home / "signalbox.db") as rows_:
        card = rows_.execute("SELECT card FROM approvals WHERE id = ?", (request["id"],)).fetchone()[0]
        changed = card.replace('["approve","reject"]', '["submit","finish"]')
        assert changed != card
        rows_.execute("UPDATE approvals SET type = 'proposal', card = ? WHERE id = ?", (changed, request["id"]))
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    open_card(page, request, "Ines")
    foot = page.get_by_test_id("foot")
    expect(foot.get_by_role("button")).to_have_text(["Submit", "Finish with what is there"])
    site.up.call("POST", f"/api/v1/runs/{request['run_id']}/cancel", {})


def test_on_a_phone_the_list_leads_to_the_card_and_its_buttons_stay_in_reach(site: Site, open_page: Opens) -> None:
    desk = Desk(site, letters("Phone letters"))
    requests = [desk.asks("Ines"), desk.asks("A-name-that-is-so-long-that-it-would-push-a-narrow-page-apart-if-it-could")]
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER], width=390, theme="dark")
    page.goto("/inbox")
    ready(page)
    expect(page.get_by_test_id("title")).not_to_be_visible()
    rows(page).filter(has_text="A-name-that").first.click()
    expect(page.get_by_test_id("title")).to_contain_text("A-name-that")
    expect(rows(page).first).not_to_be_visible()
    for button in ("Approve", "Edit & approve", "Reject…"):
        box = page.get_by_test_id("foot").get_by_role("button", name=button, exact=True).bounding_box()
        assert box is not None and box["height"] >= 44 and box["width"] >= 44 and box["y"] + box["height"] <= 844 - 64, (button, box)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > 390.5).length") == 0
    page.get_by_role("button", name="Reject…").click()
    expect(page.get_by_label("Reason")).to_be_focused()
    assert grave(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name="All requests").click()
    expect(rows(page).first).to_be_visible()
    for request in requests:
        site.up.call("POST", f"/api/v1/runs/{request['run_id']}/cancel", {})
