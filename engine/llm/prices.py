"""What a model's tokens cost, and the most that one request can cost.

A price in USD per million tokens is the same number as micro-USD per token, so no unit is ever converted here.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import PriceUnknown
from engine.jsonvalue import dumps
from engine.llm.messages import Bound, ModelInfo, ModelRequest, Usage

OVERHEAD_TOKENS = 128
"""What a provider puts around our two messages: roles, separators, a chat template's own system line."""
SCHEMA_OVERHEAD_TOKENS = 384
LINE_OVERHEAD_TOKENS = 32
"""What it adds besides when the answer must fit a schema: our own sentence, or a tool definition and its instructions."""

_TIER = re.compile(r"(input|output|cache_read_input)(?:_cost_per_token|_token_cost)_above_(\d+)k_tokens")
_CHAT_MODES = ("chat", "completion", "responses")


@dataclass(frozen=True, slots=True)
class Tier:
    """Prices that hold for the whole call when its request is longer than `above` tokens."""

    above: int
    price_in: Decimal
    price_out: Decimal
    price_cached: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What one token costs, in micro-USD."""

    price_in: Decimal
    price_out: Decimal
    price_cached: Decimal | None = None
    """Per token that the provider read from its cache; None: as any other."""
    price_written: Decimal | None = None
    """Per token that it wrote into its cache; None: as any other."""
    price_reasoning: Decimal | None = None
    """Per token of the answer that nobody sees; None: as any other."""
    tiers: tuple[Tier, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """What the packaged price list says about one model."""

    provider: str
    price: Price | None
    is_chat: bool
    knows_schema: bool
    """Whether the provider can be made to answer in a given JSON Schema."""


def listing(name: str) -> Listing | None:
    """The packaged price list's entry for `name`: exactly, else without its provider prefix. Reads the file at the first call."""
    table = _table()
    if name in table:
        return _listing(msgspec.json.decode(table[name]))
    prefix, _, rest = name.partition("/")
    entry = _listing(msgspec.json.decode(table[rest])) if rest in table else None
    # Another provider may serve a model of the same name at another price.
    return entry if entry is not None and entry.provider.startswith(prefix) else None


def listed_names() -> list[str]:
    """Every name in the packaged price list."""
    return list(_table())


def known_providers() -> frozenset[str]:
    """The words that may stand before the first slash of a model's name."""
    return _providers()


def full_price(info: ModelInfo) -> Price:
    """The price behind `info`, with tiers and cache price where it came from the list. PriceUnknown if there is none."""
    if info.price_in is None or info.price_out is None:
        raise PriceUnknown(f"The price of the model {info.name} is not known, so its cost cannot be limited.")
    cached = None if info.price_cached is None else Decimal(repr(info.price_cached))
    own = Price(price_in=Decimal(repr(info.price_in)), price_out=Decimal(repr(info.price_out)), price_cached=cached)
    entry = None if info.is_practice or info.is_priced_here else listing(info.name)
    if entry is None or entry.price is None:
        return own
    same = (float(entry.price.price_in), float(entry.price.price_out)) == (info.price_in, info.price_out)
    return entry.price if same else own


def cost_micro(price: Price, usage: Usage) -> int:
    """Micro-USD for `usage` at `price`, rounded up."""
    price_in, price_out, price_cached = _at_length(price, usage.tokens_in)
    written, reasoning = min(usage.tokens_written, usage.tokens_in), min(usage.tokens_reasoning, usage.tokens_out)
    cached = min(usage.tokens_cached, usage.tokens_in - written)
    total = usage.tokens_in * price_in + usage.tokens_out * price_out
    if price_cached is not None:
        total -= cached * (price_in - min(price_in, price_cached))
    total += written * (_dearer(price_in, price.price_written) - price_in)
    total += reasoning * (_dearer(price_out, price.price_reasoning) - price_out)
    return int(total.to_integral_value(rounding=ROUND_CEILING))


def _at_length(price: Price, tokens_in: int) -> tuple[Decimal, Decimal, Decimal | None]:
    """(in, out, cached) for a request of that length."""
    price_in, price_out, price_cached = price.price_in, price.price_out, price.price_cached
    for tier in price.tiers:
        if tokens_in > tier.above:
            # A longer request raises the price of every token; a list that does not say what a cached one costs then grants nothing.
            price_in, price_out, price_cached = max(price_in, tier.price_in), max(price_out, tier.price_out), tier.price_cached
    return price_in, price_out, price_cached


