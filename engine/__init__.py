"""The engine's public face: what `app` and other programs may use; nothing else is public.

Names are imported when first used, so that importing one small module of the engine does not load all of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.clock import iso
    from engine.collector import collect_rarely
    from engine.errors import Bug, Conflict, Invalid, NotAllowed, NotFound, NotJson, NotSignedIn, SignalboxError, TooLarge
    from engine.facade.bridge import EngineThread
    from engine.facade.difference_views import ChangeView, DifferenceView
    from engine.facade.engine import Engine
    from engine.facade.inbox_views import InboxBox, InboxCard, InboxGrid, InboxItem, InboxPage
    from engine.facade.mcp_views import McpServerView
    from engine.facade.overview_views import OutcomesView, RunMark, SpendView, WorkflowLine
    from engine.facade.settings_views import (
        AboutView,
        FindingView,
        ModelChoices,
        ModelSettingsView,
        ModelTried,
        SecretView,
        SetPace,
        SetPrice,
    )
    from engine.facade.storage_views import OverView, RetentionView, StorageView, WorkflowStorage
    from engine.facade.tool_catalog import CatalogToolView
    from engine.facade.tool_views import ToolTried, ToolUse
    from engine.facade.views import (
        ApprovalView,
        BatchResult,
        BudgetView,
        Checked,
        Decided,
        Delivered,
        EventView,
        ForkBill,
        LastStep,
        Page,
        PinView,
        Previewed,
        Published,
        RunDocument,
        RunStarted,
        RunView,
        StepView,
        TokenView,
        ToolsRead,
        ToolView,
        TryView,
        VersionView,
        WorkflowRow,
        WorkflowSaved,
        WorkflowView,
    )
    from engine.jsonvalue import NestedTooDeep, NotJsonValue, parse_strict
    from engine.people.accounts import UserView
    from engine.people.api_tokens import TokenView as TokenInfo
    from engine.people.permissions import ROLE_MEANING, Actor, Permission, Role, require
    from engine.people.sign_in import SignedIn
    from engine.settings import Settings

__all__ = [
    "ROLE_MEANING",
    "AboutView",
    "Actor",
    "ApprovalView",
    "BatchResult",
    "BudgetView",
    "Bug",
    "CatalogToolView",
    "ChangeView",
    "Checked",
    "Conflict",
    "Decided",
    "Delivered",
    "DifferenceView",
    "Engine",
    "EngineThread",
    "EventView",
    "FindingView",
    "ForkBill",
    "InboxBox",
    "InboxCard",
    "InboxGrid",
    "InboxItem",
    "InboxPage",
    "Invalid",
    "LastStep",
    "McpServerView",
    "ModelChoices",
    "ModelSettingsView",
    "ModelTried",
    "NestedTooDeep",
    "NotAllowed",
    "NotFound",
    "NotJson",
    "NotJsonValue",
    "NotSignedIn",
    "OutcomesView",
    "OverView",
    "Page",
    "Permission",
    "PinView",
    "Previewed",
    "Published",
    "RetentionView",
    "Role",
    "RunDocument",
    "RunMark",
    "RunStarted",
    "RunView",
    "SecretView",
    "SetPace",
    "SetPrice",
    "Settings",
    "SignalboxError",
    "SignedIn",
    "SpendView",
    "StepView",
    "StorageView",
    "TokenInfo",
    "TokenView",
    "TooLarge",
    "ToolTried",
    "ToolUse",
    "ToolView",
    "ToolsRead",
    "TryView",
    "UserView",
    "VersionView",
    "WorkflowLine",
    "WorkflowRow",
    "WorkflowSaved",
    "WorkflowStorage",
    "WorkflowView",
    "collect_rarely",
    "iso",
    "parse_strict",
    "require",
]

_HOME = {
    "iso": ("engine.clock", "iso"),
    "Bug": ("engine.errors", "Bug"),
    "Conflict": ("engine.errors", "Conflict"),
    "Invalid": ("engine.errors", "Invalid"),
    "NotAllowed": ("engine.errors", "NotAllowed"),
    "NotFound": ("engine.errors", "NotFound"),
    "NotJson": ("engine.errors", "NotJson"),
    "NotSignedIn": ("engine.errors", "NotSignedIn"),
    "SignalboxError": ("engine.errors", "SignalboxError"),
    "TooLarge": ("engine.errors", "TooLarge"),
    "EngineThread": ("engine.facade.bridge", "EngineThread"),
    "collect_rarely": ("engine.collector", "collect_rarely"),
    "Engine": ("engine.facade.engine", "Engine"),
    "ApprovalView": ("engine.facade.views", "ApprovalView"),
    "BatchResult": ("engine.facade.views", "BatchResult"),
    "CatalogToolView": ("engine.facade.tool_catalog", "CatalogToolView"),
    "McpServerView": ("engine.facade.mcp_views", "McpServerView"),
    "BudgetView": ("engine.facade.views", "BudgetView"),
    "Checked": ("engine.facade.views", "Checked"),
    "Decided": ("engine.facade.views", "Decided"),
    "Delivered": ("engine.facade.views", "Delivered"),
    "ForkBill": ("engine.facade.views", "ForkBill"),
    "EventView": ("engine.facade.views", "EventView"),
    "LastStep": ("engine.facade.views", "LastStep"),
    "PinView": ("engine.facade.views", "PinView"),
    "TryView": ("engine.facade.views", "TryView"),
    "InboxBox": ("engine.facade.inbox_views", "InboxBox"),
    "InboxCard": ("engine.facade.inbox_views", "InboxCard"),
    "InboxGrid": ("engine.facade.inbox_views", "InboxGrid"),
    "InboxItem": ("engine.facade.inbox_views", "InboxItem"),
    "InboxPage": ("engine.facade.inbox_views", "InboxPage"),
    "Page": ("engine.facade.views", "Page"),
    "Previewed": ("engine.facade.views", "Previewed"),
    "Published": ("engine.facade.views", "Published"),
    "RunDocument": ("engine.facade.views", "RunDocument"),
    "RunStarted": ("engine.facade.views", "RunStarted"),
    "RunView": ("engine.facade.views", "RunView"),
    "StepView": ("engine.facade.views", "StepView"),
    "ToolTried": ("engine.facade.tool_views", "ToolTried"),
    "ToolUse": ("engine.facade.tool_views", "ToolUse"),
    "ToolsRead": ("engine.facade.views", "ToolsRead"),
    "ToolView": ("engine.facade.views", "ToolView"),
    "TokenView": ("engine.facade.views", "TokenView"),
    "VersionView": ("engine.facade.views", "VersionView"),
    "ChangeView": ("engine.facade.difference_views", "ChangeView"),
    "DifferenceView": ("engine.facade.difference_views", "DifferenceView"),
    "ModelChoices": ("engine.facade.settings_views", "ModelChoices"),
    "ModelSettingsView": ("engine.facade.settings_views", "ModelSettingsView"),
    "ModelTried": ("engine.facade.settings_views", "ModelTried"),
    "RunMark": ("engine.facade.overview_views", "RunMark"),
    "SetPace": ("engine.facade.settings_views", "SetPace"),
    "SetPrice": ("engine.facade.settings_views", "SetPrice"),
    "SecretView": ("engine.facade.settings_views", "SecretView"),
    "WorkflowLine": ("engine.facade.overview_views", "WorkflowLine"),
    "AboutView": ("engine.facade.settings_views", "AboutView"),
    "FindingView": ("engine.facade.settings_views", "FindingView"),
    "OutcomesView": ("engine.facade.overview_views", "OutcomesView"),
    "SpendView": ("engine.facade.overview_views", "SpendView"),
    "OverView": ("engine.facade.storage_views", "OverView"),
    "RetentionView": ("engine.facade.storage_views", "RetentionView"),
    "StorageView": ("engine.facade.storage_views", "StorageView"),
    "WorkflowStorage": ("engine.facade.storage_views", "WorkflowStorage"),
    "WorkflowRow": ("engine.facade.views", "WorkflowRow"),
    "WorkflowSaved": ("engine.facade.views", "WorkflowSaved"),
    "WorkflowView": ("engine.facade.views", "WorkflowView"),
    "NestedTooDeep": ("engine.jsonvalue", "NestedTooDeep"),
    "NotJsonValue": ("engine.jsonvalue", "NotJsonValue"),
    "parse_strict": ("engine.jsonvalue", "parse_strict"),
    "UserView": ("engine.people.accounts", "UserView"),
    "ROLE_MEANING": ("engine.people.permissions", "ROLE_MEANING"),
    "Actor": ("engine.people.permissions", "Actor"),
    "Permission": ("engine.people.permissions", "Permission"),
    "Role": ("engine.people.permissions", "Role"),
    "require": ("engine.people.permissions", "require"),
    "SignedIn": ("engine.people.sign_in", "SignedIn"),
    "Settings": ("engine.settings", "Settings"),
    "TokenInfo": ("engine.people.api_tokens", "TokenView"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"engine has no public name {name!r}")
    module, original = _HOME[name]
    return getattr(import_module(module), original)
