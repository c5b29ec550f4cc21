"""Acknowledged audio is safe: it is in the ledger, or it was silence."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
import stamina

from fastapi_service.endpointing.frames import FRAME
from fastapi_service.storage.record import SessionTakenOver
from tests.support.eventually import soon
from tests.support.session_setting import RECORD, Setting
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE


@pytest.fixture(autouse=True)
def hurried() -> Iterator[None]:
    """Repeat at once instead of after a pause."""
    with stamina.set_testing(True, attempts=20):
        yield


async def test_silence_is_acknowledged_every_two_seconds() -> None:
    """A client that is silent for minutes does not collect audio: all but the possible pre-roll is safe."""
    setting = Setting()
    for _ in range(100):
        await setting.session.audio(quiet(SAMPLE_RATE // 10))
        await asyncio.sleep(0)
    assert setting.acks() == setting.store.acknowledged
    assert 3 <= len(setting.acks()) <= 5
    assert 7.5 * SAMPLE_RATE < setting.acks()[-1] <= 10 * SAMPLE_RATE - 10 * FRAME


async def test_speech_is_not_acknowledged_before_its_end() -> None:
    """During speech, the client must be able to send it again."""
    setting = Setting()
    for _ in range(15):
        await setting.session.audio(speech(SAMPLE_RATE))
    assert setting.acks() == []
    await setting.session.finish()


async def test_silence_is_acknowledged_after_an_outage() -> None:
    """A failed acknowledgement costs nothing: it is repeated."""
    setting = Setting()
    setting.store.failures = 3
    await setting.session.audio(quiet(4 * SAMPLE_RATE))
    await soon(setting.acks)
    assert setting.acks() == [4 * SAMPLE_RATE - 10 * FRAME - 4 * SAMPLE_RATE % FRAME]


async def test_frozen_redis_does_not_delay_audio() -> None:
    """One acknowledgement of silence is under way at a time, and the microphone does not wait for it."""
    setting = Setting()
    setting.store.answers.clear()
    async with asyncio.timeout(5):
        for _ in range(100):
            await setting.session.audio(quiet(SAMPLE_RATE // 10))
            await asyncio.sleep(0)
        await setting.say(20 * FRAME)
        await setting.session.finish()
    assert setting.store.calls == 1
    assert [job.segment for job, _, _ in setting.admission.written] == [0]


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
async def test_no_more_is_acknowledged_than_was_sent(rate: int) -> None:
    """Rounding never makes the client skip samples that it has not sent yet."""
    for extra in range(30):
        setting = Setting(replace(RECORD, sample_rate=rate))
        await setting.session.audio(speech(rate // 2 + extra))
        await setting.session.finish()
        assert max(setting.acks()) <= rate // 2 + extra


async def test_silent_session_that_was_taken_over_raises() -> None:
    """Also the acknowledgement of silence is refused to an old owner."""
    setting = Setting()
    setting.store.owned = False
    await setting.session.audio(quiet(4 * SAMPLE_RATE))
    await soon(lambda: setting.store.acknowledged)
    with pytest.raises(SessionTakenOver):
        await setting.session.audio(quiet(FRAME))
    assert setting.acks() == []
