"""What may stand in a table, and what a sheet is read and written as."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tools.tables.columns import Column, Misfit, column_problems, read_row, schema_of, value_in, value_of
from engine.tools.tables.sheets import NotASheet, read, write

COLUMNS = [
    Column(name="id", type="integer", required=True),
    Column(name="who", title="Customer"),
    Column(name="state", type="choice", choices=["open", "closed"]),
    Column(name="total", type="number"),
    Column(name="paid", type="boolean"),
    Column(name="due", type="date"),
    Column(name="at", type="datetime"),
    Column(name="more", type="json"),
]
BY_NAME = {column.name: column for column in COLUMNS}
FITS = {
    "id": (3, 3),
    "who": ("Anna", "Anna"),
    "state": ("open", "open"),
    "total": (12.5, 12.5),
    "paid": (False, False),
    "due": ("2026-02-28", "2026-02-28"),
    "at": ("2026-02-28T10:00:00+00:00", "2026-02-28T10:00:00Z"),
    "more": ({"a": [1]}, {"a": [1]}),
}
MISFITS = [
    ("id", "3"), ("id", 3.5), ("id", True), ("id", 2**60), ("who", 5), ("who", "x" * 10_001), ("state", "lost"), ("total", "12"),
    ("total", float("nan")), ("total", float("inf")), ("paid", 1), ("paid", "yes"), ("due", "28.02.2026"), ("due", "2026-02-30"),
    ("at", "2026-02-28T10:00:00"), ("at", 5),
]  # fmt: skip


def test_a_value_that_fits_is_kept_in_one_spelling() -> None:
    for name, (given_, kept) in FITS.items():
        assert value_of(BY_NAME[name], given_) == kept
    assert value_of(BY_NAME["id"], 4.0) == 4 and isinstance(value_of(BY_NAME["id"], 4.0), int)


@pytest.mark.parametrize(("name", "value"), MISFITS)
def test_a_value_that_does_not_fit_is_refused_in_words(name: str, value: Any) -> None:
    with pytest.raises(Misfit, match=r"^(It is|A text)"):
        value_of(BY_NAME[name], value)
    _, problems = read_row(COLUMNS, "", {"id": 1, name: value})
    assert [field for field, _ in problems] == [name]


def test_what_is_needed_unknown_or_too_large_is_told_by_its_column() -> None:
    assert read_row(COLUMNS, "who", {"colour": "red"})[1] == [
        ("colour", "There is no column colour."),
        ("id", "id must be filled in."),
        ("who", "Customer must be filled in."),
    ]
    assert read_row(COLUMNS, "", {"id": 1, "more": "x" * 70_000})[1] == [("", "A row takes at most 64,000 bytes.")]
    assert read_row(COLUMNS, "", {"who": None, "total": 2}, base={"id": 1, "who": "Anna"}) == ({"id": 1, "total": 2}, [])


@pytest.mark.parametrize(
    ("columns", "key", "field"),
    [
        ([], "", "columns"),
        ([Column(name="A")], "", "columns.0.name"),
        ([Column(name="row")], "", "columns.0.name"),
        ([Column(name="a"), Column(name="a")], "", "columns.1.name"),
        ([Column(name="a", type="choice")], "", "columns.0.choices"),
        ([Column(name="a", choices=["x"])], "", "columns.0.choices"),
        ([Column(name="a", type="choice", choices=["x", "x"])], "", "columns.0.choices"),
        ([Column(name="a")], "b", "key"),
        ([Column(name="a", type="json")], "a", "key"),
        ([Column(name=f"c{n}") for n in range(51)], "", "columns"),
    ],
)
def test_columns_that_cannot_be_are_told_by_their_field(columns: list[Column], key: str, field: str) -> None:
    assert [found for found, _ in column_problems(columns, key)] == [field]


def test_the_schema_of_a_row_says_what_the_columns_say() -> None:
    told = schema_of(COLUMNS, needs_required=True, key="who")
    assert told["required"] == ["id", "who"] and told["additionalProperties"] is False
    assert told["properties"]["state"] == {"type": "string", "enum": ["open", "closed"]}  # pyright: ignore[reportIndexIssue, reportCallIssue, reportArgumentType]


def test_a_sheet_is_read_with_every_mistake_and_its_line() -> None:
    text = '\ufeffid;Customer;due\n1;"Anna\nMaria";2026-01-02\nx;Ben;soon\n\n3;Cy\n4;;\n'
    lines = list(read(text, COLUMNS))
    assert [(line.number, line.values) for line in lines if not line.problems] == [
        (3, {"id": 1, "who": "Anna\nMaria", "due": "2026-01-02"}),
        (7, {"id": 4}),
    ]
    wrong = {line.number: [column for column, _ in line.problems] for line in lines if line.problems}
    assert wrong == {4: ["id", "due"], 6: [""]}


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "empty"), ("id,colour\n1,2", "“colour”, which is no column"), ("id,id\n1,2", "twice"), ('id\n"1\n2', "cannot be read")],
)
def test_a_sheet_that_is_none_says_why(text: str, words: str) -> None:
    with pytest.raises(NotASheet, match=words):
        list(read(text, COLUMNS))


def test_a_spreadsheet_carries_nothing_out_that_stands_in_a_sheet() -> None:
    evil = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''=1", "plain", "it's"]
    text = write([BY_NAME["who"]], [{"who": word} for word in evil])
    assert not [line for line in text.splitlines()[1:] if line.lstrip('"')[:1] in "=+-@\t"]
    assert [line.values["who"] for line in read(text, COLUMNS)] == evil


SIGNS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])
WORDS = st.text(SIGNS, min_size=1, max_size=30).filter(lambda text: bool(text.strip()))
VALUES = st.fixed_dictionaries(
    {"id": st.integers(-(2**53), 2**53)},
    optional={
        "who": WORDS,
        "state": st.sampled_from(["open", "closed"]),
        "total": st.floats(allow_nan=False, allow_infinity=False),
        "paid": st.booleans(),
        "due": st.dates().map(lambda day: day.isoformat()),
        "more": st.lists(st.integers(-9, 9), min_size=1, max_size=3),
    },
)


@given(st.lists(VALUES, max_size=5))
def test_what_is_written_is_read_again_as_it_was(rows: list[dict[str, Any]]) -> None:
    kept = [read_row(COLUMNS, "", row)[0] for row in rows]
    lines = list(read(write(COLUMNS, kept), COLUMNS))
    assert [line.problems for line in lines] == [()] * len(rows)
    assert [line.values for line in lines] == kept


def test_a_text_of_a_sheet_is_read_by_its_column() -> None:
    told = {"id": "3", "total": "-1e3", "paid": "Yes", "due": "2026-01-01", "more": '{"a": 1}', "who": "  two  "}
    assert {name: value_in(BY_NAME[name], text) for name, text in told.items()} == {
        "id": 3, "total": -1000.0, "paid": True, "due": "2026-01-01", "more": {"a": 1}, "who": "  two  ",
    }  # fmt: skip
