"""Where new users stumbled in the builder: running what is live, what is published, renames, half-filled settings, a phone."""

import json
from copy import deepcopy
from typing import Any

import pytest
from playwright.sync_api import expect

from engine import Role
from tests.ui.builder import saved
from tests.ui.conftest import Opens, Site
from tests.ui.test_inspector import ORDER, Bench

HELLO: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Says hello",
    "nodes": [
        {"id": "start", "kind": "start", "config": {"inputs": {"type": "object", "properties": {}}}, "position": {"x": 16, "y": 16}},
        {"id": "done", "kind": "end", "config": {"output": {"hello": "'world'"}}, "position": {"x": 32, "y": 160}},
    ],
    "edges": [{"source": "start", "target": "done"}],
}


@pytest.fixture
def hello(site: Site, open_page: Opens) -> Bench:
    return Bench(site, open_page(site.url, cookie=site.sign_in()), deepcopy(HELLO))


@pytest.fixture
def orders(site: Site, open_page: Opens) -> Bench:
    return Bench(site, open_page(site.url, cookie=site.sign_in()), deepcopy(ORDER))


def publish(bench: Bench) -> None:
    answer = bench.site.up.call("POST", f"/api/v1/workflows/{bench.id}/publish", {"note": ""})
    assert answer.status in (200, 201), answer.body


def test_what_is_live_is_run_from_the_bar_and_right_after_publishing(hello: Bench) -> None:
    page = hello.page
    hello.open()
    expect(page.get_by_test_id("run-now")).to_have_count(0)
    page.get_by_test_id("publish").click()
    page.get_by_role("button", name="Publish and put live").click()
    page.get_by_test_id("run-it-now").click()
    dialog = page.get_by_test_id("try-dialog")
    expect(dialog).to_contain_text("runs for real")
    dialog.get_by_role("button", name="Cancel").click()
    page.get_by_test_id("run-now").click()
    expect(dialog.get_by_role("heading")).to_have_text("Run version 1")
    dialog.get_by_test_id("begin-try").click()
    expect(page.get_by_test_id("run")).to_have_attribute("data-status", "succeeded")
    runs = hello.site.up.call("GET", f"/api/v1/runs?workflow={hello.id}").body["items"]
    assert [run["mode"] for run in runs] == ["live"]


def test_whoever_may_not_start_runs_is_not_offered_to(hello: Bench, open_page: Opens) -> None:
    publish(hello)
    for role, offered in ((Role.EDITOR, 0), (Role.OPERATOR, 1)):
        page = open_page(hello.site.url, cookie=hello.site.sessions[role], is_forgiven=True)
        page.goto(f"/workflows/{hello.id}")
        expect(page.get_by_test_id("try")).to_be_visible()
        expect(page.get_by_test_id("run-now")).to_have_count(offered)


def test_a_draft_that_is_what_is_live_says_so_and_cannot_be_published_again(hello: Bench) -> None:
    publish(hello)
    page = hello.page
    panel = hello.open()
    standing, button = page.get_by_test_id("standing"), page.get_by_test_id("publish")
    expect(standing).to_have_text("Version 1, published")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "Nothing has changed since version 1")
    panel.get_by_label("What it is for").fill("Greets")
    expect(button).to_be_enabled()
    expect(standing).to_contain_text("Draft of version 2")
    saved(page)
    page.get_by_role("button", name="Undo").click()
    expect(standing).to_have_text("Version 1, published")
    standing.click()
    expect(page.get_by_test_id("versions")).to_contain_text("Version 1")


def test_what_was_typed_last_is_saved_when_the_page_goes(hello: Bench) -> None:
    panel = hello.open()
    panel.get_by_label("Name", exact=True).fill("Greets the world")
    hello.page.goto("/workflows")
    hello.saved(lambda: hello.document()["name"], "Greets the world")
    panel = hello.open()
    expect(panel.get_by_label("Name", exact=True)).to_have_value("Greets the world")
    panel.get_by_label("Name", exact=True).fill("Says good bye")
    hello.page.on("dialog", lambda dialog: dialog.accept())
    hello.page.close(run_before_unload=True)
    hello.saved(lambda: hello.document()["name"], "Says good bye")


