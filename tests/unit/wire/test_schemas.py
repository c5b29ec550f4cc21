"""``docs/asyncapi.json`` equals the contract of the message classes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tools import contracts
from wire.messages import client, server
from wire.messages.schemas import client_schema, server_schema

GOLDEN = Path(__file__).parents[2] / "golden"


def test_the_document_is_up_to_date() -> None:
    """A change of a message without ``make contracts`` fails here."""
    assert contracts.DOCUMENT.read_text(encoding="utf-8") == contracts.rendered(), "run `make contracts`"


def test_every_message_is_in_the_document_with_an_example() -> None:
    """Each type has a golden file, and the document shows it."""
    messages = contracts.document()["components"]["messages"]
    types = {*client_schema()["discriminator"]["mapping"], *server_schema()["discriminator"]["mapping"]}
    assert messages.keys() == types | {"audio"}
    assert all(messages[name]["examples"] for name in types)


def test_every_reference_in_the_document_leads_somewhere() -> None:
    """Channels, operations, messages and schemas refer to each other by path."""
    document = json.loads(contracts.rendered())
    references = set(_references(document))
    assert references
    for reference in references:
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_client_and_server_schemas_of_one_name_are_the_same() -> None:
    """The document has one list of schemas for both directions."""
    sent, received = client_schema()["$defs"], server_schema()["$defs"]
    assert all(sent[name] == received[name] for name in sent.keys() & received.keys())


@pytest.mark.parametrize(
    "name",
    [
        *("final", "final_without_sentiment", "final_that_continues", "final_with_speaker"),
        *("ready", "ready_with_endpointing", "ready_with_person", "configured_with_name"),
        *("stats", "stats_of_room", "stats_with_voices", "person_stats", "person_stats_with_voices"),
        *("people", "people_with_names"),
    ],
)
def test_what_the_gateway_sends_has_every_required_field(name: str) -> None:
    """Fields with a default are sent too; only those that may be left out are optional."""
    message = json.loads((GOLDEN / f"{name}.json").read_bytes())
    schema = server_schema()
    definition = schema["$defs"][schema["discriminator"]["mapping"][message["type"]].rpartition("/")[2]]
    optional = {"endpointing", "continued_segment", "first_segment", "sentence", "speaker", "person", "name", "role"}
    optional |= {"who", "conversation", "voices", "turning_points", "most_positive", "most_negative"}
    optional -= set(definition["required"])
    assert message.keys() - optional == set(definition["required"])
    assert message.keys() <= definition["properties"].keys()


def test_clients_may_leave_out_defaults_and_add_nothing() -> None:
    """The schema is as strict as the gateway."""
    parts = {"ChannelSpeaker", "ChannelSession"}  # of messages, and none themselves
    for name, definition in client_schema()["$defs"].items():
        assert definition["additionalProperties"] is False
        assert name in parts or "type" in definition["required"]
    assert client_schema()["$defs"]["Start"]["required"] == ["type"]
    assert all("additionalProperties" not in d for d in server_schema()["$defs"].values())
    assert client.client_message.validate_json('{"type": "start"}')
    assert server.Ready.model_fields["endpointing"].default is None


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [reference for inner in value.values() for reference in _references(inner)]
    if isinstance(value, list):
        return [reference for inner in value for reference in _references(inner)]
    return []
