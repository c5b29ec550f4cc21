"""Makes the JSON Schemas of the messages on ``/ws``, the source of ``docs/asyncapi.json`` and of the page's types."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from wire.messages.client import client_message
from wire.messages.server import server_message

Schema = dict[str, Any]


class _Contract(GenerateJsonSchema):
    """Lists as required: ``type``; and, of what the gateway sends, also fields with a default that are always there."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Override: by default, a field with a default value is never required."""
        if self.mode == "serialization":
            return field.get("serialization_exclude_if") is None
        inner = field["schema"].get("schema", {})
        is_type = inner.get("type") == "literal" and len(inner["expected"]) == 1
        return is_type or super().field_is_required(field, total)


def client_schema() -> Schema:
    """Return the schema of a client's messages: a union by ``type``, members in ``$defs``. Defaults are optional."""
    return client_message.json_schema(mode="validation", schema_generator=_Contract)


def server_schema() -> Schema:
    """Return the schema of the gateway's messages: a union by ``type``, its members in ``$defs``."""
    return server_message.json_schema(mode="serialization", schema_generator=_Contract)
