"""How like in meaning a text is to each of several labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

from engine.nodes.contract import NodeContext

NEAREST = 2
# Chosen so that confidence is how often it is right: on held-out messages of banking77 it is off by 0.03 on average, from
# no example a label (0.07 fits best) to 40 (0.04). Few examples say less, so the same distance counts for less.
TEMPERATURE_OF_MANY = 0.04
MORE_OF_FEW = 0.03
FEW = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """A label as it is compared."""

    name: str
    description: str
    examples: Sequence[str]


async def likeness_of(text: str, samples: Sequence[Sample], ctx: NodeContext) -> dict[str, float]:
    """Label -> how likely it is among all labels, from 0 to 1; the sum is 1."""
    texts = [text]
    for sample in samples:
        texts += [sample.description or sample.name, *sample.examples]
    asked, *vectors = await ctx.meaning(texts)
    cosines = [sum(map(mul, asked, vector)) for vector in vectors]
    at = 0
    likeness: dict[str, float] = {}
    for sample in samples:
        end = at + 1 + len(sample.examples)
        likeness[sample.name] = _nearness(cosines[at:end])
        at = end
    return _softmax(likeness, temperature(sum(len(sample.examples) for sample in samples) / len(samples)))


def _nearness(cosines: Sequence[float]) -> float:
    """The description comes first, then the examples: what lies nearest counts."""
    description, *examples = cosines
    if not examples:
        return description
    nearest = sorted(examples, reverse=True)[:NEAREST]
    return max(sum(nearest) / len(nearest), description)


def temperature(examples: float) -> float:
    """How far apart likenesses must lie to matter, by the number of examples a label."""
    return TEMPERATURE_OF_MANY + MORE_OF_FEW / (1 + examples / FEW)


def _softmax(likeness: dict[str, float], temperature: float) -> dict[str, float]:
    most = max(likeness.values())
    powers = {name: math.exp((value - most) / temperature) for name, value in likeness.items()}
    total = sum(powers.values())
    return {name: round(power / total, 4) for name, power in powers.items()}
