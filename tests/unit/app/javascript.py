"""Runs a module of a page's JavaScript by itself, in the Node that builds the pages."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
NODE = Path(sys.executable).with_name("node")


def run(script: str, given: Any, *, folder: str) -> Any:
    """What `script`, an expression over `given` and the names it imports, comes to; `folder` is where `./x.js` are found."""
    imports, _, body = script.rpartition("---")
    base = (ROOT / folder).as_uri()
    program = imports.replace('"./', f'"{base}/') + (
        "let text = ''; for await (const piece of process.stdin) text += piece;\n"
        f"const given = JSON.parse(text); const found = {body.strip()};\nprocess.stdout.write(JSON.stringify(found ?? null));"
    )
    command = [str(NODE), "--input-type=module", "--no-warnings", "-e", program]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
