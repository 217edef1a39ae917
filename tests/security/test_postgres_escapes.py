"""Questions to PostgreSQL that would write, break out, hold others up or never end: the database stays as it is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from engine.errors import ConfigInvalid, SignalboxError, ToolFailed, WebUnavailable
from engine.jsonvalue import check_json
from engine.operator_file import Database
from engine.tools.builtin.sql import known
from tests.acceptance.served import ADMIN, in_process
from tests.fakes.postgres import SUPERUSER_PASSWORD, Server, postgres

PASSWORD = "canary-pa55word"
ESCAPES = [
    "INSERT INTO orders VALUES (9, 'x', 1)",
    "UPDATE orders SET total = 0",
    "DELETE FROM orders",
    "TRUNCATE orders",
    "DROP TABLE orders",
    "MERGE INTO orders USING orders o ON true WHEN MATCHED THEN DELETE",
    "CREATE TABLE x (a int)",
    "CREATE TEMP TABLE x (a int)",
    "SELECT * INTO x FROM orders",
    "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'DELETE FROM orders RETURNING 1'",
    "DO $$ BEGIN DELETE FROM orders; END $$",
    "CALL wipe()",
    "COPY orders TO '/tmp/signalbox-stolen'",
    "COPY orders FROM PROGRAM 'touch /tmp/signalbox-stolen'",
    "COPY (SELECT 1) TO PROGRAM 'touch /tmp/signalbox-stolen'",
    "SELECT 1; DELETE FROM orders",
    "SELECT 1) AS a; DELETE FROM orders; SELECT * FROM (SELECT 1",
    "SELECT 1) AS a) AS b; COMMIT; DELETE FROM orders --",
    "SELECT 1 /* ' */; DELETE FROM orders",
    "SELECT $x$1$x$; DELETE FROM orders",
    "SELECT 1; COMMIT; SET default_transaction_read_only = off; DELETE FROM orders",
    "COMMIT",
    "ROLLBACK",
    "BEGIN READ WRITE",
    "SET TRANSACTION READ WRITE",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET ROLE postgres",
    "RESET ALL",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT pg_catalog.set_config('role', 'postgres', false)",
    "WITH x AS (DELETE FROM orders RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO orders VALUES (9, 'x', 1) RETURNING *) SELECT * FROM x",
    "WITH x AS (UPDATE orders SET total = 0 RETURNING *) SELECT 1",
    "EXPLAIN ANALYZE DELETE FROM orders",
    "SELECT * FROM orders FOR UPDATE",
    "SELECT wipe_all()",
    "SELECT nextval('numbers')",
    "SELECT setval('numbers', 999)",
    "SELECT lo_from_bytea(4242, 'x')",
    "SELECT lo_creat(-1)",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_stat_file('/etc/passwd')",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
    'SELECT "pg_terminate_backend"(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()',
    'SELECT U&"\\0070g_terminate_backend"(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()',
    "SELECT query_to_xml('select pg_ter' || 'minate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()', true, true, '')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_sleep(3600)",
    "SELECT pg_notify('x', 'y')",
    "SELECT pg_reload_conf()",
    "SELECT dblink_exec('dbname=shop', 'DELETE FROM orders')",
    "SELECT * FROM dblink('host=127.0.0.1 dbname=shop', 'DELETE FROM orders RETURNING id') AS x(id int)",
    "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE",
    "LISTEN x",
    "NOTIFY x",
    "VACUUM orders",
    "PREPARE x AS DELETE FROM orders",
    "EXECUTE x",
    "DECLARE x CURSOR WITH HOLD FOR SELECT 1",
    "GRANT ALL ON orders TO public",
    "ALTER ROLE reader SUPERUSER",
    "LOAD 'auto_explain'",
    "SELECT 1 FROM secrets",
    "SELECT passwd FROM pg_shadow",
    # Brackets that close what stands around the question, and would pass by the bounds on rows.
    "SELECT 1) AS signalbox_row) AS x UNION ALL SELECT repeat('x', 9), 1 FROM (SELECT 1 AS k FROM (SELECT 2",
    # Questions in a text that a function carries out, with names that no search finds.
    "SELECT ts_rewrite('a', 'select ''a''::tsquery, (pg_ter' || 'minate_backend(' || pid || ')::text)::tsquery') FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND usename = 'reader'",
    # Functions of others, whatever they are called and however the call is written.
    "SELECT note(1)",
    'SELECT "note" /* a /* comment */ inside */ (1)',
    "SELECT public.NOTE -- (\n (1)",
    "SELECT '\"' || \"two words\"() || '\"('",
    "SELECT '\"' || note(1) || '\"('",
    "SELECT loread(lo_open(1, 262144), 9)",
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as server:
        server.run("CREATE DATABASE shop", f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'")
        server.run("CREATE ROLE cleaner LOGIN PASSWORD 'c' CREATEROLE", "CREATE ROLE heir LOGIN PASSWORD 'h' NOINHERIT IN ROLE postgres")
        server.run(
            "CREATE TABLE orders (id int PRIMARY KEY, who text, total numeric)",
            "INSERT INTO orders SELECT n, 'customer ' || n, n * 1.5 FROM generate_series(1, 300) n",
            "CREATE TABLE secrets (word text)",
            "CREATE SEQUENCE numbers",
            # What a careless administrator may have made: functions that run with their owner's rights, and rights to change.
            "CREATE FUNCTION wipe_all() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM orders; SELECT 1'",
            "CREATE PROCEDURE wipe() LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM orders'",
            "CREATE FUNCTION note(int) RETURNS int LANGUAGE sql AS 'SELECT $1'",
            "CREATE FUNCTION \"two words\"() RETURNS text LANGUAGE sql AS 'SELECT ''x''::text'",
            "CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT $1 * 2'",
            "CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_sleep(0.3); RETURN $1; END'",
            "GRANT ALL ON orders TO reader",
            "GRANT ALL ON numbers TO reader",
            "GRANT CREATE ON SCHEMA public TO reader",
            database="shop",
        )
        yield server


def everything(server: Server) -> Any:
    with psycopg.connect(server.url(database="shop")) as connection:
        found = [
            connection.execute(sql).fetchall()
            for sql in (
                "SELECT * FROM orders ORDER BY id",
                "SELECT last_value, is_called FROM numbers",
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
                "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
                "SELECT oid FROM pg_largeobject_metadata",
                "SELECT rolname, rolsuper FROM pg_roles ORDER BY 1",
                "SELECT relacl::text FROM pg_class WHERE relname = 'orders'",
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
            )
        ]
    return [*found, Path("/tmp/signalbox-stolen").exists()]


async def asked(server: Server, sql: str, *values: Any, url: str = "", **more: Any) -> Any:
    place = url or server.url("reader", PASSWORD, "shop")
    (one,) = known({"shop": Database(url=SecretStr(place), **more)}, Path("none.db"))
    assert not one.why_not, one.why_not
    return await one.act({"sql": sql, "values": list(values)}, "key")


async def test_nothing_is_written_nobody_is_disturbed_and_nothing_else_is_reached(server: Server) -> None:
    before = everything(server)
    assert len(ESCAPES) >= 70
    got_through: list[str] = []
    # Another session of the same role, which `pg_terminate_backend` could end.
    with psycopg.connect(server.url("reader", PASSWORD, "shop"), autocommit=True) as other:
        for sql in ESCAPES:
            try:
                told = await asked(server, sql, seconds=2)
            except SignalboxError as error:
                assert PASSWORD not in str(error), sql
                continue
            got_through.append(f"{sql}: {told}")
        assert other.execute("SELECT 1").fetchone() == (1,), "somebody's session was ended"
    assert got_through == []
    assert everything(server) == before


async def test_a_question_is_answered_with_its_values_in_their_places(server: Server) -> None:
    told = await asked(server, "SELECT id, who, total FROM orders WHERE total > $1 AND who <> $2 ORDER BY id;", 445, "x' OR 1 = 1 --")
    assert told == {
        "columns": ["id", "who", "total"],
        "rows": [[n, f"customer {n}", n * 1.5] for n in (297, 298, 299, 300)],
        "is_cut": False,
    }
    assert (await asked(server, "SELECT id AS a, who FROM orders WHERE id = -1")) == {"columns": ["a", "who"], "rows": [], "is_cut": False}
    assert (await asked(server, "TABLE orders", rows=2))["is_cut"]
    assert (await asked(server, "WITH x AS (SELECT 5 AS n) SELECT n FROM x -- and no more"))["rows"] == [[5]]
    assert (await asked(server, "SELECT twice(4), random() < 2, pg_table_size('orders') > 0"))["rows"] == [[8, True, True]]


async def test_every_type_becomes_a_json_value_and_no_digit_is_lost(server: Server) -> None:
    told = await asked(
        server,
        "SELECT 12345678901234567890.25, 0.1::numeric, 9007199254740993, 0.1 + 0.2::float8, 'NaN'::float8, true, NULL, '\\x0102'::bytea,"
        " timestamptz '2026-01-02 03:04+00' AT TIME ZONE 'UTC', ARRAY[1, 2], '{\"a\": {\"b\": [1.5]}}'::jsonb, 1 AS same, 2 AS same,"
        " 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, $1::int[], 'ü'",
        "{3,4}",
    )
    assert told["rows"] == [
        ["12345678901234567890.25", 0.1, "9007199254740993", 0.30000000000000004, "NaN", True, None, "\\x0102", "2026-01-02T03:04:00",
         [1, 2], {"a": {"b": [1.5]}}, 1, 2, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", [3, 4], "ü"]
    ]  # fmt: skip
    assert told["columns"][11:13] == ["same", "same"]


async def test_json_that_no_json_of_ours_can_hold_is_told_or_kept_as_text(server: Server) -> None:
    for deep in ("(repeat('[', 5000) || repeat(']', 5000))::json", """(repeat('{"a":', 60) || '1' || repeat('}', 60))::jsonb"""):
        with pytest.raises(ToolFailed, match="more than 50 levels"):
            await asked(server, f"SELECT {deep}")
    told = await asked(
        server,
        "SELECT '{\"a\": 1e99999999999999999999999}'::json, '\"\\ud800\"'::json, jsonb_build_object('n', 10::numeric ^ 5000),"
        " '[9007199254740992, 9007199254740993, 1e400]'::json",
    )
    ((huge, half, many, near),) = told["rows"]
    assert (huge, half, near) == ({"a": "1e99999999999999999999999"}, "?", [9007199254740992, "9007199254740993", "1E+400"])
    assert many["n"].startswith("1" + "0" * 5000)
    check_json(told)


async def test_more_than_is_allowed_is_cut_or_refused_before_it_is_sent(server: Server) -> None:
    told = await asked(server, "SELECT id FROM orders ORDER BY id", rows=10)
    assert (len(told["rows"]), told["is_cut"]) == (10, True)
    many = await asked(server, "SELECT repeat('x', 9000) FROM generate_series(1, 1000)", rows=1000)
    assert 0 < len(many["rows"]) < 100 and many["is_cut"]
    with pytest.raises(ToolFailed, match=r"Row 1 takes 90,000,\d+ bytes"):
        await asked(server, "SELECT repeat('x', 90000000)")


async def test_what_never_ends_is_ended_on_the_server_too(server: Server) -> None:
    endless = "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b"
    with pytest.raises(ToolFailed, match=r"longer than 0\.3 s"):
        await asked(server, endless, seconds=0.3)
    # Each row is in time, and all of them are not.
    with pytest.raises(ToolFailed, match=r"longer than 0\.5 s"):
        await asked(server, "SELECT slow(n) FROM generate_series(1, 100) n", seconds=0.5)
    await until_running(server, 0)
    task = asyncio.create_task(asked(server, endless, seconds=60))
    await until_running(server, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_running(server, 0)


async def until_running(server: Server, count: int) -> None:
    with psycopg.connect(server.url()) as looking:
        looking.autocommit = True
        for _ in range(2_000):
            sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader' AND state = 'active' AND query ~ '^(DECLARE|FETCH)'"
            if (looking.execute(sql).fetchone() or (None,))[0] == count:
                return
            await asyncio.sleep(0.01)
    raise AssertionError(f"never {count} at work")


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("SELECT colour FROM orders", "column .colour. does not exist"),
        ("SELEKT 1", "syntax error"),
        ("SELECT $1", "cannot be answered"),
        ("SELECT 1/0", "division by zero"),
        ("SELECT 1; SELECT 2", "one question|syntax error"),
        ("SELECT 'a\x00b'", "character"),
        ("SELECT '\ud800'", "character"),
        ("SELECT note(1)", "note is not called here"),
        ("", "syntax error"),
    ],
)
async def test_what_is_wrong_with_a_question_is_told(server: Server, sql: str, reads: str) -> None:
    with pytest.raises(ToolFailed, match=reads):
        await asked(server, sql)


async def test_a_role_that_may_do_more_is_not_used(server: Server) -> None:
    with pytest.raises(ConfigInvalid, match="is a superuser"):
        await asked(server, "SELECT 1", url=server.url(database="shop"))
    with pytest.raises(ConfigInvalid, match="may make roles"):
        await asked(server, "SELECT 1", url=server.url("cleaner", "c", "shop"))
    with pytest.raises(ConfigInvalid, match="may become one"):
        await asked(server, "SELECT 1", url=server.url("heir", "h", "shop"))


async def test_who_cannot_be_reached_or_does_not_let_us_in_is_told_without_the_password(server: Server) -> None:
    told = {
        server.url("reader", "wrong-canary", "shop"): (ConfigInvalid, "user or password"),
        server.url("nobody", "wrong-canary", "shop"): (ConfigInvalid, "user or password"),
        server.url("reader", PASSWORD, "gone"): (ConfigInvalid, "no such database"),
        f"postgresql://reader:{PASSWORD}@127.0.0.1:1/shop": (WebUnavailable, "cannot be reached"),
    }
    for url, (kind, words) in told.items():
        with pytest.raises(kind, match=words) as caught:
            await asked(server, "SELECT 1", url=url)
        assert "canary" not in f"{caught.value} {caught.value.hint} {caught.value.details}"


def test_the_doctor_tells_which_database_cannot_be_asked_and_why(server: Server, tmp_path: Path) -> None:
    urls = {
        "shop": server.url("reader", PASSWORD, "shop"),
        "owned": server.url(database="shop"),
        "shut": server.url("reader", "wrong-canary", "shop"),
        "away": f"postgresql://reader:{PASSWORD}@127.0.0.1:1/shop",
    }
    file = tmp_path / "operator.toml"
    file.write_text("".join(f'[databases.{name}]\nurl = "{url}"\n' for name, url in urls.items()))
    told = in_process("doctor", home=tmp_path / "home", SIGNALBOX_ADMIN_TOKEN=ADMIN, SIGNALBOX_OPERATOR_FILE=str(file))
    assert told.returncode == 1
    for words in (
        "✓ ok       database shop: answers",
        "✗ trouble  database owned: This database is not asked: the role in its address is a superuser",
        "✗ trouble  database shut: The database does not let us in",
        "✗ trouble  database away: The database cannot be reached",
    ):
        assert words in told.stdout, told.stdout
    assert not any(secret in told.stdout + told.stderr for secret in ("canary", SUPERUSER_PASSWORD))


def test_an_address_that_is_none_is_told_before_anything_is_asked() -> None:
    for url in ("postgresql://u:canary@/name", "postgresql://[broken:canary@host", "mysql://u:canary@host/name"):
        (one,) = known({"big": Database(url=SecretStr(url))}, Path("none"))
        assert one.why_not and "canary" not in one.why_not, url


async def test_a_server_that_stops_in_the_middle_is_a_connection_that_was_lost(server: Server) -> None:
    endless = "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b"
    task = asyncio.create_task(asked(server, endless, seconds=60))
    await until_running(server, 1)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    with pytest.raises(WebUnavailable, match="lost"):
        await task
    stopper.join()
    server.start()
    assert (await asked(server, "SELECT count(*) FROM orders"))["rows"] == [[300]]
