"""Every table of the SQL database, the one truth of Signalbox."""

from engine.storage.tables.agents import AgentRow
from engine.storage.tables.answers import KeptAnswer
from engine.storage.tables.data import DataRow, DataTable
from engine.storage.tables.keeping import BlobRef, RunSize, Snapshot, SuspendedProgram, SweptRun
from engine.storage.tables.memory import MemoryChange, MemoryText, MemoryVector
from engine.storage.tables.money import Budget, Spent
from engine.storage.tables.people import Audit, Idempotency, LoginAttempt, Secret, SetupLink, Token, User, UserSession, Workspace
from engine.storage.tables.runs import Approval, Blob, ChildRun, JournalRow, Notification, Run, Timer, Wait
from engine.storage.tables.settings import Setting
from engine.storage.tables.tools import McpServerRow, ToolRow
from engine.storage.tables.workflows import Document, Hook, Pin, Version, Workflow

ALL_TABLES = (
    Workspace,
    User,
    UserSession,
    Token,
    Secret,
    Audit,
    SetupLink,
    LoginAttempt,
    Idempotency,
    Workflow,
    Document,
    Version,
    Hook,
    Pin,
    Run,
    JournalRow,
    Blob,
    Approval,
    Timer,
    Wait,
    ChildRun,
    Notification,
    Setting,
    Budget,
    Spent,
    Snapshot,
    BlobRef,
    SweptRun,
    RunSize,
    SuspendedProgram,
    KeptAnswer,
    ToolRow,
    AgentRow,
    McpServerRow,
    MemoryText,
    MemoryChange,
    MemoryVector,
    DataTable,
    DataRow,
)

__all__ = [
    "ALL_TABLES",
    "AgentRow",
    "Approval",
    "Audit",
    "Blob",
    "BlobRef",
    "Budget",
    "ChildRun",
    "DataRow",
    "DataTable",
    "Document",
    "Hook",
    "Idempotency",
    "JournalRow",
    "KeptAnswer",
    "LoginAttempt",
    "McpServerRow",
    "MemoryChange",
    "MemoryText",
    "MemoryVector",
    "Notification",
    "Pin",
    "Run",
    "RunSize",
    "Secret",
    "Setting",
    "SetupLink",
    "Snapshot",
    "Spent",
    "SuspendedProgram",
    "SweptRun",
    "Timer",
    "Token",
    "ToolRow",
    "User",
    "UserSession",
    "Version",
    "Wait",
    "Workflow",
    "Workspace",
]
