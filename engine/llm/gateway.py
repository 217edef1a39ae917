"""The one door to models: asks one for one answer, within its time, and tells what it cost.

litellm is imported only here, only when a real model is called, and runs on a thread with its own event loop: its import takes
seconds, and it blocks in places. It keeps no key, retries nothing, logs nothing and calls nobody but the provider.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from engine.clock import Clock
from engine.errors import ConfigInvalid, ProviderRejected, SignalboxError, StepTimedOut
from engine.llm import prices
from engine.llm.catalog import Catalog, GatewaySettings
from engine.llm.chat import CallParts, wire_messages, wire_tools
from engine.llm.counting import detailed, last
from engine.llm.faults import about, cut_off, told
from engine.llm.lane import Lane
from engine.llm.messages import Bound, ModelAnswer, ModelInfo, ModelRequest, ToolCall
from engine.llm.pacing import Line, Pacer
from engine.llm.practice import PracticeModel
from engine.llm.structured import instruction

_Tell = Callable[[str], None]

__all__ = ["Gateway", "GatewaySettings"]

OUR_TIMEOUT_RULES_S = 3_600.0
"""litellm's own timeout, far beyond ours and always the same: its clients are cached by it."""
BYTES_PER_TOKEN = 3
"""For providers that do not tell: fewer bytes a token than text really has, so that the guess is never too cheap."""

_PLAIN_KEYWORDS = frozenset(
    "type properties required items enum const description title additionalProperties anyOf $defs $ref minimum maximum minItems".split()
)
_CALLBACKS = ("success_callback", "failure_callback", "_async_success_callback", "_async_failure_callback")
_QUIET = {
    # Each of these would otherwise fetch a list from the network during the import, or read a .env file.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_LOCAL_POLICY_TEMPLATES": "True",
    "LITELLM_LOCAL_AUTOROUTER_PRESETS": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "CRITICAL",
}


