"""How our JSX asks the API: one function that never throws, and answers in words when something is wrong."""

from __future__ import annotations

from typing import Any

import reflex as rx

FILE: Any = rx.asset("rest.js", shared=True)
"""Named here so that Reflex puts it where `../rest/rest.js` finds it."""
