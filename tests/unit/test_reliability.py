"""The page about reliability says what a run has counted, and nothing else."""

import json

import pytest

from tests import figures as figures_
from tests.figures import NAME, VARIABLE, figures
from tests.reliability import KEPT, PAGE, page


def line(job: str, **counted: object) -> str:
    return json.dumps({"job": job, "test": "t", "at": "2026-01-02T03:04:05+00:00", "commit": "abc", **counted})


def test_the_page_is_made_of_its_figures() -> None:
    assert PAGE.read_text() == page(KEPT.read_text().splitlines())


def test_what_no_job_has_counted_is_not_on_the_page() -> None:
    told = page([line("engine kills", kills=5, failures=0)])
    assert "| kills | 5 |" in told
    assert "Simulated histories" not in told and "acknowledged row" not in told


def test_figures_of_several_runs_of_a_job_are_added_and_names_are_listed() -> None:
    told = page([line("simulation", histories=2_000, failures=1, first_seed=5), line("simulation", histories=3, failures=0, first_seed=7)])
    assert "| histories | 2,003 |" in told and "| failures | 1 |" in told
    assert "first seed 5, 7" in told and "at commit abc" in told and "2026-01-02" in told


def test_a_job_that_nobody_describes_is_refused() -> None:
    with pytest.raises(ValueError, match="unheard of"):
        page([line("unheard of", kills=5)])


def test_figures_are_kept_only_where_somebody_asks_for_them(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    figures("simulation", histories=1)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv(VARIABLE, str(tmp_path / "figures"))
    monkeypatch.setattr(figures_, "commit", lambda: "abc")
    figures("simulation", histories=1)
    kept = json.loads((tmp_path / "figures" / NAME).read_text())
    assert (kept["job"], kept["histories"], kept["commit"]) == ("simulation", 1, "abc")
    assert kept["test"].endswith("test_figures_are_kept_only_where_somebody_asks_for_them")
