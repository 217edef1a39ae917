"""Do the vectors mean what the original model's mean, whoever asks and beside whatever texts?"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.errors import Bug
from engine.memory import embed
from engine.memory.embed import DIMENSION, MAX_TEXTS_PER_BATCH, MODEL_FOLDER, Embedder, Vector

REFERENCE = json.loads(Path(__file__).with_name("minilm_reference.json").read_text(encoding="utf-8"))
TEXTS: list[str] = [entry["text"] for entry in REFERENCE]
ORIGINAL = np.array([entry["vector"] for entry in REFERENCE], dtype=np.float32)


@pytest.fixture(scope="module")
def shared() -> Iterator[Embedder]:
    """One loaded embedder for tests that do not mind a warm cache."""
    embedder = Embedder()
    yield embedder
    embedder.close()


@pytest.fixture
def fresh() -> Iterator[Embedder]:
    embedder = Embedder()
    yield embedder
    embedder.close()


class Watch:
    """Records which texts reach the model, and can hold it."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.may_go = threading.Event()
        self.may_go.set()

    def around(self, original: Callable[..., Vector]) -> Callable[..., Vector]:
        def vectors(model: object, texts: list[str]) -> Vector:
            self.batches.append(texts)
            assert self.may_go.wait(30)
            return original(model, texts)

        return vectors


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(embed._Model, "vectors", watch.around(embed._Model.vectors))
    return watch


def cosines(left: Vector, right: Vector) -> Vector:
    return np.sum(left * right, axis=1)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


# The vectors.
async def test_the_vectors_agree_with_those_of_the_original_model(shared: Embedder) -> None:
    agreement = cosines(await shared.embed(TEXTS), ORIGINAL)

    # Promised: .99. Measured: mean .9991, worst .9963; the room below is for other processors' kernels.
    assert agreement.mean() >= 0.998
    assert agreement.min() >= 0.993


async def test_every_vector_has_length_one_and_384_numbers(shared: Embedder) -> None:
    vectors = await shared.embed(TEXTS)

    assert vectors.shape == (len(TEXTS), DIMENSION)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


async def test_vectors_come_in_the_order_of_the_texts_also_when_some_repeat(shared: Embedder) -> None:
    indexes = random.Random(5).choices(range(len(TEXTS)), k=200)

    vectors = await shared.embed([TEXTS[index] for index in indexes])

    assert cosines(vectors, ORIGINAL[indexes]).min() >= 0.993


async def test_a_text_has_the_same_vector_alone_and_in_company(shared: Embedder, fresh: Embedder) -> None:
    together = await shared.embed(TEXTS)
    alone = np.concatenate([await fresh.embed([text]) for text in TEXTS])

    assert cosines(alone, together).min() >= 0.99999


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("My parcel never came.", "Where is the package I ordered?", "How do I change my password?"),
        ("I want my money back.", "Please refund this payment.", "The weather is lovely in Rome."),
        ("The screen stays black when I start the app.", "It does not launch any more.", "Send me the invoice for March."),
        ("Let me talk to a person.", "I would rather speak with a human agent.", "The train leaves from platform nine."),
    ],
)
async def test_texts_that_mean_the_same_are_nearer_than_others(shared: Embedder, text: str, near: str, far: str) -> None:
    wanted, close, distant = await shared.embed([text, near, far])

    assert wanted @ close > wanted @ distant + 0.15


# Texts at the edge.
async def test_no_texts_give_no_vectors_and_do_not_load_the_model(tmp_path: Path) -> None:
    embedder = Embedder(tmp_path / "nothing-here")

    assert (await embedder.embed([])).shape == (0, 384)
    embedder.close()


async def test_a_text_of_100_000_characters_is_read_up_to_the_limit_of_the_model(shared: Embedder) -> None:
    sentence = "The signaller sets the route before the train may pass. "
    long, longer = await shared.embed([(sentence * 2_000)[:100_000], sentence * 3_000])

    assert np.linalg.norm(long) == pytest.approx(1, abs=1e-4)
    assert long @ longer >= 0.99999


async def test_lone_surrogates_and_control_characters_do_no_harm(shared: Embedder) -> None:
    surrogate, question_mark, control = await shared.embed(["broken \ud83d emoji", "broken ? emoji", "\x00\x01\x02"])

    assert surrogate @ question_mark >= 0.99999
    assert np.isfinite(control).all()


async def test_one_text_instead_of_a_list_is_refused(shared: Embedder) -> None:
    with pytest.raises(Bug, match="list of texts"):
        await shared.embed("one text")


# Batches, cache and threads.
async def test_what_was_ordered_while_a_batch_ran_forms_the_next_batch(fresh: Embedder, watch: Watch) -> None:
    watch.may_go.clear()
    async with asyncio.TaskGroup() as callers:
        callers.create_task(fresh.embed(["first"]))
        await until(lambda: watch.batches == [["first"]])
        for number in range(MAX_TEXTS_PER_BATCH + 8):
            callers.create_task(fresh.embed([f"text {number}"]))
        await asyncio.sleep(0)
        watch.may_go.set()

    assert [len(batch) for batch in watch.batches] == [1, MAX_TEXTS_PER_BATCH, 8]


