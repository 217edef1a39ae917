"""The HTTP API, one file a resource."""

from fastapi import APIRouter

from app.api import (
    agents,
    approvals,
    budgets,
    catalog,
    docs,
    events,
    health,
    mcp_servers,
    me,
    runs,
    secrets,
    settings,
    storage,
    tables,
    tokens,
    tools,
    users,
    workflows,
)

_FIRST = (workflows, runs, approvals, events, agents, budgets, users, tokens, tools, mcp_servers, tables)
_RESOURCES = (*_FIRST, secrets, settings, storage, catalog, me, docs, health)
routers: list[APIRouter] = [module.router for module in _RESOURCES]
