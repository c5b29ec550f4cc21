"""Sessions that send faster than speech: behind everybody who talks, eight utterances each, and as safe as others."""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import websockets
from celery import Celery
from kombu.entity import Queue

from fastapi_service.storage.record import SessionRecord
from fastapi_service.storage.sessions import SessionStore
from infra.celery_app import AGED, AHEAD, LIVE, PRIORITIES, make_celery, queue_key, queue_keys, send_job
from infra.fair_queue import FairQueue
from infra.ledger import admission
from infra.ledger.admission import MAX_AHEAD
from infra.results import publish_result
from infra.watchdog import Limits
from infra.worker import Worker
from listener_service.consumer import Consumer
from listener_service.release import Releaser
from listener_service.retry_policy import AGED_LOST_S, AGED_S, GRACE_S, OVERTAKEN_S
from listener_service.settings import Settings
from tests.support.eventually import eventually, soon
from tests.support.gateways import START_S, Gateway, Person
from tests.support.ledgers import TTL_S, WORKER, Ledgers
from tests.support.machines import Processes
from tests.support.redis import AsyncRedis, Redis, queue_depth
from tests.support.sounds import quiet, speech
from tests.support.speakers import ALICE, audio_job, no_speech, text_job
from wire import names
from wire.audio import SAMPLE_RATE
from wire.messages.client import Start
from wire.messages.jobs import TranscribeAudio, TranscribePartial

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


@pytest.fixture
def ledgers(redis: Redis, aredis: AsyncRedis, celery: Celery) -> Ledgers:
    return Ledgers(redis, aredis, celery)


async def aging(ledgers: Ledgers, segments: int) -> SessionRecord:
    """A file whose utterances have waited for long, the first one for longest."""
    file = await ledgers.session()
    for segment in range(segments):
        await ledgers.admit(file, segment, ahead=True)
        ledgers.sent_ago(file, segment, AGED_S + 5)
        ledgers.admitted_ago(file, segment, AGED_S + 5 - segment)
    return file


def depths(ledgers: Ledgers) -> list[int]:
    """Jobs of each priority on the way to the speech-to-text workers."""
    return [ledgers.redis.llen(key) for key in queue_keys(names.STT_QUEUE)]


def take(ledgers: Ledgers) -> TranscribeAudio | TranscribePartial:
    """Take the job that a worker gets next."""
    with ledgers.celery.connection_for_read() as connection, connection.channel() as channel:
        message = Queue(names.STT_QUEUE, channel=channel).get(no_ack=True)
    job = json.loads(message.body)[1]["job"]
    return (TranscribePartial if "purpose" in job else TranscribeAudio).model_validate(job)


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


@pytest.mark.parametrize("text", [False, True], ids=["audio", "text"])
async def test_raised_utterances_go_before_files(ledgers: Ledgers, text: bool) -> None:
    """Each is sent again, live, once, and the sweeper takes it for a live one."""
    queue = names.ANALYZER_QUEUE if text else names.STT_QUEUE
    file, talker = await ledgers.session(), await ledgers.session()
    for record in (file, talker):
        for segment in range(3):
            await ledgers.admit(record, segment, ahead=True, text=text)
    assert await ledgers.raise_to_live(talker) == [0, 1, 2]
    assert await ledgers.raise_to_live(talker) == []
    entries = [ledgers.entry(talker, segment) for segment in range(3)]
    assert {entry.lane for entry in entries} == {"analysis" if text else "stt"}
    first = [(job["session_id"], job["segment"]) for job in received(ledgers.celery, queue)[:3]]
    assert first == [(talker.session_id, segment) for segment in range(3)]
    assert ledgers.entry(file, 0).lane.endswith(":ahead")


async def test_first_copy_of_a_raised_job_does_nothing_once_the_second_is_done(ledgers: Ledgers) -> None:
    """Nor while a worker has the second."""
    talker = await ledgers.session()
    await ledgers.admit(talker, 0, ahead=True)
    await ledgers.raise_to_live(talker)
    live, ahead = (audio_job(0, talker.session_id, ahead=each) for each in (False, True))
    ledgers.claim(live)
    assert ledgers.ledger.claim(ahead, "stt", "other").verdict == "taken"
    assert ledgers.ledger.advance(live, text_job(0, talker.session_id), None)
    assert ledgers.ledger.claim(ahead, "stt", "other").verdict == "gone"


@pytest.mark.parametrize("how", ["raised", "aged", "resent"])
async def test_two_copies_in_one_process_are_worked_on_once(ledgers: Ledgers, redis_url: str, how: str) -> None:
    """Threads of one worker get both at the same moment; the ledger by itself knows the process only."""
    record = await aging(ledgers, 1)
    if how == "raised":
        await ledgers.raise_to_live(record)
    elif how == "aged":
        ledgers.sweep()
    else:
        send_job(ledgers.celery, audio_job(0, record.session_id, ahead=True))
    copies = [take(ledgers) for _ in range(2)]
    worker: Worker[Any] = Worker(redis_url, names.STT_WORKER, Limits(deadline_s=60, max_rss_mb=0))
    both = threading.Barrier(2, timeout=10)

    def run(job: Any) -> str:
        both.wait()
        with worker.claimed(job, "stt") as claim:
            both.wait()
            return claim.verdict

    with ThreadPoolExecutor(2) as pool:
        verdicts = sorted(pool.map(run, copies))
    assert verdicts == ["claimed", "taken"]
    assert ledgers.entry(record, 0).attempts == 1


