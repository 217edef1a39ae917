"""Descriptions as people have them: JSON or YAML, plain values only, and nothing that grows while it is read."""

import json

import pytest

from engine.tools.openapi import tools_of
from engine.tools.written import MOST_TEXT, Unreadable, read

YAML = """
openapi: 3.0.3
info: {title: Shop, version: 2024-01-01}
servers:
  - url: https://shop.example
paths:
  /orders/{id}:
    get:
      operationId: find_order
      summary: Looks an order up.
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
      responses:
        200: {description: It is there.}
        default: {description: It is not.}
"""


def test_yaml_comes_to_the_same_as_json() -> None:
    found = read(YAML)
    assert found == read(json.dumps(found))
    assert found["info"]["version"] == "2024-01-01" and list(found["paths"]["/orders/{id}"]["get"]["responses"]) == ["200", "default"]
    read_tools = tools_of(found)
    assert [tool.name for tool in read_tools.tools] == ["find_order"] and read_tools.problems == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no text"),
        ("   \n", "no text"),
        ("[1, 2]", "named parts"),
        ("just words", "named parts"),
        ('{"a": 1,}', "not JSON"),
        ("a: [1, 2", "neither JSON nor YAML: .* \\(line"),
        ("a: b: c", "neither JSON nor YAML: .* \\(line 1\\)"),
        ("a: \x00", "neither JSON nor YAML"),
        ("a: &x [1]\nb: *x", "Aliases"),
        ("a: !!python/object/apply:os.system ['true']", "neither JSON nor YAML"),
        ("a: !!binary aGVsbG8=", "more than plain values"),
        ("? [1, 2]\n: b", "neither JSON nor YAML"),
        ("a: .nan", "more than plain values"),
        ("a: 99999999999999999999999", "more than plain values"),
        ("true: 1", "more than plain values"),
        ("a: " + "[" * 5_000, "levels"),
        ("- a\n- b", "named parts"),
        ("x" * (MOST_TEXT + 1), "more than"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(text: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read(text)


def test_aliases_that_would_fill_the_memory_are_never_followed() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(Unreadable, match="Aliases"):
        read("\n".join(lines))
