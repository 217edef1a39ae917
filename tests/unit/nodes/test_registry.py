"""Kinds are found by themselves, plugins only when the operator allows them."""

from importlib.metadata import EntryPoint

import pytest

from engine.errors import Bug
from engine.nodes import registry
from engine.nodes.kinds.fail import Fail
from engine.nodes.registry import Registry


class Shout(Fail):
    """A plugin's kind."""

    kind = "shout"


def test_names_are_sorted_and_known() -> None:
    found = Registry.builtin()
    assert found.names() == sorted(found.names())
    assert [kind.kind for kind in found.all()] == found.names()
    assert found.get("no such kind") is None


def test_two_kinds_with_one_name_are_refused() -> None:
    with pytest.raises(Bug, match="two node kinds"):
        Registry([Fail(), Fail()])


def test_something_else_than_a_kind_is_refused() -> None:
    with pytest.raises(Bug):
        Registry([object()])  # type: ignore[list-item]


@pytest.mark.parametrize(("allowed", "found"), [(False, False), (True, True)])
def test_plugins_are_loaded_only_when_allowed(monkeypatch, allowed, found) -> None:
    entry = EntryPoint("shout", f"{__name__}:Shout", registry.PLUGIN_GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: Shout)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry] if group == registry.PLUGIN_GROUP else [])
    assert (Registry.builtin(allow_plugins=allowed).get("shout") is not None) == found
