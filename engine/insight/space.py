"""What the runs of each workflow take on disk, and how long they are kept: told without writing anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from engine.insight.installation import Finding
from engine.storage.migrate import migrations, schema_version
from engine.storage.sizes import file_size, grown, sizes_of
from engine.storage.sqlite import DATABASE_NAME

MOST_SHOWN = 10
_WORKFLOWS = "SELECT id, name, retention_days FROM workflows"
_WORKSPACES = "SELECT DISTINCT workspace_id FROM runs"


def space(home: Path) -> Iterator[Finding]:
    """The database file, and the workflows whose runs take most. Blocks, for as long as reading rows takes that were not measured yet."""
    path = home / DATABASE_NAME
    if not path.exists() or schema_version(path) != migrations()[-1].version:
        return
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        file, total = file_size(connection, path), 0
        named = {row[0]: (row[1], row[2]) for row in connection.execute(_WORKFLOWS)}
        taken: dict[str, tuple[int, int]] = {}
        for (workspace,) in connection.execute(_WORKSPACES).fetchall():
            sizes, all_of_it = sizes_of(connection, workspace)
            total += all_of_it
            taken |= {workflow: (size.bytes, size.runs) for workflow, size in sizes.items()}
        for measured in grown(connection):
            size, runs = taken[measured.workflow_id]
            taken[measured.workflow_id] = size + measured.grown, runs
            total += measured.grown
    yield Finding(
        True, "storage", f"runs take {_told(total)} of a database of {_told(file.bytes)}, {_told(file.free)} of it free for new rows"
    )
    largest = sorted(taken.items(), key=lambda item: (-item[1][0], item[0]))
    for workflow, (size, runs) in largest[:MOST_SHOWN]:
        name, days = named.get(workflow, (workflow, None))
        kept = "kept for ever" if days is None else f"kept for {days} days after they have ended"
        yield Finding(True, f"runs of {name}", f"{_told(size)} in {runs} runs, {kept}")


def _told(size: int) -> str:
    return f"{size / 1024**2:.1f} MB" if size >= 100 * 1024 else f"{size / 1024:.1f} kB"
