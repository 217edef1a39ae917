"""Python's garbage collector, for a process that has all its modules and now runs workflows."""

from __future__ import annotations

import gc

YOUNG = 20_000
"""Objects made since the last look, less those that went by themselves; Python's own 700 are made by a dozen steps."""


def collect_rarely() -> None:
    """What was imported stays and is never looked through again, and the rest less often: both took a tenth of a busy engine each."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