async def test_a_single_text_does_not_wait_behind_a_long_list(fresh: Embedder, watch: Watch) -> None:
    watch.may_go.clear()
    async with asyncio.TaskGroup() as callers:
        callers.create_task(fresh.embed([f"line {number}" for number in range(5 * MAX_TEXTS_PER_BATCH)]))
        await until(lambda: len(watch.batches) == 1)
        callers.create_task(fresh.embed(["urgent"]))
        await asyncio.sleep(0)
        watch.may_go.set()

    assert "urgent" in watch.batches[1]
    assert max(len(batch) for batch in watch.batches) <= MAX_TEXTS_PER_BATCH


async def test_a_text_seen_lately_is_not_computed_again(fresh: Embedder, watch: Watch) -> None:
    once = await fresh.embed(["label: refund", "label: delivery", "label: refund"])
    again = await fresh.embed(["label: delivery", "label: refund"])

    assert sum(len(batch) for batch in watch.batches) == 2
    assert np.array_equal(again, once[[1, 0]])


async def test_changing_a_result_does_not_change_what_the_next_caller_gets(fresh: Embedder) -> None:
    first = await fresh.embed(["mine"])
    kept = first.copy()
    first[:] = 0

    assert np.array_equal(await fresh.embed(["mine"]), kept)


async def test_the_cache_forgets_the_texts_that_were_not_used_for_longest(
    fresh: Embedder, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embed, "MAX_CACHED_VECTORS", 2)
    for text in ("old", "used", "old", "new"):
        await fresh.embed([text])
    computed = len(watch.batches)

    await fresh.embed(["old", "new"])
    assert len(watch.batches) == computed
    await fresh.embed(["used"])
    assert len(watch.batches) == computed + 1


def test_two_event_loops_in_two_threads_share_one_embedder(fresh: Embedder) -> None:
    results: dict[int, Vector] = {}

    async def ask() -> Vector:
        parts = await asyncio.gather(*(fresh.embed([text]) for text in TEXTS))
        return np.concatenate(parts)

    def run(number: int) -> None:
        results[number] = asyncio.run(ask())

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert cosines(results[0], ORIGINAL).min() >= 0.993
    assert cosines(results[1], results[0]).min() >= 0.99999


async def test_a_caller_that_gives_up_does_not_disturb_the_others(fresh: Embedder, watch: Watch) -> None:
    watch.may_go.clear()
    async with asyncio.TaskGroup() as callers:
        running = callers.create_task(fresh.embed(["running"]))
        await until(lambda: len(watch.batches) == 1)
        waiting = callers.create_task(fresh.embed(["given up"]))
        patient = callers.create_task(fresh.embed(["patient"]))
        await asyncio.sleep(0)
        running.cancel()
        waiting.cancel()
        await asyncio.sleep(0)
        watch.may_go.set()

    assert running.cancelled() and waiting.cancelled()
    assert patient.result().shape == (1, DIMENSION)
    assert watch.batches == [["running"], ["patient"]]


# Files and the end.
async def test_a_changed_model_file_is_refused_by_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "minilm"
    shutil.copytree(MODEL_FOLDER, folder)
    with (folder / "model.onnx").open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"changed")
    embedder = Embedder(folder)

    with pytest.raises(Bug, match=r"model\.onnx is not the file") as caught:
        await embedder.embed(["hello"])
    assert "Install Signalbox again" in caught.value.next_step
    embedder.close()


async def test_a_missing_model_is_told_to_every_caller(tmp_path: Path) -> None:
    embedder = Embedder(tmp_path)

    answers = await asyncio.gather(*(embedder.embed([text]) for text in ("a", "b")), return_exceptions=True)

    assert all(isinstance(answer, Bug) and "fingerprint.json cannot be read" in answer.message for answer in answers)
    embedder.close()


def test_the_model_id_names_the_model_and_the_file(shared: Embedder) -> None:
    assert shared.model_id.startswith("all-MiniLM-L6-v2@")
    assert len(shared.model_id) == len("all-MiniLM-L6-v2@") + 12


async def test_after_close_the_embedder_takes_no_texts(fresh: Embedder) -> None:
    await fresh.embed(["open"])
    fresh.close()
    fresh.close()

    with pytest.raises(Bug, match="closed"):
        await fresh.embed(["too late"])


async def test_who_waits_when_the_embedder_closes_is_told_and_the_running_batch_ends(fresh: Embedder, watch: Watch) -> None:
    watch.may_go.clear()
    async with asyncio.TaskGroup() as callers:
        running = callers.create_task(fresh.embed(["running"]))
        await until(lambda: len(watch.batches) == 1)
        waiting = callers.create_task(asyncio.wait([asyncio.Task(fresh.embed(["waiting"]))]))
        await asyncio.sleep(0.01)
        closing = callers.create_task(asyncio.to_thread(fresh.close))
        done, _ = await waiting
        watch.may_go.set()
        await closing

    assert running.result().shape == (1, DIMENSION)
    with pytest.raises(Bug, match="closed"):
        done.pop().result()
