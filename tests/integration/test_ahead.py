"""Sessions that send faster than speech: behind everybody who talks, eight utterances each, and as safe as others."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import websockets
from celery import Celery
from kombu.entity import Queue

from fastapi_service.storage.record import SessionRecord
from fastapi_service.storage.sessions import SessionStore
from infra.celery_app import AHEAD, LIVE, make_celery, queue_key, send_job
from infra.heartbeat import TIME_TO_LIVE_S
from infra.ledger.admission import MAX_AHEAD, Admission
from infra.ledger.entry import Stage
from infra.ledger.ledger import Ledger
from listener_service.retry_policy import GRACE_S, OVERTAKEN_S
from listener_service.sweeper import Sweeper
from tests.support.eventually import eventually, soon
from tests.support.gateways import START_S, Gateway, Person
from tests.support.machines import Processes
from tests.support.redis import AsyncRedis, Redis, queue_depth
from tests.support.sounds import quiet, speech
from tests.support.speakers import ALICE, audio_job, text_job
from wire import names
from wire.audio import SAMPLE_RATE
from wire.messages.client import Start
from wire.messages.jobs import AnalyzeText, TranscribeAudio, TranscribePartial

TTL_S = 600
WORKER = names.heartbeat(names.STT_WORKER, "one")
UTTERANCES = 20
FILE = (speech(SAMPLE_RATE) + quiet(SAMPLE_RATE)) * UTTERANCES


@pytest.fixture
def celery(redis_url: str) -> Iterator[Celery]:
    with make_celery("test", redis_url) as celery:
        yield celery


def received(celery: Celery, queue: str) -> list[dict[str, Any]]:
    """Take all jobs of a queue as a worker gets them."""
    jobs = []
    with celery.connection_for_read() as connection, connection.channel() as channel:
        bound = Queue(queue, channel=channel)
        while (message := bound.get(no_ack=True)) is not None:
            jobs.append(json.loads(message.body)[1]["job"])
    return jobs


def partial(purpose: str) -> TranscribePartial:
    fields = {"session_id": ALICE, "segment": 9, "start_ms": 0, "audio_key": "k", "reply_to": "c", "revision": 1}
    return TranscribePartial.model_validate(fields | {"purpose": purpose})


def test_ahead_jobs_wait_behind_live_ones_and_their_partials(celery: Celery) -> None:
    """Whichever came first."""
    jobs: list[TranscribeAudio | TranscribePartial] = [
        audio_job(0, ahead=True),
        partial("interim"),
        partial("final"),
        audio_job(1),
        audio_job(2, ahead=True),
    ]
    for job in jobs:
        send_job(celery, job)
    urgent = [(job["segment"], job.get("purpose")) for job in received(celery, names.STT_QUEUE)]
    assert urgent == [(1, None), (9, "final"), (9, "interim"), (0, None), (2, None)]


def test_ahead_texts_wait_behind_live_ones(celery: Celery) -> None:
    """The second queue has the same classes."""
    for segment in range(4):
        send_job(celery, text_job(segment, ahead=segment < 2))
    assert [job["segment"] for job in received(celery, names.ANALYZER_QUEUE)] == [2, 3, 0, 1]


class Ledgers:
    """Sessions with a ledger, a queue and a sweeper."""

    def __init__(self, redis: Redis, aredis: AsyncRedis, celery: Celery) -> None:
        self.redis, self.celery = redis, celery
        self.resent: list[tuple[str, int]] = []
        self._aredis, self._admission = aredis, Admission(aredis)

    async def session(self) -> SessionRecord:
        record, _ = await SessionStore(self._aredis, TTL_S).create(Start())
        return record

    async def admit(self, record: SessionRecord, segment: int, *, ahead: bool, text: bool = False) -> str:
        """Write one utterance into the ledger, and send its job."""
        make = text_job if text else audio_job
        job: TranscribeAudio | AnalyzeText = make(segment, record.session_id, ahead=ahead)
        verdict = await self._admission.admit(record.owner, job, b"", segment, TTL_S)
        if verdict == "admitted":
            send_job(self.celery, job)
        return verdict

    def sent_ago(self, record: SessionRecord, segment: int, seconds: float) -> None:
        entry = names.ledger_entry(names.ledger_member(record.session_id, segment))
        self.redis.hset(entry, "sent_at", self.redis.time()[0] - seconds)

    def claim(self, job: TranscribeAudio | AnalyzeText) -> None:
        self.redis.set(WORKER, "alive", ex=TIME_TO_LIVE_S)
        stage: Stage = "stt" if isinstance(job, TranscribeAudio) else "analysis"
        assert Ledger(self.redis).claim(job, stage, WORKER).verdict == "claimed"

    def lose(self, queue: str, priority: int) -> None:
        """Remove the oldest task of a priority, as a worker that dies at once."""
        assert self.redis.rpop(queue_key(queue, priority)) is not None

    def sweep(self) -> list[tuple[str, int]]:
        """Return the session and segment of the jobs that are sent again."""
        self.resent.clear()
        Sweeper(self.redis, "test", lambda job: self.resent.append((job.session_id, job.segment))).sweep()
        return list(self.resent)


@pytest.fixture
def ledgers(redis: Redis, aredis: AsyncRedis, celery: Celery) -> Ledgers:
    return Ledgers(redis, aredis, celery)


async def test_ahead_session_never_holds_more_than_eight(ledgers: Ledgers) -> None:
    """However long it takes; a live session beside it, and the same one when it talks, hold more."""
    file, talker = await ledgers.session(), await ledgers.session()
    verdicts = [await ledgers.admit(file, segment, ahead=True) for segment in range(MAX_AHEAD + 1)]
    assert verdicts == ["admitted"] * MAX_AHEAD + ["full"]
    first = names.ledger_member(file.session_id, 0)
    ledgers.redis.zincrby(names.PENDING, -3_000, first)  # far slower than real time
    assert await ledgers.admit(file, MAX_AHEAD, ahead=True) == "full"
    live = [await ledgers.admit(talker, segment, ahead=False) for segment in range(2 * MAX_AHEAD)]
    assert set(live) == {"admitted"}
    assert await ledgers.admit(file, MAX_AHEAD, ahead=False) == "admitted"


@pytest.mark.parametrize("text", [False, True], ids=["audio", "text"])
async def test_ahead_job_that_waits_behind_live_ones_is_not_resent(ledgers: Ledgers, text: bool) -> None:
    """Live jobs that were sent later are claimed before it for minutes; it is in its queue all the time."""
    queue = names.ANALYZER_QUEUE if text else names.STT_QUEUE
    file, talker = await ledgers.session(), await ledgers.session()
    await ledgers.admit(file, 0, ahead=True, text=text)
    ledgers.sent_ago(file, 0, 300)
    for segment in range(3):
        await ledgers.admit(talker, segment, ahead=False, text=text)
        ledgers.claim((text_job if text else audio_job)(segment, talker.session_id))
        ledgers.lose(queue, LIVE)  # the worker has it
        assert ledgers.sweep() == []
    assert queue_depth(ledgers.redis, queue) == 1


async def test_live_job_is_not_taken_for_lost_because_of_ahead_ones(ledgers: Ledgers) -> None:
    """Nor because of a mark of the other class."""
    file, talker = await ledgers.session(), await ledgers.session()
    await ledgers.admit(talker, 0, ahead=False)
    ledgers.sent_ago(talker, 0, 300)
    await ledgers.admit(file, 0, ahead=True)
    ledgers.claim(audio_job(0, file.session_id, ahead=True))
    ledgers.lose(names.STT_QUEUE, AHEAD)
    assert ledgers.sweep() == []


@pytest.mark.parametrize("live", [0, 3], ids=["nothing else", "live jobs wait"])
async def test_lost_ahead_job_is_resent_once_its_own_queue_is_empty(ledgers: Ledgers, live: int) -> None:
    """What live jobs wait does not hide it."""
    file, talker = await ledgers.session(), await ledgers.session()
    await ledgers.admit(file, 0, ahead=True)
    for segment in range(live):
        await ledgers.admit(talker, segment, ahead=False)
    ledgers.lose(names.STT_QUEUE, AHEAD)
    assert ledgers.sweep() == []
    ledgers.sent_ago(file, 0, GRACE_S + 1)
    assert ledgers.sweep() == [(file.session_id, 0)]
    assert ledgers.sweep() == []


async def test_lost_ahead_job_that_was_overtaken_by_its_like_is_resent(ledgers: Ledgers) -> None:
    """Others of its class still wait."""
    files = [await ledgers.session() for _ in range(3)]
    for file in files:
        await ledgers.admit(file, 0, ahead=True)
    ledgers.lose(names.STT_QUEUE, AHEAD)
    ledgers.sent_ago(files[0], 0, OVERTAKEN_S + 5)
    ledgers.claim(audio_job(0, files[1].session_id, ahead=True))
    assert ledgers.sweep() == [(files[0].session_id, 0)]


@pytest.mark.parametrize(("ahead", "live"), [([], True), ([False], True), ([True], False), ([True, False], True)])
async def test_session_that_is_resumed_says_whether_it_talked(
    ledgers: Ledgers, aredis: AsyncRedis, ahead: list[bool], live: bool
) -> None:
    """By its last utterance in the ledger."""
    store = SessionStore(aredis, TTL_S)
    record, token = await store.create(Start())
    for segment, each in enumerate(ahead):
        await ledgers.admit(record, segment, ahead=each)
    resumed = await store.resume(Start(session_id=record.session_id, token=token))
    assert (record.resumed_live, resumed.resumed_live) == (False, live)


async def test_file_at_a_gateway_holds_eight_jobs_and_counts_once(processes: Processes, redis: Redis) -> None:
    """No worker runs. The line breaks, the rest is sent again; a talker's utterance is admitted at once."""
    gateway = Gateway(processes)
    eventually(gateway.answers, START_S)

    def waiting() -> tuple[int, int]:
        return redis.llen(queue_key(names.STT_QUEUE, LIVE)), redis.llen(queue_key(names.STT_QUEUE, AHEAD))

    async with websockets.connect(gateway.ws) as line:
        file = await Person.enter(line)
        await _send(file, FILE)
        await soon(lambda: waiting() == (0, MAX_AHEAD))
        await file.until("speech_ended", segment=UTTERANCES - 1)
        file.break_line()
    async with websockets.connect(gateway.ws) as line, websockets.connect(gateway.ws) as other:
        file = await Person.enter(line, session_id=file.session_id, token=file.token)
        await _send(file, FILE[2 * file.ready["samples"] :])
        await file.until("speech_ended", segment=UTTERANCES - 1)
        talker = await Person.enter(other)
        for _ in range(15):
            await talker.talk(speech(SAMPLE_RATE // 10))
        await talker.until("ack")
        await soon(lambda: waiting() == (1, MAX_AHEAD))
        async with httpx.AsyncClient() as client:
            metrics = (await client.get(f"{gateway.http}/metrics")).text
    counted = re.findall(r"^wta_utterances_total\{.*\} (\S+)$", metrics, re.MULTILINE)
    assert sum(map(float, counted)) == MAX_AHEAD + 1


async def _send(person: Person, pcm: bytes) -> None:
    for start in range(0, len(pcm), 2 * SAMPLE_RATE):
        await person.talk(pcm[start : start + 2 * SAMPLE_RATE])
