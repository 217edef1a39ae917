"""How Reflex builds and serves the web UI; what Signalbox itself is told stands in docs/settings.md."""

import reflex as rx

config = rx.Config(
    app_name="app",
    # The build writes this address into one small file, and scripts/build_ui.py takes it out again: the page asks where it came from.
    api_url="http://localhost:8000",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    # Our own gate has checked a connection's origin before Reflex sees it, and hands it over without one: nobody else gets in here.
    cors_allowed_origins=["http://nobody.invalid"],
    # States are scraps of one browser tab and hold nothing that a reload does not bring back.
    state_manager_mode=rx.constants.StateManagerMode.MEMORY,
    disable_plugins=[rx.plugins.SitemapPlugin],
)
