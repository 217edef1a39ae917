"""The functions that work on lists and objects, some with a body such as "x -> x.amount > 3"."""

from __future__ import annotations

from typing import Any

from engine.expressions.errors import Absent, BadArgument, TypeMismatch
from engine.expressions.frame import ITEMS_A_UNIT, Frame, list_fits
from engine.expressions.functions.table import Body, define, list_of, object_of, text_of
from engine.expressions.render import json_text
from engine.expressions.values import identity, is_number, is_true
from engine.jsonvalue import NotJsonValue, loads

_JSON_CHARACTERS_A_UNIT = 16


def _items(frame: Frame, name: str, value: Any) -> list[Any]:
    items = list_of(name, value)
    list_fits(len(items))
    frame.spend(len(items) // ITEMS_A_UNIT)
    return items


def any_true(frame: Frame, items: Any) -> bool:
    """any(list)

    Whether at least one item is true; false, null, 0, "", [] and {} are not.

    any([false, 1]) => true
    any([]) => false
    """
    return any(is_true(item) for item in _items(frame, "any", items))


def all_true(frame: Frame, items: Any) -> bool:
    """all(list)

    Whether every item is true; so it is for an empty list.

    all(map(inputs.orders, "x -> x.amount > 0")) => true
    all([1, null]) => false
    """
    return all(is_true(item) for item in _items(frame, "all", items))


def first(_frame: Frame, items: Any) -> Any:
    """first(list)

    The first item; no value if the list is empty.

    first([7, 8]) => 7
    default(first([]), "none") => "none"
    """
    if not list_of("first", items):
        raise Absent(lambda: "`first` has no value: the list is empty")
    return items[0]


def last(_frame: Frame, items: Any) -> Any:
    """last(list)

    The last item; no value if the list is empty.

    last([7, 8]) => 8
    """
    if not list_of("last", items):
        raise Absent(lambda: "`last` has no value: the list is empty")
    return items[-1]


def count(frame: Frame, items: Any, body: Body | None = None) -> int:
    """count(list, "x -> condition")

    How many items there are, or for how many of them the condition is true.

    count([4, 5, 6]) => 3
    count([4, 5, 6], "x -> x > 4") => 2
    """
    found = _items(frame, "count", items)
    return len(found) if body is None else sum(is_true(body(item)) for item in found)


def where(frame: Frame, items: Any, body: Body) -> list[Any]:
    """where(list, "x -> condition")

    The items for which the condition is true.

    where([4, 5, 6], "x -> x > 4") => [5, 6]
    where(inputs.orders, "order -> order.paid") => [{"amount": 500, "paid": true}]
    """
    return [item for item in _items(frame, "where", items) if is_true(body(item))]


def mapped(frame: Frame, items: Any, body: Body) -> list[Any]:
    """map(list, "x -> expression")

    What the expression makes of each item, in the same order.

    map([1, 2], "x -> x * 10") => [10, 20]
    map(inputs.orders, "x -> x.amount") => [250, 500]
    """
    return [body(item) for item in _items(frame, "map", items)]


def ordered(frame: Frame, items: Any, body: Body | None = None, descending: Any = False) -> list[Any]:
    """sort(list, "x -> key", descending=false)

    The items from the smallest to the largest key (the item itself, if no key is given); equal ones keep their order.

    sort([3, 1, 2]) => [1, 2, 3]
    sort(["b", "a"], "x -> x", true) => ["b", "a"]
    map(sort(inputs.orders, "x -> -x.amount"), "x -> x.amount") => [500, 250]
    """
    found = _items(frame, "sort", items)
    if type(descending) is not bool:
        raise TypeMismatch("The third argument of `sort` is true or false")
    keys = list(found) if body is None else [body(item) for item in found]
    texts = all(type(key) is str for key in keys)
    if not texts and not all(map(is_number, keys)):
        raise TypeMismatch("`sort` needs keys that are all numbers or all texts", hint='Name a key: sort(list, "x -> x.name").')
    rounds = 1 + len(keys).bit_length()
    frame.spend(len(keys) * rounds // ITEMS_A_UNIT)
    if texts:
        frame.spend_text(sum(map(len, keys)) * rounds)
    order = sorted(range(len(keys)), key=keys.__getitem__, reverse=descending)
    return [found[place] for place in order]


def unique(frame: Frame, items: Any) -> list[Any]:
    """unique(list)

    The items without those that equal an earlier one.

    unique([1, 1.0, "1", true]) => [1, "1", true]
    """
    seen = set[Any]()
    found = list[Any]()
    for item in _items(frame, "unique", items):
        key = identity(frame, item)
        if key not in seen:
            seen.add(key)
            found.append(item)
    return found


def flat(frame: Frame, lists: Any) -> list[Any]:
    """flat(list of lists)

    One list of what stands in the lists of a list, in the same order; what stands deeper stays as it is.

    flat([[1, 2], [], [3]]) => [1, 2, 3]
    flat([[[1]], ["a"]]) => [[1], "a"]
    """
    found = list[Any]()
    for inner in _items(frame, "flat", lists):
        list_fits(len(found) + len(list_of("flat", inner)))
        frame.spend(1 + len(inner) // ITEMS_A_UNIT)
        found += inner
    return found


def keys(frame: Frame, value: Any) -> list[Any]:
    """keys(object)

    The keys of an object, in their order.

    keys({"a": 1, "b": 2}) => ["a", "b"]
    """
    return _items(frame, "keys", list(object_of("keys", value)))


def values(frame: Frame, value: Any) -> list[Any]:
    """values(object)

    The values of an object, in the order of its keys.

    values({"a": 1, "b": 2}) => [1, 2]
    """
    holder = object_of("values", value)
    return _items(frame, "values", [holder[key] for key in holder])


def to_json(frame: Frame, value: Any) -> str:
    """json(value)

    The value as compact JSON.

    json({"a": [1, null]}) => "{\\"a\\":[1,null]}"
    json("x") => "\\"x\\""
    """
    return json_text(frame, value)


def from_json(frame: Frame, text: Any) -> Any:
    """parse_json(text)

    The value that a JSON text spells.

    parse_json("[1, 2]")[1] => 2
    """
    text = text_of("parse_json", text)
    frame.spend(1 + len(text) // _JSON_CHARACTERS_A_UNIT)
    try:
        return loads(text)
    except (NotJsonValue, UnicodeEncodeError) as error:
        raise BadArgument(
            f"The text is not JSON: {str(error)[:200]}", hint="Look at the text; models like to wrap JSON in words."
        ) from None


LISTS = (
    *(define(f, subject="Lists") for f in (any_true, all_true, first, last, unique, flat)),
    *(define(f, subject="Lists", body=1) for f in (count, where, mapped, ordered)),
    *(define(f, subject="Objects and JSON") for f in (keys, values, to_json, from_json)),
)
