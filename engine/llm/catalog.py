"""Which model a name means, where it is served, what it costs, and whether it could be called now."""

from __future__ import annotations

import difflib
import ipaddress
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import urlsplit

from engine.errors import ConfigInvalid
from engine.llm import ollama, practice, prices
from engine.llm.messages import ModelInfo
from engine.llm.pacing import Pace
from engine.settings import Settings

ALIASES = ("default", "cheap", "careful")

_KEY_NAMES = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "mistral": ("MISTRAL_API_KEY",),
    "groq": ("GROQ_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "cohere_chat": ("COHERE_API_KEY", "CO_API_KEY"),
    "openrouter": ("OPENROUTER_API_KEY", "OR_API_KEY"),
    "xai": ("XAI_API_KEY",),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHER_API_KEY"),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "fireworks_ai": ("FIREWORKS_AI_API_KEY", "FIREWORKS_API_KEY"),
    "cerebras": ("CEREBRAS_API_KEY",),
    "azure": ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
}


_SMALL_MODELS = {
    "openai": "gpt-5-mini",
    "anthropic": "anthropic/claude-haiku-4-5",
    "gemini": "gemini/gemini-2.5-flash",
    "mistral": "mistral/mistral-small-latest",
    "groq": "groq/openai/gpt-oss-20b",
    "deepseek": "deepseek/deepseek-chat",
    "cohere": "command-r7b-12-2024",
    "xai": "xai/grok-code-fast-1",
    "together_ai": "together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo",
    "perplexity": "perplexity/sonar",
    "fireworks_ai": "fireworks_ai/accounts/fireworks/models/llama-v3p1-8b-instruct",
    "cerebras": "cerebras/llama3.1-8b",
}


def small_model(provider: str) -> str | None:
    """A cheap model of a provider, to try its key with; None where we know none with a price."""
    return _SMALL_MODELS.get(provider)


def key_names(provider: str) -> tuple[str, ...]:
    """The usual environment variables of a provider's key, the first one to be recommended."""
    return _KEY_NAMES.get(provider, (f"{provider.upper().replace('-', '_')}_API_KEY",))


def provider_keys() -> list[tuple[str, bool]]:
    """Every variable that may hold a provider's key, and whether it does."""
    names = dict.fromkeys(name for usual in _KEY_NAMES.values() for name in usual)
    return [(name, bool(os.environ.get(name, "").strip())) for name in names]


def provider_of_key(name: str) -> str | None:
    """The provider whose key usually stands under this name."""
    return next((provider for provider, names in _KEY_NAMES.items() if name in names), None)


def keyed_providers() -> list[tuple[str, str]]:
    """Every provider of the table with the recommended name of its key; providers that share a key stand once."""
    return [(provider, names[0]) for provider, names in _KEY_NAMES.items() if provider != "cohere_chat"]


def key_from_environment(provider: str) -> str | None:
    """The provider's key under its usual names; an empty variable counts as not set."""
    return next((os.environ[name].strip() for name in key_names(provider) if os.environ.get(name, "").strip()), None)


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What decides which models there are."""

    default_model: str | None = None
    """SIGNALBOX_MODEL, or what Settings say."""
    base_url: str | None = None
    """An OpenAI-compatible address that serves the default model and every name without another provider's prefix."""
    price: tuple[float, float] | None = None
    """USD per million tokens (in, out) of the default model and everything at `base_url`."""
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    """`default`, `cheap`, `careful` → names; what is not set is the default."""
    fallbacks: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Alias → what is asked in turn when its model does not answer."""
    prices: Mapping[str, tuple[float, float, float | None]] = field(default_factory=dict[str, tuple[float, float, float | None]])
    """A model's own name → USD per million tokens (in, out, read from a cache), before every list."""
    paces: Mapping[str, Pace] = field(default_factory=dict[str, Pace])
    """A model's own name → how much it may be asked."""
    key_for: Callable[[str], str | None] = key_from_environment
    """The key of a provider, asked at each call and never kept."""
    practice_ms_per_token: float = 2.0
    find_ollama: Callable[[], ollama.LocalModel | None] = ollama.find
    """Looks for local models when no default is set; may block for 0.3 s."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The gateway's part of the process's settings."""
        price = settings.model_price
        return cls(
            default_model=settings.model,
            base_url=settings.model_base_url,
            price=(float(price.input_usd), float(price.output_usd)) if price else None,
        )


