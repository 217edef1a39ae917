"""The colleagues: who they are, what each may spend today, and where they work."""

from app.pages.agents.view import agents

__all__ = ["agents"]
