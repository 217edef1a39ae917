"""Whatever a history does to the engine, its invariants hold; and the same seed is the same history to the last byte."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.figures import figures
from tests.simulation.simulation import play

ROOT = Path(__file__).resolve().parents[2]
SEEDS, MANY = range(1_000, 1_250), range(100_000, 105_000)
PLAYED_TWICE = range(2_000, 2_012)


def played(seeds: Iterable[int]) -> Counter[str]:
    """What all of these histories count together. Fails with the first that is wrong and the command that plays it again."""
    counted, breaches, wrong = Counter[str](), list[str](), 0
    for seed in seeds:
        outcome = play(seed)
        counted += outcome.counted
        wrong += bool(outcome.breaches)
        if outcome.breaches:
            breaches += [f"replay: .venv/bin/python -m tests.simulation --seed {seed}", *outcome.breaches[:10]]
    figures("simulation", first_seed=min(seeds), histories=len(list(seeds)), failures=wrong, **counted)
    assert not breaches, "\n".join(breaches[:60])
    return counted


def met_what_it_is_about(counted: Counter[str]) -> None:
    """Histories in which nothing went wrong would prove nothing."""
    for trouble in (
        "processes killed", "starts after a death", "takeovers from a process that lives", "clocks set", "disks full",
        "refusals of the disk", "answers of the disk lost", "answers delivered twice", "decisions delivered twice",
        "timers fired again", "children told again",
        "provider faults", "failed calls", "in doubt", "attempts lost and repeated", "effects unsafe", "items done", "runs succeeded",
    ):  # fmt: skip
        assert counted[trouble] > 5, (trouble, counted)


@pytest.mark.timeout(1200)
def test_whatever_a_history_does_to_it_the_engine_loses_and_doubles_nothing() -> None:
    counted = played(SEEDS)
    print(json.dumps(counted))
    met_what_it_is_about(counted)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_five_thousand_histories() -> None:
    print(json.dumps(played(MANY)))


def test_the_same_seed_is_the_same_history_to_the_last_byte() -> None:
    command = [sys.executable, "-c", f"import json\nfrom tests.simulation.simulation import play\n{_PLAY}"]

    def digests(hash_seed: str) -> dict[str, str]:
        # Another order of every set of texts, as another process has it.
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
        return json.loads(subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout)

    first, second = digests("1"), digests("2")
    assert first == second
    assert len(set(first.values())) == len(PLAYED_TWICE), "different seeds are different histories"


_PLAY = f"print(json.dumps({{seed: play(seed).digest for seed in range({PLAYED_TWICE.start}, {PLAYED_TWICE.stop})}}))"
