"""Every sentence of "Running" in workflow.md has a test that is named after it, and that test runs."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.acceptance.sentences import RUNNING, pytest_id

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT.parent / "shared" / "design" / "workflow.md"
SENTENCES = [sentence for item in RUNNING for sentence in item]
PLACES = {f"{number}{chr(97 + at)}": (item, sentence) for number, item in enumerate(RUNNING, 1) for at, sentence in enumerate(item)}
every_sentence = pytest.mark.parametrize("place", PLACES)
in_the_contract = pytest.mark.skipif(not CONTRACT.exists(), reason="workflow.md lies beside the repository only where it is written")
Function = ast.FunctionDef | ast.AsyncFunctionDef
SMALL_WORDS = set("test a an and are by from in is it its not of or that the their to with".split())


@cache
def module(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"), file)


@cache
def functions(file: str) -> dict[str, Function]:
    """All of the module; tests stand at its top."""
    return {node.name: node for node in module(file).body if isinstance(node, Function)}


def marks(file: str, name: str) -> set[str]:
    """What the test and its module are marked with, by themselves or by a name of the module."""
    marked: list[ast.AST] = [*functions(file)[name].decorator_list]
    named = {"pytestmark"} | {node.id for mark in marked for node in ast.walk(mark) if isinstance(node, ast.Name)}
    marked += [node.value for node in module(file).body if isinstance(node, ast.Assign) and named & _targets(node)]
    return {found.attr for mark in marked for found in ast.walk(mark) if isinstance(found, ast.Attribute)}


def _targets(node: ast.Assign) -> set[str]:
    return {target.id for target in node.targets if isinstance(target, ast.Name)}


def may_skip(file: str, name: str) -> bool:
    """Whether the test, or a fixture of its module that it takes, can call it off while it runs."""
    function = functions(file)[name]
    calls = {found.attr for found in ast.walk(function) if isinstance(found, ast.Attribute)} & {"skip", "importorskip", "xfail"}
    fixtures = [argument.arg for argument in function.args.args if argument.arg in functions(file) and argument.arg != name]
    return bool(calls) or any(may_skip(file, fixture) for fixture in fixtures)


def words(text: str) -> set[str]:
    """The beginnings of its words, so that `cancels` is `cancelled`."""
    return {word[:4] for word in re.findall(r"[a-z0-9]+", text.lower().replace("-", "")) if word not in SMALL_WORDS}


def normal(text: str) -> str:
    return " ".join(text.split())


@every_sentence
def test_a_sentence_has_a_test_or_says_which_issue_brings_one(place: str) -> None:
    _, sentence = PLACES[place]
    assert sentence.tests or sentence.later
    for short in (*sentence.tests, *([sentence.owed] if sentence.owed else [])):
        file, name = pytest_id(short).split("::")
        assert name in functions(file), f"{file} has no test {name}"
        assert not marks(file, name) & {"skip", "skipif", "long"}, f"{name} does not always run"
        assert ("xfail" in marks(file, name)) == (short == sentence.owed), f"{name} is expected to fail and proves nothing"


@every_sentence
def test_the_first_test_of_a_sentence_is_named_after_it_and_never_called_off(place: str) -> None:
    item, sentence = PLACES[place]
    if not sentence.tests:
        assert sentence.later
        return
    file, name = pytest_id(sentence.tests[0]).split("::")
    assert not may_skip(file, name)
    said, around, named = words(sentence.text), words(" ".join(other.text for other in item)), words(name)
    # `of a step: ...` is about statuses, which only the sentence before it says.
    assert 4 * len(said & named) >= min(len(said), len(named)), (said, named)
    assert 2 * len(around & named) >= min(len(said), len(named)), (around, named)


def test_what_can_be_called_off_or_runs_long_only_is_seen() -> None:
    assert may_skip("tests/integration/test_durability.py", "test_a_run_is_acknowledged_only_after_fsync")
    assert "long" in marks("tests/chaos/test_engine_kills.py", "test_ten_thousand_kills_lose_nothing_and_double_nothing")
    assert "skipif" in marks("tests/acceptance/test_sentences.py", "test_the_sentences_are_those_of_the_contract")


def test_hardly_anything_is_left_to_later_issues() -> None:
    assert [sentence.text.split()[0] for sentence in SENTENCES if not sentence.tests] == []
    assert sum(bool(sentence.later) for sentence in SENTENCES) == 1
    assert [sentence.owed for sentence in SENTENCES if sentence.owed] == []


@in_the_contract
def test_the_sentences_are_those_of_the_contract() -> None:
    section = CONTRACT.read_text(encoding="utf-8").split("\n## Running\n")[1].split("\n## ")[0]
    listed = " ".join(f"{number}. " + " ".join(s.text for s in item) for number, item in enumerate(RUNNING, 1))
    assert normal(listed) == normal(section)
