"""Holds every product file to the rules of the house, and every rule to a sample that must break it."""

import pytest

from engine.faultpoints import POINTS
from tests.architecture import rules
from tests.architecture.source import ROOT, Module, product_modules

MODULES = product_modules()
ROOMS = {path.stem for path in (ROOT / "engine").iterdir() if path.is_dir() or path.suffix == ".py"}
PURE = ("engine.run.decide", "engine.run.halts", "engine.run.paths", "engine.run.state", "engine.run.trial")


def sample(text: str, *, path: str = "engine/graph/sample.py") -> Module:
    return Module(path, text)


def facade_findings(module: Module, *, exported: list[str]) -> list[str]:
    return list(rules.round_the_facade(module, exported=exported, rooms={"graph", "run"}))


@pytest.mark.parametrize(
    "rule", [rules.too_long, rules.without_a_sentence, rules.vaguely_named, rules.through_the_wall, rules.dangerous, rules.without_a_border]
)
def test_every_product_file_keeps_the_rule(rule) -> None:
    assert [finding for module in MODULES for finding in rule(module)] == []


def test_what_decides_a_run_touches_nothing_outside_itself() -> None:
    pure = [module for module in MODULES if module.name.startswith(PURE)]
    assert [finding for module in pure for finding in rules.impure(module)] == []


def test_every_border_that_is_reached_has_a_name_and_every_name_is_reached() -> None:
    product = [module for module in MODULES if module.name != "engine.faultpoints"]
    assert sorted({name for module in product for name in rules.borders_of(module)}) == sorted(POINTS)


def test_app_uses_only_what_the_engine_exports() -> None:
    facade = next(module for module in MODULES if module.name == "engine")
    exported = rules.exported_names(facade)
    assert [f for module in MODULES for f in rules.round_the_facade(module, exported=exported, rooms=ROOMS)] == []


@pytest.mark.parametrize(
    ("rule", "text", "path"),
    [
        (rules.too_long, '"""Fine."""\n' + "x = 1\n" * 400, "engine/a.py"),
        (rules.too_long, "def f():\n" + "    x = 1\n" * 50, "engine/a.py"),
        (rules.without_a_sentence, "x = 1\n", "engine/a.py"),
        (rules.without_a_sentence, '"""No full stop"""\n', "engine/a.py"),
        (rules.without_a_sentence, '"""Fine.' + "\nmore" * 6 + '\n"""\n', "engine/a.py"),
        (rules.vaguely_named, "", "engine/graph/utils.py"),
        (rules.vaguely_named, "", "app/helpers/a.py"),
        (rules.vaguely_named, "", "engine/run/node_base.py"),
        (rules.through_the_wall, "import litellm", "engine/llm/practice.py"),
        (rules.through_the_wall, "from httpx import get", "app/api/runs.py"),
        (rules.through_the_wall, "def f():\n    import faiss", "engine/memory/facts.py"),
        (rules.through_the_wall, "from importlib import import_module\nimport_module('kuzu')", "engine/memory/facts.py"),
        (rules.through_the_wall, "import requests", "engine/security/egress.py"),
        (rules.through_the_wall, "import cryptography.fernet", "engine/security/secrets_more.py"),
        (rules.dangerous, "import pickle", "engine/a.py"),
        (rules.dangerous, "from dill import loads", "engine/a.py"),
        (rules.dangerous, "x = eval('1')", "engine/a.py"),
        (rules.dangerous, "exec('1')", "engine/expressions/a.py"),
        (rules.dangerous, "import yaml\nyaml.load('a')", "engine/a.py"),
        (rules.dangerous, "from yaml import unsafe_load", "engine/a.py"),
        (rules.dangerous, "numpy.load(path, allow_pickle=True)", "engine/a.py"),
        (rules.without_a_border, "def f(c):\n    c.execute('COMMIT')", "engine/storage/a.py"),
        (rules.without_a_border, "def f(c):\n    reach('a')\n    c.execute('commit')", "engine/storage/a.py"),
        (rules.without_a_border, "def f(s):\n    s.commit()\n    reach('a')", "engine/facade/a.py"),
        (rules.without_a_border, "def f(c):\n    c.execute('BEGIN IMMEDIATE')", "engine/storage/a.py"),
        (rules.without_a_border, "from engine.storage.sqlite import writing", "engine/facade/a.py"),
        (rules.without_a_border, "def f(db):\n    Session(db)", "engine/facade/a.py"),
        (rules.impure, "def f():\n    open('a')", "engine/run/decide.py"),
        (rules.impure, "async def f(): ...", "engine/run/decide.py"),
        (rules.impure, "def f():\n    global cache", "engine/run/state.py"),
    ],
)
def test_the_rule_fails_on_a_bad_sample(rule, text: str, path: str) -> None:
    assert list(rule(sample(text, path=path)))


@pytest.mark.parametrize(
    ("rule", "text", "path"),
    [
        (rules.too_long, '"""Fine."""\n' + "x = 1\n" * 399, "engine/a.py"),
        (rules.without_a_sentence, '"""What does a run cost?"""\n', "engine/a.py"),
        (rules.without_a_sentence, "", "engine/__init__.py"),
        (rules.vaguely_named, "", "engine/storage/database.py"),
        (rules.through_the_wall, "import litellm", "engine/llm/gateway.py"),
        (rules.through_the_wall, "import re2", "engine/expressions/functions.py"),
        (rules.dangerous, "import re, yaml\nre.compile('a')\nyaml.safe_load('a')", "engine/a.py"),
        (rules.without_a_border, "def f(c):\n    reach('a')\n    c.execute('COMMIT')\n    reach('b')", "engine/storage/a.py"),
        (rules.without_a_border, "async def f(journal):\n    await journal.commit(what)", "engine/run/a.py"),
        (rules.impure, "def decide(state, event): return []", "engine/run/decide.py"),
    ],
)
def test_the_rule_passes_a_good_sample(rule, text: str, path: str) -> None:
    assert not list(rule(sample(text, path=path)))


def test_app_cannot_reach_past_the_facade() -> None:
    for text in (
        "import engine",
        "from engine import run",
        "from engine.run import decide",
        "from engine import Hidden",
        "from engine import *",
    ):
        assert facade_findings(sample(text, path="app/api/runs.py"), exported=["Engine"]), text
    assert not facade_findings(sample("from engine import Engine", path="app/api/runs.py"), exported=["Engine"])


def test_no_room_imports_the_facade_except_the_command_line() -> None:
    assert facade_findings(sample("from engine import Engine", path="engine/run/executor.py"), exported=["Engine"])
    assert facade_findings(sample("from .. import Engine", path="engine/run/executor.py"), exported=["Engine"])
    assert not facade_findings(sample("from engine import graph", path="engine/run/executor.py"), exported=["Engine"])
    assert not facade_findings(sample("from engine import Engine", path="engine/cli/main.py"), exported=["Engine"])


def test_exported_names_are_read_from_the_facade() -> None:
    assert rules.exported_names(sample('__all__ = ["Engine", "Actor"]', path="engine/__init__.py")) == ["Engine", "Actor"]
