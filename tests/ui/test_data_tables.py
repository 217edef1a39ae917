"""A table is made, filled by hand and from a sheet, looked through and changed in Settings."""

from pathlib import Path

from playwright.sync_api import Page, expect

from engine import Role
from tests.ui.conftest import Opens, Site, ready
from tests.ui.test_accessibility import grave


def settings(page: Page) -> Page:
    page.goto("/settings#tables")
    ready(page)
    expect(page.get_by_test_id("tables")).to_be_visible()
    return page


def test_a_table_is_made_filled_looked_through_changed_and_removed(site: Site, open_page: Opens, tmp_path: Path) -> None:
    # What does not fit is refused by the API, which the browser notes as an error.
    here = settings(open_page(site.url, cookie=site.sign_in(), is_forgiven=True))
    card = here.get_by_test_id("tables")
    expect(card).to_contain_text("There is no table yet")
    card.get_by_role("button", name="New table").click()
    dialog = here.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Open orders")
    expect(dialog.get_by_label("Short name")).to_have_value("open_orders")
    dialog.get_by_label("Name of column 1").fill("Order")
    dialog.get_by_role("button", name="Make the table").click()
    expect(dialog.get_by_role("alert")).to_contain_text("small letters")
    dialog.get_by_label("Name of column 1").fill("order")
    dialog.get_by_role("button", name="Add a column").click()
    dialog.get_by_label("Name of column 2").fill("state")
    dialog.get_by_label("Type of column 2").select_option("choice")
    dialog.get_by_label("What column 2 may be").fill("open, closed")
    dialog.get_by_role("button", name="Add a column").click()
    dialog.get_by_label("Name of column 3").fill("total")
    dialog.get_by_label("Type of column 3").select_option("number")
    dialog.get_by_label("One row for each").select_option("order")
    dialog.get_by_role("button", name="Make the table").click()
    row = card.locator("[data-table='open_orders']")
    expect(row).to_contain_text("No rows · 3 columns · one row for each order")
    expect(row).to_contain_text("find_open_orders, add_open_orders, change_open_orders, remove_open_orders")

    row.get_by_role("button", name="Open Open orders").click()
    dialog.get_by_role("button", name="Add a row").click()
    dialog.get_by_label("total").fill("much")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_have_count(2)
    dialog.get_by_label("order").fill("A-1")
    dialog.get_by_label("total").fill("12,5")
    dialog.get_by_label("state").select_option("open")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.locator("[data-row='1']")).to_contain_text("12.5")

    dialog.get_by_role("button", name="Take in a sheet").click()
    sheet = tmp_path / "orders.csv"
    sheet.write_text("order,state,total\nA-1,closed,20\nA-2,lost,1\nA-3,open,3\n")
    dialog.get_by_label("A file").set_input_files(sheet)
    dialog.get_by_role("button", name="Take it in").click()
    expect(dialog.get_by_test_id("refused")).to_contain_text("Line 3")
    expect(dialog.get_by_test_id("refused")).to_contain_text("nothing was kept")
    dialog.get_by_role("button", name="Take in the 2 lines that fit").click()
    expect(dialog.get_by_role("status")).to_contain_text("1 row added, 1 changed")
    dialog.get_by_role("button", name="Done").click()
    expect(dialog.locator("tbody tr")).to_have_count(2)
    dialog.get_by_role("button", name="total").click()
    expect(dialog.locator("tbody tr").first).to_contain_text("A-3")
    dialog.get_by_label("Search rows").fill("a-1")
    expect(dialog.locator("tbody tr")).to_have_count(1)
    assert not grave(here)
    with here.expect_download() as download:
        dialog.get_by_role("link", name="As a sheet").click()
    assert Path(download.value.path()).read_text().splitlines() == ["order,state,total", "A-1,closed,20", "A-3,open,3"]
    dialog.get_by_role("button", name="Close").click()
    expect(row).to_contain_text("2 rows")

    row.get_by_role("button", name="Columns of Open orders").or_(row.get_by_role("button", name="Columns Open orders")).click()
    dialog.get_by_role("button", name="Remove column 3").click()
    expect(dialog.get_by_role("status")).to_contain_text("The values of total will be lost.")
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("2 columns")
    row.get_by_role("button", name="Remove Open orders").click()
    here.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(card).to_contain_text("There is no table yet")


def test_who_may_only_look_sees_rows_and_no_way_to_change_them(site: Site, open_page: Opens) -> None:
    columns = [{"name": "word", "type": "text"}]
    assert site.up.call("POST", "/api/v1/tables", {"slug": "seen", "name": "Seen", "columns": columns}).status == 201
    assert site.up.call("POST", "/api/v1/tables/seen/rows", {"values": {"word": "hello"}}).status == 201
    try:
        email = "tables-viewer@example.com"
        site.up.call("POST", "/api/v1/users", {"email": email, "name": "Vic", "roles": [str(Role.VIEWER)]})
        here = settings(open_page(site.url, cookie=site.sign_in(), width=390, theme="dark"))
        here.get_by_role("button", name="Open Seen").click()
        expect(here.get_by_role("dialog")).to_contain_text("hello")
        width = here.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, "nothing makes the page wider than the phone"
        assert not grave(here)
    finally:
        assert site.up.call("DELETE", "/api/v1/tables/seen").status == 204
