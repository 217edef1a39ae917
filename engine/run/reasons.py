"""Why a run does not move, and what would move it, in sentences."""

from __future__ import annotations

from collections import Counter

from engine.clock import iso
from engine.run.decide import halt_reason, is_held
from engine.run.frontier import Step
from engine.run.state import RunState

MOST_TOLD = 5
"""Steps of a kind that the reason of a waiting run names."""


def waiting_reason(state: RunState) -> str:
    """What a waiting run waits for, and what would move it."""
    asked: Counter[str] = Counter()
    retried: Counter[str] = Counter()
    asleep: list[Step] = []
    doubtful: list[str] = []
    for step in state.steps.values():
        title = _named(state, step)
        if step.status == "waiting" and step.item:
            asked[title] += 1
        elif step.status == "in_doubt":
            doubtful.append(f"{title} is in doubt: somebody has to say in the inbox whether it happened.")
        elif step.status == "retrying":
            retried[title] += 1
        elif step.status == "asleep":
            asleep.append(step)
    runs = [s for s in state.steps.values() if s.child is not None]
    told = [f"{title} waits for {'an answer' if n == 1 else f'{n:,} answers'} in the inbox." for title, n in asked.items()]
    told += [f"{title} is tried again later{'' if n == 1 else f', for {n:,} items'}." for title, n in retried.items()]
    told += [f"{halt_reason(state)} Somebody has to say in the inbox how it goes on."] if state.asked else []
    told += [f"{_named(state, s)} waits for the run {s.child.run} of {s.child.name}." for s in runs[:MOST_TOLD] if s.child]
    postponed = [_named(state, s) for s in state.steps.values() if s.status == "postponed"]
    told += [f"{title} waits until other runs have given back what is set aside for them." for title in postponed[:MOST_TOLD]]
    if is_held(state) and any(step.status == "ready" for step in state.steps.values()):
        told.append("The next step waits until other runs have given back the steps that are set aside for them.")
    told += [f"The run {run} is being ended." for run in list(state.leaving)[:MOST_TOLD]]
    told += doubtful[:MOST_TOLD]
    told += [waits_for(step) for step in asleep[:MOST_TOLD]]
    if len(asleep) > MOST_TOLD:
        told.append(f"{len(asleep) - MOST_TOLD:,} more steps wait for a time or an event.")
    return " ".join(told)


def _named(state: RunState, step: Step) -> str:
    """The title of a step; of one that stands hidden in an agent, the agent's."""
    owner, dot, _ = step.node.id.partition(".")
    node = state.plan.nodes[owner] if dot else step.node
    return node.title or node.id


def waits_for(step: Step) -> str:
    """What a sleeping step waits for, in words."""
    title, until = step.node.title or step.node.id, iso(step.due_at)
    if not step.event:
        return f"{title} waits until {until}."
    about = f"{step.event} {step.key}" if step.key else step.event
    return f"{title} waits for the event {about[:200]}{f', until {until} at most' if until else ''}."
