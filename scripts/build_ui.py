"""Builds the web UI into build/web-ui, once for every content of its sources.

    scripts/build            builds only what has changed; without a change it takes a tenth of a second
    scripts/build --lock     also asks the registry for newer packages and rewrites reflex.lock

Needs nothing but .venv: Node comes from a Python package, npm asks whatever registry this machine is set up for.
"""

from __future__ import annotations

import argparse
import datetime
import fcntl
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "build" / "web-ui"
STAMP = "stamp"
LOG = ROOT / "build" / "web-ui.log"
SOURCES = ("app/app.py", "app/ui", "app/pages", "app/components", "assets", "rxconfig.py", "reflex.lock", "scripts/build_ui.py")
KINDS = {".py", ".jsx", ".js", ".css", ".svg", ".woff2", ".json"}
LOCK = ROOT / "reflex.lock"
LINKED = ROOT / "assets" / "external"
"""Where Reflex puts links to our JSX while it builds."""

ADDRESS_FILE = "reflex-env-*.js"
BAKED = "localhost:8000"
STEPS = (
    ("Initializing", "getting ready"),
    ("Compiling", "compiling the pages"),
    ("Installing", "getting packages"),
    ("Creating Production", "bundling"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds the web UI if its sources have changed.")
    parser.add_argument("--lock", action="store_true", help="rewrite reflex.lock with the newest packages that are 14 days old")
    arguments = parser.parse_args()
    if not arguments.lock and is_built():
        return
    BUILT.parent.mkdir(exist_ok=True)
    with (BUILT.parent / "web-ui.lock").open("w") as lock:
        # Two starts at the same moment build once: the second finds what the first has built.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if arguments.lock or not is_built():
            build(is_locking=arguments.lock)


def is_built() -> bool:
    """Whether what is built was made from these very sources."""
    try:
        return (BUILT / STAMP).read_text() == stamp()
    except OSError:
        return False


def stamp() -> str:
    """A hash over everything that the built pages depend on."""
    content = hashlib.sha256()
    for path in sources():
        content.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    lock = (ROOT / "requirements.lock").read_text()
    tools = [line for line in lock.splitlines() if line.startswith(("reflex", "nodejs"))]
    return hashlib.sha256(content.digest() + "\n".join(tools).encode()).hexdigest()


def sources() -> Iterator[Path]:
    for name in SOURCES:
        path = ROOT / name
        found = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (file for file in found if file.is_file() and file.suffix in KINDS and LINKED not in file.parents)


def build(*, is_locking: bool) -> None:
    """Builds beside what is there, and puts it in its place only when it is whole."""
    started, wanted = time.monotonic(), stamp()
    say("building the web UI; the first time takes half a minute and gets JavaScript packages")
    locked = read_lock()
    export(is_locking=is_locking)
    settle_lock(locked, is_locking=is_locking)
    made = ROOT / ".web" / "build" / "client"
    ask_where_it_came_from(made)
    fresh, old = BUILT.with_name("web-ui.new"), BUILT.with_name("web-ui.old")
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(made, fresh / "client", ignore=shutil.ignore_patterns("external"))
    shutil.copytree(ROOT / ".web" / "backend", fresh / "backend")
    # Sources that changed meanwhile have another stamp, so that they are built the next time.
    (fresh / STAMP).write_text(wanted if not is_locking else stamp())
    if BUILT.exists():
        BUILT.rename(old)
    fresh.rename(BUILT)
    shutil.rmtree(old, ignore_errors=True)
    say(f"the web UI is built ({time.monotonic() - started:.0f} s)")


def read_lock() -> dict[str, bytes]:
    """The lock of the JavaScript packages, file by file."""
    return {path.name: path.read_bytes() for path in sorted(LOCK.glob("*.json"))}


def settle_lock(before: dict[str, bytes], *, is_locking: bool) -> None:
    """Writes a new lock in one fixed order; without --lock, keeps the old one, which the build must have held to."""
    after = {name: json.loads(text) for name, text in read_lock().items()}
    if is_locking:
        for name, content in after.items():
            (LOCK / name).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        return
    # Reflex writes the same again in another order of keys; that is no change.
    for name, text in before.items():
        (LOCK / name).write_bytes(text)
    if after != {name: json.loads(text) for name, text in before.items()}:
        raise SystemExit(
            "signalbox: the pages use JavaScript packages that reflex.lock does not hold\nsignalbox: next step: scripts/build --lock"
        )


def export(*, is_locking: bool) -> None:
    """Lets Reflex compile the pages and Vite bundle them."""
    if is_locking:
        shutil.rmtree(ROOT / "reflex.lock", ignore_errors=True)
        shutil.rmtree(ROOT / ".web", ignore_errors=True)
    command = [str(Path(sys.executable).parent / "reflex"), "export", "--frontend-only", "--no-zip"]
    with LOG.open("w", encoding="utf-8") as log:
        running = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(is_locking=is_locking),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert running.stdout is not None  # noqa: S101
        told: set[str] = set()
        for line in running.stdout:
            text = line.decode("utf-8", "replace")
            log.write(text)
            for mark, step in STEPS:
                if mark in text and step not in told:
                    told.add(step)
                    say(f"  {step}")
        status = running.wait()
    if status or not (ROOT / ".web" / "build" / "client" / "index.html").is_file():
        tail = "".join(LOG.read_text(encoding="utf-8").splitlines(keepends=True)[-15:])
        print(tail, file=sys.stderr)
        say(f"the web UI could not be built; all of what was said stands in {LOG}")
        raise SystemExit("signalbox: next step: check the network and npm's settings, then run this again")


def environment(*, is_locking: bool) -> dict[str, str]:
    """What Reflex, Node and npm are told; what the machine says about its registry stays as it is."""
    tools = Path(sys.executable).parent
    more = {
        "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(ROOT),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "REFLEX_USE_NPM": "1",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "REFLEX_CHECK_LATEST_VERSION": "false",
        # No address of a registry gets into the lock file.
        "npm_config_omit_lockfile_registry_resolved": "true",
        "npm_config_fund": "false",
        "npm_config_audit": "false",
        "npm_config_update_notifier": "false",
    }
    if is_locking:
        day = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=14)  # noqa: TID251
        more["npm_config_before"] = day.isoformat()
    # Our npm has its machine-wide settings elsewhere than the system's: certificates and mirrors stand in these.
    for settings in ("/usr/etc/npmrc", "/etc/npmrc"):
        if Path(settings).is_file() and "NPM_CONFIG_GLOBALCONFIG" not in os.environ:
            more.setdefault("NPM_CONFIG_GLOBALCONFIG", settings)
    # A company's own certificate is in the system's store, never in the one Node carries.
    for bundle in ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"):
        if Path(bundle).is_file() and "NODE_EXTRA_CA_CERTS" not in os.environ:
            more.setdefault("NODE_EXTRA_CA_CERTS", bundle)
    # What serves the built pages tells Reflex not to compile: none of that may be left here.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REFLEX_", "__REFLEX_"))}
    return kept | more


def ask_where_it_came_from(client: Path) -> None:
    """Takes the baked address out of the pages: they ask the server that they came from, whatever its host and port."""
    found = list((client / "assets").glob(ADDRESS_FILE))
    if len(found) != 1:
        raise SystemExit(f"signalbox: expected one {ADDRESS_FILE} in the built UI, found {len(found)}: Reflex builds differently now")
    text = found[0].read_text(encoding="utf-8")
    for scheme, here in (("ws", "(location.protocol==='https:'?'wss://':'ws://')+location.host+"), ("http", "location.origin+")):
        for quote in ('"', "'", "`"):
            text = text.replace(f"{quote}{scheme}://{BAKED}", f"{here}{quote}")
    if BAKED in text:
        raise SystemExit(f"signalbox: {found[0].name} still names {BAKED}: Reflex builds differently now")
    found[0].write_text(text, encoding="utf-8")
    packed = found[0].with_name(f"{found[0].name}.gz")
    if packed.exists():
        packed.write_bytes(gzip.compress(text.encode()))


def say(line: str) -> None:
    print(f"signalbox: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
