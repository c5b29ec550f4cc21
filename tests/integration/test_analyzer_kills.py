"""Sentiment workers with threads that are killed in the middle of many texts of several sessions."""

import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from celery import Celery

from fastapi_service.storage.record import SessionRecord
from fastapi_service.storage.sessions import SessionStore
from infra.celery_app import make_celery, send_job
from infra.ledger.admission import Admission
from infra.results import FIELD
from tests.support.eventually import eventually
from tests.support.heartbeats import ready
from tests.support.machines import Processes
from tests.support.redis import AsyncRedis, Redis, queue_depth
from tests.support.speakers import clock, text_job
from wire import names
from wire.messages.client import Start
from wire.messages.jobs import AnalyzeText
from wire.messages.results import Final, NoSpeech, SegmentFailed, segment_end
from wire.messages.statistics import Statistics

START_S = 30
SESSIONS = 6
SEGMENTS = 45
PARTS = 3
"""Utterances of a sentence."""
WORKER = "tests.integration.noting_analyzer"


@pytest.fixture
def celery(redis_url: str) -> Iterator[Celery]:
    with make_celery("test", redis_url) as celery:
        yield celery


def part(speaker: int, segment: int) -> str:
    """The text of one utterance; the last one of a sentence ends it."""
    return f"s{speaker}u{segment}" + ("." if segment % PARTS == PARTS - 1 else "")


def sentence(speaker: int, segment: int) -> str:
    """The text that an utterance is judged with: its sentence so far."""
    first = segment - segment % PARTS
    return " ".join(part(speaker, each) for each in range(first, segment + 1))


def job(record: SessionRecord, speaker: int, segment: int) -> AnalyzeText:
    """An utterance of two seconds, half a second after the one before."""
    start_ms = segment * 2_500
    times = {"start_ms": start_ms, "end_ms": start_ms + 2_000, "clock": clock(1_000 + segment * 2.5)}
    return text_job(segment, record.session_id, text=part(speaker, segment)).model_copy(update=times)


def released(redis: Redis, record: SessionRecord) -> list[Final | NoSpeech | SegmentFailed]:
    return [segment_end.validate_json(fields[FIELD]) for _, fields in redis.xrange(names.log(record.audience))]


def texts(noted: Path) -> list[str]:
    """Return the texts that the model has classified, of all workers."""
    return noted.read_text(encoding="utf-8").split("\n")[:-1] if noted.exists() else []


@pytest.mark.parametrize("kills", [(40,), (20, 90), (1, 60, 150)], ids=["once", "twice", "thrice"])
async def test_killed_analyzer_loses_doubles_and_disorders_nothing(
    redis: Redis, aredis: AsyncRedis, celery: Celery, processes: Processes, tmp_path: Path, kills: tuple[int, ...]
) -> None:
    """Each of its threads has an utterance, and the queue more. Another process takes over; sentences stay whole.

    ``kills``: numbers of classified texts at which the worker dies.
    """
    noted = tmp_path / "texts"
    processes.python("-m", "listener_service.listener_service")

    def start() -> subprocess.Popen[bytes]:
        return processes.worker(WORKER, names.ANALYZER_QUEUE, pool="threads", concurrency=16, NOTED_TEXTS=str(noted))

    worker = start()
    for service in (names.LISTENER, names.ANALYZER_WORKER):
        eventually(partial(ready, redis, service), START_S)
    records = [(await SessionStore(aredis, 600).create(Start()))[0] for _ in range(SESSIONS)]
    for segment in range(SEGMENTS):
        for speaker, record in enumerate(records):
            said = job(record, speaker, segment)
            assert await Admission(aredis).admit(record.owner, said, b"", segment, 600) == "admitted"
            send_job(celery, said)
    for kill in kills:
        eventually(lambda: len(texts(noted)) >= kill, START_S)  # noqa: B023 - called at once
        assert queue_depth(redis, names.ANALYZER_QUEUE)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker = start()
    eventually(lambda: redis.zcard(names.PENDING) == 0, 90)

    for speaker, record in enumerate(records):
        finals = released(redis, record)
        assert [final.segment for final in finals] == list(range(SEGMENTS))
        assert all(isinstance(final, Final) and final.sentiment is not None for final in finals)
        shown = [final.sentence or final.text for final in finals if isinstance(final, Final)]
        assert shown == [sentence(speaker, segment) for segment in range(SEGMENTS)]
        begins = [final.segment for final in finals if isinstance(final, Final) and not final.continues]
        assert begins == list(range(0, SEGMENTS, PARTS))
        message = redis.hget(names.statistics(record.audience), "message") or ""
        assert Statistics.model_validate_json(message).sentences == SEGMENTS // PARTS
    judged = defaultdict(set)
    for text in texts(noted):
        judged[text.split()[-1]].add(text)
    assert judged.keys() == {part(speaker, segment) for speaker in range(SESSIONS) for segment in range(SEGMENTS)}
    wrong = {
        (speaker, segment, text)
        for speaker in range(SESSIONS)
        for segment in range(SEGMENTS)
        for text in judged[part(speaker, segment)] - {sentence(speaker, segment)}
    }
    assert wrong == set()
