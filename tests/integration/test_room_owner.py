"""A room that was made with the pass-phrase belongs to the browser that made it, also after a sign-out."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.closed import Visitor, closed_gateway, code_of, converse, make_key, outcome, sign_in, with_key
from tests.support.redis import Redis
from wire import names
from wire.people import person_id

ROOM = "kitchen"
KEY, OTHER = "k" * 32, "o" * 32


@pytest.fixture
def client(redis_url: str) -> Iterator[TestClient]:
    with closed_gateway(redis_url) as client:
        yield client


def enter(client: TestClient, visitor: Visitor, key: str | None = KEY, invite: str | None = None) -> str:
    """Return ``owner`` for the owner, ``guest`` for others who come in, or the code of the error."""
    start = {"type": "start", "room": ROOM, "person_key": key, "invite": invite}
    received = converse(client, visitor, {field: value for field, value in start.items() if value is not None})
    if received[0]["type"] != "ready":
        return outcome(received)
    return "guest" if received[0].get("links") is None else "owner"


def call(client: TestClient, visitor: Visitor) -> str:
    """Enter with two channels."""
    start = {"type": "start", "room": ROOM, "person_key": KEY, "channels": 2}
    return outcome(converse(client, visitor, start))


def sign_out(client: TestClient, visitor: Visitor) -> None:
    assert client.request("DELETE", "/login", headers=visitor.headers).is_success


def new_links(client: TestClient, visitor: Visitor) -> str:
    answer: Any = client.post(f"/rooms/{ROOM}/links", headers=visitor.headers)
    return code_of(answer)


def test_browser_that_comes_back_after_a_sign_out_owns_its_room(client: TestClient, redis: Redis) -> None:
    """Nobody else does, with the pass-phrase or a key of another room; Redis has no key."""
    browser, member = sign_in(client), sign_in(client)
    assert enter(client, browser) == "owner"
    sign_out(client, browser)
    assert (enter(client, member, OTHER), enter(client, member, None)) == ("not_invited", "not_invited")
    again = sign_in(client)
    assert new_links(client, again) == "not_owner"
    assert enter(client, again) == "owner"
    assert [new_links(client, each) for each in (again, member)] == ["yes", "not_owner"]
    assert KEY not in str(redis.hgetall(names.room(ROOM)))
    assert client.delete(f"/rooms/{ROOM}", headers=again.headers).status_code == 204


def test_room_that_was_made_before_it_is_entered_belongs_to_the_browser_too(client: TestClient) -> None:
    """The newest key of its cookie counts."""
    browser = sign_in(client)
    assert client.post("/rooms", headers=browser.headers, json={"room": ROOM}).status_code == 201
    assert [enter(client, browser, key) for key in (OTHER, KEY)] == ["owner", "owner"]
    sign_out(client, browser)
    again = sign_in(client)
    assert enter(client, again, OTHER) == "not_invited"
    assert enter(client, again) == "owner"


def test_room_belongs_to_a_browser_with_a_stereo_input_as_to_one_without(client: TestClient) -> None:
    """Each channel is another person, and the room is the client's."""
    browser = sign_in(client)
    assert (enter(client, browser), call(client, browser)) == ("owner", "yes")
    for _ in range(2):
        sign_out(client, browser)
        browser = sign_in(client)
        assert call(client, browser) == "yes"
        sign_out(client, browser)
        browser = sign_in(client)
        assert enter(client, browser) == "owner"


def test_room_of_a_program_is_claimed_by_nobody(client: TestClient) -> None:
    """Its key stays its owner, also if it sends a key of a person that somebody has."""
    program = with_key(make_key(client, "talk")[1])
    links = client.post("/rooms", headers=program.headers, json={"room": ROOM}).json()
    assert enter(client, program) == "owner"
    assert enter(client, sign_in(client), invite=links["talk"]) == "guest"
    assert enter(client, program) == "owner"


def test_browser_that_an_admin_has_removed_owns_nothing(client: TestClient) -> None:
    """Else a sign-out and a sign-in would undo the removal."""
    browser = sign_in(client)
    assert enter(client, browser) == "owner"
    admin = with_key(make_key(client, "admin")[1])
    person = person_id("", ROOM, KEY)
    assert client.delete(f"/rooms/{ROOM}/people/{person}", headers=admin.headers).is_success
    sign_out(client, browser)
    again = sign_in(client)
    assert enter(client, again) == "not_invited"
    assert new_links(client, again) == "not_owner"
