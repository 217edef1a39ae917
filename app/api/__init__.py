"""The HTTP API, one file a resource."""

from fastapi import APIRouter

from app.api import approvals, catalog, docs, health, me, runs, tokens, users, workflows

routers: list[APIRouter] = [module.router for module in (workflows, runs, approvals, users, tokens, catalog, me, docs, health)]
