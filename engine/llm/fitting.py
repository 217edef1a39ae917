"""Makes a JSON value that fits a JSON Schema out of the words of a text, without a model, best effort."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

from engine.jsonvalue import JsonValue, canonical
from engine.llm.patterns import text_for
from engine.llm.salience import Salience
from engine.schemas import problems_of

_DEEP = 4
"""Below this depth only what must be there is made, so that schemas that hold themselves come to an end."""
_DEEPEST = 24
_MOST_ITEMS = 200
_MOST_CHARS = 20_000
_SHORT_KEYS = ("title", "name", "label", "topic", "category", "status", "subject", "kind", "type", "tag", "id", "code", "key")
_LONG_KEYS = tuple("text reply answer message summary body draft description explanation comment response content".split())


def fit(schema: dict[str, Any] | bool, words: Salience, *, long_text: str) -> JsonValue:
    """A value for `schema`; keys that ask for prose (`reply`, `summary`…) get `long_text`, others words, numbers and dates of the text."""
    for attempt in range(8):
        try:
            value = _Fitter(schema, words, long_text, attempt).value(schema, "", 0)
        except RecursionError:
            continue
        if attempt == 7 or not problems_of(value, schema):
            return value
    return None


class _Fitter:
    def __init__(self, root: Any, words: Salience, long_text: str, attempt: int) -> None:
        self._root, self._words, self._long, self._attempt = root, words, long_text, attempt

    def value(self, schema: Any, key: str, depth: int) -> JsonValue:
        """A value for one place; `key` is its name and makes its choices repeatable."""
        if depth > _DEEPEST or not isinstance(schema, dict):
            return None if schema is False or depth > _DEEPEST else self._words.words[0]
        schema = self._plain(schema)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self._choice(schema, key)
        for word in ("anyOf", "oneOf"):
            if schema.get(word):
                return self._one_of(schema, word, key, depth)
        match self._kind(schema, depth):
            case "object":
                return self._object(schema, key, depth)
            case "array":
                return self._array(schema, key, depth)
            case "integer":
                return self._number(schema, key, whole=True)
            case "number":
                return self._number(schema, key, whole=False)
            case "boolean":
                return self._words.pick(key + str(self._attempt), 2) == 0
            case "null":
                return None
            case _:
                return self._text(schema, key)

    def _plain(self, schema: dict[str, Any]) -> dict[str, Any]:
        for _ in range(_DEEPEST):
            rest = {word: part for word, part in schema.items() if word not in ("$ref", "allOf")}
            more = list(schema.get("allOf") or ()) + ([self._follow(schema["$ref"])] if "$ref" in schema else [])
            if not more:
                break
            for part in more:
                rest = merged(rest, part) if isinstance(part, dict) else rest
            schema = rest
        return schema

    def _follow(self, reference: Any) -> Any:
        place = self._root
        for part in str(reference).split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            if isinstance(place, list):
                place = place[int(part)] if part.isdecimal() and int(part) < len(place) else None
            else:
                place = place.get(part) if isinstance(place, dict) else None
        return place

    def _kind(self, schema: dict[str, Any], depth: int) -> str:
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return "null" if depth > _DEEP and "null" in kinds else next((kind for kind in kinds if kind != "null"), "null")
        if isinstance(kinds, str):
            return kinds
        signs = (
            ("object", ("properties", "required", "additionalProperties", "minProperties", "patternProperties")),
            ("array", ("items", "prefixItems", "minItems", "maxItems", "contains", "uniqueItems")),
            ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
        )
        return next((kind for kind, words in signs if any(word in schema for word in words)), "string")

    def _choice(self, schema: dict[str, Any], key: str) -> JsonValue:
        rest = {word: part for word, part in schema.items() if word != "enum"}
        choices = [choice for choice in schema["enum"] if not problems_of(choice, self._local(rest))] or schema["enum"]
        heard = " ".join(self._words.sentences).lower()
        start = self._words.pick(key + str(self._attempt), len(choices))
        turned = choices[start:] + choices[:start]
        return max(turned, key=lambda choice: _overlap(choice, heard))

    def _local(self, schema: dict[str, Any]) -> dict[str, Any]:
        defs = {word: self._root[word] for word in ("$defs", "definitions") if isinstance(self._root, dict) and word in self._root}
        return {**defs, **schema}

    def _one_of(self, schema: dict[str, Any], word: str, key: str, depth: int) -> JsonValue:
        rest = {other: part for other, part in schema.items() if other != word}
        options = list(schema[word])
        turn = self._attempt % len(options)
        options = options[turn:] + options[:turn]
        if depth > _DEEP:
            # The simplest possibility first: the others may hold the schema itself.
            options.sort(key=lambda option: len(canonical(option)) + (1_000 if "$ref" in str(option) else 0))
        first: JsonValue = None
        for place, option in enumerate(options[:12]):
            value = self.value(merged(rest, option) if isinstance(option, dict) else rest, key, depth + 1)
            if not problems_of(value, self._local(schema)):
                return value
            first = value if place == 0 else first
        return first

    def _object(self, schema: dict[str, Any], key: str, depth: int) -> JsonValue:
        named = schema.get("properties") or {}
        required = list(schema.get("required") or ())
        wanted = required if depth >= _DEEP or self._attempt >= 4 else [*named, *(name for name in required if name not in named)]
        extra = schema.get("additionalProperties", {})
        most = schema.get("maxProperties", _MOST_ITEMS)
        wanted = required + [name for name in wanted if name not in required][: max(0, most - len(required))]
        order = [name for name in named if name in wanted] + [name for name in wanted if name not in named]
        made = {name: self.value(self._part(schema, name, extra), name, depth + 1) for name in order if named.get(name) is not False}
        spare = [name for name in named if name not in made and named[name] is not False]
        spare += [f"{word.lower()}_{place}" for place, word in enumerate(self._words.words)] if extra is not False else []
        spare += [f"note_{place}" for place in range(_MOST_ITEMS)] if extra is not False else []
        for name in spare:
            if len(made) >= min(schema.get("minProperties", 0), _MOST_ITEMS):
                break
            made[name] = self.value(self._part(schema, name, extra), name, depth + 1)
        return made

    def _part(self, schema: dict[str, Any], name: str, extra: Any) -> Any:
        named, by_pattern = schema.get("properties") or {}, schema.get("patternProperties") or {}
        return named.get(name, extra if not by_pattern else next(iter(by_pattern.values())))

    def _array(self, schema: dict[str, Any], key: str, depth: int) -> JsonValue:
        first, items = list(schema.get("prefixItems") or ()), schema.get("items", {})
        least = min(schema.get("minItems", 0), _MOST_ITEMS)
        usual = 0 if depth >= _DEEP else max(2, len(first))
        if isinstance(schema.get("contains"), dict):
            often = min(max(schema.get("minContains", 1), 1), _MOST_ITEMS)
            usual_item = items if isinstance(items, dict) else {}
            least = max(least, often, len(first))
            heads = [*first, *([usual_item] * (often - len(first)))]
            first = [merged(head, schema["contains"]) if isinstance(head, dict) else schema["contains"] for head in heads]
        count = min(max(least, usual if items is not False or first else 0), schema.get("maxItems", _MOST_ITEMS))
        made: list[JsonValue] = []
        seen: set[bytes] = set()
        for place in range(count * 6):
            if len(made) >= count or (len(made) >= len(first) and items is False):
                break
            part = first[len(made)] if len(made) < len(first) else items
            value = self.value(part, f"{key}[{place}]", depth + 1)
            mark = canonical(value)
            if schema.get("uniqueItems") and mark in seen:
                others = self._others(part, seen)
                if not others:
                    continue
                value, mark = others[0], canonical(others[0])
            seen.add(mark)
            made.append(value)
        return made

    def _others(self, part: Any, seen: set[bytes]) -> list[JsonValue]:
        """Values for `part` that are not among `seen`, if some are easily found."""
        plain = self._plain(part) if isinstance(part, dict) else {}
        candidates: Iterator[JsonValue] = iter(plain.get("enum") or ())
        if "enum" not in plain and (kind := self._kind(plain, 0)) in ("integer", "number"):
            low = _low(plain, kind == "integer")
            candidates = (_tidy(low + step * (plain.get("multipleOf") or 1)) for step in range(len(seen) + 2))
        elif "enum" not in plain:
            words = [f"{word} {len(seen) + 1}" for word in self._words.words]
            candidates = iter([True, False] if plain.get("type") == "boolean" else words)
        fitting = (value for value in candidates if canonical(value) not in seen and not problems_of(value, self._local(plain)))
        return list(islice(fitting, 1))

    def _number(self, schema: dict[str, Any], key: str, *, whole: bool) -> JsonValue:
        step = schema.get("multipleOf")
        low, high = _low(schema, whole), schema.get("maximum", schema.get("exclusiveMaximum", math.inf))
        span = min(high - low, 9) if high != math.inf else 9
        candidates = [number for number in self._words.numbers if not whole or number.is_integer()]
        if step:
            base = math.ceil(low / step) if math.isfinite(low / step) else 0
            candidates += [(base + turn) * step for turn in (self._words.pick(key, 5), *range(12))]
        usual = low + (self._words.pick(key, int(span) + 1) if span >= 1 else span / 2)
        candidates += [usual, low, low + span / 2, low + span / 4, high, 0]
        wanted = {**self._local(schema), "type": "integer" if whole else "number"}
        for number in candidates:
            value = _tidy(number)
            if math.isfinite(value) and not problems_of(value, wanted):
                return value
        return _tidy(low)

    def _text(self, schema: dict[str, Any], key: str) -> str:
        least, most = min(schema.get("minLength", 0), _MOST_CHARS), schema.get("maxLength", _MOST_CHARS)
        if isinstance(schema.get("pattern"), str):
            made = text_for(schema["pattern"], pick=lambda n: self._words.pick(f"{key}/{n}/{self._attempt}", n), at_least=least)
            if made is not None:
                return made
        if isinstance(schema.get("format"), str) and (found := _formatted(schema["format"], key, self._words)):
            return found
        return _sized(self._prose(key.lower(), most), least, most)

    def _prose(self, key: str, most: int) -> str:
        name = key.partition("[")[0]
        words = self._words
        if "email" in name or "e_mail" in name:
            return (words.emails or ("someone@example.com",))[0]
        if name.endswith("date") or name.startswith("date"):
            return (words.dates or ("2026-01-01",))[0]
        if "url" in name or name.endswith("link"):
            return (words.links or ("https://example.com/",))[0]
        if name in _SHORT_KEYS or name.rpartition("_")[2] in _SHORT_KEYS or most <= 40:
            return " ".join(words.words[:3])
        if name in _LONG_KEYS or name.rpartition("_")[2] in _LONG_KEYS:
            return self._long
        place = key.partition("[")[2].rstrip("]")
        return words.sentences[(int(place) if place.isdecimal() else words.pick(key, 3)) % len(words.sentences)]


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A schema that asks for what both ask, as far as keywords can be joined."""
    both = {**one, **other}
    if "properties" in one and "properties" in other:
        names = {**one["properties"], **other["properties"]}
        for name in one["properties"].keys() & other["properties"].keys():
            parts = one["properties"][name], other["properties"][name]
            if all(isinstance(part, dict) for part in parts):
                names[name] = merged(*parts)
        both["properties"] = names
    for word in ("required", "allOf"):
        if word in one and word in other:
            both[word] = [*one[word], *(item for item in other[word] if item not in one[word])]
    for word, tighter in (("minimum", max), ("maximum", min), ("minLength", max), ("maxLength", min), ("minItems", max), ("maxItems", min)):
        if word in one and word in other:
            both[word] = tighter(one[word], other[word])
    if "enum" in one and "enum" in other:
        both["enum"] = [choice for choice in one["enum"] if choice in other["enum"]] or other["enum"]
    return both