class Gateway:
    """Calls models; safe to share between all runs of one event loop."""

    def __init__(self, settings: GatewaySettings, *, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._catalog = Catalog(settings)
        self._practice = PracticeModel(clock=clock, ms_per_token=settings.practice_ms_per_token)
        self._pacer = Pacer(clock, settings.paces)
        self._lane = Lane("signalbox-models")
        self._litellm: Any = None

    def reconfigure(self, settings: GatewaySettings) -> None:
        """Other settings for the calls that start from now on."""
        self._settings, self._catalog = settings, Catalog(settings)
        self._practice.pace(ms_per_token=settings.practice_ms_per_token)
        self._pacer.set(settings.paces)

    async def prepare(self) -> None:
        """Looks for local models if the default depends on it, so that `resolve` and `bound` never block. Optional, cheap."""
        if self._catalog.must_look:
            await asyncio.to_thread(self._catalog.look)

    async def warm_up(self) -> None:
        """Imports litellm now (seconds, about 190 MB) instead of at the first call of a real model. Optional."""
        if self._litellm is None:
            self._litellm = await self._lane.run(_load)

    def resolve(self, name: str) -> ModelInfo:
        """The model behind an alias or a name. ConfigInvalid when there is none."""
        return self._catalog.resolve(name)

    def bound(self, request: ModelRequest, fallbacks: Sequence[str] = ()) -> Bound:
        """The most that `request` can use, at its own model or any of `fallbacks`. ConfigInvalid, PriceUnknown."""
        bounds = [prices.upper_bound(request, self.resolve(name)) for name in (request.model, *fallbacks)]
        return Bound(tokens=max(b.tokens for b in bounds), cost_micro=max(b.cost_micro for b in bounds))

    def chain(self, model: str, fallbacks: Sequence[str] = ()) -> list[str]:
        """Every name that may be asked in turn when one after the other does not answer; the first is `model`."""
        return self._catalog.chain(model, fallbacks)

    def lines(self) -> list[Line]:
        """Who is at which model just now, and who waits there."""
        return self._pacer.lines()

    def models(self) -> list[ModelInfo]:
        """What can be picked: the aliases, the models they mean, and the practice model."""
        return self._catalog.models()

    async def complete(
        self, request: ModelRequest, *, on_token: Callable[[str], None] | None = None, on_wait: Callable[[bool], None] | None = None
    ) -> ModelAnswer:
        """The model's answer; with `on_token`, its parts as they come, on this event loop.

        ConfigInvalid and PriceUnknown before anything is sent; ProviderRejected, ProviderRateLimited, ProviderUnavailable; StepTimedOut
        after `timeout_s`, which counts neither the one import of litellm nor the wait for a place at the model (`on_wait`, see Pacer.turn).
        No retries, no fallbacks: they are the step's.
        """
        await self.prepare()
        info = self.resolve(request.model)
        price = prices.full_price(info)
        if request.max_tokens < 1:
            raise ConfigInvalid("max_tokens must be at least 1.")
        key = None if info.is_practice else self._key(info)
        if not info.is_practice:
            await self.warm_up()
        async with self._pacer.turn(self._catalog.pace(info) or info.name, tokens_at_most(request), on_wait) as turn:
            answer = await self._answered(request, info, price=price, key=key, on_token=on_token)
            turn.tokens = answer.usage.tokens_in + answer.usage.tokens_out
        return answer

    async def _answered(
        self, request: ModelRequest, info: ModelInfo, *, price: prices.Price, key: str | None, on_token: _Tell | None
    ) -> ModelAnswer:
        tell = _Teller(on_token) if on_token is not None else None
        try:
            async with asyncio.timeout(request.timeout_s):
                if info.is_practice:
                    return await self._practice.answer(request, variant=info.name, price=price, on_token=tell and tell.now)
                answer = await self._lane.run(lambda: self._ask(request, info, key=key, tell=tell and tell.later))
        except TimeoutError:
            words = f"The model {info.name} did not finish within {request.timeout_s:g} seconds."
            raise StepTimedOut(words, details={"model": info.name, "timeout_s": request.timeout_s}) from None
        finally:
            if tell is not None:
                tell.stop()
        return replace(answer, usage=replace(answer.usage, cost_micro=prices.cost_micro(price, answer.usage)))

    async def close(self) -> None:
        """Ends the calls under way and closes every connection."""
        litellm, self._litellm = self._litellm, None
        await self._lane.close(last=litellm.close_litellm_async_clients if litellm is not None else None)

    def _key(self, info: ModelInfo) -> str | None:
        if not info.ready:
            raise ProviderRejected(info.why_not, hint="Add the key, or use another model.", details=about(info))
        key = self._settings.key_for(info.provider)
        # The library insists on some key, also where the server wants none.
        return key or ("none" if info.base_url else None)

    async def _ask(self, request: ModelRequest, info: ModelInfo, *, key: str | None, tell: _Tell | None) -> ModelAnswer:
        """On the lane's loop. Whatever the library raises ends here: it may quote the key and the prompt."""
        try:
            return await _call(self._litellm, request, info, key=key, tell=tell)
        except SignalboxError as error:
            fault = error
        except Exception as error:
            fault = told(error, info, now_us=self._clock.now_us())
        # Raised outside the handler, so that the library's error is not even its context.
        raise fault


class _Teller:
    """Hands parts of an answer to the caller, on the caller's loop, until it is told to stop."""

    def __init__(self, on_token: Callable[[str], None]) -> None:
        self._on_token = on_token
        self._loop = asyncio.get_running_loop()
        self._live = True

    def now(self, text: str) -> None:
        if not self._live:
            return
        try:
            self._on_token(text)
        except Exception:  # somebody who only watches must not break the call
            logging.getLogger("signalbox.llm").warning("A watcher of model tokens failed and was taken off.")
            self._live = False

    def later(self, text: str) -> None:
        """For other threads."""
        try:
            self._loop.call_soon_threadsafe(self.now, text)
        except RuntimeError:
            self._live = False

    def stop(self) -> None:
        self._live = False


async def _load() -> Any:
    """litellm, imported, silenced and ready to answer at once. ConfigInvalid when it is not installed."""
    os.environ.update(_QUIET)
    try:
        litellm: Any = importlib.import_module("litellm")
    except ImportError as error:
        words = f"The package litellm cannot be loaded ({error.name or 'unknown part'}), so only the practice model can be used."
        raise ConfigInvalid(words, hint="Install Signalbox again.") from None
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    litellm.disable_streaming_logging = True
    litellm.cache = None
    litellm.num_retries = 0
    for name in ("callbacks", "input_callback", "service_callback", *_CALLBACKS):
        setattr(litellm, name, [])
    for name in ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router", "openai"):
        # Their log lines hold requests and keys.
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with contextlib.suppress(Exception):
        await asyncio.wait_for(_rehearse(litellm), timeout=15)
    return litellm


async def _rehearse(litellm: Any) -> None:
    """One call to ourselves: the first one imports 470 more modules, which would eat 1.5 s of the first step's time."""
    words: list[Any] = [{"role": "user", "content": "?"}]
    async for _ in await litellm.acompletion(model="openai/none", messages=words, api_key="none", mock_response=".", stream=True):
        pass

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        here = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await litellm.acompletion(model="openai/none", messages=words, api_key="none", api_base=here, max_retries=0, num_retries=0)


async def _call(litellm: Any, request: ModelRequest, info: ModelInfo, *, key: str | None, tell: _Tell | None) -> ModelAnswer:
    answer = await litellm.acompletion(**_arguments(request, info, key=key, stream=tell is not None))
    if tell is not None:
        return await _streamed(answer, request, info, tell=tell)
    choice = answer.choices[0]
    usage = getattr(answer, "usage", None)
    parts = CallParts()
    parts.add(getattr(choice.message, "tool_calls", None))
    return _answer(request, info, text=choice.message.content or "", finish=choice.finish_reason, told_usage=[usage], calls=parts.calls())


async def _streamed(answer: Any, request: ModelRequest, info: ModelInfo, *, tell: _Tell) -> ModelAnswer:
    parts: list[str] = []
    calls = CallParts()
    finish: str | None = None
    try:
        async for chunk in answer:
            for choice in chunk.choices[:1]:
                finish = choice.finish_reason or finish
                calls.add(getattr(choice.delta, "tool_calls", None))
                if choice.delta.content:
                    parts.append(choice.delta.content)
                    tell(choice.delta.content)
    finally:
        if hasattr(answer, "aclose"):
            await answer.aclose()
    if hasattr(answer, "received_finish_reason"):
        # When the provider sent none, litellm makes up "stop": a cut stream would look complete.
        finish = answer.received_finish_reason or answer.intermittent_finish_reason
    if not finish:
        raise cut_off(info)
    # Only what the provider sent: the chunks handed out also carry litellm's own count.
    told_usage = [getattr(chunk, "usage", None) for chunk in getattr(answer, "chunks", ())]
    return _answer(request, info, text="".join(parts), finish=finish, told_usage=told_usage, calls=calls.calls())


def _arguments(request: ModelRequest, info: ModelInfo, *, key: str | None, stream: bool) -> dict[str, Any]:
    system = request.system
    more: dict[str, Any] = {"stream_options": {"include_usage": True}} if stream else {}
    if request.schema is not None and _takes_schema(info, request.schema):
        more["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": request.schema, "strict": False}}
    elif request.schema is not None:
        system = f"{system}\n\n{instruction(request.schema)}" if system.strip() else instruction(request.schema)
    if request.temperature is not None:
        more["temperature"] = request.temperature
    if info.base_url:
        more["api_base"] = info.base_url
    return {
        "model": _wire_name(info),
        "messages": wire_messages(request, system),
        "max_tokens": request.max_tokens,
        "stream": stream,
        "api_key": key,
        "timeout": OUR_TIMEOUT_RULES_S,
        "max_retries": 0,
        "num_retries": 0,
        "drop_params": True,
        **wire_tools(request),
        **more,
    }


