"""What a provider says of its tokens."""

from types import SimpleNamespace as Told

from engine.llm.counting import detailed


def usage(prompt: dict | None = None, answer: dict | None = None, **more: int) -> Told:
    parts = {"prompt_tokens_details": prompt and Told(**prompt), "completion_tokens_details": answer and Told(**answer)}
    return Told(**parts, **more)


def test_cached_written_and_thought_tokens_are_read() -> None:
    told = usage({"cached_tokens": 40, "cache_creation_tokens": 7}, {"reasoning_tokens": 12}, total_tokens=130)
    found = detailed([None, told], tokens_in=100, tokens_out=30)
    assert (found.tokens_cached, found.tokens_written, found.tokens_reasoning, found.tokens_out) == (40, 7, 12, 30)


def test_thoughts_that_were_counted_beside_the_answer_are_added_to_it() -> None:
    found = detailed([usage(None, {"reasoning_tokens": 50}, total_tokens=180)], tokens_in=100, tokens_out=30)
    assert (found.tokens_out, found.tokens_reasoning) == (80, 50)


def test_where_nobody_says_how_much_was_thought_all_of_it_may_be() -> None:
    assert detailed([None], tokens_in=9, tokens_out=4).tokens_reasoning == 4
    assert detailed([usage(None, {"reasoning_tokens": 0})], tokens_in=9, tokens_out=4).tokens_reasoning == 0


def test_a_part_is_never_larger_than_the_whole() -> None:
    found = detailed([usage({"cached_tokens": 999}, {"reasoning_tokens": 999})], tokens_in=10, tokens_out=5)
    assert (found.tokens_cached, found.tokens_reasoning) == (10, 5)