class Catalog:
    """Resolves names under one set of settings."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._looked = False
        self._found: ollama.LocalModel | None = None

    @property
    def must_look(self) -> bool:
        """Whether the default depends on a look for local models that was not taken yet."""
        return not self._looked and not self._named_default()

    def look(self) -> None:
        """Looks once for local models; blocks for 0.3 s at most."""
        with self._lock:
            if not self._looked:
                found = self._settings.find_ollama()
                # One that is not on this machine may cost money, and nobody set a price.
                self._found = found if found and (is_loopback(found.base_url) or self._settings.price) else None
                self._looked = True

    def resolve(self, name: str) -> ModelInfo:
        """The model behind an alias or a name. ConfigInvalid when there is none."""
        seen: list[str] = []
        while name.strip() in ALIASES:
            name = name.strip()
            if name in seen:
                raise ConfigInvalid(f"The model alias {name} refers to itself.", hint="Set it to a model's name in Settings.")
            seen.append(name)
            target = self._settings.aliases.get(name, "").strip()
            if not target and name != "default":
                target = "default"
            if not target:
                return self._priced(self._default())
            name = target
        return self._priced(self._named(name.strip()))

    def chain(self, model: str, fallbacks: Sequence[str] = ()) -> list[str]:
        """Every name that may be asked, in turn: the model, the step's fallbacks, and behind an alias what Settings put there."""
        names: list[str] = []
        for name in (model, *fallbacks):
            names += [name, *self._behind(name.strip())]
        return list(dict.fromkeys(names))

    def _behind(self, name: str) -> Sequence[str]:
        for _ in ALIASES:
            if name not in ALIASES:
                return ()
            if self._settings.fallbacks.get(name):
                return self._settings.fallbacks[name]
            target = self._settings.aliases.get(name, "").strip()
            if not target and name == "default":
                return ()
            name = target or "default"
        return ()

    def pace(self, info: ModelInfo) -> str | None:
        """The name under which Settings limit the model; None where they do not."""
        return next((name for name in spellings(info) if name in self._settings.paces), None)

    def _priced(self, info: ModelInfo) -> ModelInfo:
        found = next((self._settings.prices[name] for name in spellings(info) if name in self._settings.prices), None)
        if found is None:
            return info
        price_in, price_out, cached = found
        return replace(info, price_in=price_in, price_out=price_out, price_cached=cached, is_priced_here=True)

    def models(self) -> list[ModelInfo]:
        """What can be picked: the aliases (named as such), then what they mean, then the practice model."""
        picks: list[ModelInfo] = []
        meant: dict[str, ModelInfo] = {}
        for alias in ALIASES:
            try:
                info = self.resolve(alias)
            except ConfigInvalid as error:
                picks.append(_missing(alias, error.message))
                continue
            picks.append(replace(info, name=alias, label=f"{alias}: {info.label}"))
            meant.setdefault(info.name, info)
        meant.setdefault(practice.NAME, self._practice(practice.NAME))
        return [*picks, *meant.values()]

    def _named_default(self) -> str:
        return (self._settings.aliases.get("default") or self._settings.default_model or "").strip()

    def _default(self) -> ModelInfo:
        name = self._named_default()
        if name:
            return self._named(name)
        self.look()
        if self._found is None:
            return self._practice(practice.NAME)
        found = self._found
        price = self._settings.price or (0.0, 0.0)
        label = f"{found.name} (Ollama)"
        return ModelInfo(found.name, "ollama", label, False, price[0], price[1], found.base_url, True, "")

    def _named(self, name: str) -> ModelInfo:
        if not name:
            raise ConfigInvalid("No model is named.", hint="Write default, cheap, careful, practice, or a model's name.")
        if name == practice.NAME or name.startswith(f"{practice.NAME}/"):
            return self._practice(name)
        if self._found is not None and name == self._found.name:
            return self._default()
        is_default = name in (self._named_default(), self._settings.default_model)
        prefix, _, rest = name.partition("/")
        known = bool(rest) and prefix in prices.known_providers()
        if self._settings.base_url and (is_default or not known or prefix == "openai"):
            return self._at_address(name, prefix if known else "openai", self._settings.base_url)
        if prefix in ("ollama", "ollama_chat") and rest:
            return self._at_address(name, "ollama", f"{ollama.address()}/v1")
        listed = prices.listing(name)
        if not known and listed is None:
            near = difflib.get_close_matches(name, [*ALIASES, *practice.VARIANTS, *prices.listed_names()], n=1, cutoff=0.75)
            guess = f" Did you mean {near[0]}?" if near else ""
            raise ConfigInvalid(f"There is no model called {name[:100]}.{guess}", hint="Write an alias, a litellm name, or provider/model.")
        if listed is not None and not listed.is_chat:
            raise ConfigInvalid(f"The model {name} does not answer in text.", hint="Name a chat model.")
        return self._hosted(name, prefix if known else _plain(listed.provider if listed else ""), listed, is_default)

    def _practice(self, name: str) -> ModelInfo:
        if name not in practice.VARIANTS:
            raise ConfigInvalid(f"There is no practice model called {name[:100]}.", hint=f"There are {', '.join(practice.VARIANTS)}.")
        default = self._named_default()
        # Whoever prices the default model prices the practice model that stands in for it.
        stands_in = default.startswith(practice.NAME) or (not default and self._found is None)
        price = self._settings.price if self._settings.price and stands_in else (0.0, 0.0)
        label = "Practice model" + (f" ({name.partition('/')[2]})" if "/" in name else "")
        return ModelInfo(name, practice.NAME, label, True, price[0], price[1], None, True, "")

    def _at_address(self, name: str, provider: str, base_url: str) -> ModelInfo:
        price = self._settings.price if base_url == self._settings.base_url else None
        if price is None and is_loopback(base_url):
            price = (0.0, 0.0)
        if price is None:
            price = _listed_price(prices.listing(name))
        host = urlsplit(base_url).hostname or base_url
        return ModelInfo(name, provider, f"{name.removeprefix('openai/')} at {host}", False, *(price or (None, None)), base_url, True, "")

    def _hosted(self, name: str, provider: str, listed: prices.Listing | None, is_default: bool) -> ModelInfo:
        price = self._settings.price if is_default else None
        price = price or _listed_price(listed)
        # Providers that are not in our table may take other credentials (a cloud account), which only the call can tell.
        missing = provider in _KEY_NAMES and not self._settings.key_for(provider)
        why_not = f"There is no key for {provider}: add it in Settings or set {key_names(provider)[0]}." if missing else ""
        return ModelInfo(name, provider, name, False, *(price or (None, None)), None, not missing, why_not)


def spellings(info: ModelInfo) -> tuple[str, ...]:
    """The names by which people mean this model: its own, and the same without or with its provider."""
    prefix = f"{info.provider}/"
    return (info.name, info.name.removeprefix(prefix) if info.name.startswith(prefix) else prefix + info.name)


def is_loopback(base_url: str) -> bool:
    """Whether an address is on this machine."""
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _plain(provider: str) -> str:
    return "vertex_ai" if provider.startswith("vertex_ai") else "bedrock" if provider.startswith("bedrock") else provider


def _listed_price(listed: prices.Listing | None) -> tuple[float, float] | None:
    return (float(listed.price.price_in), float(listed.price.price_out)) if listed and listed.price else None


def _missing(alias: str, why: str) -> ModelInfo:
    return ModelInfo(alias, "", alias, False, None, None, None, False, why)
