"""Turns what a provider's library raises into our errors, by HTTP status and class, without repeating a word of it.

A provider's own text may hold the key or the prompt, so none of it is passed on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from engine.errors import ProviderRateLimited, ProviderRejected, ProviderUnavailable, SignalboxError
from engine.jsonvalue import JsonValue
from engine.llm.messages import ModelInfo

_MOST_WAIT_S = 3_600.0
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,6})?")
_TRANSIENT_4XX = (408, 409, 425)
_UNSURE = frozenset({408, 502, 504, *range(520, 528)})
"""Said by something between us and the model, which may have answered, and billed, all the same."""
_BROKEN = frozenset({"TransportError", "APIConnectionError", "OSError"})
_REJECTIONS = {
    400: ("did not accept the request", "Check the prompt, the schema and max_tokens of the step."),
    401: ("did not accept the key", "Check the key of this provider in Settings."),
    402: ("wants to be paid first", "Check the account of this provider."),
    403: ("does not allow this key to use the model", "Check what the key may do, and the model's name."),
    404: ("does not know the model or the address", "Check the model's name and SIGNALBOX_MODEL_BASE_URL."),
    413: ("finds the request too large", "Shorten the prompt."),
}
_TOO_LONG = ("says that the request is longer than the model can read", "Shorten the prompt or use a model that can read more.")
_UNWANTED = ("refused the content of the request", "Look at what the prompt asks for.")


def told(error: BaseException, info: ModelInfo, *, now_us: int) -> SignalboxError:
    """Our error for what the library raised while it called `info`."""
    who, status = _who(info), http_status(error)
    details = about(info)
    if status is not None and _was_sent(error):
        details["status"] = status
    if status == 429:
        wait_s = retry_after_s(error, now_us=now_us)
        later = f" for {wait_s:g} seconds" if wait_s is not None else ""
        if wait_s is not None:
            details["retry_after_s"] = wait_s
        return ProviderRateLimited(f"{who} asks to slow down{later}.", details=details)
    if status is None or status >= 500 or status < 400 or status in _TRANSIENT_4XX:
        return ProviderUnavailable(f"{who} {_what_happened(error, status)}.", details=details)
    names = _class_names(error)
    if "ContextWindowExceededError" in names:
        words, hint = _TOO_LONG
    elif "ContentPolicyViolationError" in names:
        words, hint = _UNWANTED
    else:
        words, hint = _REJECTIONS.get(status, ("refused the request", ProviderRejected.hint))
    return ProviderRejected(f"{who} {words} ({status}).", hint=hint, details=details)


def owes_nothing(error: SignalboxError) -> bool:
    """Whether the provider itself said no, so that nothing was produced and nothing will be billed."""
    status = error.details.get("status")
    return isinstance(error, ProviderRejected) or (isinstance(status, int) and status >= 400 and status not in _UNSURE)


def is_refusal(error: SignalboxError) -> bool:
    """Whether a provider was busy or down and said so itself, so that nothing was begun: another try costs nothing."""
    return isinstance(error, ProviderUnavailable) and owes_nothing(error)


def cut_off(info: ModelInfo) -> ProviderUnavailable:
    """The error for a stream that stopped before the model said that it was done."""
    return ProviderUnavailable(f"{_who(info)} broke off in the middle of its answer.", details=about(info))


def about(info: ModelInfo) -> dict[str, JsonValue]:
    """The details that every error about a model carries."""
    return {"model": info.name, "provider": info.provider}


def http_status(error: BaseException) -> int | None:
    """The HTTP status that the provider sent, None if there was none or the connection broke.

    The innermost counts: on the way out, libraries make up a status, or guess another from words in the text.
    """
    causes = list(_causes(error))
    sent = next((cause for cause in causes if "HTTPStatusError" in _class_names(cause)), None)
    if sent is not None:
        return sent.response.status_code
    if any(_class_names(cause) & _BROKEN for cause in causes):
        return None
    made_up = [status for status in (getattr(cause, "status_code", None) for cause in causes) if isinstance(status, int)]
    return made_up[-1] if made_up else None


def retry_after_s(error: BaseException, *, now_us: int) -> float | None:
    """Seconds to wait, from the provider's Retry-After header; None if it sent none that makes sense."""
    for cause in _causes(error):
        for place in (getattr(cause, "litellm_response_headers", None), getattr(getattr(cause, "response", None), "headers", None)):
            text = str(place.get("retry-after") or "").strip() if isinstance(place, Mapping) else ""
            if text:
                return _seconds(text, now_us)
    return None


def _seconds(text: str, now_us: int) -> float | None:
    if _SECONDS.fullmatch(text):
        return min(float(text), _MOST_WAIT_S)
    try:
        at_s = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, round(at_s - now_us / 1e6, 3)), _MOST_WAIT_S)


def _causes(error: BaseException) -> Iterator[Any]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = getattr(cause, "original_exception", None) or cause.__cause__ or cause.__context__


def _was_sent(error: BaseException) -> bool:
    """Whether the status came over the wire. For an answer that cannot be read, the library makes one up."""
    return any("HTTPStatusError" in _class_names(cause) for cause in _causes(error))


def _what_happened(error: BaseException, status: int | None) -> str:
    if _was_sent(error):
        return f"answered with an error ({status})"
    if status is None and any(_class_names(cause) & _BROKEN for cause in _causes(error)):
        return "could not be reached, or broke off"
    return "gave no answer that can be used"


def _class_names(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _who(info: ModelInfo) -> str:
    return f"The provider of the model {info.name} ({info.provider})"
