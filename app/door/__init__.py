"""The pages before the door, plain HTML without a script: signing in and the first account."""

from app.door.router import door_router

__all__ = ["door_router"]
