"""A long message is taken in by the second, so that one client does not hold up the others."""

import asyncio
import time
from contextlib import suppress

import pytest

from fastapi_service.endpointing.frames import FRAME
from tests.support.session_setting import Setting
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE
from wire.messages.server import SpeechEnded, SpeechStarted

SENTENCE = speech(30 * FRAME) + quiet(20 * FRAME)
"""A second and a half."""


def positions(setting: Setting) -> list[tuple[int, int]]:
    return [(message.start_ms, message.end_ms) for message in setting.sent if isinstance(message, SpeechEnded)]


async def test_others_have_their_turn_between_the_seconds_of_a_message() -> None:
    setting = Setting()
    begun: list[int] = []

    async def others() -> None:
        while True:
            begun.append(sum(isinstance(message, SpeechStarted) for message in setting.sent))
            await asyncio.sleep(0)

    turns = asyncio.create_task(others())
    await setting.session.audio(6 * SENTENCE)
    turns.cancel()
    assert len(begun) >= 8
    assert len(set(begun)) >= 5
    await setting.session.finish()


async def test_a_long_message_is_as_its_seconds() -> None:
    """No sample is lost or counted twice, whatever the length of the last piece is."""
    whole, parts = Setting(), Setting()
    audio = 3 * SENTENCE + speech(100)
    await whole.session.audio(audio)
    for begin in range(0, len(audio), 3_200):
        await parts.session.audio(audio[begin : begin + 3_200])
    for setting in (whole, parts):
        await setting.session.finish()
    assert positions(whole) == positions(parts)
    assert len(positions(whole)) == 3
    assert [pcm for _, pcm, _ in whole.admission.written] == [pcm for _, pcm, _ in parts.admission.written]
    assert whole.session.seconds == len(audio) / 2 / SAMPLE_RATE


@pytest.mark.parametrize("turns", [1, 3])
async def test_a_message_whose_connection_is_cancelled_is_taken_in(turns: int) -> None:
    """What is flushed then has all of it."""
    setting = Setting()
    audio = 5 * SENTENCE + speech(30 * FRAME)
    taking = asyncio.create_task(setting.session.audio(audio))
    for _ in range(turns):
        await asyncio.sleep(0)
    assert 0 < setting.session.seconds < len(audio) / 2 / SAMPLE_RATE
    taking.cancel()
    with suppress(asyncio.CancelledError):
        await taking
    assert taking.cancelled()
    await setting.session.finish()
    assert setting.session.seconds == len(audio) / 2 / SAMPLE_RATE
    assert len(setting.admission.written) == 6


async def test_the_audio_time_out_does_not_end_an_utterance_within_a_message() -> None:
    """The rest of it is there."""
    setting = Setting(audio_timeout_s=0.001)
    await setting.session.audio(speech(SAMPLE_RATE))
    time.sleep(0.005)  # noqa: ASYNC251 (the loop has not had its turn yet)
    await setting.session.audio(speech(4 * SAMPLE_RATE))
    assert positions(setting) == []
    await setting.session.finish()
    assert len(positions(setting)) == 1