def _low(schema: dict[str, Any], whole: bool) -> float:
    low = schema.get("minimum")
    if "exclusiveMinimum" in schema and (low is None or schema["exclusiveMinimum"] >= low):
        low = schema["exclusiveMinimum"] + (1 if whole else 0)
        low = math.floor(low) if whole else low
    if low is None:
        high = schema.get("maximum", schema.get("exclusiveMaximum", math.inf))
        low = min(0, high - 10 if high < 0 else 0)
    return math.ceil(low) if whole else low


def _tidy(number: float) -> int | float:
    return int(number) if isinstance(number, float) and number.is_integer() and abs(number) < 2**53 else number


def _overlap(choice: Any, heard: str) -> int:
    words = [word for word in str(choice).lower().replace("_", " ").replace("-", " ").split() if len(word) > 2]
    return sum(heard.count(word) for word in words)


def _sized(text: str, least: int, most: int) -> str:
    while len(text) < least:
        text = f"{text} {text}"[: max(least, 1)] if text else "a" * least
    if len(text) <= most:
        return text
    cut = text[:most]
    at_word = cut.rsplit(" ", 1)[0]
    return at_word if len(at_word) >= least and len(at_word) > most // 2 else cut


def _formatted(kind: str, key: str, words: Salience) -> str | None:
    day = (words.dates or ("2026-01-01",))[0]
    number = words.pick(key, 10**12)
    return {
        "date": day,
        "date-time": f"{day}T09:00:00Z",
        "time": "09:00:00Z",
        "duration": "P1D",
        "email": (words.emails or ("someone@example.com",))[0],
        "uri": (words.links or ("https://example.com/",))[0],
        "hostname": "example.com",
        "ipv4": "192.0.2.1",
        "ipv6": "2001:db8::1",
        "uuid": f"00000000-0000-4000-8000-{number:012d}",
    }.get(kind)
