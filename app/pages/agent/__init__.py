"""One colleague: who it is, what it may call and how freely, what it may spend, where it works, who changed it."""

from app.pages.agent.view import agent

__all__ = ["agent"]
