"""A guest who was removed from a room stays out, also with another session that began by the same link."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketTestSession

from tests.support.closed import Visitor, closed_gateway, code_of, converse, make_key, outcome, sign_in, with_key
from tests.support.eventually import eventually
from tests.support.redis import Redis
from wire import names
from wire.people import person_id

ROOM = "kitchen"


@dataclass
class Kitchen:
    """A room, its owner and its links."""

    client: TestClient
    redis: Redis
    lines: ExitStack
    owner: Visitor
    links: dict[str, str]

    def enter(
        self, link: str, key: str, visitor: Visitor | None = None
    ) -> tuple[WebSocketTestSession, dict[str, Any], str]:
        """Return the line of a guest with a link, its ``ready``, and its public id; wait until the room has it."""
        headers = {"Host": "localhost"} | (visitor.headers if visitor else {})
        line = self.lines.enter_context(self.client.websocket_connect("/ws", headers=headers))
        line.send_json({"type": "start", "room": ROOM, "invite": link, "person_key": key * 20})
        ready, person = json.loads(line.receive_text()), person_id("", ROOM, key * 20)
        eventually(lambda: person in self.present())
        return line, ready, person

    def leave(self, line: WebSocketTestSession, person: str) -> None:
        line.close()
        eventually(lambda: person not in self.present())

    def present(self) -> str:
        return "".join(self.redis.hgetall(names.present(ROOM)).values())

    def remove(self, person: str) -> dict[str, str]:
        """Return the new links."""
        answer = self.client.delete(f"/rooms/{ROOM}/people/{person}", headers=self.owner.headers)
        assert answer.is_success
        links: dict[str, str] = answer.json()
        return links

    def resume(self, ready: dict[str, Any]) -> str:
        token = {"session_id": ready["session_id"], "token": ready["token"]}
        return outcome(converse(self.client, Visitor(), {"type": "start"} | token))

    def export(self, ready: dict[str, Any]) -> str:
        headers = {"Authorization": f"Bearer {ready['token']}"}
        answer: Any = self.client.get(f"/sessions/{ready['session_id']}/export?format=txt", headers=headers)
        return code_of(answer)


@pytest.fixture
def kitchen(redis_url: str, redis: Redis) -> Iterator[Kitchen]:
    with closed_gateway(redis_url) as client, ExitStack() as lines:
        owner = sign_in(client)
        links = client.post("/rooms", headers=owner.headers, json={"room": ROOM}).json()
        yield Kitchen(client, redis, lines, owner, links)


def test_earlier_session_of_a_removed_guest_does_not_come_back(kitchen: Kitchen) -> None:
    """Neither to the talk nor to what was said, and no ticket of the link opens anything."""
    earlier, before, shadow = kitchen.enter(kitchen.links["talk"], "a")
    kitchen.leave(earlier, shadow)
    assert kitchen.resume(before) == "yes"
    eventually(lambda: shadow not in kitchen.present())
    link = {"room": ROOM, "invite": kitchen.links["talk"]}
    ticket = kitchen.client.post("/tickets", json=link).json()["ticket"]
    _, now, guest = kitchen.enter(kitchen.links["talk"], "b")
    kitchen.remove(guest)
    assert (kitchen.resume(now), kitchen.export(now)) == ("removed", "removed")
    assert (kitchen.resume(before), kitchen.export(before)) == ("grant_refused", "grant_refused")
    with_ticket = {"type": "start", "room": ROOM, "ticket": ticket}
    assert outcome(converse(kitchen.client, Visitor(), with_ticket)) == "grant_refused"


def test_who_is_there_at_a_removal_stays_and_comes_back(kitchen: Kitchen) -> None:
    """Who is not needs a new link, and is the same person with it; links that are renewed by hand take nobody out."""
    away, left, colleague = kitchen.enter(kitchen.links["talk"], "a")
    kitchen.leave(away, colleague)
    links = kitchen.client.post(f"/rooms/{ROOM}/links", headers=kitchen.owner.headers).json()
    assert kitchen.resume(left) == "yes"
    eventually(lambda: colleague not in kitchen.present())
    line, there, reader = kitchen.enter(links["read"], "b")
    _, _, guest = kitchen.enter(links["talk"], "c")
    new = kitchen.remove(guest)
    line.send_json({"type": "ping"})
    assert next(kind for kind in iter(lambda: line.receive_json()["type"], None) if kind in {"pong", "error"}) == "pong"
    kitchen.leave(line, reader)
    assert (kitchen.resume(there), kitchen.export(there)) == ("yes", "yes")
    assert kitchen.resume(left) == "grant_refused"
    _, again, same = kitchen.enter(new["talk"], "a")
    assert (same, again["person"]) == (colleague, colleague)


def test_second_session_that_is_there_can_be_removed_too(kitchen: Kitchen) -> None:
    """It is another person of the room. What a later removal finds counts, not what an earlier one has."""
    _, _, first = kitchen.enter(kitchen.links["talk"], "a")
    second, kept, shadow = kitchen.enter(kitchen.links["talk"], "b")
    links = kitchen.remove(first)
    kitchen.leave(second, shadow)
    assert kitchen.resume(kept) == "yes"
    eventually(lambda: shadow not in kitchen.present())
    _, _, third = kitchen.enter(links["talk"], "c")
    kitchen.remove(third)
    assert kitchen.resume(kept) == "grant_refused"


@pytest.mark.parametrize("who", ["owner", "key"])
def test_who_is_recognised_comes_back_after_a_removal(kitchen: Kitchen, who: str) -> None:
    """The owner and programs have no sessions that nobody knows of."""
    visitor = kitchen.owner if who == "owner" else with_key(make_key(kitchen.client, "talk")[1])
    line, ready, person = kitchen.enter(kitchen.links["talk"], "a", visitor)
    kitchen.leave(line, person)
    _, _, guest = kitchen.enter(kitchen.links["talk"], "b")
    kitchen.remove(guest)
    assert kitchen.resume(ready) == "yes"
