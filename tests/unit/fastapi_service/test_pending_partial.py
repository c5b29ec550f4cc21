"""Requests for texts before the end of an utterance: answered, withdrawn, or given up."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest
import redis.exceptions

from fastapi_service.recognition import partials as module
from fastapi_service.recognition.partials import Partials, PendingPartial
from fastapi_service.recognition.transports import AUDIO_TTL_S, QueueTransport
from infra.heartbeat import Heartbeat
from infra.redis_client import AsyncRedis
from tests.support.dispatch import FakeDispatcher
from tests.support.eventually import soon
from tests.support.speakers import ALICE
from wire import names
from wire.messages.jobs import Partial, TranscribePartial

PCM = bytes(640)


class FakeRedis:
    """Keys, and one channel on which a test publishes."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}
        self.deleted: list[str] = []
        self.unavailable = False
        self.published: asyncio.Queue[str | Exception] = asyncio.Queue()
        self.subscribed: list[str] = []
        self._answers: list[dict[str, str]] = []
        self.workers: dict[str, str] = {}
        """Instance → heartbeat."""

    def register_script(self, _script: str) -> Callable[..., Coroutine[Any, Any, None]]:
        async def put(keys: list[str], args: list[Any]) -> None:
            (key, deleted), (ttl_s, value) = keys, args
            assert (deleted, ttl_s) == (names.deleted(ALICE), AUDIO_TTL_S)
            self._check()
            self.keys[key] = value

        return put

    async def delete(self, key: str) -> int:
        self._check()
        self.deleted.append(key)
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
    async def pubsub(self) -> AsyncIterator["FakeRedis"]:
        yield self

    async def connect(self) -> None: ...

    async def subscribe(self, channel: str) -> None:
        self.subscribed.append(channel)
        self._answers.append({"type": "subscribe", "channel": channel, "data": "1"})

    async def get_message(self, **_: Any) -> dict[str, str]:
        if self._answers:
            return self._answers.pop(0)
        published = await self.published.get()
        if isinstance(published, Exception):
            raise published
        return {"type": "message", "channel": self.subscribed[-1], "data": published}

    def _check(self) -> None:
        if self.unavailable:
            raise redis.exceptions.ConnectionError("refused")


class Setting:
    """The requests of one gateway, with a Redis of our own."""

    def __init__(self, timeout_s: float = module.TIMEOUT_S, *, has_contexts: bool = True) -> None:
        self.redis, self.dispatcher = FakeRedis(), FakeDispatcher()
        redis = cast(AsyncRedis, self.redis)
        queue = QueueTransport(redis, self.dispatcher, has_contexts=has_contexts)
        transports: Any = {"interim": queue, "final": queue}
        self.partials = Partials(redis, redis, transports, watch_s=0.01, timeout_s=timeout_s)

    def request(self, revision: int = 1, **fields: Any) -> PendingPartial:
        job = TranscribePartial(
            session_id=ALICE, segment=0, revision=revision, purpose="final", start_ms=0,
            audio_key=names.partial_audio(ALICE, 0, revision), reply_to=self.partials.channel,
        )  # fmt: skip
        return self.partials.request(TranscribePartial.model_validate(job.model_dump() | fields), PCM)

    async def sent(self, *pending: PendingPartial) -> None:
        await soon(
            lambda: [job.revision for job in self.dispatcher.partials] == [each.job.revision for each in pending]
        )

    def begin(self, pending: PendingPartial) -> None:
        """A worker takes the audio away."""
        assert self.redis.keys.pop(pending.job.audio_key) == PCM

    def answer(self, revision: int = 1) -> None:
        """A worker's answer."""
        partial = Partial(
            session_id=ALICE, segment=0, revision=revision, transcript=None, stt_start=1.0, stt_end=float(revision)
        )
        self.redis.published.put_nowait(partial.model_dump_json())


@asynccontextmanager
async def opened(setting: Setting) -> AsyncIterator[Setting]:
    running = asyncio.create_task(setting.partials.run())
    await soon(lambda: setting.redis.subscribed)
    yield setting
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    async with opened(Setting()) as setting:
        yield setting


