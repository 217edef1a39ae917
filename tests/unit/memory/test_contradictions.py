"""Facts that contradict each other, said in every order and by anybody, end in the right answer; what was believed before is kept."""

from tests.unit.memory.contradictions import contradictions


def test_of_200_contradictions_every_current_answer_is_right_and_every_history_whole() -> None:
    counts = contradictions()
    assert counts.cases >= 200
    assert counts.wrong == ()
    assert (counts.answers, counts.histories) == (counts.cases, counts.cases)
