"""What people meet before they are signed in."""

from fastapi import APIRouter

from app.door import files, set_up, sign_in

door_router = APIRouter()
for module in (sign_in, set_up, files):
    door_router.include_router(module.router)
