"""The inspector at the right of the builder: forms, tables, picked values and rules, in a browser over the real API."""

import re
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from engine import Role
from tests.ui.conftest import Opens, Site
from tests.ui.test_accessibility import grave

ORDER: dict[str, Any] = {
    "format": "signalbox/1",
    "name": "Orders",
    "vars": {"limit": 1000},
    "nodes": [
        {
            "id": "start",
            "kind": "start",
            "title": "New order",
            "config": {
                "inputs": {
                    "type": "object",
                    "required": ["message", "amount"],
                    "properties": {
                        "message": {"type": "string", "title": "Message"},
                        "amount": {"type": "number", "title": "Amount"},
                        "customer": {"type": "string", "title": "Customer name", "default": "Ines"},
                    },
                }
            },
        },
        {
            "id": "topic",
            "kind": "classify",
            "title": "What is it?",
            "config": {
                "text": "{{ inputs.message }}",
                "labels": [
                    {"port": "lost", "description": "something is lost", "examples": ["I lost it"]},
                    {"port": "other", "description": "anything else", "examples": ["Hello"]},
                ],
                "min_confidence": 0,
            },
        },
        {"id": "draft", "kind": "llm", "title": "Draft a reply", "config": {"prompt": "Answer: {{ inputs.message }}", "max_tokens": 80}},
        {
            "id": "big",
            "kind": "branch",
            "title": "Is it large?",
            "config": {
                "cases": [{"port": "large", "when": "inputs.amount > vars.limit"}, {"port": "odd", "when": "inputs.amount % 2 == 1"}]
            },
        },
        {
            "id": "ok",
            "kind": "approval",
            "title": "Ask somebody",
            "config": {"title": "Pay it?", "show": {"topic": "nodes.topic.label"}, "approvers": {"roles": ["approver"]}},
        },
        {"id": "done", "kind": "end", "title": "Finished", "config": {"output": {"reply": "nodes.draft.text"}}},
    ],
    "edges": [
        {"source": "start", "target": "topic"},
        {"source": "topic", "port": "lost", "target": "draft"},
        {"source": "topic", "port": "other", "target": "draft"},
        {"source": "draft", "target": "big"},
        {"source": "big", "port": "large", "target": "ok"},
        {"source": "big", "port": "odd", "target": "done"},
        {"source": "big", "port": "else", "target": "done"},
        {"source": "ok", "port": "approved", "target": "done"},
        {"source": "ok", "port": "rejected", "target": "draft", "max_visits": 3},
    ],
}


class Bench:
    """One workflow of its own, open in the builder."""

    def __init__(self, site: Site, page: Page, document: dict[str, Any]) -> None:
        self.site, self.page = site, page
        made = site.up.call("POST", "/api/v1/workflows", document)
        assert made.status == 201, made.body
        self.id = made.body["id"]
        self.panel = page.get_by_test_id("inspector-body")

    def open(self, step: str = "") -> Locator:
        self.page.goto(f"/workflows/{self.id}")
        expect(self.panel).to_be_visible()
        return self.pick(step) if step else self.panel

    def pick(self, step: str) -> Locator:
        self.page.locator(f'.react-flow__node[data-id="{step}"]').click(position={"x": 60, "y": 14})
        expect(self.panel).to_have_attribute("data-step", step)
        return self.panel

    def document(self) -> dict[str, Any]:
        return self.site.up.call("GET", f"/api/v1/workflows/{self.id}").body["document"]

    def config(self, step: str) -> dict[str, Any]:
        return next(node["config"] for node in self.document()["nodes"] if node["id"] == step)

    def saved(self, told: Callable[[], Any], wanted: Any) -> None:
        """Returns when the server has it."""
        until = time.monotonic() + 15
        while (found := told()) != wanted:
            assert time.monotonic() < until, found
            time.sleep(0.1)


@pytest.fixture
def bench(site: Site, open_page: Opens) -> Bench:
    return Bench(site, open_page(site.url, cookie=site.sign_in()), deepcopy(ORDER))


