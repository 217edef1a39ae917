"""An OpenAPI description becomes tools, and what cannot become one is told."""

from typing import Any

from engine.tools.openapi import MOST_LEVELS, tools_of

SHOP: dict[str, Any] = {
    "openapi": "3.1.0",
    "servers": [{"url": "/relative"}, {"url": "https://{region}.shop.example/v1/", "variables": {"region": {"default": "eu"}}}],
    "paths": {
        "/orders/{id}": {
            "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}, "description": "The order's number."}
            ],
            "get": {
                "operationId": "orders.find",
                "summary": "Finds an order.",
                "parameters": [
                    {"name": "fields", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                ],
            },
            "put": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}},
            "patch": {"requestBody": {"content": {"multipart/form-data": {}}}},
            "delete": {"parameters": [{"$ref": "https://evil.example/parameters.json"}]},
        },
        "/tree": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}}}},
        "/{gone}": {"get": {}},
    },
    "components": {
        "schemas": {
            "Order": {"type": "object", "required": ["sum"], "properties": {"sum": {"type": "number"}}},
            "Tree": {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Tree"}}},
        }
    },
}


def test_operations_become_tools() -> None:
    found = tools_of(SHOP, secret="SHOP_KEY")
    by_name = {tool.name: tool for tool in found.tools}
    find, put = by_name["orders_find"], by_name["put_orders_id"]
    assert (find.method, find.effect, find.secret, find.description) == ("GET", "idempotent", "SHOP_KEY", "Finds an order.")
    assert find.parameters == {
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "The order's number."},
            "fields": {"type": "array", "items": {"type": "string"}},
        },
        "additionalProperties": False,
        "required": ["id"],
    }
    assert find.request({"id": "a/b"}, "k").url == "https://eu.shop.example/v1/orders/a%2Fb"
    assert find.request({"id": "7", "fields": ["x", "y z"]}, "k").url == "https://eu.shop.example/v1/orders/7?fields=x&fields=y+z"
    assert (put.effect, put.parameters["required"]) == ("unsafe", ["id", "body"])
    assert put.request({"id": "7", "body": {"sum": 3}}, "k").body == b'{"sum":3}'
    assert set(by_name) == {"orders_find", "put_orders_id", "post_tree"}


def test_what_cannot_become_a_tool_is_told() -> None:
    problems = tools_of(SHOP).problems
    assert [problem.split(":")[0] for problem in problems] == ["DELETE /orders/{id}", "PATCH /orders/{id}", "GET /{gone}"]
    assert "evil.example" in problems[0] and "multipart" in problems[1] and "no parameter fills" in problems[2]


def test_a_schema_that_holds_itself_ends() -> None:
    (tree,) = [tool for tool in tools_of(SHOP).tools if tool.name == "post_tree"]
    depth, schema = 0, tree.parameters["properties"]["body"]
    while schema.get("properties"):
        depth, schema = depth + 1, schema["properties"]["child"]
    assert 0 < depth <= MOST_LEVELS


def test_what_is_no_description_is_said() -> None:
    assert tools_of({}).problems == ["This is no OpenAPI 3 description: `openapi` must be 3.0 or 3.1."]
    assert tools_of({"openapi": "3.0.0", "paths": {}}).problems == ["`servers` names no address that begins with http:// or https://."]
    paths = {"/x": {"get": {"parameters": [1, None]}}, "/y": 3}
    odd: dict[str, Any] = {"openapi": "3.0.0", "servers": [{"url": "https://a.example"}], "paths": paths}
    assert tools_of(odd).tools == []