@pytest.mark.parametrize("raised_after_claim", [False, True])
async def test_text_of_a_raised_utterance_is_live_although_its_worker_had_the_first_copy(
    ledgers: Ledgers, raised_after_claim: bool
) -> None:
    """The class is that of the ledger when the transcript gets there; without a raise it stays."""
    talker, file = await ledgers.session(), await ledgers.session()
    for record in (talker, file):
        await ledgers.admit(record, 0, ahead=True)
    if not raised_after_claim:
        await ledgers.raise_to_live(talker)
    for record in (talker, file):
        ledgers.claim(audio_job(0, record.session_id, ahead=True))
    if raised_after_claim:
        assert await ledgers.raise_to_live(talker) == []  # a worker has it

    def advanced(session_id: str) -> bool:
        job = ledgers.ledger.advance(
            audio_job(0, session_id, ahead=True), text_job(0, session_id, ahead=True), keep_language=None
        )
        assert job is not None
        return job.ahead

    assert (advanced(talker.session_id), advanced(file.session_id)) == (False, True)
    assert (ledgers.entry(talker, 0).lane, ledgers.entry(file, 0).lane) == ("analysis", "analysis:ahead")


async def test_raised_utterance_of_a_dead_worker_is_resent_as_live(ledgers: Ledgers) -> None:
    """The worker had claimed it before."""
    talker = await ledgers.session()
    await ledgers.admit(talker, 0, ahead=True)
    ledgers.claim(audio_job(0, talker.session_id, ahead=True))
    await ledgers.raise_to_live(talker)
    ledgers.redis.delete(WORKER)
    assert ledgers.sweep() == [(talker.session_id, 0)]
    job = ledgers.entry(talker, 0).job
    assert job is not None
    assert not job.ahead


async def test_raised_job_that_is_claimed_by_its_first_copy_makes_no_other_look_lost(ledgers: Ledgers) -> None:
    """It was sent again later than what waits behind that copy."""
    talker, file = await ledgers.session(), await ledgers.session()
    for record in (talker, file):
        await ledgers.admit(record, 0, ahead=True)
        ledgers.sent_ago(record, 0, OVERTAKEN_S + 50)
    await ledgers.raise_to_live(talker)
    ledgers.claim(audio_job(0, talker.session_id, ahead=True))
    assert ledgers.sweep() == []


@pytest.mark.parametrize("why", ["other owner", "live", "done", "unreadable", "gone"])
async def test_only_outstanding_utterances_of_the_owner_that_were_ahead_are_raised(ledgers: Ledgers, why: str) -> None:
    """Others are not sent again."""
    record = await ledgers.session()
    await ledgers.admit(record, 0, ahead=why != "live")
    entry = names.ledger_entry(names.ledger_member(record.session_id, 0))
    match why:
        case "other owner":
            ledgers.redis.hset(names.session(record.session_id), "owner", "newer")
        case "done":
            ledgers.redis.hset(entry, "stage", "done")
        case "unreadable":
            ledgers.redis.hset(entry, "job", '{"ahead": true, "type": "of tomorrow"}')
        case "gone":
            ledgers.redis.delete(entry)
    assert await ledgers.raise_to_live(record) == []
    assert ledgers.redis.exists(entry) == (why != "gone")


async def test_utterance_that_is_raised_is_released_once(ledgers: Ledgers) -> None:
    """Two results of two copies: one gets through, and nothing stays in the ledger."""
    talker = await ledgers.session()
    await ledgers.admit(talker, 0, ahead=True)
    await ledgers.raise_to_live(talker)
    consumer = Consumer(ledgers.redis, "test", Releaser(ledgers.redis, Settings()))
    consumer.join()
    for _ in range(2):
        publish_result(ledgers.redis, no_speech(0, talker.session_id))
    while ledgers.redis.xlen(names.stream(names.RESULT_CHANNEL)):
        consumer.consume()
    assert ledgers.redis.xlen(names.log(talker.audience)) == 1
    assert ledgers.redis.zcard(names.PENDING) == 0


@pytest.mark.parametrize("file_first", [True, False], ids=["files", "files beside talkers"])
async def test_files_fill_half_of_the_ledger_at_most(
    ledgers: Ledgers, monkeypatch: pytest.MonkeyPatch, file_first: bool
) -> None:
    """People who talk have the rest, and all of it if there are many."""
    monkeypatch.setattr(admission, "MAX_PENDING", 10)
    talker, *files = [await ledgers.session() for _ in range(3)]
    if not file_first:
        assert [await ledgers.admit(talker, segment, ahead=False) for segment in range(4)] == ["admitted"] * 4
    verdicts = [await ledgers.admit(file, segment, ahead=True) for segment in range(3) for file in files]
    assert verdicts.count("admitted") == (5 if file_first else 1)
    assert verdicts[-1] == "full"
    start = 0 if file_first else 4
    live = [await ledgers.admit(talker, segment, ahead=False) for segment in range(start, 12)]
    assert live.count("admitted") + (0 if file_first else 4) == (5 if file_first else 9)


