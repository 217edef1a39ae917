"""The suite has teeth: the engine with one guarantee taken out is caught by the test that is named after it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import pytest

from tests.figures import figures

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("engine", "tests", "pyproject.toml")


@dataclass(frozen=True)
class Mutant:
    """One place of the engine, changed."""

    name: str
    file: str
    before: str
    after: str
    caught_by: str


_COMMITS = "            if turn.recorded:\n                await self._commit(active, turn)\n"

MUTANTS = [
    Mutant(
        "the epoch is not checked",
        "engine/storage/journal.py",
        "WHERE run_id = ? AND epoch = ? AND head_seq = ?",
        "WHERE run_id = ? AND ? >= 0 AND head_seq = ?",
        "tests/integration/test_fencing.py::test_whoever_was_overtaken_writes_nothing_more",
    ),
    Mutant(
        "the head of the journal is not checked",
        "engine/storage/journal.py",
        "WHERE run_id = ? AND epoch = ? AND head_seq = ?",
        "WHERE run_id = ? AND epoch = ? AND ? >= 0",
        "tests/integration/test_fencing.py::test_two_writers_of_one_epoch_never_both_win",
    ),
    Mutant(
        "what was read of a run before it left memory is taken for the whole",
        "engine/run/executor.py",
        " or self._departed.is_behind(loaded)",
        "",
        "tests/integration/test_fencing.py::test_whoever_has_read_a_run_before_it_left_memory_reads_it_again",
    ),
    Mutant(
        "calls are made before their intent is durable",
        "engine/run/executor.py",
        _COMMITS,
        f"            self._perform(active, turn)\n            turn.performs = []\n{_COMMITS}",
        "tests/integration/test_durability.py::test_no_call_is_made_before_its_intent_is_durable",
    ),
    Mutant(
        "what was set aside for a call in doubt is given back",
        "engine/run/doubt.py",
        "digest=bound, spent=spent)",
        "digest=bound)",
        "tests/unit/run/test_retries.py::test_what_was_reserved_for_a_call_in_doubt_stays_charged_whatever_comes_of_it",
    ),
    Mutant(
        "a call in doubt is tried again by itself",
        "engine/run/frontier.py",
        "return self._effect in (Effect.UNSAFE, Effect.RECONCILABLE) and not self.stand_in",
        "return False",
        "tests/unit/run/test_retries.py::test_after_a_crash_an_unsafe_call_is_in_doubt_and_never_repeated_by_itself",
    ),
    Mutant(
        "nothing waits for the disk",
        "engine/storage/sqlite.py",
        "PRAGMA synchronous = FULL",
        "PRAGMA synchronous = OFF",
        "tests/unit/storage/test_sqlite.py::test_both_kinds_of_connection_are_durable_and_wait_for_locks",
    ),
    Mutant(
        "a late answer counts",
        "engine/run/reactions.py",
        'if step is None or step.status != "running" or step.attempt != done.attempt:',
        'if step is None or step.status != "running":',
        "tests/unit/run/test_retries.py::test_a_late_answer_of_a_call_in_doubt_changes_nothing",
    ),
    Mutant(
        "what runs at once is not counted against a budget",
        "engine/run/budgets.py",
        "self.set_aside(key), self._limits[key])",
        "0, self._limits[key])",
        "tests/integration/test_budgets.py::test_many_runs_at_once_never_spend_more_than_the_workspace_may",
    ),
    Mutant(
        "what a dead process had set aside is not counted against a budget",
        "engine/run/budgets.py",
        "        self._is_recovering = True\n",
        "",
        "tests/integration/test_budgets.py::test_runs_that_wait_for_others_go_on_after_a_restart",
    ),
    Mutant(
        "what the database refused to keep was spent all the same",
        "engine/run/budgets.py",
        "self._add(stranded.charges, -1)",
        "pass",
        "tests/integration/test_budgets.py::test_what_a_refused_commit_would_have_charged_is_not_spent",
    ),
    Mutant(
        "an approval allows whatever runs",
        "engine/run/turn.py",
        "if now == consent.digest:",
        "if now or consent.digest:",
        "tests/integration/test_inbox.py::test_a_card_names_its_successor_when_what_would_run_has_changed",
    ),
    Mutant(
        "consent is taken over by a fork",
        "engine/run/forking.py",
        'Consent(consent.approval, consent.attempt, "",',
        "Consent(consent.approval, consent.attempt, consent.digest,",
        "tests/integration/test_forks.py::test_what_was_allowed_in_the_other_run_is_asked_for_again",
    ),
    Mutant(
        "the log of a running server is given up",
        "engine/storage/sqlite.py",
        "    if not path.exists():\n        os.close(",
        "    if True:\n        os.close(",
        "tests/integration/test_durability.py::test_another_program_that_looks_into_the_database_takes_nothing_away",
    ),
    Mutant(
        "a run whose rows a fork shares is deleted",
        "engine/storage/retention.py",
        "  AND NOT EXISTS (SELECT 1 FROM runs WHERE fork_of = gone.run_id)\n",
        "",
        "tests/integration/test_retention.py::test_a_run_whose_rows_a_fork_shares_is_kept_until_the_fork_has_gone",
    ),
    Mutant(
        "a fork begins although its origin is gone",
        "engine/storage/journal.py",
        "if new.fork_of is not None and connection",
        "if new.fork_of == '' and connection",
        "tests/integration/test_retention.py::test_a_fork_that_begins_while_its_origin_goes_does_not_begin",
    ),
    Mutant(
        "a value goes with the first of the runs that share it",
        "engine/storage/retention.py",
        " AND NOT EXISTS (SELECT 1 FROM blob_refs WHERE blob_refs.hash = blobs.hash)",
        "",
        "tests/integration/test_retention.py::test_a_run_that_starts_while_a_sweep_runs_does_not_lose_the_value_it_shares",
    ),
    Mutant(
        "a part is seen of a run that is being deleted",
        "engine/storage/journal_reader.py",
        " AND NOT EXISTS (SELECT 1 FROM swept_runs WHERE run_id = :run)",
        "",
        "tests/integration/test_retention.py::test_whatever_a_crash_leaves_is_gone_for_every_reader_and_the_next_start_goes_on",
    ),
    Mutant(
        "the first row of a deleted run goes first",
        "engine/storage/retention.py",
        "ORDER BY seq DESC LIMIT ?)",
        "ORDER BY seq LIMIT ?)",
        "tests/integration/test_retention.py::test_a_run_of_the_same_id_can_only_begin_when_the_old_one_is_gone_altogether",
    ),
    Mutant(
        "a snapshot of something else is believed",
        "engine/run/snapshots.py",
        "if (kept.run, kept.plan, kept.state.seq) != (of, plan.hash, seq):",
        "if (kept.run, plan.hash) == (plan.hash, of):",
        "tests/unit/run/test_snapshots.py::test_a_snapshot_of_something_else_is_refused",
    ),
    Mutant(
        "snapshots of a large state are written without end",
        "engine/run/keeping.py",
        "if written > allowed:",
        "if written > allowed * 1000:",
        "tests/integration/test_keeping.py::test_a_run_whose_snapshots_took_as_much_as_its_rows_is_not_kept_again",
    ),
    Mutant(
        "a commit whose answer was lost is written again",
        "engine/storage/journal.py",
        "            if kept is None or not self._is_there(batch, kept, error):",
        "            if True:",
        "tests/integration/test_unknown_outcomes.py::test_a_commit_whose_answer_is_lost_is_looked_up_and_not_written_again",
    ),
    Mutant(
        "a commit that nobody can look up is written again blindly",
        "engine/storage/journal.py",
        " or isinstance(outcomes[0], _Unsure):",
        ":",
        "tests/integration/test_unknown_outcomes.py::test_a_run_whose_commit_nobody_can_look_up_stands_still_and_is_read_again",
    ),
    Mutant(
        "a run whose start was not answered is never set going",
        "engine/run/executor.py",
        "            self._families.in_background(partial(self._set_going, spec.owner.run_id))\n",
        "",
        "tests/integration/test_unknown_outcomes.py::test_a_start_of_which_nobody_knows_goes_on_although_nobody_sends_it_again",
    ),
    Mutant(
        "a parent is told of its child once at most",
        "engine/run/families.py",
        "                await self._executor.clock.sleep(AGAIN_S)\n",
        "                raise\n",
        "tests/integration/test_unknown_outcomes.py::test_a_parent_hears_of_its_child_although_the_database_refuses_for_a_moment",
    ),
    Mutant(
        "a timer that cannot fire is forgotten",
        "engine/run/executor.py",
        "            self._timers.add(self.clock.now_us() + AGAIN_US, run_id, due.path, due.attempt, due.kind)\n",
        "            return\n",
        "tests/integration/test_unknown_outcomes.py::test_a_timer_fires_although_the_database_refuses_for_a_moment",
    ),
    Mutant(
        "a run that was paused in its last step stays paused for ever",
        "engine/run/decide.py",
        "    if not is_alive and all(frame.back is None for frame in state.frames.values()):",
        "    if False:",
        "tests/unit/run/test_ends.py::test_a_run_that_is_paused_in_its_last_step_ends_with_it",
    ),
    Mutant(
        "a commit comes past no border",
        "engine/storage/migrate.py",
        '        reach("migrate.committed")\n',
        "",
        "tests/architecture/test_rules.py::test_every_product_file_keeps_the_rule",
    ),
    Mutant(
        "what is lost in a crash costs nothing",
        "engine/run/halts.py",
        "    state.settle(step, step.reserved)\n    step.rest()\n",
        "    state.settle(step, events.NOTHING)\n    step.rest()\n",
        "tests/unit/run/test_retries.py::test_after_a_crash_what_was_running_runs_again_and_keeps_its_reservation_charged",
    ),
    Mutant(
        "after a failure new steps start",
        "engine/run/decide.py",
        '        return [] if state.running or state.leaving else [End("failed", None, failure_reason(state))]\n',
        '        if not state.running and not state.leaving:\n            return [End("failed", None, failure_reason(state))]\n',
        "tests/unit/run/test_ends.py::test_after_an_unhandled_error_nothing_starts_while_other_calls_still_run",
    ),
    Mutant(
        "only the first address of a name is checked",
        "engine/security/egress.py",
        "checked(place, found, self._allowed)",
        "checked(place, found[:1], self._allowed)",
        "tests/security/test_ssrf.py::test_a_name_is_not_called_when_one_of_its_addresses_is_not_public",
    ),
    Mutant(
        "the name is looked up again to connect",
        "engine/security/egress.py",
        "host=str(address), port",
        "host=hop.place.host, port",
        "tests/security/test_ssrf.py::test_what_is_connected_to_is_what_was_checked_however_the_name_answers_afterwards",
    ),
    Mutant(
        "a secret goes along to another host",
        "engine/security/egress.py",
        "if name in _STAYS}, False",
        "if name in _STAYS}, hop.has_secret",
        "tests/security/test_egress.py::test_a_redirect_to_another_host_takes_neither_the_secret_nor_headers_along",
    ),
    Mutant(
        "a lost answer of an unsafe call is tried again",
        "engine/security/egress.py",
        "        if call.request.may_repeat:\n            return WebUnavailable",
        "        if True:\n            return WebUnavailable",
        "tests/integration/test_http_steps.py::test_a_post_whose_answer_is_cut_off_is_in_doubt_and_a_put_is_made_again",
    ),
]


AT_ONCE = 2


def copied(folder: Path) -> Path:
    """The engine and its tests, to be changed."""
    ignored = shutil.ignore_patterns("__pycache__", "ui", "mutation")
    folder.mkdir(exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        shutil.copytree(source, folder / part, ignore=ignored) if source.is_dir() else shutil.copy(source, folder / part)
    return folder


def passes(folder: Path, *tests: str) -> tuple[bool, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=170)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[dict[str, Future[tuple[bool, str]]]]:
    """Each mutant that is asked for -> whether its test passes with it; several at once, each in a copy that no other one changes."""
    copies: SimpleQueue[Path] = SimpleQueue()
    for number in range(AT_ONCE):
        copies.put(copied(tmp_path_factory.mktemp(f"mutants{number}")))
    asked = {
        item.callspec.params["mutant"].name
        for item in request.session.items
        if hasattr(item, "callspec") and "mutant" in item.callspec.params
    }

    def one(mutant: Mutant) -> tuple[bool, str]:
        folder = copies.get()
        file = folder / mutant.file
        original = file.read_text(encoding="utf-8")
        try:
            assert original.count(mutant.before) == 1, f"{mutant.file} has changed: this mutant is none any more"
            file.write_text(original.replace(mutant.before, mutant.after), encoding="utf-8")
            return passes(folder, mutant.caught_by)
        finally:
            file.write_text(original, encoding="utf-8")
            copies.put(folder)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {mutant.name: pool.submit(one, mutant) for mutant in MUTANTS if mutant.name in asked}


def test_without_a_mutation_every_named_test_passes(tmp_path: Path) -> None:
    is_right, told = passes(copied(tmp_path / "unchanged"), *sorted({mutant.caught_by for mutant in MUTANTS}))
    assert is_right, told


@pytest.mark.timeout(400)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught_by_the_test_that_names_what_it_breaks(tried: dict[str, Future[tuple[bool, str]]], mutant: Mutant) -> None:
    is_right, told = tried[mutant.name].result()
    figures("mutants", mutants=1, caught=int(not is_right), failures=int(is_right))
    assert not is_right, told
