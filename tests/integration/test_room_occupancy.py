"""Occupancy of rooms over several gateways: reported at once, to the room only, and without ghosts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from fastapi_service.delivery import room_occupancy as module
from fastapi_service.delivery.room_occupancy import RoomOccupancy
from tests.support.eventually import soon
from tests.support.machines import RedisServer
from tests.support.redis import Redis, connect, connect_async
from wire import names
from wire.messages.base import Speaker
from wire.messages.server import People, PersonPresent

PROMPTLY_S = 1.0


class Gateway:
    """One with connections; it remembers what it would send them."""

    def __init__(self, url: str, **times: Any) -> None:
        self.redis = connect_async(url)
        self.channels = connect_async(url, max_connections=4, retries=0)
        self.reported: list[People] = []
        self.rooms = RoomOccupancy(self.redis, self.channels, self.reported.append, **times)
        self.task = asyncio.create_task(self.rooms.run())

    def last(self, room: str = "kitchen") -> tuple[int, int] | None:
        """The newest totals of a room: people, talking."""
        counts = [(reported.people, reported.talking) for reported in self.reported if reported.room == room]
        return counts[-1] if counts else None

    async def kill(self) -> None:
        """Its people get no chance to leave."""
        self.task.cancel()
        await asyncio.wait({self.task}, timeout=5)
        assert self.task.done(), "a cancelled gateway goes on"
        await self.redis.aclose()
        await self.channels.aclose()


@pytest.fixture
async def start(redis_url: str) -> AsyncIterator[Callable[..., Gateway]]:
    started: list[Gateway] = []

    def one(url: str = redis_url, **times: Any) -> Gateway:
        started.append(Gateway(url, **times))
        return started[-1]

    yield one
    for gateway in started:
        await gateway.kill()


async def subscribed(redis: Redis, gateways: int) -> None:
    await soon(lambda: redis.pubsub_numsub(names.ROOM_PEOPLE)[0][1] == gateways)


async def test_change_reaches_all_gateways_at_once(start: Callable[..., Gateway], redis: Redis) -> None:
    """Joining, the first audio and leaving; each at both gateways within a second, long before any refresh."""
    one, two = start(), start()
    await subscribed(redis, 2)
    one.rooms.join("kitchen", "alice")
    await soon(lambda: one.last() == (1, 0), PROMPTLY_S)
    two.rooms.join("kitchen", "bob")
    await soon(lambda: (one.last(), two.last()) == ((2, 0), (2, 0)), PROMPTLY_S)
    two.rooms.talks("kitchen", "bob")
    await soon(lambda: (one.last(), two.last()) == ((2, 1), (2, 1)), PROMPTLY_S)
    two.rooms.leave("kitchen", "bob")
    await soon(lambda: one.last() == (1, 0), PROMPTLY_S)
    assert two.last() == (2, 1)  # no connection is left there


async def test_rooms_are_isolated(start: Callable[..., Gateway], redis: Redis) -> None:
    """A gateway gets no totals of a room in which it has no connection."""
    one, two = start(), start()
    await subscribed(redis, 2)
    one.rooms.join("kitchen", "alice")
    two.rooms.join("kitchen2", "bob")
    two.rooms.talks("kitchen2", "bob")
    await soon(lambda: (one.last("kitchen"), two.last("kitchen2")) == ((1, 0), (1, 1)))
    assert {reported.room for reported in one.reported} == {"kitchen"}
    assert {reported.room for reported in two.reported} == {"kitchen2"}


async def test_people_of_a_killed_gateway_vanish(start: Callable[..., Gateway], redis: Redis) -> None:
    """The others stay; in an empty room, the keys expire."""
    one, two = start(refresh_s=0.3, forget_s=2), start(refresh_s=0.3, forget_s=2)
    one.rooms.join("kitchen", "alice")
    two.rooms.join("kitchen", "bob")
    two.rooms.talks("kitchen", "bob")
    two.rooms.join("attic", "carol")
    await soon(lambda: one.last() == (2, 1))
    await two.kill()
    await soon(lambda: one.last() == (1, 0))
    assert redis.zrange(names.people("kitchen"), 0, -1) == ["alice"]
    await soon(lambda: not redis.exists(names.people("attic"), names.talking("kitchen")))
    await asyncio.sleep(2.5)  # refreshed all the time
    assert redis.zrange(names.people("kitchen"), 0, -1) == ["alice"]
    assert 0 < redis.ttl(names.people("kitchen")) <= 2


async def test_lost_change_is_seen_at_the_next_refresh(start: Callable[..., Gateway], redis: Redis) -> None:
    """Pub/sub may lose a message."""
    one = start(refresh_s=0.3)
    one.rooms.join("kitchen", "alice")
    await soon(lambda: one.last() == (1, 0))
    redis.zadd(names.people("kitchen"), {"bob": redis.time()[0] + 30})
    await soon(lambda: one.last() == (2, 0))


async def test_without_rooms_nothing_is_written(start: Callable[..., Gateway], redis: Redis) -> None:
    """Refreshing no connections costs no command, also after the last has left; unknown owners are ignored."""
    redis.config_resetstat()
    one = start(refresh_s=0.05)
    one.rooms.talks("kitchen", "alice")
    one.rooms.leave("kitchen", "alice")
    await asyncio.sleep(0.3)
    assert not {name for name in redis.info("commandstats") if "eval" in name}
    one.rooms.join("kitchen", "alice")
    await soon(lambda: one.last() == (1, 0))
    one.rooms.leave("kitchen", "alice")
    await soon(lambda: not redis.exists(names.people("kitchen")))
    reported = len(one.reported)
    await asyncio.sleep(0.3)
    assert len(one.reported) == reported
    assert not list(redis.scan_iter("wta:*"))


async def test_totals_are_right_after_an_outage(start: Callable[..., Gateway], mortal_redis: RedisServer) -> None:
    """Who left meanwhile is not in the room any more, who came is."""
    one = start(mortal_redis.url)
    one.rooms.join("kitchen", "alice")
    one.rooms.join("kitchen", "bob")
    await soon(lambda: one.last() == (2, 0))
    mortal_redis.kill()
    one.rooms.leave("kitchen", "bob")
    one.rooms.join("kitchen", "carol")
    one.rooms.join("kitchen", "dave")
    await asyncio.sleep(0.5)
    mortal_redis.start()
    await soon(lambda: one.last() == (3, 0), timeout=10)
    with connect(mortal_redis.url) as redis:
        assert set(redis.zrange(names.people("kitchen"), 0, -1)) == {"alice", "carol", "dave"}


def who(gateway: Gateway) -> list[tuple[str | None, str | None, bool, bool]]:
    """Name, role, talker and talking of the newest list of people."""
    people = gateway.reported[-1].who if gateway.reported else ()
    assert people is not None
    return [(person.name, person.role, person.talker, person.talking) for person in people]


def speaker(person: str, name: str | None = None, role: str | None = None) -> Speaker:
    return Speaker(person=person * 16, name=name, role=role)


async def test_people_are_seen_with_their_names_and_who_talks(
    start: Callable[..., Gateway], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At both gateways within a second; whoever has just ended an utterance still talks for a moment."""
    monkeypatch.setattr(module, "TALKING_S", 0.4)
    one, two = start(), start()
    await subscribed(redis, 2)
    one.rooms.join("kitchen", "alice", speaker("a", "Alice", "agent"))
    two.rooms.join("kitchen", "bob", speaker("b"))
    await soon(lambda: one.last() == two.last() == (2, 0), PROMPTLY_S)
    assert who(one) == who(two) == [("Alice", "agent", False, False), (None, None, False, False)]
    two.rooms.talks("kitchen", "bob")
    two.rooms.speaks("kitchen", "bob", speaking=True)
    talking = [(None, None, True, True), ("Alice", "agent", False, False)]
    await soon(lambda: who(one) == who(two) == talking, PROMPTLY_S)
    two.rooms.introduce("kitchen", "bob", speaker("b", "Bob"))
    await soon(lambda: who(one)[0] == ("Bob", None, True, True), PROMPTLY_S)
    two.rooms.speaks("kitchen", "bob", speaking=False)
    two.rooms.speaks("kitchen", "bob", speaking=True)
    await asyncio.sleep(0.6)
    assert who(one)[0][3], "the next utterance began before the pause was over"
    two.rooms.speaks("kitchen", "bob", speaking=False)
    await asyncio.sleep(0.2)
    assert who(one)[0][3]
    await soon(lambda: not who(one)[0][3], PROMPTLY_S)
    two.rooms.speaks("kitchen", "bob", speaking=True)
    two.rooms.leave("kitchen", "bob")
    await soon(lambda: who(one) == [("Alice", "agent", False, False)], PROMPTLY_S)
    assert two.rooms._rooms.get("kitchen") is None


