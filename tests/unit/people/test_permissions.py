"""The table of roles and permissions."""

from pathlib import Path

import pytest

from engine.errors import NotAllowed
from engine.people.permissions import (
    PERMISSION_MEANING,
    PERMISSIONS,
    ROLE_MEANING,
    SYSTEM,
    Actor,
    Permission,
    Role,
    markdown,
    require,
    roles_with,
)

ROOT = Path(__file__).parents[3]


def _actor(*roles: Role) -> Actor:
    return Actor(
        kind="user", id="user_1", name="Ada", email="ada@example.com", roles=frozenset(roles), workspace_id="main", user_id="user_1"
    )


def test_every_role_and_permission_is_in_the_table_and_explained() -> None:
    assert set(PERMISSIONS) == set(ROLE_MEANING) == set(Role)
    assert set(PERMISSION_MEANING) == set(Permission)
    assert set().union(*PERMISSIONS.values()) == set(Permission)


def test_an_administrator_may_do_everything_and_nobody_without_a_role_anything() -> None:
    for permission in Permission:
        assert _actor(Role.ADMIN).may(permission)
        assert SYSTEM.may(permission)
        assert not _actor().may(permission)


def test_duties_are_separate() -> None:
    only = {
        Permission.WORKFLOW_EDIT: {Role.EDITOR, Role.ADMIN},
        Permission.WORKFLOW_PUBLISH: {Role.PUBLISHER, Role.ADMIN},
        Permission.APPROVAL_DECIDE: {Role.APPROVER, Role.ADMIN},
        Permission.RUN_START: {Role.OPERATOR, Role.ADMIN},
        Permission.RUN_RAISE_LIMITS: {Role.OPERATOR, Role.ADMIN},
        Permission.AUDIT_READ: {Role.AUDITOR, Role.ADMIN},
        Permission.USER_MANAGE: {Role.ADMIN},
        Permission.SECRET_MANAGE: {Role.ADMIN},
        Permission.TOKEN_MANAGE: {Role.ADMIN},
        Permission.SETTINGS_MANAGE: {Role.ADMIN},
    }
    assert {permission: set(roles_with(permission)) for permission in only} == only


def test_a_viewer_changes_nothing_but_their_own_tokens() -> None:
    changing = {p for p in PERMISSIONS[Role.VIEWER] if not p.endswith(".read")}
    assert changing == {Permission.TOKEN_OWN}


def test_roles_add_up() -> None:
    both = _actor(Role.EDITOR, Role.PUBLISHER)
    assert both.may(Permission.WORKFLOW_EDIT) and both.may(Permission.WORKFLOW_PUBLISH)
    assert not both.may(Permission.APPROVAL_DECIDE)


def test_a_refusal_names_the_permission_and_the_roles_that_would_do() -> None:
    require(_actor(Role.PUBLISHER), Permission.WORKFLOW_PUBLISH)
    with pytest.raises(NotAllowed) as caught:
        require(_actor(Role.EDITOR), Permission.WORKFLOW_PUBLISH)
    told = caught.value.as_json()
    assert told["permission"] == "workflow.publish"
    assert told["roles"] == ["publisher", "admin"]
    assert "workflow.publish" in told["message"]
    assert "publisher, admin" in told["hint"]


def test_the_page_about_permissions_is_the_one_that_the_code_makes() -> None:
    page = (ROOT / "docs/permissions.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: python -m engine.people.permissions > docs/permissions.md"
