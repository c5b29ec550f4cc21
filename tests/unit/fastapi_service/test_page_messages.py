"""The page's description of the messages against the messages themselves."""

import re
from pathlib import Path
from typing import Any

from wire.messages import base, client, results, server, statistics

MESSAGES = Path(__file__).parents[3] / "fastapi_service" / "static" / "session" / "messages.js"


def test_the_page_knows_every_field_of_every_message() -> None:
    """messages.js names the fields that wire/messages defines, no more and no fewer."""
    told = _typedefs(MESSAGES.read_text(encoding="utf-8"))
    for end in ("Final", "NoSpeech", "SegmentFailed"):
        told[end] = told["SegmentEnd"] | told.pop(f"{end}Fields")
    told["Error"] = told.pop("ServiceError")
    del told["SegmentEnd"]
    modules = (base, client, results, server, statistics)
    known = {name: next(getattr(module, name) for module in modules if hasattr(module, name)) for name in told}
    assert told == {name: set(model.model_fields) for name, model in known.items()}
    said = {
        model["properties"]["type"]["const"]
        for schema in _unions()
        for model in schema
        if "type" in model["properties"]
    }
    assert said == {model.model_fields["type"].default for model in known.values() if "type" in model.model_fields}


def _unions() -> list[list[dict[str, Any]]]:
    unions = (client.client_message, server.server_message)
    return [list(union.json_schema()["$defs"].values()) for union in unions]


def _typedefs(source: str) -> dict[str, set[str]]:
    """Name of each object type → its properties."""
    blocks = re.findall(r"@typedef \{object\} (\w+)\n((?: \* @property .*\n)+)", source)
    return {name: set(re.findall(r"\} \[?(\w+)\]?$", properties, re.MULTILINE)) for name, properties in blocks}