def test_a_change_whose_answer_never_came_is_not_made_twice(hello: Bench) -> None:
    hello.open()
    more = {"id": "more", "kind": "end", "position": {"x": 400, "y": 160}}
    ops = [{"op": "add", "target": "node", "value": more}, {"op": "add", "target": "edge", "value": {"source": "start", "target": "more"}}]
    batch = {"key": "left-behind-1", "revision": 1, "ops": ops}
    again = {"op": "update", "target": "node", "id": "more", "value": {"title": "Twice"}}
    body = {"revision": 1, "ops": ops}
    headers = "{'Content-Type': 'application/json', 'Idempotency-Key': key}"
    sent = f"([path, key, body]) => fetch(path, {{method: 'POST', headers: {headers}, body}})"
    hello.page.evaluate(sent, [f"/api/v1/workflows/{hello.id}/ops", batch["key"], json.dumps(body, separators=(",", ":"))])
    kept = {"batch": batch, "ops": [again]}
    hello.page.evaluate("([id, kept]) => sessionStorage.setItem(`signalbox unsaved ${id}`, kept)", [hello.id, json.dumps(kept)])
    hello.open()
    hello.saved(lambda: hello.document()["nodes"][-1].get("title"), "Twice")
    assert [edge["target"] for edge in hello.document()["edges"]] == ["done", "more"]


def test_a_renamed_field_is_renamed_wherever_it_is_read_and_one_undo_takes_all_back(orders: Bench) -> None:
    panel = orders.open("start")
    panel.get_by_role("button", name="More about amount").click()
    name = panel.get_by_test_id("name-in-values")
    name.fill("Größe (cm)")
    expect(panel.get_by_text("In values it is called “Groesse_cm”")).to_be_visible()
    name.press("Enter")
    wanted = ["inputs.Groesse_cm > vars.limit", "inputs.Groesse_cm % 2 == 1"]
    orders.saved(lambda: [case["when"] for case in orders.config("big")["cases"]], wanted)
    assert sorted(orders.config("start")["inputs"]["required"]) == ["Groesse_cm", "message"]
    orders.page.get_by_role("button", name="Undo").click()
    orders.saved(lambda: orders.config("big")["cases"][0]["when"], "inputs.amount > vars.limit")
    assert set(orders.config("start")["inputs"]["properties"]) == {"message", "amount", "customer"}
    name = panel.get_by_test_id("name-in-values")
    for text, reason in (("Сумма", "Only the letters a to z"), ("message", "called “message” already")):
        name.fill(text)
        name.blur()
        expect(panel.get_by_text(reason)).to_be_visible()
        expect(name).to_have_value(text)
    assert set(orders.config("start")["inputs"]["properties"]) == {"message", "amount", "customer"}


