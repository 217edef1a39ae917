"""The gateway through the real litellm, against a provider that misbehaves on command."""

import asyncio
import logging
import time

import pytest

from engine.clock import SystemClock
from engine.errors import ConfigInvalid, PriceUnknown, ProviderRateLimited, ProviderRejected, ProviderUnavailable, StepTimedOut
from engine.llm.gateway import Gateway, GatewaySettings
from engine.llm.messages import ModelRequest
from engine.llm.structured import parse_json_answer
from tests.fakes import provider as fake
from tests.fakes.provider import FakeProvider

KEY = "sk-canary-7f3a91c2e8"
PROMPT = "CANARY-PROMPT: the launch code is 0000."
SCHEMA = {"type": "object", "required": ["label"], "properties": {"label": {"enum": ["lost", "other"]}}}
# litellm asks pydantic for what is going away; outside pytest it silences that itself.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the '.*' attribute on the instance is deprecated")
BOTH_WAYS = pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])


@pytest.fixture
def provider():
    with FakeProvider() as running:
        yield running


@pytest.fixture
async def gateway(provider: FakeProvider):
    settings = GatewaySettings(default_model="fake-1", base_url=provider.base_url, price=(1.0, 2.0), key_for=lambda name: KEY)
    door = Gateway(settings, clock=SystemClock())
    yield door
    await door.close()


def request(*, model: str = "default", schema=None, max_tokens: int = 50, timeout_s: float = 10.0, prompt: str = PROMPT) -> ModelRequest:
    return ModelRequest(
        model=model, system="Be kind.", prompt=prompt, schema=schema, temperature=0.0, max_tokens=max_tokens, timeout_s=timeout_s
    )


async def ask(door: Gateway, *, streams: bool, **more):
    return await door.complete(request(**more), on_token=(lambda _: None) if streams else None)


@BOTH_WAYS
async def test_an_answer_comes_with_what_the_provider_counted(gateway: Gateway, provider: FakeProvider, streams: bool) -> None:
    provider.then(fake.text("All will be well.", cached=3))
    answer = await ask(gateway, streams=streams)
    call = provider.calls[-1]
    assert (answer.text, answer.model, answer.finish_reason, answer.is_practice) == ("All will be well.", "fake-1", "stop", False)
    assert (answer.usage.tokens_in, answer.usage.tokens_out, answer.usage.tokens_cached) == (call.tokens_in, call.tokens_out, 3)
    assert answer.usage.cost_micro == provider.total_cost_micro(1.0, 2.0)
    bound = gateway.bound(request())
    assert answer.usage.cost_micro <= bound.cost_micro
    assert (call.authorization, call.model, call.body["max_tokens"], call.body["temperature"]) == (f"Bearer {KEY}", "fake-1", 50, 0.0)
    assert call.body["messages"] == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": PROMPT}]


async def test_tokens_come_one_by_one_on_the_callers_loop(gateway: Gateway, provider: FakeProvider) -> None:
    provider.then(fake.text("one two three four five six", token_s=0.02))
    seen: list[tuple[str, float, object]] = []
    answer = await gateway.complete(request(), on_token=lambda part: seen.append((part, time.monotonic(), asyncio.get_running_loop())))
    assert "".join(part for part, _, _ in seen) == answer.text == "one two three four five six"
    assert len(seen) >= 5 and seen[-1][1] - seen[0][1] > 0.05
    assert {loop for _, _, loop in seen} == {asyncio.get_running_loop()}


