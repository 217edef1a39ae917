"""What an expression is known to read before it runs."""

from __future__ import annotations

import pytest

from engine.expressions import Reference, compile_expression, compile_template


def paths(source: str) -> list[tuple[str, tuple[str | int, ...]]]:
    """Roots and paths, in the order of the source."""
    return [(reference.root, reference.path) for reference in compile_expression(source).references]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2", []),
        ("now", [("now", ())]),
        ("nodes.draft.text", [("nodes", ("draft", "text"))]),
        ("nodes['draft']['text'][0][-1].x", [("nodes", ("draft", "text", 0, -1, "x"))]),
        ("nodes.a.b[inputs.i].c", [("nodes", ("a", "b")), ("inputs", ("i",))]),
        ("nodes.a[1 + 1].c", [("nodes", ("a",))]),
        ("inputs.a + inputs.a", [("inputs", ("a",)), ("inputs", ("a",))]),
        ("inputs.x if inputs.c else inputs.y", [("inputs", ("x",)), ("inputs", ("c",)), ("inputs", ("y",))]),
        ('where(nodes.a.rows, "x -> x.n > inputs.least")', [("nodes", ("a", "rows")), ("inputs", ("least",))]),
        ('map(inputs.a, "item -> item.b + index")', [("inputs", ("a",)), ("index", ())]),
        ("map([1], \"x -> map([2], 'y -> x + y + vars.z')\")", [("vars", ("z",))]),
        ('map([1], "nodes -> nodes")', []),
        ("(inputs.a).b", [("inputs", ("a", "b"))]),
        ("first(inputs.a).b", [("inputs", ("a",))]),
        ("inputs.mail.from", [("inputs", ("mail", "from"))]),
        ("{'a': run.id, 'b': [visit]}", [("run", ("id",)), ("visit", ())]),
    ],
)
def test_references_are_the_constant_chains_from_the_roots(source: str, expected: list[object]) -> None:
    assert paths(source) == expected


def test_a_reference_is_guarded_inside_the_first_argument_of_default_only() -> None:
    found = compile_expression('default(len(inputs.a) + count(nodes.b.c, "x -> x == vars.d"), inputs.e) + inputs.f').references
    assert [(r.root, r.guarded) for r in found] == [("inputs", True), ("nodes", True), ("vars", True), ("inputs", False), ("inputs", False)]


def test_positions_of_references_point_into_the_source_also_from_bodies_and_templates() -> None:
    source = '"é" + where(\n nodes.a.rows,\r\n "x -> x.n > inputs.least")[0]'
    for reference in compile_expression(source).references:
        assert source[reference.position :].startswith(reference.root)
    text = "ß {{ inputs.a }} and {{ map(inputs.b, 'x -> x + vars.c') }}"
    template = compile_template(text)
    assert [text[r.position :].split(".")[0] for r in template.references] == ["inputs", "inputs", "vars"]


def test_a_body_with_escapes_is_placed_at_its_text() -> None:
    source = "map([1], 'x -> x + \\'a\\' + vars.c')"
    assert compile_expression(source).references == (Reference("vars", ("c",), guarded=False, position=source.index("'x")),)
