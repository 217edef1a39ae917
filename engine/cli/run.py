"""`run`: stores and publishes a file if one is given, starts the runs, and tells how each of them came out."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from engine.cli.desk import Answer, Desk, open_desk
from engine.cli.documents import parse_inputs, read_document, read_inputs
from engine.cli.outcome import FAILED, OK, UNUSABLE, say
from engine.clock import iso
from engine.errors import Invalid, NotFound, NotPublished, SignalboxError
from engine.jsonvalue import canonical, dumps
from engine.settings import Settings

MOVING = ("queued", "running")
BAD = ("failed", "cancelled")
GLANCE_S = 0.25
RETRY_GLANCE_S = 0.2


def run_all(target: str, *, given: list[str], file: Path | None, concurrency: int, as_json: bool) -> int:
    """Runs everything; the exit status: 0 all ended well or wait, 1 some failed, 2 nothing could be started."""
    if given and file is not None:
        raise Invalid("--input and --inputs exclude each other.", hint="Put every input into the lines of the file.")
    inputs = read_inputs(file) if file is not None else [parse_inputs(given)]
    document = read_document(Path(target)) if _is_file(target) else None
    with open_desk(Settings.load()) as desk:
        workflow = keep(desk, document) if document is not None else find(desk, target)
        if len(inputs) == 1 and file is None:
            return _one(desk, workflow, inputs[0], as_json=as_json)
        return _many(desk, workflow, inputs, concurrency=concurrency, as_json=as_json)


def _is_file(target: str) -> bool:
    return target.endswith(".json") or "/" in target or Path(target).is_file()


def keep(desk: Desk, document: Any) -> str:
    """Stores and publishes a document; the id of its workflow. One of the same name is reused, and one that is the same not repeated."""
    name = document.get("name") if isinstance(document, dict) else None
    same = [row for row in desk.workflows(query=name) if row["name"] == name] if isinstance(name, str) and name.strip() else []
    if not same:
        workflow = desk.create(document)["id"]
    else:
        workflow, current = same[0]["id"], desk.workflow(same[0]["id"])
        live = current["live_version"]
        if live is not None and canonical(desk.version(workflow, live)["document"]) == canonical(document):
            return workflow
        if canonical(current["document"]) != canonical(document):
            desk.replace(workflow, revision=current["revision"], document=document)
    try:
        published = desk.publish(workflow)
    except SignalboxError as error:
        for problem in error.details.get("problems", []):
            print(f"  {problem_line(problem)}", file=sys.stderr)
        raise
    print(f"published {name} as version {published['version']}", file=sys.stderr)
    for trigger in published["triggers"]:
        if trigger["secret"]:
            print(f"  {trigger['url']} is signed with the secret {trigger['secret']} (shown this once)", file=sys.stderr)
        if trigger.get("problem"):
            print(f"  it does not listen on {trigger['path']}: {trigger['problem']}", file=sys.stderr)
    return workflow


def find(desk: Desk, target: str) -> str:
    """The id of a workflow by id, slug or template slug. NotFound, NotPublished."""
    try:
        found = desk.workflow(target)
    except SignalboxError as error:
        if error.status != NotFound.status:
            raise
        for template in desk.templates():
            if template.get("slug") == target:
                return keep(desk, template["document"])
        hint = "Name a file (workflow.json), or the id or slug of a workflow or template."
        raise NotFound(f"There is no file, workflow or template {target[:80]}.", hint=hint) from None
    if found["live_version"] is None:
        raise NotPublished(f"{found['name']} has no live version.")
    return found["id"]


def problem_line(problem: Answer) -> str:
    """One problem as a line: how grave, where, what, and what to do."""
    places = [f"node {problem['node']}" if "node" in problem else "", f"edge {problem['edge']}" if "edge" in problem else ""]
    where = ", ".join(part for part in (*places, str(problem.get("field") or "")) if part)
    return f"{problem.get('severity', 'error')}: {where + ': ' if where else ''}{problem['message']} {problem.get('hint', '')}".rstrip()


def _one(desk: Desk, workflow: str, inputs: dict[str, Any], *, as_json: bool) -> int:
    run_id = desk.start(workflow, inputs=inputs)
    print(f"{run_id} started", file=sys.stderr)
    seen = 0
    while True:
        run = desk.wait(run_id, seconds=GLANCE_S)
        for event in desk.events(run_id, after=seen):
            seen = event["seq"]
            if line := progress_line(event):
                print(f"  {line}", file=sys.stderr, flush=True)
        if rests(desk, run):
            break
    print(json_line(run) if as_json else "\n".join(told(run)), flush=True)
    return FAILED if run["status"] in BAD else OK


def _many(desk: Desk, workflow: str, inputs: list[dict[str, Any]], *, concurrency: int, as_json: bool) -> int:
    statuses: list[str] = []
    refused = 0
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        waiting = {pool.submit(through, desk, workflow, given): number for number, given in enumerate(inputs, start=1)}
        try:
            for done in as_completed(waiting):
                try:
                    run = done.result()
                except SignalboxError as error:
                    refused += 1
                    say(f"line {waiting[done]}: {error.message}", hint=error.next_step)
                    continue
                statuses.append(run["status"])
                print(json_line(run) if as_json else f"{run['id']} {run['status']} {run['reason']}".rstrip(), flush=True)
                print(f"  {len(statuses)} of {len(inputs)}", file=sys.stderr)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if refused:
        return UNUSABLE if refused == len(inputs) else FAILED
    return FAILED if any(status in BAD for status in statuses) else OK


def through(desk: Desk, workflow: str, inputs: dict[str, Any]) -> Answer:
    """Starts a run and returns it when it has ended, or waits for a person."""
    run_id = desk.start(workflow, inputs=inputs)
    while True:
        run = desk.wait(run_id, seconds=5)
        if rests(desk, run):
            return run


def rests(desk: Desk, run: Answer) -> bool:
    """Whether nothing will move it but a person: a step that is only tried again later goes on by itself."""
    if run["status"] != "waiting":
        return run["status"] not in MOVING
    # A limit that somebody is asked about belongs to no step.
    if "in the inbox" in run["reason"] or any(step["status"] in ("waiting", "in_doubt") for step in desk.steps(run["id"])):
        return True
    time.sleep(RETRY_GLANCE_S)
    return False


def progress_line(event: Answer) -> str:
    """What an event means to somebody who looks on; empty for what only the engine cares about."""
    data = event.get("data") or {}
    match event["type"]:
        case "step_done":
            return f"done    {event['path']}" + (f" ({data['port']})" if data.get("port") not in (None, "out") else "")
        case "step_failed":
            return f"failed  {event['path']}: {(data.get('error') or {}).get('message', '')}"
        case "box_opened":
            return f"opens   {event['path']}: {len((data.get('inputs') or {}).get('items') or ()):,} items"
        case "step_waiting":
            return f"waits   {event['path']}"
        case "step_guarded":
            return f"waits   {event['path']}: somebody has to look in the inbox at what would go out"
        case "step_paused":
            return f"waits   {event['path']} {_waited_for(data)}".rstrip()
        case "step_in_doubt":
            return f"doubt   {event['path']}: it {data.get('why', '')}"
        case "doubt_resolved":
            return f"told    {event['path']}: it did not happen"
        case "limit_asked":
            return "asks    how it goes on: the answer is given in the inbox"
        case _:
            return ""


def _waited_for(data: dict[str, Any]) -> str:
    until = f"until {iso(data['until'])}" if data.get("until") else ""
    return f"for the event {data['event']} {data.get('key', '')}".rstrip() if data.get("event") else until


def json_line(run: Answer) -> str:
    """`{run_id, status, output, spent}` on one line."""
    return dumps({"run_id": run["id"], "status": run["status"], "output": run["output"], "spent": run["spent"]}).decode()


def told(run: Answer) -> Iterator[str]:
    """A run for people to read."""
    yield f"{run['id']} {run['status']}"
    if run["reason"]:
        yield f"reason: {run['reason']}"
    if run["output"] is not None:
        yield f"output: {dumps(run['output']).decode()}"
    spent = run["spent"]
    yield "spent:  " + ", ".join(
        [
            f"{spent.get('cost_usd', 0):.4f} USD",
            f"{spent.get('tokens', 0)} tokens",
            f"{spent.get('steps', 0)} steps",
            f"{spent.get('seconds', 0):.1f} s",
        ]
    )
