"""What a gateway asks of the workers before an utterance is over: answered, taken back, or given up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest
import redis.exceptions
from kombu.exceptions import OperationalError

from fastapi_service.recognition import partials as module
from fastapi_service.recognition.partials import Partials, PendingPartial
from infra.heartbeat import Heartbeat
from infra.redis_client import AsyncRedis
from tests.support.eventually import soon
from tests.support.speakers import ALICE
from wire import names
from wire.messages.jobs import Partial, TranscribePartial

PCM = bytes(640)


class Redis:
    """Keys, and one channel on which a test speaks."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}
        self.away = False
        self.said: asyncio.Queue[str | Exception] = asyncio.Queue()
        self.subscribed: list[str] = []
        self.workers: dict[str, str] = {}
        """Instance → heartbeat."""

    async def set(self, key: str, value: bytes, ex: int) -> None:
        assert ex == module.AUDIO_TTL_S
        self._check()
        self.keys[key] = value

    async def delete(self, key: str) -> int:
        self._check()
        return 0 if self.keys.pop(key, None) is None else 1

    async def smembers(self, key: str) -> list[str]:
        assert key == names.heartbeat_index(names.STT_WORKER)
        self._check()
        return list(self.workers)

    async def mget(self, keys: list[str]) -> list[str]:
        return [self.workers[key.rpartition(":")[2]] for key in keys]

    def live(self, *workers: str) -> None:
        beats = [Heartbeat(service=names.STT_WORKER, instance=worker, started=0.0) for worker in workers]
        self.workers = {beat.instance: beat.model_dump_json() for beat in beats}

    @asynccontextmanager
    async def pubsub(self) -> AsyncIterator["Redis"]:
        yield self

    async def subscribe(self, channel: str) -> None:
        self.subscribed.append(channel)

    async def get_message(self, **_: Any) -> dict[str, str]:
        said = await self.said.get()
        if isinstance(said, Exception):
            raise said
        return {"channel": self.subscribed[-1], "data": said}

    def _check(self) -> None:
        if self.away:
            raise redis.exceptions.ConnectionError("away")


class Post:
    """Takes the jobs, or refuses them."""

    def __init__(self) -> None:
        self.jobs: list[TranscribePartial] = []
        self.closed = False

    async def send_once(self, draft: TranscribePartial) -> None:
        if self.closed:
            raise OperationalError("away")
        self.jobs.append(draft)


class Office:
    """A gateway's drafts, with a Redis of our own."""

    def __init__(self, timeout_s: float = module.TIMEOUT_S) -> None:
        self.redis, self.post = Redis(), Post()
        self.partials = Partials(
            cast(AsyncRedis, self.redis), cast(AsyncRedis, self.redis), self.post, watch_s=0.01, timeout_s=timeout_s
        )

    def request(self, revision: int = 1) -> PendingPartial:
        job = TranscribePartial(
            session_id=ALICE, segment=0, revision=revision, purpose="final", start_ms=0,
            audio_key=names.partial_audio(ALICE, 0, revision), reply_to=self.partials.channel,
        )  # fmt: skip
        return self.partials.request(job, PCM)

    async def sent(self, *asked: PendingPartial) -> None:
        await soon(lambda: [job.revision for job in self.post.jobs] == [each.job.revision for each in asked])

    def begin(self, asked: PendingPartial) -> None:
        """A worker takes the audio away."""
        assert self.redis.keys.pop(asked.job.audio_key) == PCM

    def say(self, revision: int = 1) -> None:
        """A worker's answer."""
        draft = Partial(
            session_id=ALICE, segment=0, revision=revision, transcript=None, stt_start=1.0, stt_end=float(revision)
        )
        self.redis.said.put_nowait(draft.model_dump_json())


@asynccontextmanager
async def opened(office: Office) -> AsyncIterator[Office]:
    running = asyncio.create_task(office.partials.run())
    await soon(lambda: office.redis.subscribed)
    yield office
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    async with opened(Office()) as office:
        yield office


async def test_an_answer_reaches_who_asked(office: Office) -> None:
    """What nobody asked for, or nobody can read, disturbs nothing."""
    first, second = office.request(1), office.request(2)
    await office.sent(first, second)
    office.redis.said.put_nowait("{}")
    office.say(7)
    office.say(2)
    answer = await second.result()
    assert answer is not None
    assert answer.revision == 2
    assert not first.done
    assert office.redis.subscribed == [office.partials.channel]


@pytest.mark.parametrize("where", ["redis", "queue"])
async def test_what_cannot_be_asked_is_answered_at_once(office: Office, where: str) -> None:
    office.redis.away, office.post.closed = where == "redis", where == "queue"
    assert await office.request().result() is None


async def test_what_nobody_has_begun_is_taken_back(office: Office) -> None:
    """Its audio is gone, so that no worker begins it afterwards."""
    asked = office.request()
    asked.drop()
    assert await asked.result() is None
    await office.sent(asked)
    assert office.redis.keys == {}


async def test_what_is_begun_is_still_waited_for(office: Office) -> None:
    asked = office.request()
    await office.sent(asked)
    office.begin(asked)
    assert not await asked.withdraw()
    office.say()
    assert await asked.result() is not None


async def test_nothing_is_waited_for_when_redis_cannot_say_whether_it_is_begun(office: Office) -> None:
    asked = office.request()
    await office.sent(asked)
    office.redis.away = True
    assert await asked.withdraw()
    assert await asked.result() is None


async def test_who_waited_long_waits_no_more() -> None:
    """The answer was lost."""
    async with opened(Office(timeout_s=0.02)) as office, asyncio.timeout(5):
        asked = office.request()
        await office.sent(asked)
        office.begin(asked)
        assert await asked.result() is None


async def test_a_worker_that_dies_holds_nobody_up(office: Office) -> None:
    """As long as all of them live, what is begun is waited for; a new one changes nothing."""
    office.redis.live("one", "two")
    asked = office.request()
    await office.sent(asked)
    office.begin(asked)
    await asyncio.sleep(0.05)
    office.redis.live("one", "two", "three")
    await asyncio.sleep(0.05)
    assert not asked.done
    office.redis.live("two", "three")
    async with asyncio.timeout(5):
        assert await asked.result() is None


async def test_answers_that_an_outage_took_are_not_waited_for(office: Office) -> None:
    asked = office.request()
    await office.sent(asked)
    office.begin(asked)
    office.redis.said.put_nowait(redis.exceptions.ConnectionError("away"))
    async with asyncio.timeout(5):
        assert await asked.result() is None
    following = office.request(2)
    office.say(2)
    assert await following.result() is not None
    assert office.redis.subscribed == [office.partials.channel] * 2


async def test_one_that_is_over_does_not_take_a_later_one_of_its_name_along(office: Office) -> None:
    first = office.request()
    second = office.request()
    first.set_result(None)
    await first.result()
    office.say()
    async with asyncio.timeout(5):
        assert await second.result() is not None
