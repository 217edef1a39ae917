"""Settings: models and keys, tools, budgets, people, API tokens, storage, and what this installation is."""

from app.pages.settings.view import settings

__all__ = ["settings"]
