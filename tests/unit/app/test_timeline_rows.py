"""The list of a run's steps, its axis of time, the pieces of its stream, and how a lost connection comes back."""

from typing import Any

import pytest

from tests.unit.app.javascript import run as javascript

FOLDER = "app/components/timeline"

ROWS = """
import { bookOf, openFor, rowsOf, treeOf } from "./rows.js";
---
(() => {
  const step = (path) => ({ path, node: path.split("/").at(-1).split("#")[0].split("[")[0], status: "done", spans: [], tries: [] });
  const run = { steps: new Map(given.paths.map((path) => [path, step(path)])) };
  const tree = treeOf(run);
  const open = new Set(given.open ?? openFor(tree, given.show));
  return rowsOf(tree, bookOf(given.document ?? null), open, { isOver: true }).map((row) => [row.level, row.kind, row.node, row.path]);
})()
"""


def rows(paths: list[str], **more: Any) -> list[list[Any]]:
    return javascript(ROWS, {"paths": paths, "open": [], **more}, folder=FOLDER)


def test_rounds_of_a_loop_stand_under_one_row_a_step() -> None:
    paths = ["start", "draft#1", "draft#1/check", "draft#2", "draft#2/check", "done"]
    assert rows(paths) == [
        [0, "step", "start", "start"],
        [0, "rounds", "draft", "draft#2"],
        [0, "rounds", "check", "draft#2/check"],
        [0, "step", "done", "done"],
    ]
    unfolded = rows(paths, open=[">check"])
    assert unfolded[3:5] == [[1, "round", "check", "draft#1/check"], [1, "round", "check", "draft#2/check"]]


def test_items_of_a_box_stand_under_their_box() -> None:
    paths = ["each", "each[0]/look", "each[0]/judge", "each[1]/look", "done"]
    assert rows(paths) == [[0, "step", "each", "each"], [0, "step", "done", "done"]]
    unfolded = rows(paths, open=["each", "[each[0]"])
    assert [row[:3] for row in unfolded] == [
        [0, "step", "each"],
        [1, "item", ""],
        [2, "step", "look"],
        [2, "step", "judge"],
        [1, "item", ""],
        [0, "step", "done"],
    ]


@pytest.mark.parametrize("path", ["each[1]/judge", "draft#2/check", "draft#1/each[1]/look", "talk/turn1", "done"])
def test_a_link_to_a_step_unfolds_whatever_hides_it(path: str) -> None:
    paths = ["draft#1", "draft#1/check", "draft#1/each", "draft#1/each[0]/look", "draft#1/each[1]/look", "draft#2", "draft#2/check"]
    paths += ["each", "each[0]/judge", "each[1]/judge", "talk", "talk/turn1", "talk/turn2", "done"]
    found = javascript(ROWS, {"paths": paths, "open": None, "show": path}, folder=FOLDER)
    assert path in [row[3] for row in found if row[1] in ("step", "round")]


def test_what_was_never_reached_stands_at_the_end() -> None:
    document = {
        "name": "x",
        "nodes": [{"id": "start", "kind": "start"}, {"id": "hand", "kind": "end"}, {"id": "in", "kind": "set", "parent": "b"}],
    }
    assert rows(["start"], document={**document, "edges": []})[1:] == [[0, "unneeded", "hand", ""]]


SCALE = """
import { barsOf, scaleOf, worked } from "./scale.js";
---
(() => {
  const scale = scaleOf(worked(given.map((spans) => ({ spans })), 1e6), 0, given.end ?? 262_000);
  return { at: [0, 10_000, 262_000].map(scale.at), cuts: scale.cuts.length, ticks: scale.ticks, bars: barsOf(given.flat(), scale.at, 1e6) };
})()
"""


def test_a_long_wait_is_shortened_and_work_is_not() -> None:
    work, wait = {"from": 0, "to": 10_000, "kind": "work"}, {"from": 10_000, "to": 261_000, "kind": "wait"}
    last = {"from": 261_000, "to": 262_000, "kind": "work"}
    told = javascript(SCALE, [[work], [wait], [last]], folder=FOLDER)
    start, after_work, end = told["at"]
    assert start == 0 and end <= 1 and told["cuts"] == 1
    # 11 s of work and a wait that counts for less than a fifth of that: in true proportion the work would have 4 % of the axis.
    assert after_work > 0.7
    places = [tick["x"] for tick in told["ticks"]]
    assert places == sorted(places) and len(places) >= 3
    assert [bar["kind"] for bar in told["bars"]] == ["work", "wait", "work"]


