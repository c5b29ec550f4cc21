"""Requests for interim texts on a real server: one of each session, the newest, taken by one worker, in turn."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.celery_app import PARTIAL_AUDIO_TTL_S
from infra.interim_requests import InterimRequests, WaitingInterims
from tests.integration.test_scratch import files_with
from tests.support.machines import RedisServer
from tests.support.redis import AsyncRedis, Redis, connect, connect_async
from tests.support.speakers import ALICE, BOB
from wire import names
from wire.messages.jobs import TranscribePartial

PCM = bytes([0, 255, 128, 7])


def job(session_id: str = ALICE, revision: int = 1) -> TranscribePartial:
    fields = {"session_id": session_id, "segment": 0, "revision": revision, "purpose": "interim", "start_ms": 0}
    return TranscribePartial.model_validate(fields | {"audio_key": "k", "reply_to": "c", "prompt": "Siobhán"})


@pytest.fixture
def requests(aredis: AsyncRedis) -> InterimRequests:
    return InterimRequests(aredis)


@pytest.fixture
def waiting(redis: Redis) -> WaitingInterims:
    return WaitingInterims(redis)


def taken(waiting: WaitingInterims) -> list[tuple[TranscribePartial, bytes]]:
    """Everything that is there to be begun, in turn."""
    found = []
    while (turn := waiting.next()) is not None:
        if (begun := waiting.begin(turn)) is not None:
            found.append(begun)
    return found


async def test_the_newest_request_of_each_session_is_taken_in_turn(
    requests: InterimRequests, waiting: WaitingInterims, redis: Redis
) -> None:
    """A newer one keeps the place of the one before; nothing is left of what is taken."""
    for of in (job(ALICE, 1), job(BOB, 1), job(ALICE, 2)):
        assert await requests.put(of, PCM)
    assert taken(waiting) == [(job(ALICE, 2), PCM), (job(BOB, 1), PCM)]
    assert redis.keys("wta:interim*") == []


async def test_a_worker_waits_for_a_request(requests: InterimRequests, waiting: WaitingInterims) -> None:
    """And returns without one after a while."""
    assert waiting.wait(0.01) is None
    assert waiting.next() is None
    await requests.put(job(), PCM)
    turn = waiting.wait(10)
    assert turn is not None
    assert waiting.begin(turn) == (job(), PCM)


async def test_a_turn_that_is_given_back_comes_first_again(
    requests: InterimRequests, waiting: WaitingInterims, redis: Redis
) -> None:
    """Unless it was withdrawn meanwhile."""
    for of in (ALICE, BOB):
        await requests.put(job(of), PCM)
    turn = waiting.next()
    assert turn is not None
    waiting.give_back(turn)
    assert waiting.next() == turn
    await requests.withdraw(job(ALICE))
    waiting.give_back(turn)
    assert taken(waiting) == [(job(BOB), PCM)]
    assert redis.keys("wta:interim*") == []


async def test_a_request_is_withdrawn_until_a_worker_begins(
    requests: InterimRequests, waiting: WaitingInterims, redis: Redis
) -> None:
    """A newer one of the session is another request."""
    await requests.put(job(), PCM)
    assert await requests.withdraw(job())
    assert redis.keys("wta:interim*") == []
    await requests.put(job(revision=2), PCM)
    assert not await requests.withdraw(job())
    assert len(taken(waiting)) == 1
    assert not await requests.withdraw(job(revision=2))


async def test_a_stale_request_is_not_begun_and_can_be_withdrawn(
    requests: InterimRequests, waiting: WaitingInterims, aredis: AsyncRedis
) -> None:
    """By that its gateway sees that none has begun."""
    await requests.put(job(), PCM)
    await aredis.expire(names.interim(ALICE), PARTIAL_AUDIO_TTL_S - 1)
    assert taken(waiting) == []
    assert await requests.withdraw(job())


async def test_a_limited_number_of_sessions_waits(requests: InterimRequests, waiting: WaitingInterims) -> None:
    """Of those that wait the newest request still counts."""
    assert [await requests.put(job(of), PCM, max_waiting=1) for of in (ALICE, BOB)] == [True, False]
    assert await requests.put(job(revision=2), PCM, max_waiting=1)
    assert taken(waiting) == [(job(revision=2), PCM)]
    assert await requests.put(job(BOB), PCM, max_waiting=1)


async def test_audio_of_a_request_expires(requests: InterimRequests, redis: Redis) -> None:
    """With the place of its session."""
    await requests.put(job(), PCM)
    for key in (names.INTERIMS, names.interim(ALICE)):
        assert 0 < redis.ttl(key) <= PARTIAL_AUDIO_TTL_S


async def test_nothing_is_requested_for_a_deleted_session(requests: InterimRequests, redis: Redis) -> None:
    redis.set(names.deleted(ALICE), "")
    assert not await requests.put(job(), PCM)
    assert redis.keys("wta:interim*") == []


async def test_an_unreadable_request_is_dropped(
    requests: InterimRequests, waiting: WaitingInterims, redis: Redis
) -> None:
    """Such as one of a newer version; the next one is begun."""
    for of in (ALICE, BOB):
        await requests.put(job(of), PCM)
    redis.hset(names.interim(ALICE), "job", "{}")
    assert taken(waiting) == [(job(BOB), PCM)]


async def test_each_request_is_taken_by_one_worker(requests: InterimRequests, redis_url: str) -> None:
    """However many wait for it."""
    sessions = [f"{number:032x}" for number in range(200)]
    for session in sessions:
        await requests.put(job(session), PCM)
    start = threading.Barrier(4, timeout=10)

    def work(_: int) -> list[str]:
        with connect(redis_url) as redis:
            start.wait()
            return [of.session_id for of, _ in taken(WaitingInterims(redis))]

    with ThreadPoolExecutor(4) as pool:
        found = [session for each in pool.map(work, range(4)) for session in each]
    assert sorted(found) == sessions


async def test_the_append_only_file_gets_no_audio_of_a_request(mortal_redis: RedisServer, tmp_path: Path) -> None:
    """Where all is one Redis."""
    spoken = b"nobody writes this down"
    aredis = connect_async(mortal_redis.url)
    requests = InterimRequests(aredis)
    for session in (ALICE, BOB):
        await requests.put(job(session), spoken * 10)
    with connect(mortal_redis.url) as redis:
        waiting = WaitingInterims(redis)
        turn = waiting.next()
        assert turn is not None
        waiting.give_back(turn)
        turn = waiting.next()
        assert turn is not None
        assert waiting.begin(turn) == (job(ALICE), spoken * 10)
        redis.set("written", "this is written down")
    await aredis.aclose()
    mortal_redis.kill()
    assert files_with("this is written down", tmp_path)
    assert not files_with(spoken.decode(), tmp_path)
