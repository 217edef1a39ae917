"""The list of tools in words, and what the dialogs make of what is typed."""

from typing import Any

import pytest

from app.pages.settings.tools_rows import PAGE, looked_for, page_told, tool_row
from engine import CatalogToolView
from tests.unit.app.javascript import run

FOLDER = "app/components/tools"
DRAFT = 'import * as draft from "./draft.js";\n---'


def tool(name: str, **more: Any) -> CatalogToolView:
    fields: dict[str, Any] = {
        "name": name,
        "title": name,
        "kind": "web",
        "owner": "Ann",
        "description": "Looks an order up.\nMore of it.",
        "parameters": {"type": "object"},
        "effect": "idempotent",
        "is_writing": False,
        "is_outward": False,
        "origins": ["external"],
        "cost_usd": 0.0,
        "digest": "d",
        "state": "usable",
        "why": "",
    }
    return CatalogToolView(**fields | more)


def test_a_row_says_what_a_call_does_and_whether_it_can_be_made() -> None:
    plain = tool_row(tool("find_order"))
    assert (plain.told, plain.does, plain.word) == ("Looks an order up.", "Only reads, or twice is as once", "Ready")
    pay = tool_row(tool("pay", effect="unsafe", is_writing=True, origins=["private", "external"], cost_usd=0.02))
    assert pay.does == "Changes something · asks a person first · may hold private data · $0.02 a call"
    off = tool_row(tool("send_email", kind="built_in", state="off", why="No mail server is set up."))
    assert (off.tone, off.word, off.why) == ("skipped", "Off", "No mail server is set up.")
    assert tool_row(tool("crm__find", state="waits", why="It has changed.")).word == "Waits for you"
    assert len(tool_row(tool("long", description="x" * 5_000)).told) <= 200
    assert tool_row(tool("silent", description="  \n ")).told == ""


def test_tools_are_found_by_all_words_and_what_waits_stands_first() -> None:
    tools = [tool("b_order"), tool("a_page", description="Reads a page."), tool("z_old", state="waits"), tool("mail", kind="built_in")]
    assert [one.name for one in looked_for(tools, query="", kind="")] == ["z_old", "a_page", "b_order", "mail"]
    assert [one.name for one in looked_for(tools, query="ORDER looks", kind="web")] == ["z_old", "b_order"]
    assert [one.name for one in looked_for(tools, query="", kind="built_in")] == ["mail"]
    assert looked_for(tools, query="nowhere", kind="") == []


def test_a_list_of_one_page_tells_no_places() -> None:
    assert page_told(0, PAGE) == ""
    assert (page_told(0, PAGE + 3), page_told(1, PAGE + 3)) == ("1 to 100 of 103", "101 to 103 of 103")


KEPT: dict[str, Any] = {
    "name": "find_order",
    "description": "Looks an order up.",
    "parameters": {
        "type": "object",
        "properties": {"id": {"type": "string", "description": "Its number"}, "parts": {"type": "array", "items": {"type": "integer"}}},
        "additionalProperties": False,
        "required": ["id"],
    },
    "effect": "idempotent",
    "method": "POST",
    "url": "https://shop.example/{{ arguments.id }}",
    "query": {"a": "1", "b": ""},
    "headers": {"X-A": "b"},
    "body": '{"id": "{{ arguments.id }}"}',
    "secret": "SHOP_KEY",
    "cost_usd": 0.02,
    "origins": ["private"],
    "carries": True,
}


@pytest.mark.parametrize(
    "parameters",
    [KEPT["parameters"], {"type": "object", "anyOf": [{"required": ["a"]}], "properties": {}}, {"type": "object", "properties": {}}],
)
def test_a_tool_that_is_only_opened_and_saved_stays_what_it_is(parameters: Any) -> None:
    found = run(f"{DRAFT} draft.read(draft.draftOf(given))", KEPT | {"parameters": parameters}, folder=FOLDER)
    assert found["problems"] == []
    assert {"name": found["name"]} | found["definition"] == KEPT | {"parameters": parameters}


