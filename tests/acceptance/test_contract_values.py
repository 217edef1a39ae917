"""workflow.md, part "Values": expressions, templates, names, operators, functions and bounds, as a run works them out."""

from typing import Any

import pytest

from engine.errors import Invalid
from tests.acceptance.by_contract import START, doc, ends, errors, link, node, problems, run, sets, steps, straight
from tests.integration.modelled import opened

INPUTS: dict[str, Any] = {
    "n": 3,
    "f": 2.5,
    "t": "Hello wörld",
    "none": None,
    "yes": True,
    "empty": [],
    "list": [3, 1, 2],
    "class": "k",
    "from": {"in": {"not": 7}},
    "orders": [{"id": "a", "amount": 250, "paid": False}, {"id": "b", "amount": 500, "paid": True}],
    "größe": 9,
    "keys": "a key named keys",
    "big": 2**53 + 1,
    "items": {"values": 1, "b": [10, {"c": "deep"}]},
    "zero": 0,
    "date": "2026-11-20T00:00:00Z",
    "emoji": "👩‍👩‍👧 ok",
}

VALUES: dict[str, Any] = {
    # literals
    "1": 1,
    "1.5": 1.5,
    "'a'": "a",
    '"a"': "a",
    "true": True,
    "false": False,
    "null": None,
    "True": True,
    "False": False,
    "None": None,
    "[]": [],
    "[1, 'a', null]": [1, "a", None],
    "{}": {},
    '{"a": {"b": 1}}': {"a": {"b": 1}},
    "1e3": 1000.0,
    "-5": -5,
    '"ä\\n\\u00e9"': "ä\né",
    # arithmetic
    "1 + 2": 3,
    "7 - 2.5": 4.5,
    "2 * 3": 6,
    "7 / 2": 3.5,
    "7 // 2": 3,
    "-7 // 2": -4,
    "7 % 3": 1,
    "inputs.big": 2**53 + 1,
    "inputs.big + 1": 2**53 + 2,
    '"a" + "b"': "ab",
    "[1] + [2]": [1, 2],
    "1 + 2 * 3": 7,
    "(1 + 2) * 3": 9,
    "9223372036854775807": 9223372036854775807,
    # comparison
    "1 == 1.0": True,
    "1 == '1'": False,
    "true == 1": False,
    "null == false": False,
    "[1, {'a': 2}] == [1.0, {'a': 2}]": True,
    "1 != 2": True,
    "1 < 2 <= 2": True,
    "3 > 2 >= 3": False,
    "'a' < 'b'": True,
    "2 in [1, 2]": True,
    "'b' in 'abc'": True,
    "'id' in inputs.orders[0]": True,
    "5 not in [1]": True,
    "true in [1]": False,
    "1.0 in [1]": True,
    # logic
    "not false": True,
    "true and false": False,
    "false or true": True,
    "1 if true else 2": 1,
    "1 if [] else 2": 2,
    "false and 1 / 0 > 1": False,
    "true or 1 / 0 > 1": True,
    "1 if true else 1 / 0": 1,
    # look-ups
    "inputs.n": 3,
    "inputs['n']": 3,
    "inputs.list[0]": 3,
    "inputs.list[-1]": 2,
    "inputs.items.values": 1,
    "inputs.items.b[1].c": "deep",
    "inputs.keys": "a key named keys",
    "inputs.class": "k",
    "inputs.from.in.not": 7,
    "inputs.größe": 9,
    "inputs[inputs.none if false else 'n']": 3,
    "inputs.orders[1].amount": 500,
    "nodes.start.n": 3,
    "nodes['start']['n']": 3,
    # names
    "visit": 1,
    "vars.rate": 0.19,
    "vars.deep.list[0]": 1,
    "len(run.id) > 0": True,
    "run.started_at <= now": True,
    "len(inputs.orders)": 2,
    # functions
    "len('wörld')": 5,
    "len([])": 0,
    "len({'a': 1})": 1,
    "str(12)": "12",
    "str(1.5)": "1.5",
    "str(true)": "true",
    "str([1, {'a': null}])": '[1,{"a":null}]',
    "number('12.5')": 12.5,
    "number('3')": 3,
    "int(3.9)": 3,
    "int('12')": 12,
    "int(-3.9)": -3,
    "round(2.4)": 2,
    "round(2.345, 1)": 2.3,
    "abs(-4)": 4,
    "min(3, 1, 2)": 1,
    "min([3, 1])": 1,
    "max([3, 1])": 3,
    "max(1, 5)": 5,
    "sum([1, 2, 3])": 6,
    "sum([])": 0,
    "any([false, 1])": True,
    "any([])": False,
    "all([1, true])": True,
    "all([])": True,
    "lower('ÄB')": "äb",
    "upper('äb')": "ÄB",
    "trim('  a ')": "a",
    "split('a,b', ',')": ["a", "b"],
    "join(['a', 'b'], '-')": "a-b",
    "contains('abc', 'b')": True,
    "contains([1], 1)": True,
    "startswith('abc', 'ab')": True,
    "endswith('abc', 'bc')": True,
    "matches('INV-12', '^INV-[0-9]+$')": True,
    "matches('x', '[0-9]')": False,
    "keys({'b': 1, 'a': 2})": ["b", "a"],
    "values({'b': 1, 'a': 2})": [1, 2],
    "first([1, 2])": 1,
    "last([1, 2])": 2,
    "sort([3, 1, 2])": [1, 2, 3],
    "sort(['b', 'a'])": ["a", "b"],
    "unique([1, 2, 1])": [1, 2],
    "count([1, 2])": 2,
    'where(inputs.orders, "x -> x.paid")': [{"id": "b", "amount": 500, "paid": True}],
    'map(inputs.orders, "x -> x.amount")': [250, 500],
    'map(where(inputs.list, "x -> x > 1"), "y -> y * inputs.n")': [9, 6],
    'map([], "x -> x.nothing")': [],
    "map([[1], [2, 3]], \"x -> map(x, 'y -> y + 1')\")": [[2], [3, 4]],
    "where(inputs.orders, 'x -> x.id == \"a\"')[0].amount": 250,
    "json({'a': [1, null, \"ä\"]})": '{"a":[1,null,"ä"]}',
    "parse_json('{\"a\": [1]}').a[0]": 1,
    "parse_json(json({'x': 1.5}))": {"x": 1.5},
    'days_between("2026-11-20", "2026-11-24")': 4,
    'hours_between("2026-11-24T09:00:00Z", "2026-11-24T10:30:00Z")': 1.5,
    "date('2026-11-24') < date('2026-11-25')": True,
    "date(inputs.date) == date('2026-11-20')": True,
    "format(1234.5, '0,0.00')": "1,234.50",
    "days_between(now, run.started_at) <= 0": True,
    # default
    "default(inputs.gone, 1)": 1,
    "default(inputs.none, 2)": 2,
    "default(inputs.list[9], 3)": 3,
    "default(inputs.gone.deeper, 4)": 4,
    "default(inputs.n, 1 / 0)": 3,
    "default(nodes.untaken.x, 'no')": "no",
    "default(default(inputs.a, inputs.b), 5)": 5,
    "default(0, 5)": 0,
    "default('', 5)": "",
    "default(false, 5)": False,
    "default(inputs.none.x, 6)": 6,
    "default(inputs.n + inputs.gone, 7)": 7,
    'default(nodes["untaken"].x, 8)': 8,
    # unicode
    "inputs.emoji": "👩‍👩‍👧 ok",
    "'ß' + upper('ß')": "ßSS",
    "'é' == 'é'": True,
}