def test_a_renamed_kind_keeps_its_connection_and_one_undo_takes_all_back(bench: Bench) -> None:
    panel = bench.open("topic")
    ends = lambda: [(edge["port"], edge["target"]) for edge in bench.document()["edges"] if edge["source"] == "topic"]  # noqa: E731
    name = panel.get_by_label("Name of kind 1")
    expect(name).to_have_value("Lost")
    name.fill("Stolen card")
    name.press("Enter")
    bench.saved(ends, [("Stolen card", "draft"), ("other", "draft")])
    assert bench.config("topic")["labels"][0] == {"port": "Stolen card", "description": "something is lost", "examples": ["I lost it"]}
    bench.page.get_by_role("button", name="Undo").click()
    bench.saved(ends, [("lost", "draft"), ("other", "draft")])
    expect(name).to_have_value("Lost")
    panel.get_by_role("button", name="More about Other").click()
    panel.get_by_role("button", name="Move Other up").click()
    bench.saved(lambda: [label["port"] for label in bench.config("topic")["labels"]], ["other", "lost"])
    panel.get_by_role("button", name="Remove Other", exact=True).click()
    bench.saved(ends, [("lost", "draft")])
    panel.get_by_role("button", name="Kind", exact=True).click()
    bench.saved(lambda: [label["port"] for label in bench.config("topic")["labels"]], ["lost", "Kind"])


def test_a_value_is_picked_by_keyboard(bench: Bench) -> None:
    panel = bench.open("draft")
    box = panel.get_by_role("textbox", name="Instructions")
    box.focus()
    bench.page.keyboard.press("Control+End")
    bench.page.keyboard.type(" Greet {{cust")
    choices = panel.get_by_role("listbox")
    expect(choices.get_by_role("option")).to_have_count(1)
    expect(choices).to_contain_text("Ines")
    bench.page.keyboard.press("Enter")
    bench.page.keyboard.type(" and /")
    expect(choices.get_by_role("option").first).to_be_visible()
    bench.page.keyboard.press("Escape")
    expect(choices).to_have_count(0)
    bench.page.keyboard.press("Backspace")
    bench.page.keyboard.type("go.\nBye")
    wanted = "Answer: {{ inputs.message }} Greet {{ inputs.customer }} and go.\nBye"
    bench.saved(lambda: bench.config("draft")["prompt"], wanted)
    expect(box.locator("[data-expression]")).to_have_text(["Message", "Customer name"])
    expect(panel.get_by_test_id("gets")).to_contain_text("2 values")
    box.focus()
    bench.page.keyboard.press("Control+End")
    bench.page.keyboard.type(" {{mess")
    bench.page.keyboard.press("Enter")
    bench.page.keyboard.press("F2")
    bench.page.keyboard.type("[0]")
    box.blur()
    bench.saved(lambda: bench.config("draft")["prompt"], wanted + " {{ inputs.message[0] }}")
    expect(box.locator("[data-expression]").last).to_have_text("Message › no. 1")


def test_a_value_is_dragged_into_a_field(bench: Bench) -> None:
    panel = bench.open("ok")
    panel.get_by_role("button", name="Add a value").click()
    question = panel.get_by_role("textbox", name="Question")
    panel.get_by_test_id("gets-nodes.draft.text").drag_to(question)
    bench.saved(lambda: "{{ nodes.draft.text }}" in bench.config("ok")["title"], True)
    expect(question.locator("[data-expression]")).to_have_text("Draft a reply › Text")
    # What a field comes to is told below it a moment later and moves all that stands under it.
    expect(panel.get_by_text("No example yet: try the workflow once")).to_have_count(2)
    panel.get_by_test_id("gets-inputs.amount").drag_to(panel.get_by_label("Value of topic"))
    bench.saved(lambda: bench.config("ok")["show"], {"topic": "inputs.amount"})


