"""When two questions to a model are the very same, so that the answer to one may be given to the other."""

from __future__ import annotations

import hashlib
from dataclasses import fields

from engine.jsonvalue import JsonValue, canonical
from engine.llm.messages import ModelInfo, ModelRequest

_NOT_SENT = frozenset({"model", "timeout_s"})


def key_of(request: ModelRequest, info: ModelInfo) -> str:
    """SHA-256 of the model, where it is served, and everything that it is sent; whatever a request comes to hold is part of it."""
    sent: dict[str, JsonValue] = {field.name: getattr(request, field.name) for field in fields(request) if field.name not in _NOT_SENT}
    return hashlib.sha256(canonical({"model": info.name, "provider": info.provider, "at": info.base_url, "sent": sent})).hexdigest()
