"""Utterances reach the ledger once and in order; then they are acknowledged, then sent."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
import redis.exceptions
import stamina

from fastapi_service.endpointing.frames import FRAME
from fastapi_service.recognition import jobs
from fastapi_service.storage.record import SessionTakenOver
from infra.ledger.admission import Admitted
from tests.support.eventually import soon
from tests.support.session_setting import RECORD, Setting
from tests.support.sounds import quiet, speech
from tests.support.speakers import ALICE
from wire.audio import SAMPLE_RATE, decode_pcm
from wire.errors import StoreError
from wire.messages.jobs import TranscribeAudio


@pytest.fixture(autouse=True)
def hurried() -> Iterator[None]:
    """Repeat at once instead of after a pause."""
    with stamina.set_testing(True, attempts=20):
        yield


async def test_utterance_is_written_then_acknowledged_then_sent() -> None:
    """The ledger has its samples and place; the client may forget it; the queue gets the same job."""
    setting = Setting(replace(RECORD, room="kitchen", language="ko", next_segment=4, samples=32_000))
    await setting.say(50 * FRAME)
    await setting.session.finish()
    ((job, pcm, samples),) = setting.admission.written
    assert isinstance(job, TranscribeAudio)
    assert (job.session_id, job.room, job.language, job.segment) == (ALICE, "kitchen", "ko", 4)
    assert (job.start_ms, job.end_ms) == (2_000, 2_000 + 67 * 30)
    assert len(decode_pcm(pcm)) == 67 * FRAME
    assert samples == 32_000 + 67 * FRAME
    assert setting.acks() == [samples]
    assert setting.queue.jobs == [job]
    assert job.clock.queued is not None
    assert job.clock.speech_end <= job.clock.endpointed <= job.clock.queued


async def test_audio_is_not_acknowledged_before_the_ledger_has_it() -> None:
    """While Redis does not answer, the client keeps its audio, also the silence after it."""
    setting = Setting()
    setting.admission.open.clear()
    await setting.say(50 * FRAME, pause=5 * SAMPLE_RATE)
    await setting.session.audio(quiet(SAMPLE_RATE))
    assert setting.acks() == []
    assert setting.store.acknowledged == []
    setting.admission.open.set()
    await soon(setting.acks)
    await setting.session.finish()


async def test_writes_survive_redis_errors_in_order() -> None:
    """Admission is repeated until it works; nothing is skipped, doubled or swapped."""
    setting = Setting()
    away = redis.exceptions.ConnectionError("away")
    setting.admission.answers.extend([away, redis.exceptions.TimeoutError("frozen"), OSError("no route"), "admitted"])
    for _ in range(3):
        await setting.say(20 * FRAME)
    await setting.session.finish()
    assert [job.segment for job, _, _ in setting.admission.written] == [0, 1, 2]
    assert setting.acks() == sorted(setting.acks())


async def test_full_ledger_is_tried_again() -> None:
    """An utterance is offered to a full ledger until there is room."""
    setting = Setting()
    setting.admission.answers.extend(["full", "full"])
    await setting.say(20 * FRAME)
    await setting.session.finish()
    assert [job.segment for job, _, _ in setting.admission.written] == [0]


@pytest.mark.parametrize("answer", ["full", redis.exceptions.ConnectionError("away")], ids=["full", "away"])
async def test_waiting_for_the_ledger_is_part_of_admission(
    answer: Admitted | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job says when the utterance came into the ledger, and not when it was offered first."""
    attempts = count(1.0)
    monkeypatch.setattr(jobs, "now", lambda: next(attempts))
    setting = Setting()
    setting.admission.answers.extend([answer] * 3)
    await setting.say(20 * FRAME)
    await setting.session.finish()
    ((job, _, _),) = setting.admission.written
    assert job.clock.queued == 4.0
    assert setting.queue.jobs == [job]


async def test_utterance_whose_admission_was_not_answered_is_sent() -> None:
    """``duplicate`` means that it is written already: acknowledged, and sent, since it may not have been."""
    setting = Setting()
    setting.admission.answers.append("duplicate")
    await setting.say(20 * FRAME)
    await setting.session.finish()
    assert len(setting.acks()) == 1
    assert [job.segment for job in setting.queue.jobs] == [0]


async def test_session_that_was_taken_over_writes_nothing() -> None:
    """The ledger has a newer owner: the old connection fails, and acknowledges nothing."""
    setting = Setting()
    setting.admission.answers.append("fenced")
    await setting.say(20 * FRAME)
    with pytest.raises(SessionTakenOver):
        await setting.session.finish()
    with pytest.raises(SessionTakenOver):
        await setting.say(20 * FRAME)
    assert setting.acks() == []
    assert setting.queue.jobs == []


async def test_expired_session_raises_the_ledgers_error() -> None:
    """A final refusal of the ledger ends the connection with its reason."""
    setting = Setting()
    setting.admission.answers.append(StoreError("session_unknown", "Expired.", "Start a new one."))
    await setting.say(20 * FRAME)
    with pytest.raises(StoreError):
        await setting.session.finish()
    with pytest.raises(StoreError):
        await setting.say(20 * FRAME)


async def test_finish_can_be_cancelled_and_called_again() -> None:
    """The flush is completed later, and nothing is missing or doubled."""
    setting = Setting()
    setting.admission.open.clear()
    await setting.session.audio(speech(40 * FRAME))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(setting.session.finish(), 0.02)
    assert setting.session.waiting == 1
    setting.admission.open.set()
    await setting.session.finish()
    assert setting.session.waiting == 0
    assert [job.segment for job, _, _ in setting.admission.written] == [0]


async def test_audio_waits_while_too_much_is_unwritten() -> None:
    """With Redis away, a session holds so many seconds of speech and then stops reading its socket."""
    setting = Setting(max_unwritten_s=4)
    setting.admission.open.clear()
    utterances = 8
    taken = 0

    async def talk() -> None:
        nonlocal taken
        for _ in range(utterances):
            await setting.say(20 * FRAME)
            taken += 1

    talking = asyncio.create_task(talk())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(talking), 0.2)
    assert taken == 3, "the fourth utterance of 1.1 s is one too many"
    setting.admission.open.set()
    await asyncio.wait_for(talking, 5)
    await setting.session.finish()
    assert [job.segment for job, _, _ in setting.admission.written] == list(range(utterances))
