"""Events as journal rows: every kind comes back as it was, large values stand beside, unknown ones are errors."""

import msgspec
import pytest

from engine.errors import Bug
from engine.run import codec, events
from engine.run.events import Spent, Start

ALL = [
    events.RunStarted(workflow="wf", hash="h", version=3, inputs={"a": [1, None]}, limits={"steps": 1}, mode="test", by="u"),
    events.StepDone(started_at=5, port="out", outputs={"x": {"y": 1.5}}, inputs={}, spent=Spent(1, 2, 3, 4), note={"n": 1}, consent="d"),
    events.StepDone(port=None, starts=(Start("a"), Start("b#2/c", 3, Spent(tokens=9))), skipped=("s",), cancelled=("t",)),
    events.StepFailed(error={"code": "x"}, retry_at=7, goes_on="port", spent=Spent(tokens=1)),
    events.StepFailed(error={"code": "x"}, goes_on="around", ends="each[7]"),
    events.BoxOpened(started_at=3, inputs={"items": [1, {"a": None}]}, starts=(Start("each[0]/check"),)),
    events.ItemEnded(outputs={"result": None}),
    events.ItemEnded(error={"code": "x", "path": "each[7]/check"}),
    events.StepWaiting(item="apr_1", card={"title": "é"}, digest="d", inputs={"a": 1}, expires_at=9),
    events.StepInDoubt(started_at=3, why="was running", item="apr_2", card={"title": "?"}, digest="d", spent=events.Spent(tokens=4)),
    events.DoubtResolved(item="apr_2", decision="retry", by="bea", by_name="Bea", reason="Nothing there."),
    events.LimitAsked(item="apr_3", card={"title": "?"}, digest="d"),
    events.RunPaused(by="bea", by_name="Bea", reason="Lunch."),
    events.RunForked(origin="run_0", at_step="a", inputs={"n": 2}, outputs={"b": {"x": 1}}, limits={"steps": 9}, by="bea", by_name="Bea"),
    events.ChildStarted(
        child=events.Child(run="run_2", workflow="wf_2", limits={"steps": 3}), inputs={"a": 1}, reserved=events.Spent(tokens=4)
    ),
    events.ChildPostponed(),
    events.ChildReturned(run="run_2", status="failed", spent=events.Spent(tokens=4), steps=3, busy_us=7),
    events.StepGuarded(item="apr_1", card={"title": "?"}, digest="d", inputs={"a": 1}),
    events.GuardAnswered(item="apr_1", digest="d", by="usr_1", by_name="Ann", reason="It is right."),
    events.StepPaused(started_at=3, inputs={"key": "R-17"}, until=9, event="paid", key="R-17"),
    events.Voted(by="u", name="U", reason="r"),
    events.ConsentVoid(approval="ok", digest="d"),
    events.StepsStarted(starts=(Start("a", 2),)),
    events.LimitMet(limit="steps", used=1, needed=2, allowed=3, interrupted=("a",)),
    events.RunStopped(reason="r"),
    events.RunResumed(limits={"steps": 5}, by="u"),
    events.RunRecovered(lost=("a", "b")),
    events.RunCancelled(by="u", reason="r"),
    events.RunEnded(status="succeeded", output={"a": 1}, reason=""),
]


def test_every_kind_of_event_is_tried_here() -> None:
    assert {type(e) for e in ALL} == set(events.AnyEvent.__args__)


@pytest.mark.parametrize("event", ALL, ids=events.kind_of)
def test_an_event_comes_back_as_it_was(event: events.Event) -> None:
    row = codec.to_row(event, seq=4, at=9, path="p", attempt=2, blobs=[])
    assert (row.seq, row.at, row.kind, row.path, row.attempt) == (4, 9, events.kind_of(event), "p", 2)
    assert codec.from_row(row, lambda _: None) == event


@pytest.mark.parametrize("payload", [b'{"type":"nothing_known"}', b'{"outputs":{}}', b'{"type":"step_done","outputs":[]}', b"{", b""])
def test_what_is_no_event_is_an_error_and_never_a_guess(payload: bytes) -> None:
    with pytest.raises((msgspec.ValidationError, msgspec.DecodeError)):
        events.decode(payload)


def test_values_above_32_kb_stand_beside_under_their_hash() -> None:
    event = events.StepDone(outputs={"big": "x" * 40_000, "small": 1}, inputs={"prompt": ["y" * 50_000]}, port="out")
    blobs: codec.Blobs = []
    row = codec.to_row(event, seq=1, at=1, path="a", attempt=1, blobs=blobs)
    assert len(row.payload) < 1_000
    assert sorted(len(body) for _, body in blobs) == [40_002, 50_004]
    assert codec.from_row(row, dict(blobs).get) == event


def test_small_values_stay_in_the_row_and_equal_ones_share_a_blob() -> None:
    blobs: codec.Blobs = []
    codec.to_row(events.StepDone(outputs={"a": "x" * 30_000}), seq=1, at=1, path="a", attempt=1, blobs=blobs)
    assert blobs == []
    codec.to_row(events.StepDone(outputs={"a": "x" * 40_000, "b": "x" * 40_000}), seq=1, at=1, path="a", attempt=1, blobs=blobs)
    assert len(dict(blobs)) == 1


@pytest.mark.parametrize(
    "event",
    [
        events.RunStarted(inputs={"a": "x" * 40_000}),
        events.RunEnded(status="succeeded", output={"a": "x" * 40_000}),
        events.BoxOpened(inputs={"items": ["x" * 40_000]}),
        events.ItemEnded(outputs={"result": "x" * 40_000}),
        events.StepWaiting(card={"message": "x" * 40_000}, inputs={"message": "x" * 40_000}),
    ],
    ids=events.kind_of,
)
def test_inputs_outputs_and_cards_of_any_size_are_kept(event: events.Event) -> None:
    blobs: codec.Blobs = []
    row = codec.to_row(event, seq=1, at=1, path="", attempt=0, blobs=blobs)
    assert blobs and len(row.payload) < 1_000
    assert codec.from_row(row, dict(blobs).get) == event


def test_names_with_a_slash_do_not_confuse_the_places_of_large_values() -> None:
    event = events.StepDone(outputs={"a/b": "x" * 40_000})
    blobs: codec.Blobs = []
    row = codec.to_row(event, seq=1, at=1, path="a", attempt=1, blobs=blobs)
    assert codec.from_row(row, dict(blobs).get) == event


def test_a_blob_that_is_gone_is_told() -> None:
    row = codec.to_row(events.StepDone(outputs={"a": "x" * 40_000}), seq=7, at=1, path="a", attempt=1, blobs=[])
    with pytest.raises(Bug, match="row 7"):
        codec.from_row(row, lambda _: None)
