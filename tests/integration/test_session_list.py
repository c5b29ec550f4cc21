"""Lists of sessions with a real server: pages in order, without what has expired or was deleted, at a bounded cost."""

import asyncio
import time

import pytest

from fastapi_service.storage import session_list
from fastapi_service.storage.deletion import Deletion
from fastapi_service.storage.grants import SessionGrants
from fastapi_service.storage.listed_session import UNTOUCHED_S, ListedSession
from fastapi_service.storage.session_list import BATCH, MAX_READ, Position, SessionList, Wanted
from fastapi_service.storage.sessions import SessionStore
from tests.support.everything import keys_with
from tests.support.redis import AsyncRedis, Redis
from wire import names
from wire.messages.client import Start

TTL_S = 600
KEY, OTHER = "key:0a1b2c3d", "key:ffffffff"
ANY = Wanted()
MANY = 10_000
PAGE_S = 1.0
"""A page of 100 takes about 10 ms; tests run beside others."""


class Setting:
    """A gateway's stores, and a clock that moves with each session."""

    def __init__(self, redis: Redis, aredis: AsyncRedis) -> None:
        self.redis, self.aredis = redis, aredis
        self.store, self.grants = SessionStore(aredis, TTL_S), SessionGrants(aredis, TTL_S)
        self.list, self.deletion = SessionList(aredis, TTL_S), Deletion(aredis, TTL_S)

    async def begin(self, began_by: str | None = None, room: str | None = None) -> str:
        """Return the id of a session that began with a grant, or where access is open."""
        record, _ = await self.store.create(Start(room=room))
        if began_by is not None:
            await self.grants.remember(record.session_id, "{}", began_by)
        return record.session_id

    async def ids(self, began_by: str | None = None, wanted: Wanted = ANY, limit: int = 200) -> list[str]:
        """Return the sessions of one page."""
        page, _ = await self.list.page(began_by, wanted, limit)
        return [each.session_id for each in page]

    async def whole(self, limit: int, began_by: str | None = None, wanted: Wanted = ANY) -> list[ListedSession]:
        """Return the sessions of all pages."""
        found: list[ListedSession] = []
        after: Position | None = None
        while True:
            page, after = await self.list.page(began_by, wanted, limit, after)
            assert len(page) <= limit
            found += page
            if after is None:
                return found

    def age(self, session_id: str, seconds: float) -> None:
        """Let a session have begun earlier."""
        for key in self.redis.keys(f"{names.SESSIONS}*"):
            for member in self.redis.zrange(key, 0, -1):
                if member.startswith(session_id):
                    self.redis.zincrby(key, -seconds * 1000, member)


@pytest.fixture
def setting(redis: Redis, aredis: AsyncRedis) -> Setting:
    return Setting(redis, aredis)


async def test_a_key_lists_what_it_began_and_an_admin_all(setting: Setting) -> None:
    """The newest first; each session is in a list once, also after it was resumed."""
    mine = [await setting.begin(KEY) for _ in range(3)]
    other, open_one = await setting.begin(OTHER), await setting.begin()
    await setting.grants.remember(mine[0], "{}", KEY)
    assert sorted(await setting.ids(KEY)) == sorted(mine)
    assert await setting.ids(OTHER) == [other]
    assert await setting.ids("key:00000000") == []
    everything = await setting.ids()
    assert sorted(everything) == sorted([*mine, other, open_one])
    began = [each.began_at or 0.0 for each in await setting.whole(2)]
    assert began == sorted(began, reverse=True)


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_pages_follow_each_other_also_within_a_millisecond(setting: Setting, limit: int) -> None:
    """None is left out, and none is there twice, though more began at once than are read at once."""
    ids = {await setting.begin(KEY) for _ in range(20)}
    pipeline = setting.redis.pipeline()
    for session_id in ids:
        pipeline.execute_command("ZADD", names.SESSIONS, 1000, names.listed(session_id, KEY))
    for number in range(3 * BATCH):  # sessions that have expired
        pipeline.execute_command("ZADD", names.SESSIONS, 1000, f"{number:032x}")
    pipeline.execute()
    found = [each.session_id for each in await setting.whole(limit)]
    assert len(found) == len(set(found)) == len(ids)


async def test_a_new_session_moves_no_page(setting: Setting) -> None:
    """It is on the first page, which was read before."""
    ids = {await setting.begin() for _ in range(4)}
    first, after = await setting.list.page(None, ANY, 2)
    await setting.begin()
    second, end = await setting.list.page(None, ANY, 2, after)
    assert {each.session_id for each in first + second} == ids
    assert end is None


async def test_a_list_is_filtered(setting: Setting) -> None:
    """By room, by beginning and by state."""
    old, kitchen, hall = [await setting.begin(KEY, room) for room in (None, "kitchen", "hall")]
    setting.age(old, 3_600)
    record, _ = await setting.store.create(Start())
    await setting.store.leave(record)
    assert await setting.ids(KEY, Wanted(room="kitchen")) == [kitchen]
    assert sorted(await setting.ids(KEY, Wanted(since=time.time() - 60))) == sorted([kitchen, hall])
    assert await setting.ids(None, Wanted(state="ended")) == [record.session_id]
    assert sorted(await setting.ids(None, Wanted(state="live"))) == sorted([old, kitchen, hall])


