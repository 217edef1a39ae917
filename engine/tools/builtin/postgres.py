"""What does a PostgreSQL database say? One question that can only read, cut off in time; the one door for psycopg.

What keeps it from anything else: an ordinary role; the server's own parser, which takes the question by itself as the text of a cursor,
so as one SELECT, VALUES, TABLE or WITH without changes; a READ ONLY transaction that is never committed; functions that are refused by
name, or for being VOLATILE; the server's clock and ours; no row that is too large is sent. More: docs/decisions/0034.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, LiteralString, cast

import psycopg
from psycopg import AsyncConnection, AsyncRawServerCursor, conninfo, errors

from engine.errors import ConfigInvalid, ToolFailed, WebUnavailable
from engine.jsonvalue import JsonValue

MOST_ROW_BYTES = 500_000
"""Of one row as JSON: the server does not send a larger one."""
SPARE_SECONDS = 1.0
"""For what stands around a question, beyond its own time."""
_CONNECT: dict[str, Any] = {
    "application_name": "signalbox",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""A server whose cable is pulled is missed within half a minute."""
MOST_LEVELS = 50
"""Of one value inside another."""
_FUNCTIONS = re.compile(
    r"\b(?:dblink\w*|lo_\w+|pg_(?:read|ls|stat)_\w*(?:file|dir)\w*|pg_(?:terminate|cancel)_backend|pg_(?:try_)?advisory\w*|pg_sleep\w*"
    r"|pg_(?:reload_conf|rotate_logfile|switch_wal|promote|notify|create_\w+|drop_\w+|logical_\w+|replication_\w+|wal_replay_\w+|backup_\w+)"
    r"|(?:query|table|cursor|schema|database)_to_xml\w*|set_config|nextval|setval|currval|txid_current|pg_current_xact_id|pg_export_snapshot"
    r"|pg_import_system_collations|ts_stat|ts_rewrite|loread|lowrite|crosstab\w*|connectby|xpath_table|plpgsql_\w+_handler)\b",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"\bU&[\"']", re.IGNORECASE)
_CALLED = re.compile(r"([A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)\"?\s*(?=\(|/\*|--)")
"""Every name that may be a call; a comment may stand before the bracket."""
_HARMLESS = [
    *(
        "random",
        "random_normal",
        "clock_timestamp",
        "timeofday",
        "gen_random_uuid",
        "gen_random_bytes",
        "uuidv4",
        "uuidv7",
        "uuid_generate_v4",
    ),
    *("pg_relation_size", "pg_table_size", "pg_indexes_size", "pg_total_relation_size", "pg_database_size"),
]
"""VOLATILE because their answer differs each time, not because they change anything."""
_TOO_MUCH = """
SELECT CASE
    WHEN bool_or(rolsuper) THEN 'is a superuser, or may become one'
    WHEN bool_or(rolreplication) THEN 'may replicate'
    WHEN bool_or(rolcreaterole) THEN 'may make roles'
    WHEN bool_or(rolbypassrls) THEN 'passes by the security of rows'
    WHEN bool_or(rolname = ANY(ARRAY['pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program', 'pg_signal_backend',
        'pg_write_all_data', 'pg_checkpoint', 'pg_maintain'])) THEN 'belongs to a role that reaches the server itself'
    ELSE '' END
FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER') OR pg_has_role(session_user, oid, 'MEMBER')
"""
# A name in quotes that is no plain word is looked for as it would have to be written.
_VOLATILE = """
SELECT min(proname) FROM pg_proc WHERE provolatile = 'v' AND proname <> ALL(%s)
    AND (proname = ANY(%s) OR (proname ~ '[^A-Za-z0-9_$]' AND strpos(%s, '"' || replace(proname, '"', '""') || '"') > 0))
"""
# The server makes JSON of every type it knows; the line ends keep a comment at the end of the question from swallowing what follows.
# OFFSET 0 keeps the planner from working a row out three times, once for each place that names it.
_ROWS = """SELECT CASE WHEN octet_length(j) <= {most} THEN j END, octet_length(j)
FROM (SELECT row_to_json(signalbox_row)::text AS j FROM (
{sql}
) AS signalbox_row OFFSET 0) AS signalbox_rows"""


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
    _look_over(sql, values)
    try:
        connection = await AsyncConnection.connect(
            url, options=_options(bounds), connect_timeout=max(2, math.ceil(bounds.seconds)), **_CONNECT
        )
    except psycopg.OperationalError as error:
        raise _not_opened(error) from None
    try:
        # The server counts for each row that is fetched; this is the time of all of them.
        async with connection, asyncio.timeout(bounds.seconds + SPARE_SECONDS):
            await connection.set_read_only(True)
            await _look_up(connection, sql)
            found = await _answer(connection, sql, values, bounds)
            await connection.rollback()
        return found
    except TimeoutError:
        raise _too_long(bounds) from None
    except psycopg.Error as error:
        raise _wrong(error, bounds) from None


async def _look_up(connection: AsyncConnection, sql: str) -> None:
    """Refuses what the server itself says is too much: the role, or a function."""
    if too_much := await _value(connection, _TOO_MUCH):
        raise ConfigInvalid(
            f"This database is not asked: the role in its address {too_much}.",
            hint="Give it a role of its own that can only read: CREATE ROLE …; GRANT SELECT ON … TO ….",
        )
    words = {word for name in _CALLED.findall(sql) for word in (name, name.lower())}
    if found := await _value(connection, _VOLATILE, (_HARMLESS, sorted(words), sql)):
        raise ToolFailed(
            f"The function {found} is not called here: it may change or disturb something.",
            hint="A function of yours that only reads can be declared STABLE; then it is called.",
        )


