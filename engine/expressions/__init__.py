"""The closed expression language over JSON: conditions and values of fields, and {{ templates }}."""

from engine.expressions.compile import Reference
from engine.expressions.errors import ExpressionError, MissingValue
from engine.expressions.expression import ROOT_NAMES, Expression, compile_expression
from engine.expressions.functions import EXAMPLE_SCOPE, FUNCTIONS, Function
from engine.expressions.template import Template, compile_template

__all__ = [
    "EXAMPLE_SCOPE",
    "FUNCTIONS",
    "ROOT_NAMES",
    "Expression",
    "ExpressionError",
    "Function",
    "MissingValue",
    "Reference",
    "Template",
    "compile_expression",
    "compile_template",
]
