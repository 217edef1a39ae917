"""What people do here: the roles that they hold and that approvals name."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a person does here; one person may hold several roles."""

    VIEWER = "viewer"
    EDITOR = "editor"
    PUBLISHER = "publisher"
    APPROVER = "approver"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMIN = "admin"
