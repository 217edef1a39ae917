"""Finds an Ollama that already runs, so that a machine with local models needs no settings."""

from __future__ import annotations

import http.client
import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

PORT = 11434
PATIENCE_S = 0.3
_MOST_BYTES = 1_000_000
_NOT_FOR_CHAT = ("embed", "minilm", "bge-", "rerank")


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model that is served on this machine or where OLLAMA_HOST points."""

    name: str
    base_url: str


def address(env: Mapping[str, str] = os.environ) -> str:
    """Where Ollama listens, e.g. `http://127.0.0.1:11434`, from OLLAMA_HOST in any of its spellings."""
    given = env.get("OLLAMA_HOST", "").strip()
    try:
        parts = urlsplit(given if "://" in given else f"http://{given}")
        host = parts.hostname or "127.0.0.1"
        port = parts.port or (PORT if parts.scheme == "http" else 443)
    except ValueError:
        return f"http://127.0.0.1:{PORT}"
    host = "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else host  # noqa: S104  # where it listens is told; this is how to reach it
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def find(env: Mapping[str, str] = os.environ) -> LocalModel | None:
    """The model that was pulled last into a running Ollama; None if none answers within 0.3 s or it has none. Blocks: use a thread."""
    where = address(env)
    parts = urlsplit(where)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/api/tags")
        body = connection.getresponse().read(_MOST_BYTES)
        listed = msgspec.json.decode(body).get("models") or []
        names = [str(model["name"]) for model in listed]
    except (OSError, http.client.HTTPException, msgspec.DecodeError, AttributeError, KeyError, TypeError, ValueError):
        return None
    finally:
        connection.close()
    names = [name for name in names if not any(sign in name.lower() for sign in _NOT_FOR_CHAT)]
    return LocalModel(name=names[0], base_url=f"{where}/v1") if names else None
