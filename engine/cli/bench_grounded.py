"""How many planted sentences the check of sources catches, and how often it is wrong about true ones.

Data in the form of LoCoMo: conversations with observations about them, each a true sentence in other words. A hundred
answers hold three true observations of a session and one that is planted: from another conversation, from another
session of the same two people, or a true one with a number or a name exchanged.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ConfigInvalid
from engine.llm.checks.grounding import grounds_of
from engine.memory.embed import Embedder

KINDS = ("another conversation", "another session", "number or name exchanged")
_NUMBER = re.compile(r"\b\d+\b")
_NAME = re.compile(r"(?<=\s)[A-Z][a-z]{2,}\b")
_OTHERS = ("Rotterdam", "Gustavo", "Helsinki", "Priya", "Aberdeen", "Yannick")


@dataclass(frozen=True, slots=True)
class Answer:
    """Sentences about one session; the planted one stands at `planted`."""

    sources: str
    sentences: tuple[str, ...]
    planted: int
    kind: str


@dataclass(frozen=True, slots=True)
class Talk:
    """What was said, and true sentences about it."""

    conversation: int
    said: str
    true: tuple[str, ...]


def measure(data: Path, *, answers: int = 100, seed: int = 1, only: int | None = None) -> list[dict[str, Any]]:
    """One line for each way of planting, and one for all. ConfigInvalid for a file of another form."""
    sessions = sessions_of(json.loads(data.read_text(encoding="utf-8")))
    return asyncio.run(_figures(planted_answers(sessions, answers=answers, seed=seed, only=only)))


async def _figures(made: list[Answer]) -> list[dict[str, Any]]:
    embedder = Embedder()
    caught, planted = Counter[str](), Counter[str]()
    false_alarms = true = 0

    async def meaning(texts: Any) -> list[list[float]]:
        return (await embedder.embed(texts)).tolist()

    try:
        for answer in made:
            verdicts = {v.sentence: v.is_supported for v in await grounds_of(" ".join(answer.sentences), answer.sources, meaning)}
            for place, sentence in enumerate(answer.sentences):
                is_supported = verdicts.get(sentence, True)
                if place == answer.planted:
                    planted[answer.kind] += 1
                    caught[answer.kind] += not is_supported
                else:
                    true += 1
                    false_alarms += not is_supported
    finally:
        embedder.close()
    lines = [
        {"what": "grounded", "planted": kind, "sentences": planted[kind], "caught": round(caught[kind] / max(1, planted[kind]), 3)}
        for kind in KINDS
    ]
    total = {"what": "grounded", "answers": len(made), "planted": "all", "caught": round(caught.total() / max(1, planted.total()), 3)}
    return [*lines, total | {"true_sentences": true, "false_alarms": round(false_alarms / max(1, true), 3)}]


def sessions_of(conversations: list[dict[str, Any]]) -> list[Talk]:
    """The sessions of all conversations that have something to say. ConfigInvalid for a file of another form."""
    found: list[Talk] = []
    try:
        for number, one in enumerate(conversations):
            for name, said in one["conversation"].items():
                observed = one["observation"].get(f"{name}_observation") if isinstance(said, list) else None
                true = tuple(_sentence(text) for rows in (observed or {}).values() for text, *_ in rows)
                if len(true) >= 4:
                    date = one["conversation"].get(f"{name}_date_time", "")
                    lines = [f"{turn['speaker']}: {turn['text']} {_picture(turn)}".strip() for turn in said]
                    found.append(Talk(number, "\n".join([f"Conversation at {date}.", *lines]), true))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigInvalid(f"The file has another form: {error!r}.", hint="Give a file of LoCoMo, such as locomo/dev.json.") from error
    if len({session.conversation for session in found}) < 2:
        raise ConfigInvalid("The file holds fewer than two conversations.", hint="Give a file of LoCoMo, such as locomo/dev.json.")
    return found


def planted_answers(sessions: list[Talk], *, answers: int, seed: int, only: int | None = None) -> list[Answer]:
    """The answers; the same for the same seed. `only`: about that conversation, counted from 0."""
    about = [session for session in sessions if only is None or session.conversation == only]
    chance = random.Random(seed)  # noqa: S311 - figures that can be had again, no secrets
    made: list[Answer] = []
    while len(made) < answers:
        session = chance.choice(about)
        kind = KINDS[len(made) % len(KINDS)]
        true = chance.sample(session.true, 4)
        foreign = _foreign(session, sessions, kind, true.pop(), chance)
        if foreign is None:
            continue
        place = chance.randrange(4)
        true.insert(place, foreign)
        made.append(Answer(session.said, tuple(true), place, kind))
    return made


def _foreign(session: Talk, sessions: list[Talk], kind: str, true: str, chance: random.Random) -> str | None:
    if kind == KINDS[2]:
        return _exchanged(true, chance)
    is_other = kind == KINDS[0]
    others = [s for s in sessions if s is not session and (s.conversation != session.conversation) == is_other]
    return chance.choice(chance.choice(others).true) if others else None


def _exchanged(true: str, chance: random.Random) -> str | None:
    if number := _NUMBER.search(true):
        return true[: number.start()] + str(int(number.group()) + chance.randint(2, 9)) + true[number.end() :]
    if name := _NAME.search(true):
        return true[: name.start()] + chance.choice(_OTHERS) + true[name.end() :]
    return None


def _picture(turn: dict[str, Any]) -> str:
    return f"(shows {turn['blip_caption']})" if turn.get("blip_caption") else ""


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text[-1:] in ".!" else text + "."
