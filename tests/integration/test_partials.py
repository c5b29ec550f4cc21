"""Partial texts between a gateway and a worker over a real server: begun once, and answered or withdrawn."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any, Literal

import numpy as np
import pytest
from celery import Celery
from celery.worker.request import Request
from kombu.entity import Queue

from fastapi_service.recognition.partials import Partials, PendingPartial
from fastapi_service.recognition.transports import QueueTransport
from fastapi_service.storage.sessions import SessionStore
from infra.celery_app import STALE_S, make_celery, queue_keys, send_job
from infra.context import Context as Spoken
from infra.context import Contexts
from infra.ledger.admission import Admission
from infra.ledger.ledger import Ledger
from infra.watchdog import Limits
from infra.worker import Worker
from stt_worker.engines.base import Context, Hypothesis, RecognitionConfig
from stt_worker.engines.deadline import Deadline
from stt_worker.engines.instant import InstantTranscriber
from stt_worker.tasks.context import context_of
from stt_worker.tasks.partial import PartialTranscription
from tests.support.dispatch import FakeDispatcher
from tests.support.eventually import soon
from tests.support.redis import AsyncRedis, Redis, connect_async
from tests.support.speakers import ALICE, audio_job, text_job
from wire import names
from wire.audio import Samples, encode_pcm
from wire.messages.client import Start
from wire.messages.jobs import TranscribePartial

PCM = bytes(32_000)


class Setting:
    """A gateway that requests, and a worker that a test lets work."""

    def __init__(self, aredis: AsyncRedis, channels: AsyncRedis, redis_url: str) -> None:
        self.dispatcher = FakeDispatcher()
        self._requested = 0
        queue = QueueTransport(aredis, self.dispatcher)
        self.partials = Partials(aredis, channels, {"interim": queue, "final": queue})
        self.worker: Worker[Any] = Worker(redis_url, names.STT_WORKER, Limits(deadline_s=60, max_rss_mb=0))
        self.worker.model = InstantTranscriber()

    def request(
        self, revision: int = 1, purpose: Literal["interim", "final"] = "final", context: Spoken | None = None
    ) -> PendingPartial:
        job = TranscribePartial(
            session_id=ALICE,
            segment=0,
            revision=revision,
            purpose=purpose,
            start_ms=0,
            audio_key=names.partial_audio(ALICE, 0, revision),
            reply_to=self.partials.channel,
        )
        self._requested += 1
        return self.partials.request(job, PCM, context)

    async def work(self) -> None:
        """The worker does everything that was pending."""
        await soon(lambda: len(self.dispatcher.partials) == self._requested)
        for job in self.dispatcher.partials:
            await asyncio.to_thread(PartialTranscription(self.worker, min_logprob=-1.5).run, job)


@pytest.fixture
async def setting(redis: Redis, aredis: AsyncRedis, redis_url: str) -> AsyncIterator[Setting]:
    channels = connect_async(redis_url, max_connections=4, retries=0)
    setting = Setting(aredis, channels, redis_url)
    running = asyncio.create_task(setting.partials.run())
    await soon(lambda: bool(redis.pubsub_channels(setting.partials.channel)))
    yield setting
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await channels.aclose()
    await channels.connection_pool.disconnect()


async def test_answer_reaches_its_request(setting: Setting, redis: Redis) -> None:
    """And the audio is gone from Redis with it."""
    first, second = setting.request(1), setting.request(2)
    await setting.work()
    answers = [await first.result(), await second.result()]
    assert [answer and answer.revision for answer in answers] == [1, 2]
    assert answers[0] is not None
    assert answers[0].transcript is not None
    assert answers[0].transcript.text == "16000 samples of speech"
    assert redis.keys(f"{names.partial_audio(ALICE, 0, 1)[:-1]}*") == []


class Certain(InstantTranscriber):
    """Finds that a sentence is over."""

    def transcribe(self, audio: Samples, config: RecognitionConfig, deadline: Deadline) -> Hypothesis:
        return replace(super().transcribe(audio, config, deadline), sentence_end=1.5)


async def test_the_evidence_of_a_sentences_end_comes_with_its_text(setting: Setting) -> None:
    setting.worker.model = Certain()
    request = setting.request()
    await setting.work()
    answer = await request.result()
    assert answer is not None
    assert answer.sentence_end == 1.5


async def test_request_can_be_withdrawn_until_a_worker_begins(setting: Setting) -> None:
    """Then no worker does it any more; what one has begun is not taken back."""
    pending = setting.request()
    assert await pending.withdraw()
    assert await pending.result() is None
    await setting.work()
    begun = setting.request(2)
    await setting.work()
    assert not await begun.withdraw()
    assert await begun.result() is not None


async def test_text_of_a_partial_enters_the_ledger_without_audio(redis: Redis, aredis: AsyncRedis) -> None:
    """The utterance begins with its analysis, and the language that was detected stays with the session."""
    record, _ = await SessionStore(aredis, 600).create(Start())
    job = text_job(0, record.session_id)
    assert await Admission(aredis).admit(record.owner, job, PCM, 16_000, 600, "en") == "admitted"
    ledger = Ledger(redis)
    (entry,) = ledger.pending(10)
    assert (entry.stage, entry.job) == ("analysis", job)
    assert not redis.exists(names.audio(record.session_id, 0))
    claim = ledger.claim(job, "analysis", names.heartbeat(names.ANALYZER_WORKER, "one"))
    assert (claim.verdict, claim.language) == ("claimed", "en")


def partials(*purposes: str) -> Iterator[TranscribePartial]:
    fields = {"session_id": ALICE, "segment": 0, "start_ms": 0, "audio_key": "k", "reply_to": "c"}
    for revision, purpose in enumerate(purposes, start=1):
        yield TranscribePartial.model_validate(fields | {"revision": revision, "purpose": purpose})


@pytest.fixture
def celery(redis_url: str) -> Iterator[Celery]:
    with make_celery("test", redis_url) as celery:
        yield celery


def test_partials_wait_behind_all_live_jobs_of_the_ledger(redis: Redis, celery: Celery) -> None:
    """In lists of their own, interim texts last; only jobs of files wait behind them."""
    for job in partials("interim", "final"):
        send_job(celery, job)
    assert [redis.llen(key) for key in queue_keys(names.STT_QUEUE)] == [0, 1, 1, 0]


@pytest.mark.parametrize("waits_s", [STALE_S, STALE_S + 0.5])
@pytest.mark.parametrize("purpose", ["interim", "final"])
async def test_stale_partial_is_not_begun(
    setting: Setting, redis: Redis, purpose: Literal["interim", "final"], waits_s: float
) -> None:
    """A worker that comes to it after a second leaves its audio, by which the gateway sees that none has begun."""
    fresh = setting.request(1, purpose)
    await setting.work()
    assert await fresh.result() is not None
    stale = setting.request(2, purpose)
    await soon(lambda: len(setting.dispatcher.partials) == 2)
    await asyncio.sleep(waits_s)
    await setting.work()
    assert not stale.done
    assert redis.exists(stale.job.audio_key)
    assert await stale.withdraw()
    assert await stale.result() is None


@pytest.mark.parametrize("ahead_s", [-2, 2, 3_600])
@pytest.mark.parametrize("purpose", ["interim", "final"])
def test_no_job_is_discarded_by_the_clock_of_a_host(
    celery: Celery, purpose: str, ahead_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery's expiry would be a time of day of the sender's clock. What was promised is begun whenever."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=ahead_s)

    (job,) = partials(purpose)
    send_job(celery, job)
    send_job(celery, audio_job())
    monkeypatch.setattr("celery.worker.request.datetime", Ahead)
    assert not discarded(celery, names.TRANSCRIBE_AUDIO)
    assert not discarded(celery, names.TRANSCRIBE_PARTIAL)


def discarded(celery: Celery, name: str) -> bool:
    """Whether a Celery worker would discard the task that comes next, which has a name."""
    with celery.connection_for_read() as connection, connection.channel() as channel:
        message = Queue(names.STT_QUEUE, channel=channel).get(no_ack=True)
        assert message.headers["task"] == name
        return bool(Request(message, app=celery, task=celery.task(_do_nothing, name=name)).revoked())


def _do_nothing(job: dict[str, Any]) -> None: ...


async def test_task_and_prompt_of_a_session_outlive_its_connection(aredis: AsyncRedis) -> None:
    store = SessionStore(aredis, 600)
    record, token = await store.create(Start(task="translate", prompt="Siobhán"))
    resumed = await store.resume(Start(session_id=record.session_id, token=token))
    assert (resumed.task, resumed.prompt) == ("translate", "Siobhán")


class Noting(InstantTranscriber):
    """Keeps the contexts that it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.contexts: list[Context | None] = []

    def transcribe(self, audio: Samples, config: RecognitionConfig, deadline: Deadline) -> Hypothesis:
        self.contexts.append(config.context)
        return super().transcribe(audio, config, deadline)


