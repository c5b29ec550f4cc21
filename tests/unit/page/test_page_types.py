"""The page's types of the messages against the messages themselves."""

import re

from tools.page_types import FILE, _type, page_types
from wire.messages import base, client, results, server, statistics


def test_the_generated_types_are_up_to_date() -> None:
    """messages.d.ts is what ``make contracts`` writes."""
    assert FILE.read_text(encoding="utf-8") == page_types()


def test_an_array_of_a_union_has_parentheses() -> None:
    """Without them the array is one member of the union."""
    text, null = {"type": "string"}, {"type": "null"}
    assert _type({"type": "array", "items": {"anyOf": [text, null]}}) == "(string | null)[]"
    assert _type({"type": "array", "items": {"enum": ["a", "b"]}}) == '("a" | "b")[]'
    assert _type({"anyOf": [{"type": "array", "items": text}, null]}) == "string[] | null"


def test_an_array_of_two_is_a_tuple() -> None:
    """Each place has its own type."""
    assert _type({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}) == "[string, number]"


def test_the_page_has_every_field_of_every_message() -> None:
    """Each interface has the fields that wire/messages defines, no more and no fewer, and no message is missing."""
    interfaces = re.findall(r"export interface (\w+) \{\n(.*?)\}", FILE.read_text(encoding="utf-8"), re.DOTALL)
    fields = {name: set(re.findall(r"^  (\w+)\??:", body, re.MULTILINE)) for name, body in interfaces}
    modules = (base, client, results, server, statistics)
    models = {name: next(getattr(module, name) for module in modules if hasattr(module, name)) for name in fields}
    assert fields == {
        name: {field for field, about in model.model_fields.items() if not about.exclude}
        for name, model in models.items()
    }
    types = {
        definition["properties"]["type"]["const"]
        for union in (client.client_message, server.server_message)
        for definition in union.json_schema()["$defs"].values()
        if "type" in definition["properties"]
    }
    assert types == {model.model_fields["type"].default for model in models.values() if "type" in model.model_fields}
