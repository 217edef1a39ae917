"""The bench starts a server of its own, runs real messages through it, and accounts for every one of them."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from engine.cli.bench_triage import Message, read_messages, spread
from engine.errors import Invalid
from engine.templates import banking77_topics, templates
from tests.acceptance.served import command_line


def test_every_message_that_goes_in_is_accounted_for(tmp_path: Path) -> None:
    done = command_line("bench", "triage", "--messages", "22", "--at-once", "8", home=tmp_path / "unused")
    assert done.returncode == 0, done.stderr
    figures = [json.loads(line) for line in done.stdout.splitlines()]
    whole = figures[0]
    assert whole["messages"] == 22 == sum(whole["statuses"].values())
    assert set(whole["statuses"]) <= {"succeeded", "waiting"}
    assert (whole["lost"], whole["doubled"], whole["items_missing"], whole["neither_ended_nor_waiting"]) == (0, 0, 0, 0)
    assert sum(row["runs"] for row in figures if "topic" in row) == 22
    agreement = next(row["agreement"] for row in figures if row.get("subject") == "agreement with the labels")
    assert agreement > 0.7, "the excerpt is fixed and so is the model of meaning: this is no matter of chance"
    assert not (tmp_path / "unused").exists(), "it measures on a home of its own"


def test_the_excerpt_has_two_messages_of_each_category_and_no_example_of_the_template() -> None:
    messages = read_messages(None)
    categories = [message.category for message in messages]
    assert {category: categories.count(category) for category in categories} == dict.fromkeys(banking77_topics(), 2)
    topic = next(node for node in templates()[0].document["nodes"] if node["id"] == "topic")
    examples = {example for label in topic["config"]["labels"] for example in label["examples"]}
    assert not examples & {message.text for message in messages}


@pytest.mark.parametrize(("there", "most", "taken"), [(10, 100, 10), (10, 10, 10), (10_003, 1000, 1000), (25, 10, 10)])
def test_messages_are_taken_evenly_from_the_whole_file(there: int, most: int, taken: int) -> None:
    found = spread([Message(str(number), "") for number in range(there)], most)
    assert len(found) == taken
    assert {int(b.text) - int(a.text) for a, b in pairwise(found)} == {max(1, there // most)}


@pytest.mark.parametrize("body", ["", "a,b\n1,2\n", "text\nhello\n"])
def test_a_file_of_another_form_is_refused_by_name(tmp_path: Path, body: str) -> None:
    (tmp_path / "other.csv").write_text(body)
    with pytest.raises(Invalid, match="text and category"):
        read_messages(tmp_path / "other.csv")