def test_a_renamed_kind_and_way_are_renamed_where_something_is_compared_with_them(orders: Bench) -> None:
    document = orders.document()
    node = next(node for node in document["nodes"] if node["id"] == "big")
    node["config"]["cases"][0]["when"] = 'nodes.topic.label == "lost" and nodes.topic.scores.lost > 0.5'
    end = next(node for node in document["nodes"] if node["id"] == "done")
    end["config"]["output"]["large"] = 'default(nodes.big.case, "") == "large"'
    put = orders.site.up.call("PUT", f"/api/v1/workflows/{orders.id}", {"revision": 1, "document": document})
    assert put.status == 200, put.body
    panel = orders.open("topic")
    panel.get_by_label("Name of kind 1").fill("Stolen card")
    panel.get_by_label("Name of kind 1").press("Enter")
    orders.saved(
        lambda: orders.config("big")["cases"][0]["when"], 'nodes.topic.label == "Stolen card" and nodes.topic.scores["Stolen card"] > 0.5'
    )
    panel.get_by_label("Name of kind 2").fill("Stolen card")
    panel.get_by_label("Name of kind 2").blur()
    expect(panel.get_by_text("There is a kind called “Stolen card” already.")).to_be_visible()
    panel = orders.pick("big")
    panel.get_by_label("Name of way 1").fill("huge")
    panel.get_by_label("Name of way 1").press("Enter")
    orders.saved(lambda: orders.config("done")["output"]["large"], 'default(nodes.big.case, "") == "huge"')
    edges = {(edge["source"], edge.get("port")) for edge in orders.document()["edges"]}
    assert {("topic", "Stolen card"), ("big", "huge")} <= edges
    orders.page.get_by_role("button", name="Undo").click()
    orders.saved(lambda: orders.config("done")["output"]["large"], 'default(nodes.big.case, "") == "large"')
    assert ("big", "large") in {(edge["source"], edge.get("port")) for edge in orders.document()["edges"]}


def test_a_new_approval_shows_what_the_step_before_it_made_and_says_when_it_shows_nothing(orders: Bench) -> None:
    page = orders.page
    orders.open("draft")
    page.locator('[data-edge="draft.out->big"]').dispatch_event("click")
    page.keyboard.press("Escape")
    orders.pick("draft")
    page.keyboard.press("n")
    page.keyboard.type("approval")
    page.keyboard.press("Enter")
    orders.saved(lambda: len(orders.document()["nodes"]), 7)
    assert orders.config("approval") == {"show": {"Draft a reply": "nodes.draft.text"}}
    panel = orders.panel
    expect(panel).to_have_attribute("data-step", "approval")
    expect(panel.get_by_test_id("shows-nothing")).to_have_count(0)
    panel.get_by_role("button", name="Remove Draft a reply").click()
    expect(panel.get_by_test_id("shows-nothing")).to_contain_text("Whoever decides will see only the title.")
    panel.get_by_label("What it allows").select_option(label="Finished")
    expect(panel.get_by_test_id("shows-nothing")).to_have_count(0)


def test_a_half_filled_condition_is_kept_and_says_what_is_missing(orders: Bench) -> None:
    panel = orders.open("big")
    first = panel.get_by_test_id("condition-when-0")
    first.get_by_role("button", name="Condition", exact=True).click()
    expect(first.get_by_test_id("missing-when-0-0-1")).to_have_text("Pick the value to look at.")
    expect(first.get_by_test_id("unfinished-when-0")).to_contain_text("Not finished yet")
    field = first.get_by_test_id("field-when-0-0-1")
    field.fill("nonsense")
    orders.pick("draft")
    panel = orders.pick("big")
    expect(field).to_have_value("nonsense")
    expect(first.get_by_test_id("missing-when-0-0-1")).to_contain_text("“nonsense” is no value")
    assert orders.config("big")["cases"][0]["when"] == "inputs.amount > vars.limit"
    # Enter takes the first value of the list, without an arrow key before it.
    field.fill("")
    field.blur()
    field.focus()
    expect(panel.get_by_role("listbox").get_by_role("option").first).to_be_visible()
    field.press("Enter")
    expect(first.get_by_test_id("missing-when-0-0-1")).to_have_count(0)
    orders.saved(lambda: orders.config("big")["cases"][0]["when"].startswith("inputs.amount > vars.limit and inputs.message"), True)
    field.fill("")
    field.press_sequentially("amount")
    expect(panel.get_by_role("listbox").get_by_role("option").first).to_contain_text("Amount")
    field.press("Enter")
    first.get_by_test_id("operator-when-0-0-1").select_option("more")
    first.get_by_test_id("value-when-0-0-1").fill("many")
    first.get_by_test_id("value-when-0-0-1").blur()
    expect(first.get_by_test_id("missing-when-0-0-1")).to_have_text("Write the number that it is compared with.")
    expect(first.get_by_test_id("value-when-0-0-1")).to_have_value("many")