@pytest.fixture
async def engine(tmp_path):
    async with opened(tmp_path, None) as it:
        yield it


def untaken() -> tuple[dict[str, Any], dict[str, Any]]:
    return node("b", "branch", {"cases": [{"port": "no", "when": "false"}]}), sets("untaken", x="1")


async def worked_out(engine: Any, sources: list[str], **more: Any) -> dict[str, tuple[Any, str | None]]:
    """Source -> (value, code of the error)."""
    nodes = [node(f"e{i}", "set", {"values": {"v": s}}, on_error="port") for i, s in enumerate(sources)]
    edges = [{"source": "b", "port": "else", "target": n["id"]} for n in nodes]
    document = doc(
        [START, *untaken(), *nodes],
        ["start -> b", "b.no -> untaken", *edges],
        vars={"rate": 0.19, "deep": {"list": [1]}},
        limits={"steps": 1000},
        **more,
    )
    view = await run(engine, document, **INPUTS)
    assert view.status == "succeeded", view.reason
    found = await steps(engine, view)
    return {s: ((found[f"e{i}"].outputs or {}).get("v"), (found[f"e{i}"].error or {}).get("code")) for i, s in enumerate(sources)}


async def test_every_literal_operator_name_and_function_gives_its_value(engine) -> None:
    found = await worked_out(engine, list(VALUES))
    wrong = {s: (found[s], wanted) for s, wanted in VALUES.items() if found[s][1] or repr(found[s][0]) != repr(wanted)}
    assert wrong == {}


