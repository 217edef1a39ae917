"""What every test gets: no network at import, the long tests on request, and the time of each part at the end."""

import os
from collections import Counter

import pytest
from hypothesis import settings

# Without this litellm fetches its price list when it is imported.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

# A deadline is wall time, and wall time on a shared machine says nothing about us.
settings.register_profile("signalbox", deadline=None, print_blob=True)
settings.load_profile("signalbox")

_seconds_by_part: Counter[str] = Counter()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("SIGNALBOX_LONG") == "1":
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="long: ./signalbox test --long"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    part = report.nodeid.split("::")[0].removeprefix("tests/").split("/")[0]
    _seconds_by_part[part] += report.duration


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in _seconds_by_part.most_common())
    terminalreporter.write_line(f"time by part: {parts or 'nothing ran'}")