def test_an_amount_that_is_none_is_kept_in_its_field_and_says_so(orders: Bench) -> None:
    panel = orders.open()
    money = panel.get_by_label("At most: Money")
    money.fill("abc")
    expect(panel.get_by_test_id("limits")).to_contain_text("Write an amount like 0.50")
    money.blur()
    expect(money).to_have_value("abc")
    panel.get_by_label("What it is for").fill("Orders of any size")
    orders.saved(lambda: orders.document().get("description"), "Orders of any size")
    assert "limits" not in orders.document()
    expect(money).to_have_value("abc")
    money.fill("0.5")
    expect(panel.get_by_test_id("limits")).not_to_contain_text("Write an amount")


def test_a_box_to_tick_is_called_as_its_field(site: Site, open_page: Opens) -> None:
    document = deepcopy(HELLO)
    document["nodes"][0]["config"]["inputs"]["properties"] = {"is_urgent": {"type": "boolean", "title": "It cannot wait"}}
    bench = Bench(site, open_page(site.url, cookie=site.sign_in()), document)
    bench.open()
    bench.page.get_by_test_id("try").click()
    dialog = bench.page.get_by_test_id("try-dialog")
    dialog.get_by_label("It cannot wait", exact=True).check()
    expect(dialog).not_to_contain_text("Yes")
    unnamed = "() => [...document.querySelectorAll('input[type=checkbox]')].filter((box) => !box.labels[0]?.innerText.trim()).length"
    assert bench.page.evaluate(unnamed) == 0


CUT_OFF = """() => {
  const isOut = (box) => box.width && box.height && (box.right > innerWidth + 1 || box.left < -1);
  const all = [...document.querySelectorAll('.bt *, .float *, dialog *, .react-flow__panel *')].filter((one) => !one.closest('.sr'));
  return all.filter((one) => isOut(one.getBoundingClientRect())).map((one) => one.className?.baseVal ?? one.className);
}"""


@pytest.mark.parametrize("width", [700, 1024])
def test_the_bar_is_not_cut_off_in_a_narrow_window(orders: Bench, open_page: Opens, width: int) -> None:
    publish(orders)
    page = open_page(orders.site.url, cookie=orders.site.sign_in(), width=width)
    page.goto(f"/workflows/{orders.id}")
    expect(page.get_by_test_id("publish")).to_be_visible()
    assert page.evaluate("[...document.querySelectorAll('.bt *')].every((one) => one.getBoundingClientRect().right <= innerWidth + 1)")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_nothing_is_cut_off_and_the_steps_can_be_read(orders: Bench, open_page: Opens, theme: str) -> None:
    orders.site.up.call("PUT", f"/api/v1/workflows/{orders.id}", {"revision": 1, "document": orders.document() | {"name": "Orders " * 12}})
    publish(orders)
    page = open_page(orders.site.url, cookie=orders.site.sign_in(), width=390, theme=theme)
    page.goto(f"/workflows/{orders.id}")
    for button in ("try", "run-now", "problems"):
        expect(page.get_by_test_id(button)).to_be_visible()
    expect(page.locator('.stage [data-step="start"]')).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate(CUT_OFF) == []
    wide = page.locator('.stage [data-step="start"]').bounding_box()
    assert wide is not None and wide["width"] >= 0.8 * 240
    name = page.locator(".bt .name").bounding_box()
    assert name is not None and name["width"] >= 160
    page.get_by_test_id("problems").click()
    expect(page.get_by_test_id("problems-list")).to_be_visible()
    assert page.evaluate(CUT_OFF) == []
    page.get_by_role("button", name="Close").click()
    page.get_by_test_id("run-now").click()
    expect(page.get_by_test_id("try-dialog")).to_be_visible()
    assert page.evaluate(CUT_OFF) == []