MISSING = [
    "inputs.gone",
    "inputs['gone']",
    "inputs.list[3]",
    "inputs.list[-4]",
    "nodes.untaken.x",
    "inputs.items.b[5].c",
    "inputs.none.x",
    "first([])",
    "inputs.orders[0].nothing",
    'map(inputs.orders, "x -> x.nothing")',
    "inputs.t[99]",
    "default(inputs.gone, inputs.gone2)",
    "vars.deep.no",
]


async def test_what_is_not_there_is_one_error_missing_value(engine) -> None:
    found = await worked_out(engine, MISSING)
    assert {s: e for s, (_, e) in found.items() if e != "missing_value"} == {}


FAILING = [
    "1 / 0",
    "1 // 0",
    "1 % 0",
    "'a' * 2",
    "[1] * 2",
    "'%s' % 1",
    "1 + 'a'",
    "[1] + 1",
    "1 < 'a'",
    "null < 1",
    "5 in 5",
    "number('x')",
    "int('1.x')",
    "sum(['a'])",
    "len(5)",
    "sort([1, 'a'])",
    "parse_json('{')",
    "parse_json('NaN')",
    "date('yesterday')",
    "9223372036854775807 + 1",
    "1e308 * 10",
    "default(1 / 0, 1)",
    "lower(5)",
    "join(5, ',')",
    "-'a'",
    "matches('a', inputs.t + '(')",
]


async def test_what_cannot_be_worked_out_fails_the_step_and_never_the_engine(engine) -> None:
    found = await worked_out(engine, FAILING)
    assert {s: e for s, (v, e) in found.items() if e in (None, "internal", "missing_value") or v is not None} == {}


REFUSED = [
    "2 ** 3",
    "inputs.t.upper()",
    "lambda x: x",
    "[x for x in inputs.list]",
    "f'{inputs.n}'",
    "inputs.__class__ is None",
    "open('x')",
    "import os",
    "x",
    "(1, 2)",
    "{1, 2}",
    "inputs.list[0:1]",
    "1 if true",
    "a := 1",
    "print(1)",
    "`a`",
    "",
    "1; 2",
    "inputs.",
    "$x",
    "a ? b : c",
    "len()",
    "default(1)",
    "where(inputs.list)",
    "map(inputs.list, inputs.t)",
    "not",
    "{{ 1 }}",
    "{{inputs.n}}",
    "matches('a', '(')",
    "..",
    "\x00",
    "inputs.n = 1",
    "await x",
    "...",
    "~1",
    "1 << 2",
    "1 | 2",
    "1 & 2",
    "1 @ 2",
    "b'a'",
    "1j",
    "x is y",
    "*inputs.list",
    "+" * 500,
]


@pytest.mark.parametrize("source", REFUSED)
async def test_what_is_not_in_the_language_does_not_compile(engine, source: str) -> None:
    told = errors(await problems(engine, straight(sets("a", x=source), ends())))
    assert [(p.get("node"), p.get("field")) for p in told] == [("a", "config.values.x")], told


