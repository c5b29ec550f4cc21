"""Writes the contracts of ``/ws`` and of the HTTP routes.

docs/asyncapi.json (AsyncAPI 3.0) is made from the message classes and the golden files; docs/openapi.json (OpenAPI 3.1)
is as the gateway serves it.

``python -m tools.contracts`` writes it, ``--check`` fails if it is stale.
"""

import json
import sys
from pathlib import Path
from typing import Any

from fastapi_service.app import create_app
from fastapi_service.settings import Settings
from wire.messages.schemas import client_schema, server_schema

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "asyncapi.json"
OPENAPI = ROOT / "docs" / "openapi.json"
GOLDEN = ROOT / "tests" / "golden"

Json = dict[str, Any]

_AUDIO: Json = {
    "name": "audio",
    "title": "Audio",
    "summary": "A binary message: Int16 little-endian PCM, mono or, with two channels, interleaved, at the session's "
    "sample rate, at most 64 KiB.",
    "contentType": "application/octet-stream",
    "payload": {"type": "string", "format": "binary"},
}


def document() -> Json:
    """Build the AsyncAPI document from the message classes."""
    client, server = client_schema(), server_schema()
    sent, received = _types(client), _types(server)
    messages = {"audio": _AUDIO} | _messages(client, sent) | _messages(server, received)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "WhisperTextAnalyzer live speech",
            "version": _version(),
            "description": "Speech in, text and sentiment out. docs/protocol.md has resuming, errors and close codes.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "ws": {
                "address": "/ws",
                "title": "One session",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": {
            "receive": _operation("receive", "Client to gateway: audio and commands.", ["audio", *sent]),
            "send": _operation("send", "Gateway to client: progress, results and statistics.", [*received]),
        },
        "components": {
            "messages": messages,
            "schemas": _schemas(client) | _schemas(server),
        },
    }


def rendered() -> str:
    """Return the document as it stands in docs/asyncapi.json."""
    return json.dumps(document(), indent=2, ensure_ascii=False).replace("#/$defs/", "#/components/schemas/") + "\n"


def rendered_openapi() -> str:
    """Return the description of the HTTP routes as it stands in docs/openapi.json."""
    return json.dumps(create_app(Settings()).openapi(), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write both documents, or with ``--check`` exit with 1 if one is stale."""
    for document, text in ((DOCUMENT, rendered()), (OPENAPI, rendered_openapi())):
        if "--check" not in sys.argv[1:]:
            document.write_text(text, encoding="utf-8")
        elif document.read_text(encoding="utf-8") != text:
            sys.exit(f"{document.relative_to(ROOT)} is stale: run `make contracts`")


def _types(schema: Json) -> dict[str, str]:
    """Message type → name of its schema."""
    mapping: dict[str, str] = schema["discriminator"]["mapping"]
    return {kind: reference.rpartition("/")[2] for kind, reference in mapping.items()}


def _schemas(schema: Json) -> Json:
    definitions: Json = schema["$defs"]
    return definitions


def _messages(schema: Json, types: dict[str, str]) -> Json:
    return {
        kind: {
            "name": kind,
            "title": name,
            "summary": schema["$defs"][name].get("description", name),
            "payload": {"$ref": f"#/components/schemas/{name}"},
            "examples": [{"name": file.stem, "payload": json.loads(file.read_bytes())} for file in _examples(kind)],
        }
        for kind, name in types.items()
    }


def _examples(kind: str) -> list[Path]:
    """Golden files of a message type."""
    return [file for file in sorted(GOLDEN.glob("*.json")) if json.loads(file.read_bytes()).get("type") == kind]


def _operation(action: str, summary: str, messages: list[str]) -> Json:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/ws"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/ws/messages/{name}"} for name in messages],
    }


def _version() -> str:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    return next(line.split('"')[1] for line in lines if line.startswith("version = "))


if __name__ == "__main__":
    main()
