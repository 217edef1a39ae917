"""What is asked instead, prices and limits of models, and what a run's page tells of repairs, checks and answers given again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from engine import Role
from tests.fakes.provider import FakeProvider, text, value
from tests.ui.conftest import Opens, Site, ready
from tests.ui.test_accessibility import grave
from tests.ui.test_run import chain, start

CLEARED = {"default": "", "base_url": "", "fallbacks": {}, "prices": {}, "limits": {}}
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


@pytest.fixture
def provider(site: Site) -> Iterator[FakeProvider]:
    with FakeProvider() as running:
        site.up.call("PATCH", "/api/v1/settings", {"models": {"default": "own-model", "base_url": running.base_url}})
        site.up.call("POST", "/api/v1/models/try", {"model": "default"})
        yield running
        assert site.up.call("PATCH", "/api/v1/settings", {"models": CLEARED}).status == 200


def settings(page: Page) -> Page:
    page.goto("/settings")
    ready(page)
    expect(page.get_by_test_id("fallbacks")).to_be_visible()
    return page


def test_a_price_and_a_limit_are_set_in_a_dialog_and_errors_stand_at_their_field(site: Site, page: Page, provider: FakeProvider) -> None:
    here = settings(page)
    here.get_by_role("button", name="Set a price").click()
    dialog = here.get_by_role("dialog")
    dialog.get_by_label("Model").fill("no-such-model-anywhere/x")
    dialog.get_by_label("In", exact=True).fill("two")
    dialog.get_by_label("Out").fill("3")
    dialog.get_by_role("button", name="Set", exact=True).click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    expect(dialog.get_by_label("In", exact=True)).to_have_value("two")
    dialog.get_by_label("Model").fill("own-model")
    dialog.get_by_label("In", exact=True).fill("$1.50")
    dialog.get_by_role("button", name="Set", exact=True).click()
    row = here.get_by_test_id("table-prices").locator("[data-row='own-model']")
    expect(row).to_contain_text("$1.5 in, $3 out, for a million tokens")
    expect(here.locator("[data-model=default]")).to_contain_text("$1.5 in, $3 out")

    here.get_by_role("button", name="Set a limit").click()
    dialog.get_by_label("Model").fill("own-model")
    dialog.get_by_label("At once").fill("0")
    dialog.get_by_role("button", name="Set", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("whole number")
    dialog.get_by_label("At once").fill("2")
    dialog.get_by_label("Tokens a minute").fill("100,000")
    dialog.get_by_role("button", name="Set", exact=True).click()
    expect(here.get_by_test_id("table-limits").locator("[data-row='own-model']")).to_contain_text("100,000 tokens a minute, 2 at once")
    here.get_by_role("button", name="Remove the limits of own-model").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(here.get_by_test_id("table-limits")).to_have_count(0)


def test_what_is_asked_instead_is_kept_and_a_wrong_name_is_told_at_its_field(site: Site, page: Page, provider: FakeProvider) -> None:
    form = settings(page).get_by_test_id("fallbacks")
    form.get_by_label("Instead of Cheap").fill("practice, cheap")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("Name the model itself")
    form.get_by_label("Instead of Cheap").fill("practice, own-model-2")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Saved")).to_be_visible()
    page.reload()
    expect(form.get_by_label("Instead of Cheap")).to_have_value("practice, own-model-2")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_tables_can_be_read_by_everybody(site: Site, open_page: Opens, provider: FakeProvider, theme: str, width: int) -> None:
    models = {
        "prices": {"own-model": {"input": 1, "output": 2}},
        "limits": {"own-model": {"at_once": 2}},
        "fallbacks": {"default": ["practice"]},
    }
    assert site.up.call("PATCH", "/api/v1/settings", {"models": models}).status == 200
    page = settings(open_page(site.url, cookie=site.sessions[Role.ADMIN], width=width, theme=theme))
    expect(page.get_by_test_id("table-prices")).to_be_visible()
    assert grave(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_runs_page_tells_of_repairs_checks_and_answers_given_again(site: Site, page: Page, provider: FakeProvider) -> None:
    provider.then(text("five, I would say"), value({"n": 5}), text("You idiot. The shop closes at 21."))
    count = {"id": "count", "kind": "llm", "title": "Count them", "config": {"prompt": "How many?", "output": SCHEMA, "cache_s": 600}}
    checks = {"checks": ["polite", "grounded"], "sources": "The shop closes at 18."}
    reply = {"id": "reply", "kind": "llm", "title": "Reply", "config": {"prompt": "Answer.", **checks}}
    first = start(site.up, chain("Checked", count, reply), wait=30)
    page.goto(f"/runs/{first}?step=count")
    facts = page.get_by_test_id("facts")
    expect(facts).to_contain_text("1 answer could not be used")
    page.get_by_role("tab", name="Prompt & answer").click()
    expect(page.get_by_text("five, I would say")).to_be_visible()
    page.goto(f"/runs/{first}?step=reply")
    checked = page.get_by_test_id("checks")
    expect(checked).to_contain_text("Not good enough")
    expect(checked).to_contain_text("a rude word")
    expect(checked).to_contain_text("the sources do not say 21")
    assert grave(page) == []
    second = start(site.up, chain("Checked again", count), wait=30)
    page.goto(f"/runs/{second}?step=count")
    expect(page.get_by_text("The very same question was answered before")).to_be_visible()


def test_what_is_kept_from_models_is_chosen_told_and_still_there(site: Site, page: Page) -> None:
    here = settings(page)
    card = here.get_by_test_id("masking")
    expect(card.get_by_role("checkbox")).to_have_count(8)
    card.get_by_label("Is kept").select_option("all")
    card.get_by_label("And these names and words").fill("Anna Keller\nx")
    card.get_by_role("button", name="Save").click()
    expect(card.get_by_role("alert")).to_contain_text("“x” is not a word")
    expect(card.get_by_label("And these names and words")).to_have_value("Anna Keller\nx")
    card.get_by_label("And these names and words").fill("Anna Keller\nProject Aurora")
    card.get_by_label("Internet addresses").uncheck()
    card.get_by_role("button", name="Save").click()
    try:
        expect(card.get_by_text("Saved")).to_be_visible()
        chosen = site.up.call("GET", "/api/v1/settings").body["masking"]
        assert (chosen["mode"], chosen["words"], len(chosen["kinds"])) == ("all", ["Anna Keller", "Project Aurora"], 7)
        settings(page)
        expect(card.get_by_label("Is kept")).to_have_value("all")
        expect(card.get_by_label("Internet addresses")).not_to_be_checked()
        expect(card.get_by_label("And these names and words")).to_have_value("Anna Keller\nProject Aurora")
    finally:
        assert site.up.call("PATCH", "/api/v1/settings", {"masking": {"mode": "off", "words": []}}).status == 200
