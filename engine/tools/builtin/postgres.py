"""What does a PostgreSQL database say? One question that can only read, cut off in time; the one door for psycopg.

What keeps it from doing anything else, in this order: the role must be an ordinary one; the server's own parser takes the question
only as the text of a cursor, so it is one SELECT, VALUES, TABLE or WITH without changes; the transaction is READ ONLY and is never
committed; names of functions that reach other sessions, files or servers are refused; the server ends what takes too long, and keeps
rows to itself that are too large.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, LiteralString, cast

import psycopg
from psycopg import AsyncConnection, AsyncRawServerCursor, conninfo, errors

from engine.errors import ConfigInvalid, ToolFailed, WebUnavailable
from engine.jsonvalue import JsonValue

MOST_ROW_BYTES = 500_000
"""Of one row as JSON: the server does not send a larger one."""
_FUNCTIONS = re.compile(
    r"\b(?:dblink\w*|lo_\w+|pg_(?:read|ls|stat)_\w*(?:file|dir)\w*|pg_(?:terminate|cancel)_backend|pg_(?:try_)?advisory\w*|pg_sleep\w*"
    r"|pg_(?:reload_conf|rotate_logfile|switch_wal|promote|notify|create_\w+|drop_\w+|logical_\w+|replication_\w+|wal_replay_\w+|backup_\w+)"
    r"|(?:query|table|cursor|schema|database)_to_xml\w*|set_config|nextval|setval|currval|txid_current|pg_current_xact_id|pg_export_snapshot"
    r"|pg_import_system_collations|ts_stat|crosstab\w*|connectby|xpath_table|plpgsql_\w+_handler)\b",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"\bU&[\"']", re.IGNORECASE)
_TOO_MUCH = """
SELECT CASE
    WHEN rolsuper THEN 'is a superuser'
    WHEN rolreplication THEN 'may replicate'
    WHEN rolcreaterole THEN 'may make roles'
    WHEN rolbypassrls THEN 'passes by the security of rows'
    WHEN EXISTS (SELECT 1 FROM pg_roles g WHERE g.rolname = ANY(ARRAY['pg_read_server_files', 'pg_write_server_files',
        'pg_execute_server_program', 'pg_signal_backend', 'pg_write_all_data', 'pg_checkpoint', 'pg_maintain'])
        AND pg_has_role(current_user, g.oid, 'MEMBER')) THEN 'belongs to a role that reaches the server itself'
    ELSE '' END
FROM pg_roles WHERE rolname = current_user
"""
# The server makes JSON of every type it knows; the line ends keep a comment at the end of the question from swallowing what follows.
_ROWS = """SELECT CASE WHEN octet_length(j) <= {most} THEN j END, octet_length(j)
FROM (SELECT row_to_json(signalbox_row)::text AS j FROM (
{sql}
) AS signalbox_row) AS signalbox_rows"""
_COLUMNS = "SELECT * FROM (\n{sql}\n) AS signalbox_row LIMIT 0"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one question may take."""

    rows: int
    seconds: float
    bytes: int


def problem_of(url: str) -> str:
    """What is wrong with an address, without its password; empty where nothing is."""
    try:
        told = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "Its address is not of the form postgresql://user:password@host/name."
    return "" if told.get("host") and told.get("dbname") else "Its address names no host or no database."


async def asked(url: str, sql: str, values: Sequence[Any], bounds: Bounds) -> tuple[list[str], list[list[JsonValue]]]:
    """Columns and rows, where there are more one row over the bounds. Is cancelled on the server with its task.

    ToolFailed says what is wrong with the question, ConfigInvalid what with the address or the role; WebUnavailable: it may work later.
    """
    sql = sql.strip().rstrip(";")
    _look_over(sql)
    try:
        connection = await AsyncConnection.connect(
            url, autocommit=False, connect_timeout=max(2, math.ceil(bounds.seconds)), application_name="signalbox", options=_options(bounds)
        )
    except psycopg.OperationalError as error:
        raise _not_opened(error) from None
    try:
        async with connection:
            await connection.set_read_only(True)
            if too_much := await _value(connection, _TOO_MUCH):
                raise ConfigInvalid(
                    f"This database is not asked: the role in its address {too_much}.",
                    hint="Give it a role of its own that can only read: CREATE ROLE …; GRANT SELECT ON … TO ….",
                )
            try:
                return await _answer(connection, sql, values, bounds)
            finally:
                await connection.rollback()
    except psycopg.Error as error:
        raise _wrong(error, bounds) from None