TEMPLATES: dict[str, Any] = {
    "plain": "plain",
    "{{ inputs.n }}": 3,
    "{{inputs.n}}": 3,
    "{{ inputs.list }}": [3, 1, 2],
    "{{ inputs.none }}": None,
    "n={{ inputs.n }}": "n=3",
    "{{ inputs.n }} ": "3 ",
    "<{{ inputs.none }}>": "<>",
    "<{{ inputs.items }}>": '<{"values":1,"b":[10,{"c":"deep"}]}>',
    "<{{ inputs.list }}>": "<[3,1,2]>",
    "<{{ inputs.yes }}>": "<true>",
    "<{{ inputs.f }}>": "<2.5>",
    "{{ inputs.n }}{{ inputs.n }}": "33",
    "{ {x} } }}": "{ {x} } }}",
    "{{ {'a': {'b': 1}} }}": {"a": {"b": 1}},
    "{{ '}}' }}": "}}",
    '{{ "{{" }}': "{{",
    "a\n{{ inputs.t }}\nb": "a\nHello wörld\nb",
    "{{ inputs.empty }}.": "[].",
    "{{ default(inputs.gone, 'x') }}!": "x!",
}


async def test_a_template_of_exactly_one_expression_keeps_its_type_and_all_others_become_text(engine) -> None:
    sources = list(TEMPLATES)
    asks = [node(f"a{i}", "approval", {"title": "t", "message": s, "expires_after_s": 0.1}) for i, s in enumerate(sources)]
    document = doc([START, *asks], [{"source": "start", "target": a["id"]} for a in asks])
    view = await run_until_over(engine, document)
    found = await steps(engine, view)
    wrong = {
        s: (found[f"a{i}"].inputs["message"], w) for i, (s, w) in enumerate(TEMPLATES.items()) if found[f"a{i}"].inputs["message"] != w
    }
    assert wrong == {}


async def run_until_over(engine, document) -> Any:
    from tests.integration.modelled import ANN, published, until

    started = await engine.runs.start(ANN, await published(engine, document), inputs=INPUTS)
    return await until(engine, started.run_id, lambda r: r.ended_at is not None)


async def test_now_is_the_recorded_start_of_the_step_and_run_names_are_those_of_the_run(engine) -> None:
    view = await run(engine, straight(sets("a", now="now", id="run.id", at="run.started_at"), ends()))
    step = (await steps(engine, view))["a"]
    assert step.outputs == {"now": step.started_at, "id": view.id, "at": view.started_at}


async def test_an_expression_field_may_hold_a_json_scalar_as_it_is(engine) -> None:
    document = straight(node("a", "set", {"values": {"i": 5, "f": 0.5, "t": True, "n": None, "s": "'5'"}}), ends(all="nodes.a"))
    assert (await run(engine, document)).output == {"all": {"i": 5, "f": 0.5, "t": True, "n": None, "s": "5"}}


async def test_node_ids_that_are_words_of_python_can_be_read(engine) -> None:
    words = ["if", "for", "class", "none", "not", "in", "lambda", "return", "import", "is", "and", "or", "true"]
    document = straight(*[sets(w, **{"from": "1", "x": "1"}) for w in words], ends(**{w: f"nodes.{w}.from" for w in words}))
    assert (await run(engine, document)).output == dict.fromkeys(words, 1)


async def test_results_are_bounded_and_say_so(engine) -> None:
    big = '"' + "x" * 1000 + '"'
    doubling = [sets("a0", x=big), *[sets(f"a{i}", x=f"nodes.a{i - 1}.x + nodes.a{i - 1}.x") for i in range(1, 16)]]
    view = await run(engine, straight(*doubling, ends()))
    assert (view.status == "failed" and "large" in view.reason) or "characters" in view.reason


async def test_deep_values_survive_and_what_is_no_json_value_is_refused_before_the_run_starts(engine) -> None:
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    assert (await run(engine, straight(ends(x="inputs.d")), d=deep)).output == {"x": deep}
    for bad in (float("nan"), float("inf"), 2**70, "\ud800", [deep, [[[[[deep]]]]]], {1: 2}, {"a": (1, 2)}):
        with pytest.raises(Invalid):
            await run(engine, straight(ends(x="inputs.d")), d=bad)


async def test_visit_is_one_outside_and_counts_in_the_innermost_loop(engine) -> None:
    again = node("b", "branch", {"cases": [{"port": "again", "when": "visit < 3"}]})
    document = doc(
        [START, sets("a", v="visit"), again, ends(v="nodes.a.v", out="visit")],
        ["start -> a", "a -> b", link("b.again -> a", max_visits=5), "b.else -> done"],
    )
    assert (await run(engine, document)).output == {"v": 3, "out": 1}
