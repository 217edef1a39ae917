"""What a page says when the server goes away, and that it comes back by itself on any port."""

import os
import signal
from pathlib import Path

from playwright.sync_api import expect

from tests.acceptance.served import served, until
from tests.ui.conftest import ADMIN_EMAIL, PASSWORD, Opens, Site, ready


def test_a_killed_server_is_told_and_the_page_comes_back(built: Path, tmp_path: Path, open_page: Opens) -> None:
    with served(tmp_path / "home", SIGNALBOX_ADMIN_EMAIL=ADMIN_EMAIL, SIGNALBOX_ADMIN_PASSWORD=PASSWORD) as up:
        site = Site(up, {})
        page = open_page(up.url, cookie=site.sign_in(), is_forgiven=True)
        page.goto("/")
        ready(page)
        os.kill(up.server(), signal.SIGKILL)
        expect(page.get_by_test_id("connection")).to_contain_text("Connection lost.", timeout=20_000)
        until("it serves again", lambda: up.says("serves again"))
        expect(page.get_by_test_id("connection")).to_contain_text("Connected again.", timeout=30_000)
        up.call("POST", "/api/v1/workflows", {"format": "signalbox/1", "name": "Made afterwards", "nodes": [], "edges": []})
        expect(page.get_by_role("region", name="Workflows")).to_contain_text("Made afterwards", timeout=20_000)
