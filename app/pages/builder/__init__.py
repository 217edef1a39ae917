"""The builder of one workflow."""

from app.pages.builder.view import builder

__all__ = ["builder"]
