"""What ./signalbox promises before Python is there: clear errors, no second set-up, any folder, any place to stand."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

LOCKS = ["requirements.lock", "requirements-test.lock", "requirements-uv.lock"]
TOOLS = ["bash", "cat", "cut", "dirname", "id", "readlink", "sha256sum", "tail"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder with spaces"
    folder.mkdir()
    for name in ["signalbox", *LOCKS]:
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A PATH on which there is no Python at all."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (folder / tool).symlink_to(found)
    return folder


def set_up(checkout: Path, *, verb: str) -> None:
    """A finished set-up whose Python only tells how it was called."""
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "in $(pwd): $@ long=$SIGNALBOX_LONG"\n')
    python.chmod(0o755)
    locks = hashlib.sha256(b"".join((checkout / name).read_bytes() for name in LOCKS)).hexdigest()
    (checkout / ".venv" / "signalbox-stamp").write_text(f"{verb} {locks}\n")


def launch(checkout: Path, *arguments: str, cwd: Path, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    command = [str(checkout / "signalbox"), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env={"PATH": path}, stdin=subprocess.DEVNULL)


def test_without_python_the_error_names_the_next_step(checkout: Path, bare_path: Path) -> None:
    outcome = launch(checkout, "up", cwd=checkout, path=str(bare_path))
    assert outcome.returncode == 1
    assert "Python 3.11 or newer is needed and none was found" in outcome.stderr
    assert "next step: install it" in outcome.stderr


def test_a_python_that_is_too_old_is_named(checkout: Path, bare_path: Path) -> None:
    (bare_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (bare_path / "python3").chmod(0o755)
    outcome = launch(checkout, "up", cwd=checkout, path=str(bare_path))
    assert outcome.returncode == 1
    assert "these are too old: python3" in outcome.stderr


def test_a_finished_set_up_is_not_repeated(checkout: Path, tmp_path: Path) -> None:
    set_up(checkout, verb="run")
    outcome = launch(checkout, "run", "my file.json", "--json", cwd=tmp_path)
    assert outcome.returncode == 0
    assert outcome.stderr == ""
    assert outcome.stdout == f"in {tmp_path}: -P -m engine.cli.main run my file.json --json long=\n"


def test_a_link_to_the_launcher_finds_the_checkout(checkout: Path, tmp_path: Path) -> None:
    set_up(checkout, verb="test")
    (tmp_path / "signalbox").symlink_to(checkout / "signalbox")
    assert launch(tmp_path, "doctor", cwd=tmp_path).stdout.endswith("engine.cli.main doctor long=\n")


def test_tests_run_in_the_checkout_and_long_is_told_by_the_environment(checkout: Path, tmp_path: Path) -> None:
    set_up(checkout, verb="test")
    outcome = launch(checkout, "test", "--long", "-k", "two words", cwd=tmp_path)
    assert outcome.stdout == f"in {checkout}: -m pytest -k two words long=1\n"


def test_a_changed_lock_asks_for_a_new_set_up(checkout: Path, bare_path: Path) -> None:
    set_up(checkout, verb="run")
    (checkout / "requirements.lock").write_text("changed")
    assert "Python 3.11 or newer is needed" in launch(checkout, "up", cwd=checkout, path=str(bare_path)).stderr


@pytest.mark.parametrize(("had", "lock"), [("test", "requirements-test.lock"), ("run", "requirements.lock")])
def test_a_new_set_up_for_running_keeps_the_packages_of_the_tests(checkout: Path, had: str, lock: str) -> None:
    set_up(checkout, verb=had)
    uv = checkout / ".venv" / "bin" / "uv"
    uv.write_text(f'#!/bin/sh\necho "$@" >>"{checkout}/uv-calls"\n')
    uv.chmod(0o755)
    with (checkout / "requirements.lock").open("a") as changed:
        changed.write("# changed\n")
    outcome = launch(checkout, "doctor", cwd=checkout)
    assert outcome.returncode == 0, outcome.stderr
    assert f"{checkout}/{lock}\n" in (checkout / "uv-calls").read_text()
    assert (checkout / ".venv" / "signalbox-stamp").read_text().split()[0] == had
    # The set-up is finished: the next call repeats nothing.
    assert launch(checkout, "doctor", cwd=checkout).stderr == ""


def test_a_set_up_for_running_is_not_enough_for_testing(checkout: Path, bare_path: Path) -> None:
    set_up(checkout, verb="run")
    assert "Python 3.11 or newer is needed" in launch(checkout, "test", cwd=checkout, path=str(bare_path)).stderr


def test_without_a_browser_the_tests_run_and_the_next_step_is_told(checkout: Path, bare_path: Path) -> None:
    set_up(checkout, verb="test")
    (bare_path / "sh").symlink_to("/bin/sh")
    outcome = launch(checkout, "test", cwd=checkout, path=str(bare_path))
    assert "need Chromium" in outcome.stderr and "apt-get install chromium" in outcome.stderr
    assert outcome.stdout.endswith("-m pytest long=\n")
