"""All runs, and how to find one of them."""

from app.pages.runs.view import runs

__all__ = ["runs"]
