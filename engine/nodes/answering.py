"""How steps ask models: the most that it can use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.nodes.contract import Estimate, ModelRequest, Pricing


def most_of(request: ModelRequest, fallbacks: Sequence[str], pricing: Pricing) -> Estimate:
    """All models that may be asked together: a call that was lost may have cost its full bound before the next one is asked."""
    bounds = [pricing.bound(replace(request, model=name)) for name in pricing.chain(request.model, fallbacks)]
    return Estimate(sum(b.cost_micro for b in bounds), sum(b.tokens for b in bounds), len(bounds))
