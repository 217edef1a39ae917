"""What goes to a model and what comes back, in the types that every caller shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that a model wants called."""

    id: str
    """The model's name for this call; its result goes back under it."""
    name: str
    arguments: str
    """As the model wrote them: JSON, or what it took for JSON."""


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a conversation with a model."""

    role: Literal["user", "assistant", "tool"]
    text: str
    calls: tuple[ToolCall, ...] = ()
    """Of an assistant: the tools that it wanted called."""
    call: str = ""
    """Of a tool: the id of the call that this is the result of."""


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """A tool that a model may call."""

    name: str
    """Letters, digits, `_` and `-`, at most 64."""
    description: str
    parameters: dict[str, Any]
    """JSON Schema of an object: the arguments."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One bounded question to one model."""

    model: str
    """An alias (`default`, `cheap`, `careful`), `practice…`, or a litellm name."""
    system: str
    prompt: str
    """What is asked; where there are `messages`, empty."""
    schema: dict[str, Any] | None
    """JSON Schema (Draft 2020-12) that the answer's text should fit; None asks for free text."""
    temperature: float | None
    """None leaves it to the provider."""
    max_tokens: int
    """The most tokens the model may answer with, at least 1."""
    timeout_s: float
    """Seconds for the whole call, connection and last token included."""
    messages: tuple[Message, ...] = ()
    """A conversation so far, in place of `prompt`."""
    tools: tuple[ToolOffer, ...] = ()
    """What the model may ask to have called."""
    mask: bool = False
    """Whether the step demands that no personal data reaches the model; the workspace may demand it for every step."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used up; never zero tokens for a call that reached a model."""

    tokens_in: int
    """Tokens of the request, the cached ones included."""
    tokens_out: int
    """Tokens of the answer, hidden reasoning included."""
    tokens_cached: int = 0
    """The part of `tokens_in` that the provider read from its cache."""
    cost_micro: int = 0
    """Millionths of a US dollar, rounded up."""
    tokens_written: int = 0
    """The part of `tokens_in` that the provider wrote into its cache."""
    tokens_reasoning: int = 0
    """The part of `tokens_out` that nobody sees; all of it where a provider does not tell how much that is."""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What a model answered."""

    text: str
    model: str
    """The name that answered: the resolved one, not the alias; `practice` for the practice model."""
    usage: Usage
    finish_reason: str
    """`stop`, `length` (max_tokens was reached) or what the provider said."""
    is_practice: bool
    calls: tuple[ToolCall, ...] = ()
    """The tools that it wants called, in its order."""
    is_cached: bool = False
    """Whether it was given before, to the very same question, and has used nothing now."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that a call can use, to be reserved before it starts."""

    tokens: int
    cost_micro: int


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as the settings resolve it."""

    name: str
    provider: str
    """litellm's word for who serves it (`openai`, `anthropic`, `ollama`…), or `practice`."""
    label: str
    """The name for people."""
    is_practice: bool
    price_in: float | None
    """USD per million tokens; None when nobody knows."""
    price_out: float | None
    base_url: str | None
    """The OpenAI-compatible (or Ollama) address, where it is not the provider's own."""
    ready: bool
    """Whether a call could work: a key is there, or none is needed."""
    why_not: str
    """What is missing, when not ready."""
    price_cached: float | None = None
    """Of what the provider reads from its cache, where `price_in` and `price_out` were set by hand; None: as any other."""
    is_priced_here: bool = False
    """Whether its price was set for this very model; no list is asked then."""
