"""The guard of one gateway with a real Redis: places, and persons who were removed."""

from collections.abc import AsyncIterator, Callable

import pytest

from fastapi_service import errors
from fastapi_service.access.access import Access
from fastapi_service.access.audio_rate import AudioRate
from fastapi_service.access.grant import Grant, with_implied
from fastapi_service.access.limits import Scope
from fastapi_service.settings import Settings
from fastapi_service.storage.keys import today
from fastapi_service.storage.rooms import RoomStore
from infra.redis_client import AsyncRedis, connect_async
from tests.support.redis import Redis
from wire import names
from wire.errors import AccessError

PERSON = "0123456789abcdef"


class Guest:
    """A connection that does not end: its client reads nothing."""

    def __init__(self, grant: Grant, scopes: tuple[Scope, ...] = ()) -> None:
        self.grant: Grant | None = grant
        self.scopes = scopes
        self.connection, self.network = "connection", "192.0.2.1"
        self.rate = AudioRate(0.0)
        self.persons = {PERSON}
        self.audio_s = 0.0
        self.ended: list[str] = []
        self.end: Callable[[AccessError], None] = lambda error: self.ended.append(error.code)


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[AsyncRedis]:
    connected = connect_async(redis_url)
    yield connected
    await connected.aclose()


async def test_person_who_was_removed_is_noted_once(client: AsyncRedis, redis: Redis) -> None:
    """Each note wakes all gateways, which would note it again, for as long as the connection takes to end."""
    guard, rooms = Access.at(client, client, Settings(access="closed")).guard, RoomStore(client, 3_600)
    await rooms.make("kitchen", "login:owner")
    grant = Grant(source="user", id="Kim", rights=with_implied("talk"), room="kitchen")
    guest = Guest(grant)
    await guard.enter(guest, grant)
    await rooms.remove("kitchen", PERSON)
    pubsub = redis.pubsub()
    pubsub.subscribe(names.ACCESS_CHANGED)
    assert pubsub.get_message(timeout=5)
    for _ in range(3):
        await guard.check()
    assert guest.ended == ["removed"] * 3
    assert "removed:user:Kim" in redis.hgetall(names.room("kitchen"))
    assert pubsub.get_message(timeout=1)
    assert pubsub.get_message(timeout=0.2) is None


async def test_key_without_minutes_takes_no_place(client: AsyncRedis, redis: Redis) -> None:
    """A client that tries again and again must not fill its network, which others share."""
    guard = Access.at(client, client, Settings(access="closed", max_connections_per_address=1)).guard
    grant = Grant(source="key", id="0a1b2c3d", rights=with_implied("talk"), minutes_a_day=1)
    redis.set(names.key_usage("0a1b2c3d", today()), 60_000)
    guest = Guest(grant, scopes=guard.scopes(grant, None, "203.0.113.7"))
    with pytest.raises(AccessError) as refused:
        await guard.enter(guest, grant)
    assert refused.value.code == errors.minutes_used(1, 0).code
    assert redis.zcard(names.connections("address:203.0.113.7")) == 0
