"""That docs/expressions.md says what the compiler does."""

from __future__ import annotations

from pathlib import Path

from engine.expressions import FUNCTIONS, ROOT_NAMES
from engine.expressions.errors import ExpressionError
from engine.expressions.help import page

_PAGE = Path(__file__).parents[3] / "docs" / "expressions.md"


def test_the_page_is_current() -> None:
    assert _PAGE.read_text(encoding="utf-8") == page(), "run: python -m engine.expressions.help > docs/expressions.md"


def test_the_page_tells_every_function_name_and_error() -> None:
    text = page()
    assert all(f"`{function.signature}`" in text for function in FUNCTIONS.values())
    assert all(f"- `{name}`:" in text for name in ROOT_NAMES)
    assert all(f"`{error.code}`" in text for error in ExpressionError.__subclasses__())
