"""The pages that people see before the web UI comes: signing in, the first account, and a plain start page."""

from app.pages.router import page_router

__all__ = ["page_router"]