async def test_a_session_is_live_while_a_client_is_connected(setting: Setting) -> None:
    """A client that resumes is; one whose gateway was killed is not for long."""
    record, token = await setting.store.create(Start(name="Kim"))
    session_id = record.session_id

    async def state() -> tuple[str, bool]:
        found = await setting.list.find(session_id)
        assert found is not None
        assert found.speaker is not None
        assert found.speaker.name == "Kim"
        return found.state, found.ended_at is not None

    assert await state() == ("live", False)
    await setting.store.leave(record)
    assert await state() == ("ended", True)
    resumed = await setting.store.resume(Start(session_id=session_id, token=token))
    assert await state() == ("live", False)
    await setting.store.leave(record)  # the connection before it, which ends late
    assert await state() == ("live", False)
    setting.redis.expire(names.session(session_id), TTL_S - UNTOUCHED_S - 5)
    assert await state() == ("ended", False)
    await setting.store.touch(resumed)
    assert await state() == ("live", False)


async def test_an_expired_session_is_in_no_list(setting: Setting) -> None:
    """At once for readers; its id goes from Redis a minute later, and a session that is still used stays."""
    gone, used = await setting.begin(KEY), await setting.begin(KEY)
    setting.redis.delete(names.session(gone))
    assert await setting.ids(KEY) == await setting.ids() == [used]
    assert await setting.list.find(gone) is None
    for session_id in (gone, used):
        setting.age(session_id, TTL_S + 1)
    setting.redis.expire(names.SESSIONS, 10)
    assert await setting.list.prune() == 1
    assert keys_with(setting.redis, gone) == set()
    assert await setting.ids(KEY) == await setting.ids() == [used]
    assert setting.redis.ttl(names.SESSIONS) > TTL_S
    assert await setting.list.prune() == 0


async def test_lists_expire_by_themselves(setting: Setting) -> None:
    """Where no gateway runs any longer, none removes anything."""
    await setting.begin(KEY)
    for key in (names.SESSIONS, names.sessions_of(KEY)):
        assert TTL_S < setting.redis.ttl(key) <= session_list.list_ttl_s(TTL_S)


@pytest.mark.parametrize("room", [None, "kitchen"])
async def test_a_deleted_session_is_in_no_list(setting: Setting, room: str | None) -> None:
    """Nor is any other one of its room, whoever began it; and a grant that is kept late brings none back."""
    record, token = await setting.store.create(Start(room=room))
    await setting.grants.remember(record.session_id, "{}", KEY)
    guests = [await setting.begin(OTHER, room), await setting.begin(None, room)] if room else []
    kept = await setting.begin(KEY)
    await setting.deletion.delete(record.session_id, token)
    await setting.grants.remember(record.session_id, "{}", KEY)
    assert await setting.ids() == await setting.ids(KEY) == [kept]
    assert await setting.ids(OTHER) == []
    for session_id in (record.session_id, *guests):
        left = keys_with(setting.redis, session_id)
        assert left <= {names.deleted(session_id), names.DELETING, names.session(record.session_id)}
    assert await setting.list.find(record.session_id) is None


async def test_a_grant_deletes_without_the_token(setting: Setting) -> None:
    """Whoever calls it has checked the grant; a session that is gone is unknown then."""
    session_id = await setting.begin(KEY)
    await setting.deletion.delete(session_id, None, owns=True)
    assert await setting.ids() == []
    with pytest.raises(Exception, match="There is no such session"):
        await setting.deletion.delete(session_id, None, owns=True)


@pytest.mark.slow
async def test_ten_thousand_sessions_are_listed_in_pages_of_bounded_cost(setting: Setting) -> None:
    """A page reads what it shows; one whose filter fits hardly any session ends after ``MAX_READ`` and goes on."""
    for _ in range(MANY // 500):
        await asyncio.gather(*(setting.begin(KEY) for _ in range(500)))
    rare = await setting.begin(KEY, "rare")
    setting.age(rare, 3_600)
    after: Position | None = None
    found: list[str] = []
    seconds: list[float] = []
    while after is not None or not found:
        before = _commands(setting.redis)
        began = time.perf_counter()
        page, after = await setting.list.page(KEY, ANY, 100, after)
        seconds.append(time.perf_counter() - began)
        found += [each.session_id for each in page]
        assert _commands(setting.redis) - before <= 3 * 2 * BATCH + 10
    assert len(found) == len(set(found)) == MANY + 1
    seconds.sort()
    print(
        f"{len(seconds)} pages of 100: median {seconds[len(seconds) // 2] * 1e3:.1f} ms, most {seconds[-1] * 1e3:.1f}"
    )
    assert seconds[len(seconds) // 2] < PAGE_S
    before = _commands(setting.redis)
    page, after = await setting.list.page(KEY, Wanted(room="rare"), 100)
    assert page == []
    assert after is not None
    assert _commands(setting.redis) - before <= 3 * MAX_READ + 30
    assert [each.session_id for each in await setting.whole(100, KEY, Wanted(room="rare"))] == [rare]
    began = time.perf_counter()
    assert await setting.list.prune() == 0
    print(f"nothing to prune: {(time.perf_counter() - began) * 1e3:.1f} ms")


def _commands(redis: Redis) -> int:
    return int(redis.info("stats")["total_commands_processed"])
