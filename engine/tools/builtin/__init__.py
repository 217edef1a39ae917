"""Tools that come with Signalbox: they need no server of anybody's, or the one that the operator has named (docs/decisions/0034)."""

from __future__ import annotations

from engine.clock import Clock
from engine.operator_file import OperatorFile
from engine.tools.builtin import dates, mail, money, page
from engine.tools.toolbox import Known


def built_in(operator: OperatorFile, web: page.Web, clock: Clock) -> list[Known]:
    """All of them, usable or not."""
    return [dates.known(clock), money.KNOWN, page.known(web), mail.known(operator.mail, clock)]
