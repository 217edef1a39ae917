"""How a command ends: its exit statuses, and what it says when something went wrong."""

from __future__ import annotations

import sys

OK, FAILED, UNUSABLE = 0, 1, 2
"""All went well, or waits; some of it failed; nothing could be done with what was given."""


def say(message: str, *, hint: str = "") -> None:
    """Tells what went wrong and the next step, on standard error."""
    print(f"signalbox: {message}", file=sys.stderr)
    if hint:
        print(f"next step: {hint}", file=sys.stderr)
