"""Samples are counted exactly, and utterances get their segments and places."""

from dataclasses import replace

import pytest

from fastapi_service.endpointing.frames import FRAME
from tests.support.session_setting import RECORD, Setting
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE
from wire.messages.server import SpeechEnded, SpeechStarted


async def test_start_and_end_of_speech_are_sent() -> None:
    """Both name the segment under which the result will come."""
    setting = Setting()
    await setting.say(50 * FRAME)
    await setting.say(50 * FRAME)
    begun = [message.segment for message in setting.sent if isinstance(message, SpeechStarted)]
    ended = [(message.segment, message.reason) for message in setting.sent if isinstance(message, SpeechEnded)]
    assert begun == [0, 1]
    assert ended == [(0, "silence"), (1, "silence")]
    await setting.session.finish()


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
async def test_samples_are_counted_at_the_clients_rate(rate: int) -> None:
    """Acknowledgements count samples at the client's rate: a second of speech at 44.1 kHz ends at 44,100."""
    setting = Setting(replace(RECORD, sample_rate=rate))
    await setting.session.audio(quiet(rate))
    await setting.session.audio(speech(rate))
    await setting.session.audio(quiet(rate))
    await setting.session.finish()
    ((job, pcm, samples),) = setting.admission.written
    assert job.start_ms == pytest.approx(700, abs=35)
    assert job.end_ms == pytest.approx(2_510, abs=35)
    assert len(pcm) / 2 / SAMPLE_RATE == pytest.approx((job.end_ms - job.start_ms) / 1000, abs=0.002)
    assert samples / rate == pytest.approx(job.end_ms / 1000, abs=0.002)
    assert setting.acks() == [samples]


async def test_resumed_session_continues_where_it_was_acknowledged() -> None:
    """Segments and positions continue, at a rate that 16 kHz is no multiple of."""
    before = Setting(replace(RECORD, sample_rate=44_100))
    await before.session.audio(speech(44_100) + quiet(44_100))
    await before.session.finish()
    ((first, _, samples),) = before.admission.written
    after = Setting(replace(RECORD, sample_rate=44_100, next_segment=1, samples=samples))
    await after.session.audio(speech(44_100) + quiet(44_100))
    await after.session.finish()
    ((second, _, _),) = after.admission.written
    assert second.segment == 1
    assert second.start_ms == pytest.approx(first.end_ms, abs=2)


@pytest.mark.parametrize("rate", [11_025, 16_000, 44_100])
async def test_a_gap_keeps_positions_exact(rate: int) -> None:
    """After many gaps of odd lengths, speech is still where the client says it is."""
    setting = Setting(replace(RECORD, sample_rate=rate))
    sent = 0
    for turn in range(20):
        await setting.session.audio(speech(rate // 2 + turn))
        await setting.session.gap(3 * rate + 7 * turn)
        sent += rate // 2 + turn + 3 * rate + 7 * turn
    await setting.session.audio(speech(rate))
    await setting.session.finish()
    last, _, samples = setting.admission.written[-1]
    assert len(setting.admission.written) == 21
    assert last.end_ms == pytest.approx((sent + rate) * 1000 / rate, abs=2)
    assert samples / rate == pytest.approx((sent + rate) / rate, abs=0.001)
    assert setting.session.seconds == pytest.approx((sent + rate) / rate)


async def test_finish_flushes_the_open_utterance() -> None:
    """The last words need no pause after them."""
    setting = Setting()
    await setting.session.audio(speech(10 * FRAME + 5))
    await setting.session.finish()
    ((_, pcm, samples),) = setting.admission.written
    assert len(pcm) == 2 * samples == 2 * (10 * FRAME + 5)


async def test_finish_of_a_silent_session_writes_nothing() -> None:
    """Without speech there is nothing to wait for."""
    setting = Setting()
    await setting.session.audio(quiet(SAMPLE_RATE))
    await setting.session.finish()
    await setting.session.finish()
    assert setting.admission.written == []


async def test_seconds_count_gaps() -> None:
    """The limit on a session's length cannot be evaded with gaps."""
    setting = Setting()
    await setting.session.audio(quiet(SAMPLE_RATE))
    await setting.session.gap(59 * SAMPLE_RATE)
    assert setting.session.seconds == 60.0


@pytest.mark.parametrize("rate", [11_025, 16_000, 44_100])
async def test_a_flush_ends_the_utterance_and_the_session_goes_on(rate: int) -> None:
    """Each piece of speech is an utterance of its own, at its exact place, and none loses audio."""
    setting = Setting(replace(RECORD, sample_rate=rate))
    for turn in range(10):
        await setting.session.audio(speech(rate + 7 * turn))
        await setting.session.flush()
    await setting.session.flush()
    await setting.session.finish()
    jobs = [job for job, _, _ in setting.admission.written]
    sent = [sum(rate + 7 * turn for turn in range(turns)) * 1000 / rate for turns in range(11)]
    assert [job.start_ms for job in jobs] == pytest.approx(sent[:-1], abs=35)
    assert [job.end_ms for job in jobs] == pytest.approx(sent[1:], abs=2)
    reasons = [message.reason for message in setting.sent if isinstance(message, SpeechEnded)]
    assert reasons == ["flush"] * 10