@BOTH_WAYS
async def test_a_provider_that_does_not_count_is_counted_and_never_zero(gateway: Gateway, provider: FakeProvider, streams: bool) -> None:
    provider.then(fake.text("x" * 40, usage=False), fake.text("", usage=False))
    full, empty = await ask(gateway, streams=streams), await ask(gateway, streams=streams)
    assert (full.usage.tokens_in, full.usage.tokens_out) == (-(-len("Be kind." + PROMPT) // 3), 14)
    assert empty.usage.tokens_out == 1
    assert full.usage.cost_micro >= provider.calls[0].tokens_in + 2 * provider.calls[0].tokens_out


@BOTH_WAYS
async def test_an_answer_that_used_up_its_tokens_says_so(gateway: Gateway, provider: FakeProvider, streams: bool) -> None:
    provider.then(fake.filling())
    answer = await ask(gateway, streams=streams, max_tokens=20)
    assert (answer.finish_reason, answer.usage.tokens_out) == ("length", 20)


@BOTH_WAYS
@pytest.mark.parametrize(
    ("how", "error", "status"),
    [
        (fake.failing(500), ProviderUnavailable, 500),
        (fake.failing(500, error="rate limit exceeded"), ProviderUnavailable, 500),
        (fake.failing(502), ProviderUnavailable, 502),
        (fake.failing(503, error="This model's maximum context length is exceeded"), ProviderUnavailable, 503),
        (fake.failing(529), ProviderUnavailable, 529),
        (fake.failing(408), ProviderUnavailable, 408),
        (fake.failing(409), ProviderUnavailable, 409),
        (fake.rate_limited(None), ProviderRateLimited, 429),
        (fake.failing(400), ProviderRejected, 400),
        (fake.failing(400, error="rate limit", code="x"), ProviderRejected, 400),
        (fake.failing(401), ProviderRejected, 401),
        (fake.failing(402), ProviderRejected, 402),
        (fake.failing(403), ProviderRejected, 403),
        (fake.failing(404), ProviderRejected, 404),
        (fake.failing(413), ProviderRejected, 413),
        (fake.failing(422), ProviderRejected, 422),
    ],
    ids=lambda value: str(value.status) if isinstance(value, fake.Behaviour) else "",
)
async def test_an_http_error_is_told_by_its_status(
    gateway: Gateway, provider: FakeProvider, streams: bool, how, error, status: int
) -> None:
    provider.then(how)
    with pytest.raises(error) as caught:
        await ask(gateway, streams=streams)
    assert type(caught.value) is error
    assert caught.value.details["status"] == status
    assert len(provider.calls) == 1, "no hidden retries"


@BOTH_WAYS
async def test_a_request_that_is_too_long_is_told_as_such(gateway: Gateway, provider: FakeProvider, streams: bool) -> None:
    provider.then(fake.failing(400, error="This model's maximum context length is 10 tokens.", code="context_length_exceeded"))
    with pytest.raises(ProviderRejected, match="longer than the model can read"):
        await ask(gateway, streams=streams)


@pytest.mark.parametrize(("sent", "seconds"), [("7", 7.0), ("0.5", 0.5), ("999999", 3600.0), ("soon", None), (None, None)])
async def test_retry_after_is_passed_on(gateway: Gateway, provider: FakeProvider, sent: str | None, seconds: float | None) -> None:
    provider.then(fake.rate_limited(sent))
    with pytest.raises(ProviderRateLimited) as caught:
        await ask(gateway, streams=False)
    assert caught.value.details.get("retry_after_s") == seconds


@BOTH_WAYS
@pytest.mark.parametrize(
    "how",
    [fake.cut(0), fake.cut(10), fake.fading(0), fake.fading(10), fake.garbage(), fake.garbage("{}"), fake.garbage('{"choices": []}')],
    ids=["cut at once", "cut", "faded at once", "faded", "html", "empty object", "no choices"],
)
async def test_half_an_answer_is_never_taken_for_one(gateway: Gateway, provider: FakeProvider, streams: bool, how) -> None:
    provider.then(how)
    with pytest.raises(ProviderUnavailable):
        await ask(gateway, streams=streams)
    assert len(provider.calls) == 1


@BOTH_WAYS
@pytest.mark.parametrize("how", [fake.hanging(), fake.slow(30), fake.text("words " * 50, token_s=0.2)], ids=["hangs", "late", "slow"])
async def test_the_whole_call_has_one_timeout_and_the_connection_is_closed(
    gateway: Gateway, provider: FakeProvider, streams: bool, how
) -> None:
    if how.token_s and not streams:
        how = fake.slow(5)
    await gateway.warm_up()
    provider.then(how)
    began = time.monotonic()
    with pytest.raises(StepTimedOut):
        await ask(gateway, streams=streams, timeout_s=0.5, max_tokens=500)
    assert time.monotonic() - began < 1.5
    assert await asyncio.to_thread(provider.wait_until_idle)
    assert provider.calls[-1].closed_by_client


async def test_cancelling_closes_the_stream_and_stops_the_tokens(gateway: Gateway, provider: FakeProvider) -> None:
    provider.then(fake.text("words " * 200, token_s=0.01))
    seen: list[str] = []
    call = asyncio.create_task(gateway.complete(request(max_tokens=1_000), on_token=seen.append))
    while len(seen) < 3:
        await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    count = len(seen)
    assert await asyncio.to_thread(provider.wait_until_idle)
    assert provider.calls[-1].closed_by_client
    assert len(seen) == count


async def test_nobody_listening_is_told_as_unavailable() -> None:
    door = Gateway(GatewaySettings(default_model="m", base_url="http://127.0.0.1:9/v1", key_for=lambda name: KEY), clock=SystemClock())
    with pytest.raises(ProviderUnavailable, match="could not be reached"):
        await door.complete(request())
    await door.close()


@BOTH_WAYS
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_no_error_repeats_the_key_or_the_prompt(
    gateway: Gateway, provider: FakeProvider, streams: bool, status: int, caplog, capfd
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.then(fake.failing(status, error=f"Incorrect API key provided: {KEY}. You asked: {PROMPT}", code=KEY))
    with pytest.raises((ProviderRejected, ProviderUnavailable)) as caught:
        await ask(gateway, streams=streams)
    error = caught.value
    assert error.__cause__ is None and error.__context__ is None
    printed = capfd.readouterr()
    for text in (str(error), repr(error), str(error.as_json()), caplog.text, printed.out, printed.err):
        assert KEY not in text and PROMPT not in text


async def test_nothing_is_sent_without_a_key_a_price_or_a_name(provider: FakeProvider) -> None:
    door = Gateway(GatewaySettings(key_for=lambda name: None, find_ollama=lambda: None), clock=SystemClock())
    with pytest.raises(ProviderRejected, match="OPENAI_API_KEY"):
        await door.complete(request(model="gpt-4o-mini"))
    with pytest.raises(PriceUnknown):
        await door.complete(request(model="groq/brand-new"))
    with pytest.raises(ConfigInvalid):
        await door.complete(request(model=""))
    assert provider.calls == []
    await door.close()


@BOTH_WAYS
async def test_json_is_asked_for_in_words_where_the_provider_is_unknown(gateway: Gateway, provider: FakeProvider, streams: bool) -> None:
    provider.then(fake.text('Sure:\n```json\n{"label": "lost"}\n```'))
    answer = await ask(gateway, streams=streams, schema=SCHEMA)
    assert parse_json_answer(answer.text, SCHEMA) == {"label": "lost"}
    body = provider.calls[-1].body
    assert "response_format" not in body
    assert '"enum":["lost","other"]' in body["messages"][0]["content"]
    assert answer.usage.tokens_in <= gateway.bound(request(schema=SCHEMA)).tokens


async def test_json_is_demanded_where_the_provider_can(provider: FakeProvider, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", provider.base_url)
    door = Gateway(GatewaySettings(key_for=lambda name: KEY), clock=SystemClock())
    provider.then(fake.value({"label": "other"}))
    answer = await door.complete(request(model="gpt-4o-mini", schema=SCHEMA))
    assert parse_json_answer(answer.text, SCHEMA) == {"label": "other"}
    body = provider.calls[-1].body
    assert body["response_format"]["json_schema"]["schema"]["properties"] == SCHEMA["properties"]
    assert [message["content"] for message in body["messages"]] == ["Be kind.", PROMPT]
    await door.close()


async def test_fifty_calls_run_at_once_and_the_loop_stays_free(gateway: Gateway, provider: FakeProvider) -> None:
    await gateway.warm_up()
    provider.default = fake.filling(sleep_s=0.5)
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - began)

    watcher = asyncio.create_task(watch())
    answers = await asyncio.gather(*[ask(gateway, streams=number % 2 == 0, timeout_s=30.0) for number in range(50)])
    watcher.cancel()
    assert provider.max_concurrency == 50
    assert sum(answer.usage.cost_micro for answer in answers) == provider.total_cost_micro(1.0, 2.0)
    assert longest < 0.5, "litellm works on a thread of its own"


async def test_other_settings_hold_from_the_next_call_on(gateway: Gateway, provider: FakeProvider) -> None:
    gateway.reconfigure(GatewaySettings(default_model="fake-2", base_url=provider.base_url, aliases={"cheap": "fake-3"}))
    assert (await gateway.complete(request())).model == "fake-2"
    assert (await gateway.complete(request(model="cheap"))).usage.cost_micro == 0
    assert [call.model for call in provider.calls] == ["fake-2", "fake-3"]


async def test_closing_ends_what_is_under_way(provider: FakeProvider) -> None:
    door = Gateway(GatewaySettings(default_model="m", base_url=provider.base_url), clock=SystemClock())
    provider.then(fake.hanging())
    call = asyncio.create_task(door.complete(request(timeout_s=30.0)))
    while not provider.active:
        await asyncio.sleep(0.01)
    await door.close()
    with pytest.raises((asyncio.CancelledError, ProviderUnavailable)):
        await call
    assert await asyncio.to_thread(provider.wait_until_idle)
    await door.close()