def _options(bounds: Bounds) -> str:
    ms = max(1, int(bounds.seconds * 1000))
    bounds_of_time = f"-c statement_timeout={ms} -c lock_timeout={ms} -c idle_in_transaction_session_timeout={ms + 5000}"
    return f"-c default_transaction_read_only=on {bounds_of_time}"


async def _answer(
    connection: AsyncConnection, sql: str, values: Sequence[Any], bounds: Bounds
) -> tuple[list[str], list[list[JsonValue]]]:  # fmt: skip
    question = cast(LiteralString, _ROWS.format(most=MOST_ROW_BYTES, sql=sql))
    columns: list[str] = []
    rows: list[list[JsonValue]] = []
    size = 0
    async with AsyncRawServerCursor(connection, "signalbox") as cursor:
        await cursor.execute(question, list(values))
        while len(rows) <= bounds.rows and size <= bounds.bytes and (found := await cursor.fetchone()):
            text, length = found
            if text is None:
                raise ToolFailed(f"Row {len(rows) + 1} takes {length:,} bytes; {MOST_ROW_BYTES:,} is the most.", hint="Ask for less of it.")
            # Two columns of one name are two columns; inside of a value the last one of a name counts, as everywhere.
            pairs: _Pairs = json.loads(text, object_pairs_hook=_Pairs, parse_float=Decimal, parse_int=Decimal)
            columns = [name for name, _ in pairs]
            rows.append([_plain(value) for _, value in pairs])
            size += length
    return columns if rows else await _columns(connection, sql, values), rows


async def _columns(connection: AsyncConnection, sql: str, values: Sequence[Any]) -> list[str]:
    async with AsyncRawServerCursor(connection, "signalbox_columns") as cursor:
        await cursor.execute(cast(LiteralString, _COLUMNS.format(sql=sql)), list(values))
        return [column.name for column in cursor.description or ()]


class _Pairs(list[tuple[str, Any]]):
    """The names and values of a JSON object, in their order."""


def _plain(value: Any) -> JsonValue:
    match value:
        case _Pairs():
            return {name: _plain(each) for name, each in value}
        case list():
            return [_plain(each) for each in cast(list[Any], value)]
        case Decimal():
            return _number(value)
        case _:
            return value


def _number(value: Decimal) -> JsonValue:
    """What a JSON number cannot carry faithfully stays a text."""
    if value.as_tuple().exponent == 0:
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def _look_over(sql: str) -> None:
    if "\x00" in sql:
        raise ToolFailed("The question holds a character that no question has.")
    if _HIDDEN.search(sql):
        raise ToolFailed("Names and texts are written plainly here, not with U&.")
    if found := _FUNCTIONS.search(sql):
        raise ToolFailed(f"{found.group(0)[:60]} is not allowed: this database can only be read, with SELECT.")


async def _value(connection: AsyncConnection, sql: LiteralString) -> Any:
    row = await (await connection.execute(sql)).fetchone()
    return row[0] if row else None


def _not_opened(error: psycopg.OperationalError) -> Exception:
    words = str(error)
    if "password authentication failed" in words or "no pg_hba.conf entry" in words:
        return ConfigInvalid("The database does not let us in: its user or password is not right.", hint="Correct the operator's file.")
    if "does not exist" in words:
        return ConfigInvalid("There is no such database or user on that server.", hint="Correct the operator's file.")
    return WebUnavailable("The database cannot be reached just now.")


def _wrong(error: psycopg.Error, bounds: Bounds) -> Exception:
    first = (str(error).splitlines() or ["it failed"])[0][:500]
    match error:
        case errors.QueryCanceled() | errors.LockNotAvailable():
            return ToolFailed(f"It took longer than {bounds.seconds:g} s.", hint="Ask for less.")
        case (
            errors.ReadOnlySqlTransaction()
            | errors.InsufficientPrivilege()
            | errors.InvalidCursorDefinition()
            | errors.FeatureNotSupported()
        ):
            return ToolFailed(f"This database can only be read, with SELECT: {first}.")
        case errors.SyntaxError() if "multiple commands" in first:
            return ToolFailed("Ask one question at a time.")
        case errors.OperatorIntervention() | errors.ConnectionException():
            return WebUnavailable(f"The connection to the database was lost: {first}.")
        case psycopg.OperationalError() if error.sqlstate is None:
            return WebUnavailable(f"The connection to the database was lost: {first}.")
        case _:
            return ToolFailed(f"The question cannot be answered: {first}.")