def _options(bounds: Bounds) -> str:
    ms = max(1, int(bounds.seconds * 1000))
    bounds_of_time = f"-c statement_timeout={ms} -c lock_timeout={ms} -c idle_in_transaction_session_timeout={ms + 5000}"
    return f"-c default_transaction_read_only=on {bounds_of_time}"


async def _answer(
    connection: AsyncConnection, sql: str, values: Sequence[Any], bounds: Bounds
) -> tuple[list[str], list[list[JsonValue]]]:  # fmt: skip
    question = cast(LiteralString, _ROWS.format(most=MOST_ROW_BYTES, sql=sql))
    rows: list[list[JsonValue]] = []
    size = 0
    # By itself first: a question that closes the brackets around it could not be told from one that does not.
    columns = await _columns(connection, sql, values)
    async with AsyncRawServerCursor(connection, "signalbox") as cursor:
        await cursor.execute(question, list(values))
        while len(rows) <= bounds.rows and size <= bounds.bytes and (found := await cursor.fetchone()):
            text, length = found
            if text is None:
                raise ToolFailed(f"Row {len(rows) + 1} takes {length:,} bytes; {MOST_ROW_BYTES:,} is the most.", hint="Ask for less of it.")
            rows.append(_read(text, len(rows) + 1))
            size += length
    return columns, rows


async def _columns(connection: AsyncConnection, sql: str, values: Sequence[Any]) -> list[str]:
    async with AsyncRawServerCursor(connection, "signalbox_columns") as cursor:
        await cursor.execute(cast(LiteralString, sql), list(values))
        return [column.name for column in cursor.description or ()]


class _Pairs(list[tuple[str, Any]]):
    """The names and values of a JSON object, in their order."""


def _read(text: str, number: int) -> list[JsonValue]:
    # Two columns of one name are two columns; inside of a value the last one of a name counts, as everywhere.
    try:
        pairs: _Pairs = json.loads(text, object_pairs_hook=_Pairs, parse_float=_exact, parse_int=_exact)
        return [_plain(value) for _, value in pairs]
    except RecursionError:
        raise ToolFailed(
            f"Row {number} holds JSON of more than {MOST_LEVELS} levels.", hint="Ask for a part of it, or for it as text with ::text."
        ) from None


def _plain(value: Any, level: int = 0) -> JsonValue:
    if level > MOST_LEVELS:
        raise RecursionError
    match value:
        case _Pairs():
            return {_whole(name): _plain(each, level + 1) for name, each in value}
        case list():
            return [_plain(each, level + 1) for each in cast(list[Any], value)]
        case Decimal():
            return _number(value)
        case str():
            return _whole(value)
        case _:
            return value


def _whole(text: str) -> str:
    """JSON in a database may hold half of a character, which no text can."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _exact(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:  # An exponent beyond all that is counted with.
        return text


def _number(value: Decimal) -> JsonValue:
    """What a JSON number cannot carry faithfully stays a text."""
    if value.as_tuple().exponent == 0 and abs(value) <= 2**53:
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value and value.as_tuple().exponent != 0 else str(value)


def _look_over(sql: str, values: Sequence[Any]) -> None:
    if "\x00" in sql or any(_whole(text) != text for text in (sql, *values) if isinstance(text, str)):
        raise ToolFailed("The question holds a character that no question has.")
    if _HIDDEN.search(sql):
        raise ToolFailed("Names and texts are written plainly here, not with U&.")
    if found := _FUNCTIONS.search(sql):
        raise ToolFailed(f"{found.group(0)[:60]} is not allowed: this database can only be read, with SELECT.")


async def _value(connection: AsyncConnection, sql: LiteralString, values: Sequence[Any] | None = None) -> Any:
    row = await (await connection.execute(sql, values)).fetchone()
    return row[0] if row else None


def _not_opened(error: psycopg.OperationalError) -> Exception:
    words = str(error)
    if "password authentication failed" in words or "no pg_hba.conf entry" in words:
        return ConfigInvalid("The database does not let us in: its user or password is not right.", hint="Correct the operator's file.")
    if "does not exist" in words:
        return ConfigInvalid("There is no such database or user on that server.", hint="Correct the operator's file.")
    return WebUnavailable("The database cannot be reached just now.")


def _too_long(bounds: Bounds) -> ToolFailed:
    return ToolFailed(f"It took longer than {bounds.seconds:g} s.", hint="Ask for less.")


def _wrong(error: psycopg.Error, bounds: Bounds) -> Exception:
    first = (str(error).splitlines() or ["it failed"])[0][:500]
    match error:
        case errors.QueryCanceled() | errors.LockNotAvailable():
            return _too_long(bounds)
        case errors.InsufficientPrivilege():
            return ToolFailed(
                f"The database does not let this be read: {first}.", hint="Ask for something else, or the operator for a right."
            )
        case errors.ReadOnlySqlTransaction() | errors.InvalidCursorDefinition() | errors.FeatureNotSupported():
            return ToolFailed(f"This database can only be read, with SELECT: {first}.")
        case errors.SyntaxError() if "multiple commands" in first:
            return ToolFailed("Ask one question at a time.")
        case errors.OperatorIntervention() | errors.ConnectionException():
            return WebUnavailable(f"The connection to the database was lost: {first}.")
        case psycopg.OperationalError() if error.sqlstate is None:
            return WebUnavailable(f"The connection to the database was lost: {first}.")
        case _:
            return ToolFailed(f"The question cannot be answered: {first}.")
