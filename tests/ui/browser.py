"""Finds the browser that the tests of the web UI drive, and starts it the way a test needs it."""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright

PLACES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# No sandbox: CI runs as root in a container; nothing but our own pages is ever opened.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOW = "The tests of the web UI need Chromium: apt-get install -y chromium (./signalbox test does it where it may), then run them again."


def path() -> Path | None:
    """Where the browser is."""
    found = next((place for name in PLACES if (place := shutil.which(name))), None)
    return Path(found) if found else None


def start(playwright: Playwright) -> Browser:
    """A browser without a window."""
    found = path()
    assert found is not None, HOW
    return playwright.chromium.launch(executable_path=found, args=list(FLAGS))
