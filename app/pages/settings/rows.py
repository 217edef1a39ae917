"""The rows of the settings, told in words: plain text only, and never a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.ui import words
from engine import ROLE_MEANING, FindingView, Role, SecretView, TokenInfo, UserView, iso

PROVIDERS = {
    "openai": "OpenAI, and servers that speak its language",
    "anthropic": "Anthropic",
    "gemini": "Google Gemini",
    "mistral": "Mistral",
    "groq": "Groq",
    "deepseek": "DeepSeek",
    "cohere": "Cohere",
    "openrouter": "OpenRouter",
    "xai": "xAI",
    "together_ai": "Together AI",
    "perplexity": "Perplexity",
    "fireworks_ai": "Fireworks AI",
    "cerebras": "Cerebras",
    "azure": "Azure OpenAI",
}
ROLES = tuple((str(role), str(role).capitalize(), ROLE_MEANING[role]) for role in Role)
"""Name, word and meaning of every role."""


@dataclass(frozen=True)
class ModelRow:
    """A name that steps use, and what it means at the moment."""

    name: str
    title: str
    label: str
    price: str
    tone: str
    word: str


@dataclass(frozen=True)
class KeyRow:
    """A key of a model provider, or another secret."""

    name: str
    provider: str
    title: str
    tone: str
    word: str
    told: str
    is_stored: bool
    hosts: str = ""
    """Where steps may send it, with commas."""
    header: str = ""


@dataclass(frozen=True)
class PersonRow:
    """Somebody who works here."""

    id: str
    name: str
    initials: str
    email: str
    roles: str
    role_names: list[str]
    tone: str
    word: str
    is_disabled: bool
    is_me: bool


@dataclass(frozen=True)
class TokenRow:
    """An API token; its text is not kept."""

    id: str
    name: str
    roles: str
    told: str
    tone: str
    word: str
    is_alive: bool


@dataclass(frozen=True)
class FindingRow:
    """One thing that was looked at."""

    subject: str
    told: str
    tone: str
    word: str


def model_row(model: Mapping[str, Any]) -> ModelRow:
    """An alias as `Engine.models` tells it."""
    title = str(model["name"]).capitalize()
    label = str(model["label"]).removeprefix(f"{model['name']}: ")
    if not model["ready"]:
        return ModelRow(model["name"], title, label, model["why_not"], "failed", "Not ready")
    if model["is_practice"]:
        return ModelRow(model["name"], title, label, "Costs nothing; it is no language model", "skipped", "Practice")
    return ModelRow(model["name"], title, label, _price(model["price_in"], model["price_out"]), "done", "Ready")


def _price(price_in: float | None, price_out: float | None) -> str:
    if price_in is None or price_out is None:
        return "Its price is not known: enter one, or runs refuse to use it"
    if not price_in and not price_out:
        return "Costs nothing"
    return f"${price_in:g} in, ${price_out:g} out for a million tokens"


def key_row(secret: SecretView, *, now: datetime) -> KeyRow:
    """A secret, by its name."""
    title = PROVIDERS.get(secret.provider or "", secret.name)
    if secret.source == "environment":
        told = "Set where Signalbox is started; store another one here to use that instead."
        return KeyRow(secret.name, secret.provider or "", title, "skipped", "From the environment", told, is_stored=False)
    told = f"Stored encrypted {words.ago(secret.updated_at, now=now)} by {secret.updated_by}."
    if secret.is_in_environment:
        told += " It is used in place of the one from the environment."
    return KeyRow(secret.name, secret.provider or "", title, "done", "Stored", told, True, ", ".join(secret.hosts), secret.header)


def person_row(user: UserView, *, me: str) -> PersonRow:
    """A person."""
    tone, word = ("skipped", "Deactivated") if user.disabled_at else ("done", "Active") if user.has_password else ("waiting", "No password")
    return PersonRow(
        id=user.id,
        name=user.name,
        initials=words.initials(user.name),
        email=user.email,
        roles=role_words(user.roles),
        role_names=[str(role) for role in Role if role in user.roles],
        tone=tone,
        word=word,
        is_disabled=user.disabled_at is not None,
        is_me=user.id == me,
    )


def role_words(roles: frozenset[Role]) -> str:
    """`Every role`, or the roles in words."""
    if len(roles) == len(Role):
        return "Every role"
    return words.listing([str(role) for role in Role if role in roles]).capitalize() or "No role"


def token_row(token: TokenInfo, *, now: datetime, owners: Mapping[str, str]) -> TokenRow:
    """A token; `owners` names the people whose it is, where several people's are shown."""
    moment = now.astimezone(UTC)
    is_over = token.expires_at is not None and token.expires_at <= int(moment.timestamp() * 1e6)
    tone, word = ("skipped", "Revoked") if token.revoked_at else ("skipped", "Expired") if is_over else ("done", "Works")
    used = f"used {words.ago(iso(token.last_used_at), now=now)}" if token.last_used_at else "never used"
    until = f"until {(iso(token.expires_at) or '')[:10]}" if token.expires_at else "until it is revoked"
    owner = f"{owners[token.user_id]} · " if token.user_id in owners else ""
    return TokenRow(
        id=token.id,
        name=token.name,
        roles=role_words(token.roles),
        told=f"{owner}{until} · {used}",
        tone=tone,
        word=word,
        is_alive=word == "Works",
    )


def finding_row(finding: FindingView) -> FindingRow:
    """One thing that was looked at."""
    told = f"{finding.told}. {finding.hint}" if finding.hint and not finding.is_well else finding.told
    tone, word = ("done", "Fine") if finding.is_well else ("failed", "Trouble")
    # A file's name stays as it is.
    subject = finding.subject if "." in finding.subject else finding.subject.capitalize()
    return FindingRow(subject, told[:1].upper() + told[1:], tone, word)


def size(number: int) -> str:
    """`640 kB`, `1.2 MB`, `3.4 GB`."""
    if number >= 1_000_000_000:
        return f"{number / 1_000_000_000:,.1f} GB"
    return f"{number / 1000:,.0f} kB" if number < 1_000_000 else f"{number / 1_000_000:,.1f} MB"
