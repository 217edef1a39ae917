"""Requests that are no approvals, in a browser: a form, a limit, a call in doubt; and a run that waits for an event."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from engine import Role
from tests.acceptance.served import ROOT, until
from tests.ui.conftest import Opens, Site, fresh_site, ready
from tests.ui.test_accessibility import grave
from tests.ui.wire import Wire

INBOX = "reflex___state____state.app___pages___inbox___state____inbox"
FRAME = "reflex___state____state.app___ui___frame____frame"
START, DONE = {"id": "start", "kind": "start"}, "done"
FIELDS: dict[str, Any] = {
    "type": "object",
    "required": ["amount", "agreed"],
    "properties": {
        "amount": {"type": "number", "minimum": 1, "title": "Amount to refund", "description": "In euros, without shipping."},
        "agreed": {"type": "boolean", "title": "The lead agrees"},
        "how": {"enum": ["voucher", "bank transfer"], "default": "voucher"},
        "due": {"type": "string", "format": "date"},
        "lines": {"type": "array", "items": {"type": "string"}},
        "letter": {"type": "string", "x-rows": 4, "default": "Dear Tom"},
    },
    "additionalProperties": False,
}


def document(name: str, asking: dict[str, Any], output: dict[str, str], *, port: str = "out", **more: Any) -> dict[str, Any]:
    end = {"id": DONE, "kind": "end", "config": {"output": output}}
    edges = [{"source": "start", "target": asking["id"]}, {"source": asking["id"], "port": port, "target": DONE}]
    return {"format": "signalbox/1", "name": name, "nodes": [START, asking, end], "edges": edges, **more}


FORM = document(
    "Refund desk",
    {
        "id": "ask",
        "kind": "form",
        "title": "Ask the desk",
        "config": {"title": "How much may we refund?", "message": "Order 4711.", "fields": FIELDS},
    },
    {name: f"nodes.ask.{name}" for name in ("amount", "agreed", "how", "lines", "letter", "by")},
    port="submitted",
)
LIMIT = document(
    "Weekly letters",
    {"id": "write", "kind": "llm", "title": "Write the letter", "config": {"prompt": "Say something.", "max_tokens": 640}},
    {"said": "nodes.write.text"},
    limits={"tokens": 100},
    on_limit="ask",
)
PAY = document(
    "Bills",
    {"id": "pay", "kind": "pay", "title": "Pay the landlord", "config": {"to": "The landlord", "amount": 940.5}},
    {"receipt": "nodes.pay.receipt"},
)
WAIT = document(
    "Invoices",
    {"id": "pause", "kind": "wait", "title": "Until it is paid", "config": {"event": "paid", "key": "'R-17'"}},
    {"paid": "nodes.pause.event"},
)


@pytest.fixture(scope="module")
def site(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that also knows the kind `pay`, which is in doubt the first time it is called."""
    folder = tmp_path_factory.mktemp("types")
    # Python imports this by itself when it starts, in every process of the site.
    (folder / "sitecustomize.py").write_text("from tests.ui.paying import install\n\ninstall()\n")
    with fresh_site(folder / "home", PYTHONPATH=f"{folder}:{ROOT}") as site:
        yield site


def start(site: Site, document: dict[str, Any]) -> str:
    """A live run of the document."""
    workflow = site.up.call("POST", "/api/v1/workflows", document).body["id"]
    answer = site.up.call("POST", f"/api/v1/workflows/{workflow}/publish", {"note": ""})
    assert answer.status == 200, answer.body
    return site.up.call("POST", f"/api/v1/workflows/{workflow}/runs", {"inputs": {}}).body["run_id"]


def asks(site: Site, document: dict[str, Any]) -> dict[str, Any]:
    """What a run of the document asks."""
    run = start(site, document)

    def look() -> Any:
        return [item for item in site.up.call("GET", "/api/v1/approvals?status=pending").body["items"] if item["run_id"] == run]

    return until("it asks", look)[0]


def ended(site: Site, run: str) -> dict[str, Any]:
    def look() -> Any:
        found = site.up.call("GET", f"/api/v1/runs/{run}").body
        return found if found["ended_at"] else None

    return until("the run ends", look)


def cancel(site: Site, request: dict[str, Any]) -> None:
    site.up.call("POST", f"/api/v1/runs/{request['run_id']}/cancel", {})


def open_card(page: Page, request: dict[str, Any]) -> None:
    page.goto(f"/inbox/{request['id']}")
    ready(page)
    expect(page.get_by_test_id("title")).to_be_visible()


