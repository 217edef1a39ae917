"""Prices and bounds: from the list, from the operator, never too low, never guessed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PriceUnknown
from engine.llm import prices
from engine.llm.messages import ModelInfo, ModelRequest, Usage

PRICE = prices.Price(price_in=Decimal("0.15"), price_out=Decimal("0.6"), price_cached=Decimal("0.075"))


def info(name: str, price_in: float | None, price_out: float | None) -> ModelInfo:
    return ModelInfo(name, "openai", name, False, price_in, price_out, None, True, "")


def request(**more) -> ModelRequest:
    given_ = {"system": "", "prompt": "", "schema": None, "temperature": None, "max_tokens": 1, "timeout_s": 1.0} | more
    return ModelRequest(model="x", **given_)


def test_listed_models_are_found_with_and_without_their_provider() -> None:
    for name in ("gpt-4o-mini", "openai/gpt-4o-mini"):
        listed = prices.listing(name)
        assert listed is not None and listed.price is not None
        assert (listed.price.price_in, listed.price.price_out, listed.provider) == (Decimal("0.15"), Decimal("0.6"), "openai")


def test_another_provider_does_not_inherit_a_price() -> None:
    assert prices.listing("lm_studio/gpt-4o-mini") is None


def test_costs_are_rounded_up_to_a_micro_dollar() -> None:
    assert prices.cost_micro(PRICE, Usage(tokens_in=1, tokens_out=0)) == 1
    assert prices.cost_micro(PRICE, Usage(tokens_in=0, tokens_out=0)) == 0
    assert prices.cost_micro(PRICE, Usage(tokens_in=20, tokens_out=5)) == 6
    assert prices.cost_micro(PRICE, Usage(tokens_in=20, tokens_out=5, tokens_cached=20)) == 5


def test_cached_tokens_without_a_price_of_their_own_cost_the_full_one() -> None:
    plain = prices.Price(price_in=Decimal(2), price_out=Decimal(2))
    assert prices.cost_micro(plain, Usage(tokens_in=10, tokens_out=0, tokens_cached=10)) == 20


def test_a_long_request_is_bounded_at_its_higher_price() -> None:
    listed = prices.listing("gemini/gemini-2.5-pro")
    assert listed is not None and listed.price is not None and listed.price.tiers
    model = info("gemini/gemini-2.5-pro", float(listed.price.price_in), float(listed.price.price_out))
    short, long = (prices.upper_bound(request(prompt="x" * size), model).cost_micro for size in (1_000, 300_000))
    assert long > short * 300 * 1.5


def test_an_unknown_price_is_refused() -> None:
    with pytest.raises(PriceUnknown):
        prices.upper_bound(request(), info("x", None, None))


def test_every_entry_of_the_list_can_be_read() -> None:
    names = prices.listed_names()
    assert len(names) > 1_000
    assert all(prices.listing(name) is not None for name in names)


@given(system=st.text(), prompt=st.text(), key=st.text(max_size=20), max_tokens=st.integers(1, 10_000))
def test_the_bound_counts_every_byte_and_every_token_of_the_answer(system: str, prompt: str, key: str, max_tokens: int) -> None:
    asked = request(system=system, prompt=prompt, max_tokens=max_tokens, schema={"title": key})
    bound = prices.upper_bound(asked, info("x", 1.0, 3.0))
    least = len(system.encode()) + len(prompt.encode()) + len(key.encode())
    assert bound.tokens >= least + max_tokens
    assert bound.cost_micro >= least + 3 * max_tokens


def test_what_is_thought_and_what_is_written_to_a_cache_has_its_own_price_and_stays_below_the_bound() -> None:
    price = prices.Price(
        price_in=Decimal(2), price_out=Decimal(4), price_cached=Decimal(1), price_written=Decimal(3), price_reasoning=Decimal(10)
    )
    usage = Usage(tokens_in=100, tokens_out=20, tokens_cached=50, tokens_written=10, tokens_reasoning=5)
    assert prices.cost_micro(price, usage) == 40 * 2 + 50 * 1 + 10 * 3 + 15 * 4 + 5 * 10
    assert prices.cost_micro(price, Usage(tokens_in=10, tokens_out=2, tokens_cached=999, tokens_reasoning=999)) == 10 + 20


@pytest.mark.parametrize("name", ["anthropic/claude-haiku-4-5", "gemini/gemini-2.5-pro", "gpt-5-mini", "dashscope/qwen-plus-2025-07-14"])
@given(tokens_in=st.integers(0, 400_000), out=st.integers(0, 500), cached=st.integers(0, 400_000), reasoning=st.integers(0, 500))
def test_no_way_to_use_the_tokens_costs_more_than_the_bound(name: str, tokens_in: int, out: int, cached: int, reasoning: int) -> None:
    listed = prices.listing(name)
    assert listed is not None and listed.price is not None
    model = info(name, float(listed.price.price_in), float(listed.price.price_out))
    bound = prices.upper_bound(request(prompt="x" * tokens_in, max_tokens=max(1, out)), model)
    for written in (0, tokens_in):
        usage = Usage(tokens_in, out, min(cached, tokens_in), tokens_written=written, tokens_reasoning=min(reasoning, out))
        assert prices.cost_micro(prices.full_price(model), usage) <= bound.cost_micro


def test_a_price_that_was_set_for_a_model_goes_before_the_list_with_its_cache_price() -> None:
    own = ModelInfo("gpt-4o-mini", "openai", "x", False, 0.15, 0.6, None, True, "", price_cached=0.1, is_priced_here=True)
    assert prices.full_price(own).price_cached == Decimal("0.1")
    assert prices.full_price(info("gpt-4o-mini", 0.15, 0.6)).price_cached == Decimal("0.075")