def test_what_is_missing_is_told_before_anybody_is_asked() -> None:
    found = run(f"{DRAFT} draft.read({{ ...draft.draftOf(), cost: given }}, {{ taken: ['a'] }})", "two cents", folder=FOLDER)
    assert [problem["field"] for problem in found["problems"]] == ["name", "description", "url", "cost_usd"]
    taken = run(f"{DRAFT} draft.read({{ ...draft.draftOf(given), name: 'a' }}, {{ taken: ['a'] }})", KEPT, folder=FOLDER)
    assert "already" in taken["problems"][0]["message"]


def test_arguments_need_names_of_their_own() -> None:
    field = {"name": "id", "type": "text", "isRequired": True, "schema": {"type": "string"}}
    fields = [field, field, field | {"name": "9x"}, field | {"name": ""}]
    found = run(
        f"{DRAFT} draft.read({{ ...draft.draftOf(given.kept), fields: given.fields }})", {"kept": KEPT, "fields": fields}, folder=FOLDER
    )
    assert [problem["field"] for problem in found["problems"]] == ["parameters.1", "parameters.2", "parameters.3"]


@pytest.mark.parametrize(
    ("hosts", "url", "may"),
    [
        (["api.example.com"], "https://api.example.com/a", True),
        (["api.example.com"], "https://API.example.com:443/a", True),
        (["api.example.com"], "https://api.example.com.evil.example/a", False),
        (["*.example.com"], "https://api.example.com/a", True),
        (["*.example.com"], "https://example.com/a", False),
        (["api.example.com:8443"], "https://api.example.com/a", False),
        (["api.example.com"], "https://", True),
    ],
)
def test_a_secret_that_may_not_go_there_is_told_while_the_address_is_typed(hosts: list[str], url: str, may: bool) -> None:
    assert run(f"{DRAFT} draft.mayGo(given.hosts, given.url)", {"hosts": hosts, "url": url}, folder=FOLDER) is may


def test_arguments_that_are_typed_become_values_of_their_kind() -> None:
    schema = {
        "type": "object",
        "required": ["text"],
        "properties": {
            "text": {"type": "string"},
            "number": {"type": "number"},
            "yes": {"type": "boolean"},
            "one": {"enum": [1, 2]},
            "list": {"type": "array", "items": {"type": "string"}},
            "rows": {"type": "array", "items": {"type": "object"}},
            "parts": {"type": "object"},
            "left": {"type": "string"},
        },
    }
    typed = {
        "text": "7",
        "number": "1.5",
        "yes": "no",
        "one": "1",
        "list": "a\n\n b ",
        "rows": '[{"a": 1}]',
        "parts": '{"a": 1',
        "left": "",
    }
    script = 'import * as asked from "./given.js";\n--- asked.givenOf(asked.askedOf(given.schema), given.typed)'
    found = run(script, {"schema": schema, "typed": typed}, folder=FOLDER)
    assert found["given"] == {"text": "7", "number": 1.5, "yes": False, "one": 2, "list": ["a", "b"], "rows": [{"a": 1}]}
    assert list(found["problems"]) == ["parts"]
    script = 'import * as asked from "./given.js";\n--- asked.refusedIn(given)'
    told = [{"field": "arguments.id", "message": "must be text."}, {"field": "arguments", "message": "id is missing."}]
    assert run(script, told, folder=FOLDER) == {"id": "Must be text.", "": "Id is missing."}


def test_a_name_that_is_taken_is_settled_before_tools_are_kept() -> None:
    script = 'import * as chosen from "./chosen.js";\n--- given.lines.map((line) => chosen.hindrance(line, given.lines, given.kinds))'
    line = {"tool": {}, "isOn": True, "replaces": False}
    lines = [
        line | one
        for one in ({"name": "a"}, {"name": "b", "replaces": True}, {"name": "mail", "replaces": True}, {"name": "x y"}, {"name": "new"})
    ]
    found = run(script, {"lines": lines, "kinds": {"a": "web", "b": "web", "mail": "built_in"}}, folder=FOLDER)
    assert (
        "already" in found[0] and found[1] == "" and "not made here" in found[2] and "starts with a letter" in found[3] and found[4] == ""
    )
    twice = [line | {"name": "new"}, line | {"name": "new", "x": 1}]
    assert all("too" in one for one in run(script, {"lines": twice, "kinds": {}}, folder=FOLDER))
