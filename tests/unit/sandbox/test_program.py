"""A program is read without being run: its mistakes have lines, and it is known where its result is set."""

import sys
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.nodes.kinds.code import Code, CodeConfig
from engine.sandbox.program import MOST_CHARACTERS, read


@pytest.mark.parametrize(
    ("code", "text", "line"),
    [
        ("1 + 1", "result = (1 + 1)", 1),
        ("x = 1\nx + 1  # more", "x = 1\nresult = (x + 1)  # more", 2),
        ("a; b", "a; result = (b)", 1),
        ("f(\n 1,\n 2)\n", "result = (f(\n 1,\n 2))\n", 1),
        ("'é' + 'ü'; 'ö'", "'é' + 'ü'; result = ('ö')", 1),
        ("result = 3\nresult", "result = 3\nresult\nNone", 1),
        ("if x:\n    result = 1\nelse:\n    result = 2", "if x:\n    result = 1\nelse:\n    result = 2\nNone", 4),
        ("def f():\n    global result\n    result = 1\nf()", "def f():\n    global result\n    result = 1\nf()\nNone", 2),
        ("def f():\n    result = 1\nf()", "def f():\n    result = 1\nresult = (f())", 3),
        ("for result in x: pass", "for result in x: pass\nNone", 1),
        ("1\r\n2\r3", "1\n2\nresult = (3)", 3),
    ],
)
def test_the_result_is_the_variable_or_else_the_last_value(code: str, text: str, line: int) -> None:
    program, flaws = read(code)
    assert flaws == () and program is not None
    assert (program.text, program.result_line) == (text, line)


@pytest.mark.parametrize(
    ("code", "line", "told"),
    [
        ("", 0, "no code"),
        ("  \n", 0, "no code"),
        ("x = (", 1, "Line 1"),
        ("a = 1\nb = = 2", 2, "Line 2 cannot be read"),
        ("def f():\nreturn 1", 2, "Line 2"),
        ("x = 1\nreturn x", 2, "outside of a function"),
        ("if 1:\n  return 2", 2, "outside of a function"),
        ("x = 1\ndel x\nx", 2, "`del`"),
        ("def f():\n  yield 1\nf()", 2, "`yield`"),
        ("from math import *\n1", 1, "import *"),
        ("class A(dict): pass\n1", 1, "made from others"),
        ("x = 1\nx = checkpoint(x)\nx", 2, "takes no values"),
        ("x" * (MOST_CHARACTERS + 1), 0, "20,001 characters"),
        ("x = '\0'", 0, "no text"),
        ("x = '\ud800'", 0, "no text"),
        ("(" * 3000 + ")" * 3000, 1, "nested"),
        ("-" * 15000 + "1", 0, "nested too deep"),
    ],
)
def test_what_cannot_run_is_told_with_its_line(code: str, line: int, told: str) -> None:
    program, flaws = read(code)
    assert program is None
    assert flaws[0].is_fatal and flaws[0].line == line
    assert told in flaws[0].message


def test_code_without_a_result_is_a_warning() -> None:
    program, flaws = read("x = 1")
    assert program is not None and program.result_line == 0
    assert [flaw.is_fatal for flaw in flaws] == [False]


def test_reading_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys\nsys.modules['x_was_here'] = 1\n__import__('os').environ.update(A='1')\n1"
    assert read(code)[0] is not None
    assert "x_was_here" not in sys.modules


@settings(max_examples=300)
@given(st.text(alphabet=st.sampled_from("ab=()[]{}:;,.'\"\\\n \t#0 result def if for lambda é\r\x0c"), max_size=60))
def test_whatever_is_typed_is_read_or_told(code: str) -> None:
    program, flaws = read(code)
    assert (program is None) == any(flaw.is_fatal for flaw in flaws)
    if program is not None:
        # Naming the last value makes nothing unreadable; what Python only warns of (`"\\:"`) was typed so.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(program.text, "x", "exec")


def test_the_kind_tells_problems_at_their_fields() -> None:
    config = CodeConfig(code="a = \n", inputs={"result": "1", "for": "2", "größe": "3", "fine": "4"})
    told = {(problem.field, problem.code) for problem in Code().problems(config)}
    assert told == {
        ("code", "bad_code"),
        ("inputs.result", "reserved_name"),
        ("inputs.for", "bad_name"),
        ("inputs.größe", "bad_name"),
    }
