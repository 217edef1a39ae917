"""Tools that come with Signalbox: they need no server of anybody's, or the one that the operator has named (docs/decisions/0034)."""

from __future__ import annotations

from pathlib import Path

from engine.clock import Clock
from engine.operator_file import OperatorFile
from engine.tools.builtin import dates, mail, money, page, sql
from engine.tools.toolbox import Known


def built_in(operator: OperatorFile, web: page.Web, clock: Clock, own: Path) -> list[Known]:
    """All of them, usable or not; `own` is the file of Signalbox's own database."""
    asked = sql.known(operator.databases, own)
    return [dates.known(clock), money.KNOWN, page.known(web), mail.known(operator.mail, clock), *asked]
