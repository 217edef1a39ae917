"""What is given on the command line, read as values."""

from pathlib import Path
from typing import Any

import pytest

from engine.cli.documents import parse_inputs, read_document, read_inputs
from engine.errors import Invalid, NotFound, NotJson


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("a=1", 1),
        ("a=1.5", 1.5),
        ("a=true", True),
        ("a=null", None),
        ("a=[1, 2]", [1, 2]),
        ('a={"b": "c"}', {"b": "c"}),
        ('a="1"', "1"),
        ("a=plain text", "plain text"),
        ("a=I lost my card", "I lost my card"),
        ("a=", ""),
        ("a=x=y", "x=y"),
        ("a=NaN", "NaN"),
        ("a=01", "01"),
        ("a={", "{"),
    ],
)
def test_a_value_that_is_json_counts_as_such(pair: str, value: Any) -> None:
    assert parse_inputs([pair]) == {"a": value}


@pytest.mark.parametrize("pairs", [["a"], ["=1"], [""], ["a=1", "a=2"]])
def test_what_is_no_pair_is_refused_with_the_next_step(pairs: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        parse_inputs(pairs)
    assert caught.value.next_step


def test_each_line_is_one_object(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b'{"a": 1}\r\n\n{"a": 2}\n')
    assert read_inputs(tmp_path / "in.jsonl") == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(("text", "error"), [("", Invalid), ("[1]", Invalid), ('{"a": 1}\n{', NotJson), ('{"a": NaN}', NotJson)])
def test_a_bad_line_is_named(tmp_path: Path, text: str, error: type[Exception]) -> None:
    (tmp_path / "in.jsonl").write_text(text)
    with pytest.raises(error, match=r"in\.jsonl"):
        read_inputs(tmp_path / "in.jsonl")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing"):
        read_document(tmp_path / "nothing")
    with pytest.raises(NotFound):
        read_document(tmp_path)
    (tmp_path / "bad.json").write_bytes(b"\xff\x00")
    with pytest.raises(NotJson, match=r"bad\.json"):
        read_document(tmp_path / "bad.json")