async def test_a_person_with_two_connections_is_one(start: Callable[..., Gateway]) -> None:
    """The counts are of connections; what the talking one says of its person holds."""
    one, two = start(), start()
    one.rooms.join("kitchen", "phone", speaker("a", "phone"))
    two.rooms.join("kitchen", "laptop", speaker("a", "laptop"))
    await soon(lambda: one.last() == (2, 0))
    assert len(who(one)) == 1
    two.rooms.talks("kitchen", "laptop")
    await soon(lambda: who(one) == [("laptop", None, True, False)])
    assert one.last() == (2, 1)


async def test_connections_of_an_older_gateway_are_counted_without_a_name(
    start: Callable[..., Gateway], redis: Redis
) -> None:
    """And those that it has removed are not shown any longer."""
    one = start(refresh_s=0.2)
    one.rooms.join("kitchen", "alice", speaker("a", "Alice"))
    await soon(lambda: one.last() == (1, 0))
    redis.zadd(names.people("kitchen"), {"carol": redis.time()[0] + 30})
    redis.hset(
        names.present("kitchen"), "gone", PersonPresent(person="c" * 16, talker=True, talking=True).model_dump_json()
    )
    await soon(lambda: one.last() == (2, 0))
    assert who(one) == [("Alice", None, False, False)]
    await soon(lambda: redis.hlen(names.present("kitchen")) == 1)
    assert 0 < redis.ttl(names.present("kitchen")) <= 30


async def test_of_many_people_those_who_talk_are_listed(start: Callable[..., Gateway]) -> None:
    """The list is bounded; the counts are not."""
    one = start()
    for number in range(120):
        person = Speaker(person=f"{number:016x}")
        one.rooms.join("kitchen", f"owner {number}", person)
        if number >= 100:
            one.rooms.talks("kitchen", f"owner {number}")
    await soon(lambda: one.last() == (120, 20))
    assert (len(who(one)), sum(talker for *_, talker, _ in who(one))) == (100, 20)