def _wire_name(info: ModelInfo) -> str:
    """The name as litellm wants it: `openai/` means any server that speaks OpenAI's language."""
    if info.base_url is None:
        return info.name
    if info.provider == "ollama":
        return "openai/" + info.name.removeprefix("ollama/").removeprefix("ollama_chat/")
    return "openai/" + info.name.removeprefix("openai/") if info.provider == "openai" else info.name


def _takes_schema(info: ModelInfo, schema: dict[str, Any]) -> bool:
    """Whether the provider can be made to answer in `schema`; they all refuse keywords beyond the plain ones."""
    listed = prices.listing(info.name) if info.base_url is None else None
    return listed is not None and listed.knows_schema and schema.get("type") == "object" and _is_plain(schema)


def _is_plain(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return isinstance(schema, bool)
    if not _PLAIN_KEYWORDS.issuperset(schema):
        return False
    named = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", ())]
    return all(_is_plain(part) for part in [*named, schema.get("items", True), schema.get("additionalProperties", True)])


def tokens_at_most(request: ModelRequest) -> int:
    """What a provider counts a call for before it has answered: about what is sent, and all that may come back."""
    return -(-prices.request_bytes(request) // BYTES_PER_TOKEN) + request.max_tokens


def _answer(
    request: ModelRequest, info: ModelInfo, *, text: str, finish: str | None, told_usage: Sequence[Any], calls: tuple[ToolCall, ...]
) -> ModelAnswer:
    tokens_in = last(told_usage, "prompt_tokens") or -(-prices.request_bytes(request) // BYTES_PER_TOKEN)
    # No more than it was allowed, where it is our guess.
    written = text + "".join(call.name + call.arguments for call in calls)
    guess_out = min(request.max_tokens, -(-len(written.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN))
    tokens_out = last(told_usage, "completion_tokens") or guess_out
    usage = detailed(told_usage, tokens_in=max(1, tokens_in), tokens_out=max(1, tokens_out))
    return ModelAnswer(text=text, model=info.name, usage=usage, finish_reason=str(finish or "stop"), is_practice=False, calls=calls)