def test_a_rule_is_built_with_groups_and_stands_there_as_an_expression(bench: Bench) -> None:
    panel = bench.open("big")
    first = panel.get_by_test_id("condition-when-0")
    expect(first.get_by_test_id("written-when-0")).to_have_text("inputs.amount > vars.limit")
    first.get_by_role("button", name="Group", exact=True).click()
    field = first.get_by_test_id("field-when-0-1-0")
    field.focus()
    field.press_sequentially("kind")
    expect(panel.get_by_role("listbox").get_by_role("option").first).to_contain_text("Kind")
    field.press("Enter")
    first.get_by_role("button", name="Condition", exact=True).first.click()
    second = first.get_by_test_id("field-when-0-1-1")
    second.focus()
    second.press_sequentially("mess")
    second.press("Enter")
    first.get_by_test_id("operator-when-0-1-1").select_option("contains")
    words = first.get_by_test_id("value-when-0-1-1")
    words.fill("urgent")
    words.press("Enter")
    wanted = 'inputs.amount > vars.limit and (nodes.topic.label == "lost" or contains(inputs.message, "urgent"))'
    bench.saved(lambda: bench.config("big")["cases"][0]["when"], wanted)
    first.get_by_label("How the rows are joined").first.select_option("none")
    bench.saved(lambda: bench.config("big")["cases"][0]["when"].startswith("not (inputs.amount > vars.limit or "), True)


def test_a_condition_that_the_table_cannot_show_stays_as_it_is_written(bench: Bench) -> None:
    panel = bench.open("big")
    expect(panel.get_by_test_id("as-text-when-1")).to_contain_text("kept as it is written")
    text = panel.get_by_test_id("expression-when-1")
    expect(text).to_have_value("inputs.amount % 2 == 1")
    text.fill("inputs.amount % 2 ==")
    text.press("Enter")
    expect(panel.get_by_test_id("cases").locator(".ins-bad")).to_be_visible()
    bench.saved(lambda: bench.config("big")["cases"][1]["when"], "inputs.amount % 2 ==")
    text.fill("inputs.amount == 1")
    text.press("Enter")
    expect(panel.get_by_test_id("as-text-when-1")).to_have_count(0)
    panel.get_by_test_id("condition-when-1").get_by_role("button", name="As rows").click()
    expect(panel.get_by_test_id("field-when-1-0-0")).to_have_value("inputs.amount")


def test_what_is_wrong_is_said_at_its_field_in_words(bench: Bench) -> None:
    panel = bench.open("draft")
    box = panel.get_by_role("textbox", name="Instructions")
    box.fill("")
    box.blur()
    expect(panel.get_by_test_id("does").locator(".ins-bad")).to_contain_text("Write what the model is asked.")
    expect(box).to_have_attribute("aria-invalid", "true")
    box.fill("Say {{ nodes.gone.text }}")
    box.blur()
    expect(box.locator(".is-gone")).to_have_count(1)
    expect(panel.get_by_test_id("does").locator(".ins-bad")).to_be_visible()


def test_what_a_run_is_given_and_what_comes_out_are_tables(bench: Bench) -> None:
    panel = bench.open("start")
    panel.get_by_role("button", name="Field", exact=True).click()
    name = panel.get_by_label(re.compile(r"^Name of field")).last
    properties = lambda: bench.config("start")["inputs"]["properties"]  # noqa: E731
    bench.saved(lambda: set(properties()), {"message", "amount", "customer", "field"})
    row = panel.get_by_label("Kind of field")
    row.select_option("choice")
    choices = panel.get_by_label("Choices of field")
    choices.fill("red\ngreen")
    choices.blur()
    bench.saved(lambda: properties()["field"], {"type": "string", "enum": ["red", "green"]})
    panel.get_by_test_id("needed").click()
    bench.saved(lambda: sorted(bench.config("start")["inputs"]["required"]), ["amount", "message"])
    name.fill("colour")
    name.press("Enter")
    bench.saved(lambda: set(properties()), {"message", "amount", "customer", "colour"})
    panel = bench.pick("done")
    panel.get_by_role("button", name="Value", exact=True).click()
    value = panel.get_by_label("Value of value")
    value.focus()
    value.press_sequentially("{{amount")
    value.press("Enter")
    bench.saved(lambda: bench.config("done")["output"], {"reply": "nodes.draft.text", "value": "inputs.amount"})


def test_approvers_are_picked_by_role_and_by_name(bench: Bench) -> None:
    panel = bench.open("ok")
    people = panel.get_by_test_id("approvers")
    people.get_by_role("button", name="Operators").click()
    people.get_by_label("Add a person").select_option("viewer@example.com")
    bench.saved(lambda: bench.config("ok")["approvers"], {"roles": ["approver", "operator"], "users": ["viewer@example.com"]})
    expect(people.locator(".ins-person")).to_contain_text("Viewer Smith")
    panel.get_by_label("What it allows").select_option(label="Finished")
    bench.saved(lambda: bench.config("ok").get("action"), "done")