def problem(page: Page, name: str) -> Any:
    return page.locator(f"[data-asked={name}] [role=alert]")


def test_a_form_filled_in_wrongly_keeps_everything_and_rightly_ends_the_run(site: Site, open_page: Opens) -> None:
    request = asks(site, FORM)
    page = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    open_card(page, request)
    expect(page.get_by_test_id("sentence")).to_contain_text("asks somebody to fill in a form")
    expect(page.get_by_label("Letter")).to_have_value("Dear Tom")
    page.get_by_label("Amount to refund").fill("a lot")
    page.get_by_label("Lines").fill('["shoes"')
    page.get_by_role("button", name="Submit").click()
    expect(problem(page, "amount")).to_contain_text("Write a number")
    expect(problem(page, "agreed")).to_have_text("Fill this in.")
    expect(problem(page, "lines")).to_contain_text("A bracket")
    # What only the engine knows stands beside its field too.
    page.get_by_label("Amount to refund").fill("0.5")
    page.get_by_label("The lead agrees").select_option(label="yes")
    page.get_by_label("Lines").fill('["shoes"]')
    page.get_by_label("Letter").fill("Dear Tom,\nhere you are.")
    page.get_by_role("button", name="Submit").click()
    expect(problem(page, "amount")).to_contain_text("Must be at least 1")
    expect(page.get_by_test_id("notice")).to_contain_text("Nothing was sent yet")
    expect(problem(page, "agreed")).to_have_count(0)
    expect(page.get_by_label("Letter")).to_have_value("Dear Tom,\nhere you are.")
    expect(page.get_by_label("The lead agrees")).to_have_value("0")
    assert grave(page) == []
    page.get_by_label("Amount to refund").fill("12.50")
    page.get_by_label("Amount to refund").press("Control+Enter")
    expect(page.get_by_test_id("outcome")).to_contain_text("Filled in")
    expect(page.get_by_test_id("outcome")).to_contain_text("12.5")
    assert ended(site, request["run_id"])["output"] == {
        "amount": 12.5, "agreed": True, "how": "voucher", "lines": ["shoes"],
        "letter": "Dear Tom,\nhere you are.", "by": "approver@example.com",
    }  # fmt: skip
    page.get_by_role("button", name="Decided").click()
    expect(page.locator("[data-row=request]").filter(has_text="How much")).to_contain_text("Filled in")


def test_a_limit_is_raised_by_an_operator_and_by_nobody_else(site: Site, open_page: Opens) -> None:
    request = asks(site, LIMIT)
    looks = open_page(site.url, cookie=site.sessions[Role.APPROVER])
    open_card(looks, request)
    expect(looks.get_by_test_id("may-not")).to_contain_text("operator")
    expect(looks.get_by_test_id("foot").get_by_role("button")).to_have_count(0)
    wire = Wire(site.url, cookie=site.sessions[Role.APPROVER])
    wire.send(f"{INBOX}.answer_limit", {"form": {"item": request["id"], "digest": request["digest"], "choice": "stop"}})
    assert "You may not" in wire.deltas()[FRAME]["trouble_rx_state_"]
    # An action for another type gets nobody further: the engine asks what this type needs.
    wire.send(f"{INBOX}.choose", {"form": {"item": request["id"], "digest": request["digest"], "choice": "stop"}})
    wire.deltas()
    wire.close()
    assert site.up.call("GET", f"/api/v1/approvals/{request['id']}").body["status"] == "pending"
    page = open_page(site.url, cookie=site.sessions[Role.OPERATOR])
    open_card(page, request)
    expect(page.get_by_test_id("title")).to_have_text("The token limit is reached")
    expect(page.get_by_test_id("what")).to_contain_text("0 of 100 used")
    assert "step" not in (page.locator(".dec-ask .mut").text_content() or "")
    page.get_by_label("New token limit").fill("50")
    page.get_by_role("button", name="Send this answer").click()
    expect(problem(page, "tokens")).to_contain_text("Must be above 100")
    page.get_by_label("New token limit").fill("100000")
    page.get_by_role("button", name="Send this answer").click()
    expect(page.get_by_test_id("outcome")).to_contain_text("The limit was raised")
    assert ended(site, request["run_id"])["status"] == "succeeded"
    page.goto(f"/runs/{request['run_id']}")
    expect(page.get_by_test_id("story")).to_contain_text("Operator Smith set the token limit to 100,000 and let it go on")


