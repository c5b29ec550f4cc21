"""Writes the page's types of the messages on ``/ws`` from their JSON Schema: ``make contracts``."""

import json
from pathlib import Path

from wire.messages.schemas import Schema, client_schema, server_schema

FILE = Path(__file__).parents[1] / "fastapi_service" / "static" / "wire" / "messages.d.ts"
HEAD = "/** The messages on `/ws`. Generated from wire/messages/ by `make contracts`: change them there. */\n"
PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def page_types() -> str:
    """Return the TypeScript declarations of every message, as the file has them."""
    return HEAD + _declarations("ClientMessage", client_schema()) + _declarations("ServerMessage", server_schema())


def _declarations(union: str, schema: Schema) -> str:
    """Declare an interface for each definition of a schema, and a type for the union of its messages."""
    interfaces = [_interface(name, model) for name, model in schema["$defs"].items()]
    members = "".join(f"\n  | {_type(member)}" for member in schema["oneOf"])
    return "".join(interfaces) + f"\nexport type {union} ={members};\n"


def _interface(name: str, model: Schema) -> str:
    comment = f"/** {' '.join(model['description'].split())} */\n" if "description" in model else ""
    required = model.get("required", ())
    fields = "".join(
        f"  {field}{'' if field in required else '?'}: {_type(schema)};\n"
        for field, schema in model["properties"].items()
    )
    return f"\n{comment}export interface {name} {{\n{fields}}}\n"


def _type(schema: Schema) -> str:
    """Return the TypeScript type of a schema.

    Raises:
        KeyError: the schema has a construct that no message had so far.
    """
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(each) for each in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
    if "prefixItems" in schema:
        return f"[{', '.join(_type(each) for each in schema['prefixItems'])}]"
    if schema["type"] == "array":
        item = _type(schema["items"])
        return f"({item})[]" if " | " in item else f"{item}[]"
    if schema["type"] == "object":
        keys = schema.get("propertyNames", {"type": "string"})
        return f"Record<{_type(keys)}, {_type(schema['additionalProperties'])}>"
    return PLAIN[schema["type"]]


def main() -> None:
    """Write the file."""
    FILE.write_text(page_types(), encoding="utf-8")


if __name__ == "__main__":
    main()
