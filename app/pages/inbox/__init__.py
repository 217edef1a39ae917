"""The inbox: everything that waits for a person, and one card to decide it on."""

from app.pages.inbox.view import inbox

__all__ = ["inbox"]
