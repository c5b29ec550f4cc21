"""Interim texts of a session: during speech, settling word by word, and at most half of a worker."""

import asyncio

import pytest

from fastapi_service.endpointing.frames import FRAME
from tests.support.eventually import soon
from tests.support.session_setting import Setting
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE, decode_pcm
from wire.messages.server import Interim


def interims(setting: Setting) -> list[tuple[str, str]]:
    return [(message.stable, message.unstable) for message in setting.sent if isinstance(message, Interim)]


async def test_interim_texts_come_during_speech_and_settle() -> None:
    """Words that two hypotheses share are stable, and are the prefix of the next request."""
    setting = Setting(interim_every_s=1.0)
    await setting.session.audio(speech(2 * SAMPLE_RATE))
    (first,) = setting.partials.requests
    assert (first.job.purpose, first.job.prefix) == ("interim", "")
    await setting.session.audio(speech(SAMPLE_RATE))
    assert len(setting.partials.requests) == 1, "one at a time"
    first.write("when is a lobby")
    await soon(lambda: bool(interims(setting)))
    await setting.session.audio(speech(FRAME))
    setting.partials.requests[1].write("When is a lobster not")
    await soon(lambda: len(interims(setting)) == 2)
    await setting.session.audio(speech(SAMPLE_RATE))
    assert setting.partials.requests[2].job.prefix == " When is a"
    assert interims(setting) == [("", "when is a lobby"), ("When is a", "lobster not")]
    await setting.session.finish()


async def test_interim_texts_take_at_most_half_of_a_worker() -> None:
    """The next one begins after twice the time that the last one took."""
    setting = Setting(interim_every_s=1.0)
    await setting.session.audio(speech(2 * SAMPLE_RATE))
    setting.partials.requests[0].write("when is", cost_s=2.0)
    await soon(lambda: bool(interims(setting)))
    await setting.session.audio(speech(2 * SAMPLE_RATE))
    assert len(setting.partials.requests) == 1
    await setting.session.audio(speech(2 * SAMPLE_RATE))
    assert len(setting.partials.requests) == 2
    await setting.session.finish()


async def test_interim_text_is_neither_requested_in_silence_nor_shown_after_the_end() -> None:
    setting = Setting(interim_every_s=1.0)
    await setting.session.audio(speech(SAMPLE_RATE // 2))
    await setting.session.audio(speech(SAMPLE_RATE // 4) + quiet(2 * FRAME))
    assert not setting.partials.requests
    await setting.session.audio(speech(SAMPLE_RATE))
    setting.partials.requests[0].begun = True
    await setting.session.audio(quiet(20 * FRAME))
    setting.partials.requests[0].write("too late")
    await setting.session.finish()
    assert not interims(setting)


async def test_interim_request_has_the_newest_eight_seconds() -> None:
    """It begins with a committed word; what lies before stays as it was shown."""
    setting = Setting(interim_every_s=1.0)
    words = " ".join(f"word{number}" for number in range(30))  # six seconds
    for _ in range(2):
        await setting.session.audio(speech(3 * SAMPLE_RATE))
        setting.partials.requests[-1].write(words)
        await soon(lambda: bool(interims(setting)))
        await asyncio.sleep(0)
    await setting.session.audio(speech(6 * SAMPLE_RATE))
    job, pcm = setting.partials.requests[-1].job, setting.partials.requests[-1].pcm
    assert 7.5 * SAMPLE_RATE < len(decode_pcm(pcm)) <= 8.1 * SAMPLE_RATE
    assert job.start_ms == pytest.approx(4_000, abs=100)
    assert job.prefix.startswith(" word2")
    assert job.prefix.endswith("word29")
    await setting.session.finish()