def test_the_last_output_is_shown_kept_and_previewed(bench: Bench) -> None:
    body = {"mode": "test", "inputs": {"message": "I lost it", "amount": 1}}
    run = bench.site.up.call("POST", f"/api/v1/workflows/{bench.id}/runs?wait=30", body)
    assert run.status == 200, run.body
    panel = bench.open("draft")
    last = panel.get_by_test_id("last-output")
    expect(last).to_contain_text("[practice model]")
    expect(panel.get_by_test_id("preview-prompt")).to_have_text("Last time: Answer: I lost it")
    last.get_by_role("button", name="Keep for tries").click()
    expect(last).to_contain_text("Live runs do not.")
    last.get_by_role("button", name="Let go").click()
    expect(last.get_by_role("button", name="Keep for tries")).to_be_visible()
    panel = bench.pick("big")
    expect(panel.get_by_test_id("condition-when-0")).to_contain_text("No, it does not hold")
    expect(panel.get_by_test_id("condition-when-1")).to_contain_text("Yes, it holds")


def test_the_workflow_itself_has_limits_and_what_starts_it(bench: Bench) -> None:
    panel = bench.open()
    money = panel.get_by_label("At most: Money")
    money.fill("0.25")
    money.press("Enter")
    bench.saved(lambda: bench.document().get("limits"), {"cost_usd": 0.25})
    panel.get_by_label("If a limit is reached").select_option("ask")
    bench.saved(lambda: bench.document().get("on_limit"), "ask")
    panel.get_by_role("button", name="On a schedule").click()
    expect(panel.get_by_test_id("triggers")).to_contain_text("Every Monday at 09:00")
    bench.saved(lambda: [trigger["cron"] for trigger in bench.document().get("triggers", [])], ["0 9 * * 1"])


def test_a_way_back_tells_its_rounds_and_what_then(bench: Bench) -> None:
    panel = bench.open()
    bench.page.locator('.react-flow__edge[data-id="ok.rejected->draft"]').dispatch_event("click")
    rounds = panel.get_by_label("Rounds, at most")
    expect(rounds).to_have_value("3")
    rounds.fill("2")
    rounds.press("Enter")
    panel.get_by_label("When the rounds are used up").select_option("expired")
    back = lambda: next(edge for edge in bench.document()["edges"] if edge.get("port") == "rejected")  # noqa: E731
    bench.saved(lambda: (back().get("max_visits"), back().get("on_exhausted")), (2, "expired"))


def test_whoever_may_only_look_can_change_nothing(bench: Bench, open_page: Opens) -> None:
    page = open_page(bench.site.url, cookie=bench.site.sessions[Role.VIEWER], is_forgiven=True)
    bench.page, bench.panel = page, page.get_by_test_id("inspector-body")
    panel = bench.open("topic")
    expect(panel.get_by_label("Name of kind 1")).not_to_be_editable()
    expect(panel.get_by_role("textbox", name="Text to sort")).to_have_attribute("aria-readonly", "true")
    for name in ("Kind", "Add a value", "Try this step"):
        expect(panel.get_by_role("button", name=name, exact=True)).to_have_count(0)


@pytest.mark.parametrize(("theme", "steps"), [("light", ["big", "ok", "done"]), ("dark", ["start", "topic", "draft"])])
def test_axe_finds_nothing_serious_at_any_step(bench: Bench, open_page: Opens, theme: str, steps: list[str]) -> None:
    page = open_page(bench.site.url, cookie=bench.site.sign_in(), theme=theme)
    bench.page, bench.panel = page, page.get_by_test_id("inspector-body")
    panel = bench.open()
    found = grave(page, within=".ins-body")
    for step in steps:
        bench.pick(step)
        panel.get_by_role("button", name="More", exact=True).click()
        if step != "start":
            panel.get_by_role("button", name="Add a value").click()
        if step == "done":
            panel.get_by_label("Value of reply").focus()
            expect(panel.get_by_role("listbox")).to_be_visible()
        found += grave(page, within=".ins-body")
    assert found == []
