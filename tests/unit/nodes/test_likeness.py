"""Confidence says how clear a case is."""

from engine.nodes.contract import Capability
from engine.nodes.likeness import TEMPERATURE_OF_MANY, Sample, likeness_of, temperature
from tests.unit.nodes.fakes import World


async def likeness(text: str, *samples: Sample) -> dict[str, float]:
    return await likeness_of(text, samples, World(frozenset({Capability.MEANING})))


LOST = Sample("lost", "", ["I lost my card", "my card was stolen"])
FEES = Sample("fees", "", ["why was there a fee", "you charged me twice"])


async def test_all_labels_together_are_certain() -> None:
    assert abs(sum((await likeness("my card is gone", LOST, FEES)).values()) - 1) < 0.001


async def test_what_lies_between_two_labels_is_less_sure() -> None:
    clear, between = await likeness("I lost my card", LOST, FEES), await likeness("fee card", LOST, FEES)
    assert clear["lost"] > max(between.values())


async def test_a_description_does_for_a_label_without_examples() -> None:
    found = await likeness("someone stole it", Sample("lost", "someone stole it", []), Sample("fees", "a fee", []))
    assert found["lost"] > 0.9


async def test_the_name_does_for_a_label_without_anything() -> None:
    found = await likeness("fees", Sample("lost", "", []), Sample("fees", "", []))
    assert max(found, key=lambda name: found[name]) == "fees"


async def test_one_label_alone_is_certain() -> None:
    assert await likeness("anything", LOST) == {"lost": 1.0}


def test_many_examples_say_more_than_few() -> None:
    assert temperature(0) > temperature(3) > temperature(40) > TEMPERATURE_OF_MANY
