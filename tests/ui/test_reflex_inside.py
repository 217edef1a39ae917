"""What we know of the inside of Reflex belongs to one version; a new one is looked at first."""

import tomllib
from importlib.metadata import version

from app.ui import reflex_inside
from tests.architecture.source import ROOT


def test_the_inside_of_reflex_is_the_one_we_know() -> None:
    """Another version: read app/ui/reflex_inside.py line by line against it, run tests/ui, then change VERSION."""
    assert version("reflex") == version("reflex-base") == reflex_inside.VERSION


def test_no_other_version_can_be_installed() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert f"reflex=={reflex_inside.VERSION}" in dependencies