async def test_answer_reaches_its_request(setting: Setting) -> None:
    """An answer without a request, and one that cannot be read, disturb nothing."""
    first, second = setting.request(1), setting.request(2)
    await setting.sent(first, second)
    setting.redis.published.put_nowait("{}")
    setting.answer(7)
    setting.answer(2)
    answer = await second.result()
    assert answer is not None
    assert answer.revision == 2
    assert not first.done
    assert setting.redis.subscribed == [setting.partials.channel]


@pytest.mark.parametrize("where", ["redis", "queue"])
async def test_request_that_cannot_be_sent_ends_at_once(setting: Setting, where: str) -> None:
    setting.redis.unavailable, setting.dispatcher.closed = where == "redis", where == "queue"
    assert await setting.request().result() is None


@pytest.mark.parametrize(
    ("has_contexts", "fields", "deletes"),
    [(True, {}, True), (False, {}, False), (True, {"purpose": "interim"}, False), (True, {"task": "translate"}, False)],
    ids=["final", "contexts are off", "interim", "translation"],
)
async def test_a_request_without_a_context_takes_an_earlier_one_away(
    has_contexts: bool, fields: dict[str, Any], deletes: bool
) -> None:
    """Unless there cannot be one: no command is spent on it."""
    setting = Setting(has_contexts=has_contexts)
    pending = setting.request(**fields)
    await setting.sent(pending)
    assert setting.redis.deleted == ([names.context(ALICE)] if deletes else [])
    await pending.give_up()


async def test_request_that_no_worker_has_begun_is_withdrawn(setting: Setting) -> None:
    """Its audio is gone, so that no worker begins it afterwards."""
    pending = setting.request()
    pending.drop()
    assert await pending.result() is None
    await setting.sent(pending)
    assert setting.redis.keys == {}


async def test_request_that_a_worker_has_begun_is_not_withdrawn(setting: Setting) -> None:
    pending = setting.request()
    await setting.sent(pending)
    setting.begin(pending)
    assert not await pending.withdraw()
    setting.answer()
    assert await pending.result() is not None


async def test_withdrawal_during_an_outage_ends_the_request(setting: Setting) -> None:
    pending = setting.request()
    await setting.sent(pending)
    setting.redis.unavailable = True
    assert await pending.withdraw()
    assert await pending.result() is None


async def test_request_times_out() -> None:
    """The answer was lost."""
    async with opened(Setting(timeout_s=0.02)) as setting, asyncio.timeout(5):
        pending = setting.request()
        await setting.sent(pending)
        setting.begin(pending)
        assert await pending.result() is None


async def test_death_of_a_worker_ends_all_requests(setting: Setting) -> None:
    """As long as all of them live, what is begun is waited for; a new one changes nothing."""
    setting.redis.live("one", "two")
    pending = setting.request()
    await setting.sent(pending)
    setting.begin(pending)
    await asyncio.sleep(0.05)
    setting.redis.live("one", "two", "three")
    await asyncio.sleep(0.05)
    assert not pending.done
    setting.redis.live("two", "three")
    async with asyncio.timeout(5):
        assert await pending.result() is None


async def test_outage_ends_all_requests(setting: Setting) -> None:
    pending = setting.request()
    await setting.sent(pending)
    setting.begin(pending)
    setting.redis.published.put_nowait(redis.exceptions.ConnectionError("refused"))
    async with asyncio.timeout(5):
        assert await pending.result() is None
    following = setting.request(2)
    setting.answer(2)
    assert await following.result() is not None
    assert setting.redis.subscribed == [setting.partials.channel] * 2


async def test_end_of_a_request_leaves_a_later_one_of_the_same_key(setting: Setting) -> None:
    first = setting.request()
    second = setting.request()
    first.set_result(None)
    await first.result()
    setting.answer()
    async with asyncio.timeout(5):
        assert await second.result() is not None