@pytest.mark.parametrize(("answer", "receipt"), [("It happened", "R-17"), ("do it now", "R-2"), ("let it fail", None)])
def test_a_doubt_is_resolved_by_whoever_has_looked(site: Site, open_page: Opens, answer: str, receipt: str | None) -> None:
    request = asks(site, PAY)
    page = open_page(site.url, cookie=site.sessions[Role.OPERATOR])
    page.goto(f"/runs/{request['run_id']}")
    expect(page.get_by_test_id("banner")).to_contain_text("Did “Pay the landlord” happen?")
    page.get_by_test_id("banner").get_by_role("link", name="Say what happened").click()
    expect(page).to_have_url(f"{site.url}/inbox/{request['id']}")
    expect(page.get_by_test_id("action")).to_contain_text("Exactly this was called")
    expect(page.get_by_test_id("action")).to_contain_text("940.5")
    page.get_by_role("button", name="Send this answer").click()
    expect(page.get_by_test_id("notice")).to_contain_text("Choose one of the answers first")
    page.get_by_role("radio", name=answer).check()
    if receipt == "R-17":
        page.get_by_label("Receipt").fill("R-17")
    elif receipt is None:
        expect(page.get_by_label("Receipt")).not_to_be_visible()
        page.get_by_label("Reason").fill("The bank knows nothing of it.")
    page.get_by_role("button", name="Send this answer").click()
    expect(page.get_by_test_id("outcome")).to_contain_text("You decided this")
    run = ended(site, request["run_id"])
    assert (run["output"] or {}).get("receipt") == receipt
    page.goto(f"/runs/{request['run_id']}?step=pay")
    said = "said that Pay the landlord happened" if receipt == "R-17" else "said that Pay the landlord did not happen"
    expect(page.get_by_test_id("story")).to_contain_text(f"Operator Smith {said}")
    if receipt is None:
        expect(page.get_by_test_id("story")).to_contain_text("The bank knows nothing of it.")


def test_a_run_says_which_event_it_waits_for_and_goes_on_when_it_happens(site: Site, open_page: Opens) -> None:
    run = start(site, WAIT)
    page = open_page(site.url, cookie=site.sessions[Role.OPERATOR])
    page.goto(f"/runs/{run}")
    expect(page.get_by_test_id("status")).to_have_text("Waiting for the event paid R-17")
    expect(page.get_by_test_id("banner")).to_contain_text("It goes on by itself.")
    expect(page.locator("[data-step=pause] .bar.hatch")).to_have_count(1)
    expect(page.locator('.rn-canvas [data-step="pause"] [data-port="expired"]')).to_have_count(0)
    assert grave(page) == []
    answer = site.up.call("POST", "/api/v1/events", {"event": "paid", "key": "R-17", "payload": {"amount": 12}})
    assert answer.body == {"delivered": 1}
    expect(page.get_by_test_id("status")).to_have_text("Done")
    assert ended(site, run)["output"] == {"paid": {"amount": 12}}
    expect(page.get_by_test_id("story")).to_contain_text("Until it is paid waited")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_card_can_be_read_by_everybody_on_every_screen(site: Site, open_page: Opens, theme: str, width: int) -> None:
    requests = [asks(site, one) for one in (FORM, LIMIT, PAY)]
    page = open_page(site.url, cookie=site.sessions[Role.ADMIN], theme=theme, width=width)
    for request in requests:
        open_card(page, request)
        if request["type"] == "in_doubt":
            page.get_by_role("radio", name="It happened").check()
        assert grave(page) == [], request["type"]
        page.get_by_test_id("foot").get_by_role("button").click() if request["type"] == "form" else None
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        wide = f"[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > {width} + .5).length"
        assert page.evaluate(wide) == 0, request["type"]
        page.goto(f"/runs/{request['run_id']}")
        expect(page.get_by_test_id("banner")).to_be_visible()
        assert grave(page) == [], request["type"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    for request in requests:
        cancel(site, request)


def test_whoever_looks_only_sees_what_is_asked_for_and_no_field(site: Site, open_page: Opens) -> None:
    requests = [asks(site, one) for one in (FORM, LIMIT, PAY)]
    page = open_page(site.url, cookie=site.sessions[Role.VIEWER])
    for request in requests:
        open_card(page, request)
        expect(page.get_by_test_id("may-not")).to_be_visible()
        expect(page.locator(".cb").locator("input:not([type=hidden]), textarea, select")).to_have_count(0)
    for request in requests:
        cancel(site, request)
