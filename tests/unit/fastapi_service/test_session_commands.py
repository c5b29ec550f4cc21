"""Commands of other protocols during a session: other ends of utterances, and audio that is taken back."""

import asyncio

import pytest

from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.endpointing.frames import FRAME
from tests.support.eventually import soon
from tests.support.fake_clock import run
from tests.support.session_setting import Setting
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE
from wire.messages.server import Interim, SpeechEnded, SpeechStarted


def ended(setting: Setting) -> list[tuple[int, str]]:
    return [(message.segment, message.reason) for message in setting.sent if isinstance(message, SpeechEnded)]


async def test_utterances_end_as_the_session_has_it() -> None:
    """A pause of 600 ms ends one as the gateway has it, and none with 900 ms; then the gateway's value holds again."""
    setting = Setting()
    for change, segments in ((EndpointingChange(silence_ms=900), 0), (EndpointingChange(), 1)):
        setting.session.tune(change)
        await setting.say(20 * FRAME)
        assert len(ended(setting)) == segments
    await setting.session.finish()


async def test_a_session_with_silence_alone_lets_no_text_end_an_utterance() -> None:
    """``unfinished_ms`` 0: the text of a pause says that the sentence is over, and the utterance goes on."""
    setting = Setting(pause_ms=200, unfinished_ms=800)
    setting.session.tune(EndpointingChange(silence_ms=600, unfinished_ms=0))
    await setting.session.audio(speech(20 * FRAME) + quiet(10 * FRAME))
    setting.partials.requests[0].write("It is over.", sentence_end=5.0)
    await asyncio.sleep(0)
    assert ended(setting) == []
    await setting.session.audio(quiet(10 * FRAME))
    assert ended(setting) == [(0, "silence")]
    await setting.session.finish()


async def test_a_manual_session_requests_no_text_of_a_pause() -> None:
    """A pause cannot be its end."""
    setting = Setting(pause_ms=200, unfinished_ms=800)
    setting.session.tune(EndpointingChange(manual=True))
    await setting.session.audio(speech(20 * FRAME) + quiet(60 * FRAME))
    assert (setting.partials.requests, ended(setting)) == ([], [])
    await setting.session.flush()
    assert ended(setting) == [(0, "flush")]
    await setting.session.finish()


@pytest.mark.parametrize(
    ("change", "ends_after_s"),
    [(EndpointingChange(), 2.0), (EndpointingChange(silence_ms=1_500), 3.0), (EndpointingChange(manual=True), None)],
    ids=["usual", "patient", "manual"],
)
def test_audio_that_stays_away_ends_an_utterance_after_its_silence(
    change: EndpointingChange, ends_after_s: float | None
) -> None:
    """The jitter that is allowed stays; a manual utterance waits for its flush."""

    async def test() -> None:
        setting = Setting()
        setting.session.tune(change)
        await setting.session.audio(speech(20 * FRAME))
        if ends_after_s is not None:
            await asyncio.sleep(ends_after_s - 0.01)
            assert ended(setting) == []
            await asyncio.sleep(0.02)
            assert ended(setting) == [(0, "silence")]
        else:
            await asyncio.sleep(100)
            assert ended(setting) == []
        await setting.session.finish()

    run(test())


async def test_cleared_audio_reaches_no_ledger() -> None:
    """The next utterance has the same segment, and begins behind it; earlier ones stay."""
    setting = Setting()
    await setting.say(20 * FRAME)
    await setting.session.audio(speech(20 * FRAME))
    await setting.session.clear()
    await setting.session.clear()
    await setting.session.audio(speech(20 * FRAME))
    await setting.session.finish()
    assert [message.segment for message in setting.sent if isinstance(message, SpeechStarted)] == [0, 1, 1]
    assert ended(setting) == [(0, "silence"), (1, "flush")]
    first, second = (job for job, _, _ in setting.admission.written)
    assert (first.segment, second.segment) == (0, 1)
    assert second.start_ms == 60 * FRAME * 1000 // SAMPLE_RATE


async def test_the_text_of_cleared_audio_is_not_shown() -> None:
    """A worker had begun it; the utterance after it has the same segment."""
    setting = Setting(interim_every_s=1.0)
    await setting.session.audio(speech(2 * SAMPLE_RATE))
    (first,) = setting.partials.requests
    first.begun = True
    await setting.session.clear()
    await setting.session.audio(speech(2 * SAMPLE_RATE))
    first.write("taken back")
    await asyncio.sleep(0.01)
    await setting.session.audio(speech(SAMPLE_RATE))
    setting.partials.requests[1].write("kept")
    await soon(lambda: any(isinstance(message, Interim) for message in setting.sent))
    assert [message.unstable for message in setting.sent if isinstance(message, Interim)] == ["kept"]
    await setting.session.finish()


async def test_cleared_audio_is_acknowledged_as_silence_is() -> None:
    """The client may forget it; the clock of the session has counted it."""
    setting = Setting(ack_every_s=0.5)
    await setting.session.audio(speech(SAMPLE_RATE))
    await setting.session.clear()
    await soon(lambda: setting.acks() == [SAMPLE_RATE])
    assert setting.session.seconds == 1.0
    await setting.session.finish()
