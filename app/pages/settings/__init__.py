"""Settings: models and keys, budgets, people, API tokens, and what this installation is."""

from app.pages.settings.view import settings

__all__ = ["settings"]
