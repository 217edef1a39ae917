"""The page of figures holds what was measured, and nothing else."""

import json

from engine.cli.bench_table import page

CHAIN = {"shape": "chain", "nodes": 1000, "runs": 1, "at_once": 1}
LINES = [
    {"engine": "signalbox", **CHAIN, "ms_step": 0.6, "steps_s": 1666.7, "commits_step": 1.002, "bytes_step": 2789},
    {"engine": "raw-sqlite-fenced", **CHAIN, "ms_step": 0.4, "steps_s": 2500.0, "commits_per_step": 1.0},
    {"engine": "other", **CHAIN, "error": "timeout"},
    {"shape": "chain", "profile_us_per_step": {"decide": 6.5, "commit": 451.2}, "total_us": 623.0},
    {"bench": "waiting runs", "runs": 1000, "rss_mb_more": 1.9},
]


def test_every_figure_stands_beside_the_floor_of_its_run() -> None:
    told = page(["Building…", *(json.dumps(line) for line in LINES)], on="2026-11-30")
    assert "| Signalbox | 0.600 | 1,667 | 1.50 | 1.002 | 2,789 |" in told
    assert "| floor: fenced rows in SQLite, no engine | 0.400 | 2,500 | 1.00 | 1.0 |  |" in told
    assert "timeout" not in told and "runs of" not in told, "what was not measured is not there"
    assert told.index("SQLite: the run's row") < told.index("| what follows | 6.5 |"), "the largest part first"
    assert "| 1,000 runs that wait take in memory | 1.9 MB |" in told


def test_without_figures_there_is_no_table() -> None:
    assert "|" not in page([], on="2026-11-30")
