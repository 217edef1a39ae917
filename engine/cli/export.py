"""`export`: prints a workflow's document, as `run` and the API take it."""

from __future__ import annotations

import json

from engine.cli.desk import open_desk
from engine.settings import Settings


def export_document(workflow: str) -> int:
    """Prints the draft's document; the exit status."""
    with open_desk(Settings.load()) as desk:
        print(json.dumps(desk.workflow(workflow)["document"], indent=2, ensure_ascii=False))
    return 0
