"""Names of people whom a proxy has signed in: nobody of them types another one."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from fastapi_service.access.visit import name_of
from tests.support.closed import Visitor, closed_gateway, converse
from wire.people import MAX_NAME

HEADER = "X-Wta-User"
KIM = Visitor({HEADER: "kim@example.org"})
START = {"type": "start"}


@pytest.fixture
def client(redis_url: str) -> Iterator[TestClient]:
    with closed_gateway(redis_url, login_header=HEADER, trusted_proxies="*") as client:
        yield client


def answers(client: TestClient, visitor: Visitor, *messages: dict[str, Any]) -> list[Any]:
    """Send messages; returns what came until each change is confirmed, which takes a write to Redis."""
    changes = sum(message["type"] == "configure" for message in messages)
    received: list[Any] = []
    with client.websocket_connect("/ws", headers={"Host": "localhost"} | visitor.headers) as line:
        for message in messages:
            line.send_json(message)
        while not received or sum(answer["type"] == "configured" for answer in received) < changes:
            received.append(line.receive_json())
    return received


def names_in(received: list[Any], kind: str) -> list[tuple[str | None, str | None]]:
    """Name and role in each message of a kind."""
    return [(message.get("name"), message.get("role")) for message in received if message["type"] == kind]


@pytest.mark.parametrize("typed", [{}, {"name": "The Boss"}, {"name": None}, {"name": "kim@example.org"}])
def test_name_of_a_session_comes_from_the_sign_in(client: TestClient, typed: dict[str, Any]) -> None:
    """Whatever the client sends at the start or later. The role is free, and its change says nothing about the name."""
    messages = [START | typed | {"role": "agent"}, {"type": "configure", "role": "host"}]
    received = answers(client, KIM, *messages, {"type": "configure"} | typed)
    assert names_in(received, "ready") == [("kim@example.org", "agent")]
    assert set(names_in(received, "configured")) == {("kim@example.org", "host")}


def test_guest_types_a_name_and_a_person_who_is_signed_in_does_not(client: TestClient) -> None:
    """In the same room; with a ticket and by a resume it is the same."""
    made = client.post("/rooms", headers=KIM.headers).json()
    link = {"room": made["room"], "invite": made["talk"]}
    assert names_in(converse(client, Visitor(), START | link | {"name": "Ann"}), "ready") == [("Ann", None)]
    lee = {HEADER: "lee@example.org"}
    ticket = client.post("/tickets", headers=lee, json=link).json()["ticket"]
    begun = converse(client, Visitor(), START | {"ticket": ticket, "name": "Ann", "room": made["room"]})
    assert names_in(begun, "ready") == [("lee@example.org", None)]
    resume = START | {"session_id": begun[0]["session_id"], "token": begun[0]["token"]}
    back = answers(client, Visitor(), resume, {"type": "configure", "name": "Ann"})
    assert names_in(back, "ready") + names_in(back, "configured") == [("lee@example.org", None)] * 2


def test_talkers_of_a_recording_have_the_name_of_who_has_brought_it(client: TestClient) -> None:
    """Beside their own: nobody passes for another one by a second channel."""
    speakers = [{"name": "Ann", "role": "agent"}, {}]
    rename = {"type": "configure", "name": "The Boss", "channel": 1}
    received = answers(client, KIM, START | {"channels": 2, "speakers": speakers}, rename)
    assert names_in(received, "ready") == [("Ann (kim@example.org)", "agent"), (None, None)]
    assert names_in(received, "configured") == [("The Boss (kim@example.org)", None)]


@pytest.mark.parametrize(
    ("user", "talker", "shown"),
    [
        ("kim@example.org", "", "kim@example.org"),
        ("k" * 100, "", "k" * MAX_NAME),
        ("kim\u202egro.elpmaxe", "", None),
        ("kim\u202egro.elpmaxe", "Ann", None),
        ("kim@example.org", None, None),
        ("kim@example.org", "kim@example.org", "kim@example.org"),
        ("kim@example.org", "A" * MAX_NAME, "A" * 42 + " (kim@example.org)"),
        ("k" * 100, "Ann", "k" * MAX_NAME),
    ],
)
def test_name_fits_and_can_be_shown(user: str, talker: str | None, shown: str | None) -> None:
    """What the proxy says may be longer than a name, or change the direction of the text beside it."""
    assert name_of(user, talker) == shown
    assert len(shown or "") <= MAX_NAME
