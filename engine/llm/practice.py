"""The practice model: deterministic answers out of the prompt's own words, for people without a key.

`practice` answers, `practice/slow` slowly, `practice/fail` never, `practice/flaky` at every other call, and `practice/garbage`
sends text where JSON was asked for. It needs no network and no key, and is not a language model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.clock import Clock
from engine.errors import ProviderUnavailable
from engine.jsonvalue import dumps
from engine.llm.fitting import fit
from engine.llm.messages import ModelAnswer, ModelRequest, Usage
from engine.llm.prices import Price, cost_micro
from engine.llm.salience import Salience, salience

NAME = "practice"
VARIANTS = ("practice", "practice/slow", "practice/fail", "practice/flaky", "practice/garbage")
LABEL = "[practice model] "
CHARS_PER_TOKEN = 4
SLOW_MS_PER_TOKEN = 100.0

_SUMMARY = ("summar", "in short", "tl;dr", "zusammenfass", "digest", "key points")


class PracticeModel:
    """Answers in this process; `ms_per_token` is its pace, 0 for none."""

    def __init__(self, *, clock: Clock, ms_per_token: float) -> None:
        self._clock, self._ms_per_token = clock, ms_per_token
        self._flaky_calls = 0

    def pace(self, *, ms_per_token: float) -> None:
        """Another pace from now on."""
        self._ms_per_token = ms_per_token

    async def answer(self, request: ModelRequest, *, variant: str, price: Price, on_token: Callable[[str], None] | None) -> ModelAnswer:
        """The answer of `variant` (one of VARIANTS). ProviderUnavailable from `practice/fail`, and from `practice/flaky` at odd calls."""
        if variant == "practice/flaky":
            self._flaky_calls += 1
        if variant == "practice/fail" or (variant == "practice/flaky" and self._flaky_calls % 2 == 1):
            raise ProviderUnavailable(f"The practice model fails on purpose: it was called as {variant}.", hint="Use the model `practice`.")
        text, finish = _within(_words_of(request, variant), request.max_tokens)
        pace_s = (max(self._ms_per_token, SLOW_MS_PER_TOKEN) if variant == "practice/slow" else self._ms_per_token) / 1000
        for token in _tokens(text):
            if pace_s:
                await self._clock.sleep(pace_s)
            if on_token is not None:
                on_token(token)
        schema = dumps(request.schema).decode() if request.schema is not None else ""
        tokens_in = count(request.system) + count(request.prompt) + count(schema) + sum(count(line.text) for line in request.messages)
        usage = Usage(tokens_in=max(1, tokens_in), tokens_out=max(1, count(text)))
        usage = Usage(tokens_in=usage.tokens_in, tokens_out=usage.tokens_out, cost_micro=cost_micro(price, usage))
        return ModelAnswer(text=text, model=NAME, usage=usage, finish_reason=finish, is_practice=True)


def asked_of(request: ModelRequest) -> str:
    """What it answers to: the prompt, or the last thing that was said to it."""
    return next((message.text for message in reversed(request.messages) if message.role != "assistant"), request.prompt)


def count(text: str) -> int:
    """Tokens of `text` as the practice model counts them: one for each begun four characters."""
    return -(-len(text) // CHARS_PER_TOKEN)


def _words_of(request: ModelRequest, variant: str) -> str:
    # Where it reads its own earlier answer, the label is nothing that somebody wrote.
    prompt = asked_of(request).replace(LABEL, "")
    words = salience(prompt if prompt.strip() else request.system)
    prose = LABEL + _prose(words, prompt)
    if variant == "practice/garbage":
        return f"{LABEL}Certainly! Here is what you asked for: {' '.join(words.words[:12])} {{"
    if request.schema is None:
        return prose
    return dumps(fit(request.schema, words, long_text=prose)).decode()


def _prose(words: Salience, prompt: str) -> str:
    heard = prompt[:2_000].lower()
    if any(sign in heard for sign in _SUMMARY):
        return "In short: " + " ".join(_closed(sentence) for sentence in words.sentences[:3])
    about = ", ".join(words.words[:2]) + (f" and {words.words[2]}" if len(words.words) > 2 else "")
    greeting = ("Thank you for your message.", "Thank you for writing to us.", "Thanks for getting in touch.")[words.pick("greeting", 3)]
    quotes = " ".join(f"“{sentence}”" for sentence in sorted(words.sentences[:2], key=prompt.find))
    closing = ("We will look into it and come back to you.", "We take care of it and let you know.")[words.pick("closing", 2)]
    return f"{greeting} As we understand it, this is about {about}: {quotes} {closing}"


def _closed(sentence: str) -> str:
    return sentence if sentence[-1:] in ".!?" else sentence + "."


def _within(text: str, max_tokens: int) -> tuple[str, str]:
    most = max(1, max_tokens) * CHARS_PER_TOKEN
    return (text, "stop") if len(text) <= most else (text[:most], "length")


def _tokens(text: str) -> Iterator[str]:
    return (text[at : at + CHARS_PER_TOKEN] for at in range(0, len(text), CHARS_PER_TOKEN))