async def test_ahead_job_that_has_waited_long_takes_turns_with_interim_texts(ledgers: Ledgers) -> None:
    """One at a time, the oldest first, behind finals; no job waits in vain, and none that runs is preempted."""
    file, talker = await aging(ledgers, 3), await ledgers.session()
    send_job(ledgers.celery, partial("interim"))
    await ledgers.admit(talker, 0, ahead=False)
    for _ in range(3):  # sweeps
        assert ledgers.sweep() == []
    assert depths(ledgers) == [1, 0, 2, 3]
    assert take(ledgers).session_id == talker.session_id
    in_worker: FairQueue[str] = FairQueue()
    in_worker.put("aged", AGED, file.session_id)
    assert not in_worker.has_more_urgent(PRIORITIES["interim"])
    assert isinstance(take(ledgers), TranscribePartial)
    for segment in range(2):
        send_job(ledgers.celery, partial("interim"))
        job = take(ledgers)
        assert isinstance(job, TranscribeAudio)
        assert (job.session_id, job.segment, job.ahead) == (file.session_id, segment, True)
        ledgers.claim(job)
        ledgers.sweep()
        assert isinstance(take(ledgers), TranscribePartial)
    assert ledgers.ledger.claim(audio_job(0, file.session_id, ahead=True), "stt", "other").verdict == "taken"


async def test_claim_of_an_aged_job_says_so_and_makes_no_other_look_lost(ledgers: Ledgers) -> None:
    """It was sent again after what is still before it in its lane."""
    file = await aging(ledgers, 3)
    ledgers.sent_ago(file, 0, 60)
    ledgers.sweep()
    job = take(ledgers)
    assert isinstance(job, TranscribeAudio)
    assert ledgers.ledger.claim(job, "stt", WORKER).aged
    assert not ledgers.redis.exists(names.HIGH_WATER)
    ledgers.redis.set(WORKER, "alive")
    assert ledgers.sweep() == []
    other = ledgers.ledger.claim(audio_job(2, file.session_id, ahead=True), "stt", WORKER)
    assert (other.verdict, other.aged) == ("claimed", False)
    assert ledgers.redis.hget(names.HIGH_WATER, "stt:ahead") is not None


async def test_aged_job_of_a_dead_worker_is_aged_again(ledgers: Ledgers) -> None:
    """And that attempt is an aged one, too."""
    file = await aging(ledgers, 1)
    for attempt in (1, 2):
        ledgers.sweep()
        job = take(ledgers)
        assert isinstance(job, TranscribeAudio)
        ledgers.claim(job)
        assert ledgers.entry(file, 0).attempts == attempt
        ledgers.redis.delete(WORKER)
        assert ledgers.sweep() == [(file.session_id, 0)]


async def test_copy_of_an_aged_job_that_gets_lost_is_sent_again(ledgers: Ledgers, aredis: AsyncRedis) -> None:
    """A worker took it and died before its claim. Another listener sweeps then, and knows as much."""
    file = await aging(ledgers, 2)
    ledgers.sweep()
    assert (take(ledgers).segment, depths(ledgers)[2]) == (0, 0)
    other = Ledgers(ledgers.redis, aredis, ledgers.celery)
    other.sweep()
    assert depths(ledgers)[2] == 0
    entry = names.ledger_entry(names.ledger_member(file.session_id, 0))
    ledgers.redis.hset(entry, "aged_at", ledgers.redis.time()[0] - AGED_LOST_S - 1)
    other.sweep()
    assert (take(ledgers).segment, depths(ledgers)[2]) == (0, 0)


async def test_utterance_that_is_released_meanwhile_is_not_aged(ledgers: Ledgers) -> None:
    """Its entry does not come back."""
    file = await aging(ledgers, 1)
    entry = ledgers.entry(file, 0)
    ledgers.redis.delete(names.ledger_entry(entry.member))
    assert not ledgers.ledger.take_for_ageing(entry)
    assert not ledgers.redis.exists(names.ledger_entry(entry.member))


@pytest.mark.parametrize("case", ["young", "claimed", "analysis", "live"])
async def test_only_what_waits_behind_interim_texts_is_aged(ledgers: Ledgers, case: str) -> None:
    """The analysis has none of them."""
    file = await ledgers.session()
    await ledgers.admit(file, 0, ahead=case != "live", text=case == "analysis")
    if case != "young":
        ledgers.sent_ago(file, 0, AGED_S + 5)
        ledgers.admitted_ago(file, 0, AGED_S + 5)
    if case == "claimed":
        ledgers.claim(audio_job(0, file.session_id, ahead=True))
    ledgers.sweep()
    assert not ledgers.redis.llen(queue_key(names.STT_QUEUE, AGED))


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
