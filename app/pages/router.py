"""All pages together."""

from fastapi import APIRouter

from app.pages import files, home, set_up, sign_in

page_router = APIRouter()
for module in (sign_in, set_up, home, files):
    page_router.include_router(module.router)