@pytest.mark.parametrize(("segment", "purpose"), [(0, "final"), (0, "interim"), (1, "final")])
async def test_a_worker_reads_what_was_said_before(
    setting: Setting, aredis: AsyncRedis, segment: int, purpose: Literal["interim", "final"]
) -> None:
    """For the final text of that utterance only; a later request of it finds the same."""
    setting.worker.model = noting = Noting()
    pcm = encode_pcm(np.array([0, 16_384], dtype=np.int16))
    await Contexts(aredis).put(ALICE, segment, Spoken(pcm, "안녕, Zoë", "ko"))
    said = Spoken(pcm, "안녕, Zoë", "ko") if (segment, purpose) == (0, "final") else None
    for revision in (1, 2):
        setting.request(revision, purpose, said)
    await setting.work()
    for context in noting.contexts:
        if said is not None:
            assert context is not None
            assert (context.audio.tolist(), context.text, context.language) == ([0.0, 0.5], "안녕, Zoë", "ko")
        else:
            assert context is None
    assert len(noting.contexts) == 2


async def test_a_request_brings_its_context(setting: Setting, aredis: AsyncRedis) -> None:
    """It is there before the job, and for half a minute; the next one replaces it."""
    setting.worker.model = noting = Noting()
    for revision, text in enumerate(("one", "one two"), 1):
        setting.request(revision, context=Spoken(PCM, text, "en"))
        await setting.work()
        assert 0 < await aredis.ttl(names.context(ALICE)) <= 30
        assert noting.contexts[-1] is not None
        assert noting.contexts[-1].text == text
    setting.request(3)  # without one, as after a change of the language
    await setting.work()
    assert noting.contexts[-1] is None


async def test_the_job_of_an_utterance_has_its_context(aredis: AsyncRedis, redis: Redis) -> None:
    """Not that of another one, and none if it was taken away."""
    job = audio_job()
    contexts = Contexts(aredis)
    for segment, context, expected in [
        (0, Spoken(PCM, "said", "en"), "said"),
        (1, Spoken(PCM, "other", "en"), None),
        (0, None, None),
    ]:
        await contexts.put(ALICE, segment, context)
        found = context_of(redis, job)
        assert (None if found is None else found.text) == expected