def _dearer(usual: Decimal, special: Decimal | None) -> Decimal:
    # A price that a list gives by mistake below the usual one must not make a call cheaper than it is.
    return usual if special is None else max(usual, special)


def request_bytes(request: ModelRequest) -> int:
    """UTF-8 bytes of everything in `request` that becomes tokens."""
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in _texts(request))
    size += sum(len(dumps(offer.parameters)) for offer in request.tools)
    return size + (len(dumps(request.schema)) if request.schema is not None else 0)


def _texts(request: ModelRequest) -> Iterator[str]:
    yield from (request.system, request.prompt)
    for message in request.messages:
        yield from (message.text, message.call)
        for call in message.calls:
            yield from (call.id, call.name, call.arguments)
    for offer in request.tools:
        yield from (offer.name, offer.description)


def upper_bound(request: ModelRequest, info: ModelInfo) -> Bound:
    """The most that `request` can use at `info`: a token is at least one byte, and the answer has at most `max_tokens`.

    PriceUnknown when nobody knows the price.
    """
    overhead = OVERHEAD_TOKENS + (SCHEMA_OVERHEAD_TOKENS if request.schema is not None else 0)
    tokens_in = request_bytes(request) + overhead + LINE_OVERHEAD_TOKENS * (len(request.messages) + len(request.tools))
    # Nobody knows how much of it is written into a cache, or thought and not said: all of it may be.
    most = Usage(tokens_in=tokens_in, tokens_out=request.max_tokens, tokens_written=tokens_in, tokens_reasoning=request.max_tokens)
    return Bound(tokens=tokens_in + request.max_tokens, cost_micro=cost_micro(full_price(info), most))


def _listing(row: dict[str, Any]) -> Listing:
    mode = row.get("mode")
    return Listing(
        provider=str(row.get("litellm_provider") or ""),
        price=_price(row),
        is_chat=mode is None or mode in _CHAT_MODES,
        knows_schema=row.get("supports_response_schema") is True,
    )


def _price(row: dict[str, Any]) -> Price | None:
    price_in, price_out = _per_token(row.get("input_cost_per_token")), _per_token(row.get("output_cost_per_token"))
    if price_in is None or price_out is None:
        return None
    above: dict[int, dict[str, Decimal]] = {}
    for key, value in row.items():
        found, number = _TIER.fullmatch(key), _per_token(value)
        if found and number is not None:
            above.setdefault(int(found[2]) * 1000, {})[found[1]] = number
    tiers = (Tier(k, v.get("input", price_in), v.get("output", price_out), v.get("cache_read_input")) for k, v in sorted(above.items()))
    return Price(
        price_in=price_in,
        price_out=price_out,
        price_cached=_per_token(row.get("cache_read_input_token_cost")),
        price_written=_per_token(row.get("cache_creation_input_token_cost")),
        price_reasoning=_per_token(row.get("output_cost_per_reasoning_token")),
        tiers=tuple(tiers),
    )


def _per_token(usd: object) -> Decimal | None:
    if isinstance(usd, bool) or not isinstance(usd, (int, float)) or usd < 0:
        return None
    return (Decimal(repr(usd)) * 1_000_000).normalize() + 0


@cache
def _table() -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(_packaged("model_prices_and_context_window_backup.json"), type=dict[str, msgspec.Raw])


@cache
def _providers() -> frozenset[str]:
    endpoints = msgspec.json.decode(_packaged("provider_endpoints_support_backup.json")).get("providers", {})
    listed = (msgspec.json.decode(row).get("litellm_provider") for row in _table().values())
    return frozenset(endpoints) | frozenset(word for word in listed if isinstance(word, str))


def _packaged(file: str) -> bytes:
    # find_spec finds the folder without running litellm's own import, which takes seconds.
    spec = importlib.util.find_spec("litellm")
    path = Path(spec.origin).parent / file if spec and spec.origin else None
    return path.read_bytes() if path and path.is_file() else b"{}"
