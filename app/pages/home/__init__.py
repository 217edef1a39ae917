"""Home: what needs somebody, what runs, and where to begin."""

from app.pages.home.view import home

__all__ = ["home"]
