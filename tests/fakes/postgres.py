"""A PostgreSQL server of the tests' own: on a free port of this machine, with its data in a temporary folder, gone at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

OWNER = "postgres"
SUPERUSER_PASSWORD = "the-servers-own"
_SETTINGS = {
    # The data is thrown away: nothing needs to be on the disk. What was committed still outlives a server that is killed.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "unix_socket_directories": "''",
    "listen_addresses": "'127.0.0.1'",
}


@dataclass(frozen=True)
class Server:
    """One that runs."""

    port: int
    programs: Path
    data: Path

    def url(self, user: str = OWNER, password: str = SUPERUSER_PASSWORD, database: str = "postgres") -> str:
        """The address for a role."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str, database: str = "postgres") -> None:
        """Carries statements out as the superuser, each by itself."""
        with psycopg.connect(self.url(database=database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # pyright: ignore[reportArgumentType, reportCallIssue]

    def stop(self, mode: str = "immediate") -> None:
        """Ends it as a power cut would."""
        _as_owner(self.programs / "pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def start(self) -> None:
        """Starts it and waits until it answers."""
        log = self.data.parent / "log"
        _as_owner(self.programs / "pg_ctl", "-D", self.data, "-l", log, "-w", "-t", "60", "start")


@contextmanager
def postgres() -> Iterator[Server]:
    """A server with one superuser, whose password is `SUPERUSER_PASSWORD`."""
    programs = _programs()
    # A folder whose parents the server's own user may enter.
    folder = Path(tempfile.mkdtemp(prefix="signalbox-pg-", dir="/tmp"))
    try:
        password = folder / "password"
        password.write_text(SUPERUSER_PASSWORD)
        if os.geteuid() == 0:
            user = pwd.getpwnam(OWNER)
            for path in (folder, password):
                os.chown(path, user.pw_uid, user.pw_gid)
        data = folder / "data"
        init = ("-D", data, "-U", OWNER, "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--locale=C", "--no-sync")
        _as_owner(programs / "initdb", *init)
        server = Server(_free_port(), programs, data)
        with (data / "postgresql.conf").open("a") as settings:
            settings.writelines(f"{name} = {value}\n" for name, value in {**_SETTINGS, "port": server.port}.items())
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Where initdb and pg_ctl are; installs them on a machine that has none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found and (path := shutil.which("pg_ctl")):
        return Path(path).parent
    if not found:
        install = ["apt-get", "install", "-y", "-q", "postgresql"]
        for attempt in range(3):
            told = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
            done = subprocess.run(install, capture_output=True, text=True, check=False, env=told)
            if done.returncode == 0:
                break
            subprocess.run(["apt-get", "update", "-q"], capture_output=True, check=False)
            time.sleep(attempt)
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
        assert found, f"PostgreSQL cannot be installed here: {done.stderr[-500:]}"
    return found[-1].parent


def _as_owner(*command: object) -> None:
    # A server refuses to run as root.
    who = OWNER if os.geteuid() == 0 else None
    done = subprocess.run(
        [str(part) for part in command],
        user=who,
        group=who,
        extra_groups=[] if who else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        cwd="/tmp",
        timeout=120,
    )
    assert done.returncode == 0, done.stdout


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