FRAMES = """
import { Frames } from "./frames.js";
---
(() => { const frames = new Frames(); return given.flatMap((piece) => frames.push(piece)); })()
"""


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_events_are_read_however_the_stream_is_cut(size: int) -> None:
    text = 'retry: 2000\n\n: still here\n\nid: 7\nevent: step_done\ndata: {"a":\ndata: 1}\n\nevent: token\ndata: {"b": "x: y"}\n\nid: 8\n'
    found = javascript(FRAMES, [text[at : at + size] for at in range(0, len(text), size)], folder=FOLDER)
    assert found == [{"id": "7", "event": "step_done", "data": '{"a":\n1}'}, {"id": None, "event": "token", "data": '{"b": "x: y"}'}]


FEED = """
import { openFeed } from "./feed.js";
---
await (async () => {
  const log = [];
  const answers = given.slice();
  globalThis.fetch = async (url, { headers }) => {
    const answer = answers.shift();
    const query = new URL(url, "http://x").searchParams;
    log.push(["asked", headers["Last-Event-ID"] ? `stream behind ${headers["Last-Event-ID"]}` : `page behind ${query.get("after")}`]);
    if (answer === null) throw new TypeError("nobody answers");
    if (typeof answer === "number") return new Response("{}", { status: answer });
    return new Response(typeof answer === "string" ? answer : JSON.stringify(answer));
  };
  const over = new Promise((resolve) => openFeed("run_1", {
    told: (events, isMore) => log.push(["told", events.map((event) => event.seq).join(), isMore]),
    token: (path, text) => log.push(["token", path, text]),
    became: (state) => { log.push(["became", state]); if (!["loading", "live", "lost"].includes(state)) resolve(); },
  }));
  await over;
  return log;
})()
"""


def event(seq: int, kind: str = "step_done") -> dict[str, Any]:
    return {"seq": seq, "type": kind, "at": "2026-11-25T09:00:00Z", "path": "", "data": {}}


def framed(seq: int, kind: str = "step_done") -> str:
    return f'id: {seq}\nevent: {kind}\ndata: {{"seq":{seq},"type":"{kind}","path":"","data":{{}}}}\n\n'


def test_a_broken_stream_goes_on_behind_the_last_event_that_was_seen() -> None:
    token = 'event: token\ndata: {"seq":null,"type":"token","path":"draft","data":{"text":"Dear"}}\n\n'
    answers = [{"items": [event(1)], "next": None}, framed(2) + token, None, 503, framed(3, "run_ended")]
    assert javascript(FEED, answers, folder=FOLDER) == [
        ["became", "loading"], ["asked", "page behind 0"], ["told", "1", False],
        ["asked", "stream behind 1"], ["became", "live"], ["token", "draft", "Dear"], ["told", "2", False], ["became", "lost"],
        ["asked", "stream behind 2"], ["became", "lost"],
        ["asked", "stream behind 2"], ["became", "lost"],
        ["asked", "stream behind 2"], ["became", "live"], ["told", "3", False], ["became", "ended"],
    ]  # fmt: skip


def test_a_history_is_read_page_by_page_and_an_ended_run_is_not_watched() -> None:
    answers = [{"items": [event(1)], "next": "1"}, {"items": [event(2, "run_ended")], "next": None}]
    told = javascript(FEED, answers, folder=FOLDER)
    assert [line for line in told if line[0] == "told"] == [["told", "1", True], ["told", "2", False]]
    assert told[-1] == ["became", "ended"] and not [line for line in told if "stream" in line[1]]


@pytest.mark.parametrize(("status", "state"), [(404, "missing"), (401, "signed_out")])
def test_what_asking_again_would_not_mend_is_told(status: int, state: str) -> None:
    assert javascript(FEED, [status], folder=FOLDER)[-1] == ["became", state]
