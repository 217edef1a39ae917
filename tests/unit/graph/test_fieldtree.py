"""Expressions and templates are found wherever they stand in a config, and worked out where they stand."""

from pydantic import BaseModel, ConfigDict

from engine.graph.fields import Expr, FieldRole, JsonTemplate, Template
from engine.graph.fieldtree import Each, Keyed, is_fixed, marked_fields, resolver, roles_of


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    when: Expr
    note: Template = ""


class Everything(BaseModel):
    plain: str = "{{ not read }}"
    text: Template = ""
    maybe: Expr | None = None
    values: dict[str, Expr] = {}
    texts: list[Template] = []
    parts: list[Part] = []
    nested: dict[str, list[Part]] = {}
    other: list[dict[str, int]] = []


def compile_(source, role, path):
    return lambda scope: f"{role.value}:{path}:{source}"


def worked_out(value: Everything) -> dict:
    return {name: resolver(getattr(value, name), tree, name, compile_)({}) for name, tree in marked_fields(Everything).items()}


def test_only_fields_with_marks_are_listed() -> None:
    assert set(marked_fields(Everything)) == {"text", "maybe", "values", "texts", "parts", "nested"}
    assert marked_fields(Everything)["text"] is FieldRole.TEMPLATE


def test_marks_are_found_in_lists_objects_models_and_options() -> None:
    value = Everything(
        text="a", maybe="b", values={"k": "c"}, texts=["d"], parts=[Part(name="n", when="e")], nested={"q": [Part(name="m", when="f")]}
    )
    assert worked_out(value) == {
        "text": "template:text:a",
        "maybe": "expression:maybe:b",
        "values": {"k": "expression:values.k:c"},
        "texts": ["template:texts[0]:d"],
        "parts": [{"name": "n", "when": "expression:parts[0].when:e", "note": "template:parts[0].note:"}],
        "nested": {"q": [{"name": "m", "when": "expression:nested.q[0].when:f", "note": "template:nested.q[0].note:"}]},
    }


def test_an_option_that_is_left_out_stays_null() -> None:
    assert resolver(None, marked_fields(Everything)["maybe"], "maybe", compile_)({}) is None


def test_parts_can_be_worked_out_one_by_one() -> None:
    found = resolver([Part(name="n", when="e")], marked_fields(Everything)["parts"], "parts", compile_)
    assert isinstance(found, Each) and isinstance(found.items[0], Keyed)
    assert found.items[0].entries["when"]({}) == "expression:parts[0].when:e"


def test_values_of_the_wrong_type_are_left_as_they_are() -> None:
    for name, value in (("values", ["x"]), ("parts", {"a": 1}), ("text", 5), ("texts", "x"), ("nested", None)):
        assert resolver(value, marked_fields(Everything)[name], name, compile_)({}) == value


def test_what_holds_no_expression_is_fixed() -> None:
    assert is_fixed(resolver(["x"], None, "f", compile_))
    assert not is_fixed(resolver(["x"], marked_fields(Everything)["texts"], "f", compile_))


class Sent(BaseModel):
    body: JsonTemplate = None


def test_a_json_value_is_worked_out_at_any_depth() -> None:
    tree = marked_fields(Sent)["body"]
    value = {"a": "x", "b": [1, None, True, {"c": ["y"]}], "d": {}}
    assert resolver(value, tree, "body", compile_)({}) == {
        "a": "template:body.a:x", "b": [1, None, True, {"c": ["template:body.b[3].c[0]:y"]}], "d": {},
    }  # fmt: skip
    assert resolver("z", tree, "body", compile_)({}) == "template:body:z"
    assert is_fixed(resolver(5, tree, "body", compile_)) and resolver(5, tree, "body", compile_)({}) == 5
    assert roles_of(Sent) == {"body": FieldRole.TEMPLATE}
