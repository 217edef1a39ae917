"""Walks every route of the running application: who gets in, and who may do what."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from app.gate import ASSETS, PUBLIC
from app.server import create_app
from engine import EngineThread, Permission, Role
from engine.people.permissions import PERMISSIONS
from tests.unit.app.conftest import HELLO, bearer, error_of

P = Permission
ANYBODY = None
"""Whoever is signed in, whatever their role."""

DECISION = {"decision": "approve", "digest": "0"}

# (method, path) -> the permission that the engine asks for, and a body that is read before it is asked.
TABLE: dict[tuple[str, str], tuple[Permission | None, Any]] = {
    ("GET", "/api/v1/budgets"): (P.COST_READ, None),
    ("PUT", "/api/v1/budgets"): (P.BUDGET_MANAGE, {"scope": "workspace", "limit_usd": None}),
    ("GET", "/api/v1/agents"): (P.AGENT_READ, None),
    ("POST", "/api/v1/agents"): (P.AGENT_MANAGE, {"name": ""}),
    ("GET", "/api/v1/agents/{agent}"): (P.AGENT_READ, None),
    ("PUT", "/api/v1/agents/{agent}"): (P.AGENT_MANAGE, {"name": "Mara", "revision": 1}),
    ("DELETE", "/api/v1/agents/{agent}"): (P.AGENT_MANAGE, None),
    ("GET", "/api/v1/agents/{agent}/changes"): (P.AGENT_READ, None),
    ("GET", "/api/v1/tables"): (P.TABLE_READ, None),
    ("POST", "/api/v1/tables"): (P.TABLE_MANAGE, {"slug": "", "name": "", "columns": []}),
    ("GET", "/api/v1/tables/{table}"): (P.TABLE_READ, None),
    ("PUT", "/api/v1/tables/{table}"): (P.TABLE_MANAGE, {"name": "x", "columns": [{"name": "a"}], "revision": 1}),
    ("DELETE", "/api/v1/tables/{table}"): (P.TABLE_MANAGE, None),
    ("GET", "/api/v1/tables/{table}/rows"): (P.TABLE_READ, None),
    ("POST", "/api/v1/tables/{table}/rows"): (P.TABLE_WRITE, {"values": {}}),
    ("GET", "/api/v1/tables/{table}/rows/{number}"): (P.TABLE_READ, None),
    ("PATCH", "/api/v1/tables/{table}/rows/{number}"): (P.TABLE_WRITE, {"values": {}}),
    ("DELETE", "/api/v1/tables/{table}/rows/{number}"): (P.TABLE_WRITE, None),
    ("POST", "/api/v1/tables/{table}/import"): (P.TABLE_WRITE, {"csv": "a"}),
    ("GET", "/api/v1/tables/{table}/export"): (P.TABLE_READ, None),
    ("GET", "/api/v1/tools"): (P.TOOL_READ, None),
    ("GET", "/api/v1/mcp-servers"): (P.TOOL_READ, None),
    ("PUT", "/api/v1/mcp-servers/{name}"): (P.TOOL_MANAGE, {"url": "https://a.example/mcp"}),
    ("POST", "/api/v1/mcp-servers/{name}/look"): (P.TOOL_MANAGE, None),
    ("POST", "/api/v1/mcp-servers/{name}/allow"): (P.TOOL_MANAGE, {"tools": {"x": None}}),
    ("DELETE", "/api/v1/mcp-servers/{name}"): (P.TOOL_MANAGE, None),
    ("GET", "/api/v1/tools/catalog"): (P.TOOL_READ, None),
    ("POST", "/api/v1/tools/openapi"): (P.TOOL_MANAGE, {"openapi": {}}),
    ("POST", "/api/v1/tools/try"): (P.TOOL_MANAGE, {"tool": {}, "send": True}),
    ("GET", "/api/v1/tools/{name}/uses"): (P.TOOL_READ, None),
    ("PUT", "/api/v1/tools/{name}"): (P.TOOL_MANAGE, {"description": "x", "url": "https://a.example/"}),
    ("DELETE", "/api/v1/tools/{name}"): (P.TOOL_MANAGE, None),
    ("POST", "/api/v1/events"): (P.EVENT_SEND, {"event": "paid"}),
    ("POST", "/api/v1/runs/{run}/pause"): (P.RUN_CONTROL, {}),
    ("POST", "/api/v1/runs/{run}/retry"): (P.RUN_CONTROL, None),
    ("POST", "/api/v1/runs/{run}/fork"): (P.RUN_CONTROL, {"from_path": "start"}),
    ("POST", "/api/v1/workflows"): (P.WORKFLOW_EDIT, HELLO),
    ("GET", "/api/v1/workflows"): (P.WORKFLOW_READ, None),
    ("POST", "/api/v1/workflows/validate"): (P.WORKFLOW_READ, HELLO),
    ("GET", "/api/v1/workflows/{workflow}"): (P.WORKFLOW_READ, None),
    ("PUT", "/api/v1/workflows/{workflow}"): (P.WORKFLOW_EDIT, {"revision": 1, "document": HELLO}),
    ("DELETE", "/api/v1/workflows/{workflow}"): (P.WORKFLOW_EDIT, None),
    ("GET", "/api/v1/workflows/{workflow}/document"): (P.WORKFLOW_READ, None),
    ("POST", "/api/v1/workflows/{workflow}/restore"): (P.WORKFLOW_EDIT, None),
    ("GET", "/api/v1/workflows/{workflow}/diff"): (P.WORKFLOW_READ, None),
    ("POST", "/api/v1/workflows/{workflow}/ops"): (P.WORKFLOW_EDIT, {"revision": 1, "ops": []}),
    ("POST", "/api/v1/workflows/{workflow}/preview"): (P.WORKFLOW_READ, {"node": "start", "expression": "1"}),
    ("POST", "/api/v1/workflows/{workflow}/publish"): (P.WORKFLOW_PUBLISH, {"note": ""}),
    ("GET", "/api/v1/workflows/{workflow}/versions"): (P.WORKFLOW_READ, None),
    ("GET", "/api/v1/workflows/{workflow}/versions/{version}"): (P.WORKFLOW_READ, None),
    ("POST", "/api/v1/workflows/{workflow}/versions/{version}/promote"): (P.WORKFLOW_PUBLISH, None),
    ("GET", "/api/v1/workflows/{workflow}/pins"): (P.WORKFLOW_READ, None),
    ("PUT", "/api/v1/workflows/{workflow}/pins/{node}"): (P.WORKFLOW_EDIT, {"outputs": {}}),
    ("DELETE", "/api/v1/workflows/{workflow}/pins/{node}"): (P.WORKFLOW_EDIT, None),
    ("GET", "/api/v1/workflows/{workflow}/last-steps"): (P.RUN_READ, None),
    ("POST", "/api/v1/workflows/{workflow}/runs"): (P.RUN_START, {"inputs": {}}),
    ("GET", "/api/v1/runs"): (P.RUN_READ, None),
    ("GET", "/api/v1/runs/{run}"): (P.RUN_READ, None),
    ("GET", "/api/v1/runs/{run}/steps"): (P.RUN_READ, None),
    ("GET", "/api/v1/runs/{run}/steps/{path:path}"): (P.RUN_READ, None),
    ("GET", "/api/v1/runs/{run}/events"): (P.RUN_READ, None),
    ("GET", "/api/v1/runs/{run}/events/{seq}"): (P.RUN_READ, None),
    ("GET", "/api/v1/runs/{run}/document"): (P.RUN_READ, None),
    ("POST", "/api/v1/runs/{run}/cancel"): (P.RUN_CONTROL, {}),
    ("POST", "/api/v1/runs/{run}/resume"): (P.RUN_RAISE_LIMITS, {}),
    ("GET", "/api/v1/approvals"): (P.APPROVAL_READ, None),
    ("POST", "/api/v1/approvals/decide"): (P.APPROVAL_DECIDE, {"items": [{"id": "a", **DECISION}]}),
    ("GET", "/api/v1/approvals/{item}"): (P.APPROVAL_READ, None),
    ("POST", "/api/v1/approvals/{item}/decide"): (P.APPROVAL_DECIDE, DECISION),
    ("GET", "/api/v1/users"): (P.USER_READ, None),
    ("POST", "/api/v1/users"): (P.USER_MANAGE, {"email": "", "roles": []}),
    ("PATCH", "/api/v1/users/{user}"): (P.USER_MANAGE, {"disabled": True}),
    ("GET", "/api/v1/tokens"): (P.TOKEN_OWN, None),
    ("POST", "/api/v1/tokens"): (P.TOKEN_OWN, {"name": "", "roles": []}),
    ("DELETE", "/api/v1/tokens/{token}"): (P.TOKEN_OWN, None),
    ("GET", "/api/v1/secrets"): (P.SECRET_LIST, None),
    ("POST", "/api/v1/secrets"): (P.SECRET_MANAGE, {"name": "", "value": ""}),
    ("PUT", "/api/v1/secrets/{name}"): (P.SECRET_MANAGE, {"value": ""}),
    ("DELETE", "/api/v1/secrets/{name}"): (P.SECRET_MANAGE, None),
    ("GET", "/api/v1/settings"): (P.SETTINGS_READ, None),
    ("PATCH", "/api/v1/settings"): (P.SETTINGS_MANAGE, {"models": {}}),
    ("POST", "/api/v1/models/try"): (P.SETTINGS_MANAGE, {"model": "practice"}),
    ("GET", "/api/v1/storage"): (P.WORKFLOW_READ, None),
    ("GET", "/api/v1/workflows/{workflow}/retention"): (P.WORKFLOW_READ, None),
    ("PUT", "/api/v1/workflows/{workflow}/retention"): (P.SETTINGS_MANAGE, {"days": 30}),
    ("GET", "/api/v1/kinds"): (P.WORKFLOW_READ, None),
    ("GET", "/api/v1/models"): (P.MODEL_READ, None),
    ("GET", "/api/v1/templates"): (P.WORKFLOW_READ, None),
    ("POST", "/api/v1/templates/{slug}/workflows"): (P.WORKFLOW_EDIT, None),
    ("GET", "/api/v1/me"): (ANYBODY, None),
    ("GET", "/api/docs"): (ANYBODY, None),
    ("GET", "/api/v1/openapi.json"): (ANYBODY, None),
    ("POST", "/logout"): (ANYBODY, None),
}

# Who decides depends on the item: calls in doubt and limits are the business of those who mend runs.
ALSO: dict[tuple[str, str], frozenset[Permission]] = {
    ("POST", "/api/v1/approvals/{item}/decide"): frozenset({P.RUN_CONTROL, P.RUN_RAISE_LIMITS}),
}

# A batch answers item by item, so a refusal stands inside; a template is looked up before it becomes a workflow.
ANSWERS_INSIDE = {("POST", "/api/v1/approvals/decide"), ("POST", "/api/v1/templates/{slug}/workflows")}


def routes_of(app: FastAPI) -> set[tuple[str, str]]:
    found = {(method, route.path) for route in iter_route_contexts(app.routes) for method in route.methods or () if route.path}
    return {(method, path) for method, path in found if method != "HEAD"}


def is_public(path: str) -> bool:
    return path in PUBLIC or path.startswith(ASSETS)


@pytest.fixture(scope="module")
def routes(thread: EngineThread) -> set[tuple[str, str]]:
    return routes_of(create_app(thread))


def filled(path: str) -> str:
    parts = {"{version}": "1", "{seq}": "1", "{number}": "1", "{path:path}": "start"}
    names = ("workflow", "node", "run", "item", "user", "token", "slug", "name", "agent", "table", "number", "version", "seq", "path:path")
    for name in (f"{{{name}}}" for name in names):
        path = path.replace(name, parts.get(name, "nothing"))
    assert "{" not in path, path
    return path


def test_every_route_has_its_permission_in_the_table(routes: set[tuple[str, str]]) -> None:
    assert {(method, path) for method, path in routes if not is_public(path)} == set(TABLE)


def test_no_route_answers_without_credentials(anonymous: TestClient, routes: set[tuple[str, str]]) -> None:
    for method, path in sorted(routes):
        if is_public(path):
            continue
        answer = anonymous.request(method, filled(path), json=TABLE[method, path][1])
        assert answer.status_code == 401, (method, path)
        assert error_of(answer)["code"] == "not_signed_in"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["", "sbx_nobody_has_this_one", "nonsense", "Ā"])
@pytest.mark.parametrize(
    "path", ["/api/v1/runs", "/api/v1/nothing", "/api", "/api/", "/hooks/x", "/hooks", "/api/docs", "/api/v1/openapi.json"]
)
def test_bad_credentials_get_the_same_answer_everywhere(anonymous: TestClient, path: str, token: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
        answer = anonymous.request(method, path, headers={"Authorization": f"Bearer {token}".encode()})
        assert answer.status_code == 401
        assert error_of(answer)["code"] == "not_signed_in"


@pytest.mark.parametrize(
    "header", ["Basic YWRtaW46YWRtaW4=", "Bearer", "bearer  ", "Token sbx_admin_of_the_tests", "sbx_admin_of_the_tests"]
)
def test_other_schemes_are_no_credentials(anonymous: TestClient, header: str) -> None:
    assert anonymous.get("/api/v1/me", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_exactly_what_its_permissions_say(anonymous: TestClient, tokens: dict[Role, str], role: Role) -> None:
    for (method, path), (permission, body) in TABLE.items():
        if (method, path) in ANSWERS_INSIDE:
            continue
        answer = anonymous.request(method, filled(path), json=body, headers=bearer(tokens[role]))
        assert answer.status_code < 500, (method, path, answer.text)
        is_refused = answer.status_code == 403
        enough = ALSO.get((method, path), frozenset()) | {permission}
        assert is_refused == (permission is not None and not enough & PERMISSIONS[role]), (role, method, path, answer.text)
        if is_refused:
            assert error_of(answer)["permission"] == permission


def test_a_viewer_changes_nothing(anonymous: TestClient, tokens: dict[Role, str]) -> None:
    for (method, path), (permission, body) in TABLE.items():
        if method == "GET" or permission in (None, P.WORKFLOW_READ, P.TOKEN_OWN):
            continue
        answer = anonymous.request(method, filled(path), json=body, headers=bearer(tokens[Role.VIEWER]))
        told = answer.text
        assert answer.status_code in (403, 404) or "not_allowed" in told, (method, path, told)


def test_a_viewer_decides_nothing_in_a_batch(anonymous: TestClient, tokens: dict[Role, str]) -> None:
    body = TABLE["POST", "/api/v1/approvals/decide"][1]
    answer = anonymous.post("/api/v1/approvals/decide", json=body, headers=bearer(tokens[Role.VIEWER]))
    told = answer.json()
    assert answer.status_code == 403 or told["items"][0]["error"]["code"] == "not_allowed"


def test_the_api_describes_every_route_of_its_own(client: TestClient, routes: set[tuple[str, str]]) -> None:
    described = client.get("/api/v1/openapi.json").json()["paths"]
    told = {(method.upper(), path) for path, operations in described.items() for method in operations}
    own = {(method, path.replace("{path:path}", "{path}")) for method, path in routes if path.startswith("/api/v1/")}
    assert told == own - {("GET", "/api/v1/openapi.json")} | {("GET", "/healthz"), ("GET", "/readyz")}


def test_the_page_of_operations_shows_each_of_them(client: TestClient) -> None:
    page = client.get("/api/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path in client.get("/api/v1/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in page.text
    assert "http://" not in page.text and "https://" not in page.text and "<script" not in page.text


def test_health_needs_no_credentials_and_tells_little(anonymous: TestClient) -> None:
    answer = anonymous.get("/healthz")
    assert answer.status_code == 200
    assert answer.json().keys() <= {"status", "database"}
    assert anonymous.get("/readyz").json() == {"ready": True}
