"""One run: what it did, what it waits for, and what can be done about it."""

from app.pages.run.view import run

__all__ = ["run"]
