"""The workflows: what is live, what is a draft, how it goes, and where a new one begins."""

from app.pages.workflows.view import workflows

__all__ = ["workflows"]
