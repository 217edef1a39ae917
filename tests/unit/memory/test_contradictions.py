"""Whatever order things are said in and whoever says them, the right answer stands in the end, and what was believed before is kept."""

from __future__ import annotations

from engine.cli.contradiction_cases import AGENT, Case, cases, say, these
from engine.cli.contradictions import contradictions


def test_every_case_ends_in_the_right_answer_with_its_history_intact() -> None:
    names = [case.name for case in cases()]
    assert len(names) >= 200 and len(set(names)) == len(names)
    counts = contradictions()
    assert counts.wrong == ()
    assert counts.cases == counts.answers == counts.histories == len(names)


def test_a_wrong_answer_is_seen() -> None:
    lines = (say("Acme", 10), say("Globex", 20, by=AGENT))
    right, wrong = (Case(name, "works_at", lines, these(now)) for name, now in (("right", "Globex"), ("wrong", "Acme")))
    counts = contradictions([right, wrong])
    assert (counts.cases, counts.answers) == (2, 1)
    assert counts.wrong == ("wrong: of day 102 Globex is known instead of Acme",)
