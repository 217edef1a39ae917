"""How the tests of this folder ask for the value or the error of an expression or template."""

from __future__ import annotations

from typing import Any

import pytest

from engine.expressions import ExpressionError, compile_expression, compile_template


def value_of(source: str, **scope: Any) -> Any:
    """The value of an expression over the roots given by name."""
    return compile_expression(source).evaluate(scope)


def error_of(source: str, **scope: Any) -> ExpressionError:
    """The error of an expression, at compile or at run time."""
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source).evaluate(scope)
    return caught.value


def code_of(source: str, **scope: Any) -> str:
    """The code of the error of an expression."""
    return error_of(source, **scope).code


def text_of(source: str, **scope: Any) -> Any:
    """The value of a template."""
    return compile_template(source).evaluate(scope)


def template_error_of(source: str, **scope: Any) -> ExpressionError:
    """The error of a template."""
    with pytest.raises(ExpressionError) as caught:
        compile_template(source).evaluate(scope)
    return caught.value
