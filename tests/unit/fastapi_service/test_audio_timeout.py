"""An utterance ends when its audio stays away: on a fake clock, to the sample and to the millisecond."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_service.endpointing.frames import FRAME
from fastapi_service.recognition.audio_timeout import AudioTimeout
from tests.support.fake_clock import fake_clock, run
from tests.support.session_setting import RECORD, Setting
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE, ms_to_samples
from wire.messages.server import SpeechEnded, SpeechStarted

TIMEOUT_S = 2.0
"""The default of ``SessionOptions.audio_timeout_s``."""
COUNTED = ms_to_samples(90) + FRAME
"""A voiced stretch of this many samples has enough whole voiced frames, wherever it begins."""


def test_a_timeout_comes_once_after_the_newest_restart() -> None:
    """Each restart puts it off, and ``stop`` calls it off."""

    async def test() -> None:
        clock, fired = fake_clock(), list[float]()
        timeout = AudioTimeout(TIMEOUT_S, lambda: fired.append(clock.time()))
        for _ in range(5):
            timeout.restart()
            await asyncio.sleep(1.5)
        await asyncio.sleep(10)
        assert fired == [pytest.approx(4 * 1.5 + TIMEOUT_S)]
        timeout.restart()
        timeout.stop()
        timeout.stop()
        await asyncio.sleep(10)
        assert len(fired) == 1

    run(test())


def test_a_process_that_stood_still_waits_once_more() -> None:
    """Frozen, or its machine: what the client sent meanwhile is not read yet."""

    async def test() -> None:
        clock, fired = fake_clock(), list[float]()
        timeout = AudioTimeout(TIMEOUT_S, lambda: fired.append(clock.time()))
        timeout.restart()
        clock.stand_still(60)
        await asyncio.sleep(1.9)
        assert fired == []
        await asyncio.sleep(1)
        assert fired == [pytest.approx(60 + TIMEOUT_S)]

    run(test())


async def live(setting: Setting, pcm: bytes, *, ms: int = 100) -> None:
    """Send audio as a microphone does: each message when its samples are over."""
    rate = setting.session.record.sample_rate
    size = 2 * (rate * ms // 1000)
    for at in range(0, len(pcm), size):
        await asyncio.sleep(len(pcm[at : at + size]) / 2 / rate)
        await setting.session.audio(pcm[at : at + size])


def ended(setting: Setting) -> list[tuple[int, int, str]]:
    return [(m.start_ms, m.end_ms, m.reason) for m in setting.sent if isinstance(m, SpeechEnded)]


def with_setting(
    test: Callable[[Setting], Coroutine[Any, Any, None]], rate: int = SAMPLE_RATE, max_unwritten_s: float = 60.0
) -> None:
    """Run a test with a session on a fake clock."""

    async def go() -> None:
        setting = Setting(replace(RECORD, sample_rate=rate), max_unwritten_s=max_unwritten_s)
        await test(setting)
        await setting.session.finish()

    run(go())


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 48_000])
def test_speech_without_silence_around_it_ends_two_seconds_after_its_last_frame(rate: int) -> None:
    """What comes later is another utterance, right behind it on the audio clock; each is acknowledged to its end."""

    async def test(setting: Setting) -> None:
        await live(setting, speech(26 * rate // 10))
        await asyncio.sleep(TIMEOUT_S - 0.01)
        assert ended(setting) == []
        await asyncio.sleep(0.02)
        assert len(ended(setting)) == 1
        assert setting.acks() == [26 * rate // 10]
        await asyncio.sleep(15)
        await live(setting, speech(12 * rate // 10))
        await asyncio.sleep(8)
        (_, end, reason), (start, later_end, later_reason) = ended(setting)
        assert [end, later_end] == pytest.approx([2_600, 3_800], abs=1)
        assert start == pytest.approx(2_600, abs=35)
        assert start >= end
        assert (reason, later_reason) == ("silence", "silence")
        assert setting.acks() == [26 * rate // 10, 38 * rate // 10]

    with_setting(test, rate)


def test_what_the_client_says_about_the_time_without_audio_counts() -> None:
    """A gap moves what follows, as one during speech does."""

    async def test(setting: Setting) -> None:
        await live(setting, speech(SAMPLE_RATE))
        await asyncio.sleep(15)
        await setting.session.gap(15 * SAMPLE_RATE)
        await live(setting, speech(SAMPLE_RATE))
        await asyncio.sleep(5)
        first, (start, end, reason) = ended(setting)
        assert first == (0, 1_000, "silence")
        assert start == pytest.approx(15_700, abs=35)
        assert (end, reason) == (17_000, "silence")
        assert setting.acks()[-1] == 17 * SAMPLE_RATE

    with_setting(test)


@pytest.mark.parametrize(("late_s", "cuts"), [(0.5, 0), (1.0, 0), (1.9, 0), (2.5, 1), (30.0, 1)])
def test_frames_that_come_late_cost_one_cut_at_most(late_s: float, cuts: int) -> None:
    """However many of them come at once then; and no sample is missing or doubled."""

    async def test(setting: Setting) -> None:
        await live(setting, speech(SAMPLE_RATE))
        await asyncio.sleep(late_s)
        for _ in range(round(10 * late_s)):
            await setting.session.audio(speech(SAMPLE_RATE // 10))
        await live(setting, speech(SAMPLE_RATE) + quiet(SAMPLE_RATE))
        assert [reason for _, _, reason in ended(setting) if reason != "too_long"] == ["silence"] * (1 + cuts)
        await setting.session.finish()
        whole = b"".join(pcm for _, pcm, _ in setting.admission.written)
        assert len(whole) / 2 == pytest.approx((2 + late_s) * SAMPLE_RATE + 17 * FRAME, abs=FRAME)

    with_setting(test)


def test_a_gateway_that_waits_for_the_ledger_is_no_silence_of_the_client() -> None:
    """Backpressure for a minute in the middle of a sentence cuts nothing; silence after it does."""

    async def test(setting: Setting) -> None:
        setting.admission.open.clear()
        sentence_and_half = speech(2 * SAMPLE_RATE) + quiet(SAMPLE_RATE) + speech(SAMPLE_RATE)
        waiting = asyncio.create_task(setting.session.audio(sentence_and_half))
        await asyncio.sleep(60)
        assert not waiting.done()
        assert len(ended(setting)) == 1
        setting.admission.open.set()
        await waiting
        await live(setting, speech(SAMPLE_RATE))
        assert len(ended(setting)) == 1
        await asyncio.sleep(TIMEOUT_S + 0.1)
        assert [end for _, end, _ in ended(setting)] == [pytest.approx(2_500, abs=35), 5_000]

    with_setting(test, max_unwritten_s=1)


@pytest.mark.parametrize("full_s", [0.5, 1.9, 30.0])
def test_a_client_that_waits_for_an_acknowledgement_is_not_silent(full_s: float) -> None:
    """A file waits for acknowledgements, and the ledger for results: the open utterance waits, too."""

    async def test(setting: Setting) -> None:
        setting.admission.open.clear()
        await setting.session.audio(speech(SAMPLE_RATE) + quiet(SAMPLE_RATE) + speech(SAMPLE_RATE))
        await asyncio.sleep(full_s)
        setting.admission.open.set()
        await asyncio.sleep(TIMEOUT_S - 0.1)
        assert len(setting.acks()) == len(ended(setting)) == 1
        await setting.session.audio(speech(SAMPLE_RATE))
        await asyncio.sleep(10)
        assert [end for _, end, _ in ended(setting)] == [pytest.approx(1_500, abs=35), 4_000]

    with_setting(test)


def test_a_click_before_the_break_leads_into_what_follows() -> None:
    """Too short to be speech, it is no utterance; after the break it may be the beginning of a word."""

    async def test(setting: Setting) -> None:
        await live(setting, quiet(SAMPLE_RATE) + speech(2 * FRAME), ms=30)
        await asyncio.sleep(10)
        assert setting.sent == []
        await live(setting, speech(SAMPLE_RATE))
        await asyncio.sleep(10)
        ((start, end, reason),) = ended(setting)
        assert start == pytest.approx(760, abs=35)
        assert (end, reason) == (2_060, "silence")

    with_setting(test)


def test_a_finished_session_and_a_silent_one_have_no_timer() -> None:
    """None is left behind, and one that nobody speaks in costs nothing."""

    async def test(setting: Setting) -> None:
        clock = fake_clock()
        await live(setting, quiet(SAMPLE_RATE))
        assert clock.timers == 0
        await live(setting, speech(SAMPLE_RATE))
        assert clock.timers == 1
        await setting.session.finish()
        assert clock.timers == 0

    with_setting(test)


def test_two_utterances_are_announced_under_their_segments() -> None:
    """Each begins before it ends, and the second one after the first."""

    async def test(setting: Setting) -> None:
        for _ in range(2):
            await live(setting, speech(SAMPLE_RATE))
            await asyncio.sleep(5)
        told = [(type(m), m.segment) for m in setting.sent if isinstance(m, SpeechStarted | SpeechEnded)]
        assert told == [(SpeechStarted, 0), (SpeechEnded, 0), (SpeechStarted, 1), (SpeechEnded, 1)]

    with_setting(test)


messages = st.lists(
    st.tuples(st.booleans(), st.integers(1, 12_000), st.sampled_from([0.0, 0.1, 1.0, 1.99, 2.5, 20.0])),
    min_size=1,
    max_size=14,
)
"""Voiced or not, samples, and the seconds before the message comes."""


@settings(max_examples=80, deadline=None)
@given(messages)
def test_no_sample_is_lost_or_counted_twice(parts: list[tuple[bool, int, float]]) -> None:
    """Whenever frames come: utterances hold what their places say, all speech is in one, acknowledgements are exact."""

    async def test(setting: Setting) -> None:
        stream, stretches = b"", list[tuple[int, int]]()
        for voiced, samples, wait_s in parts:
            await asyncio.sleep(wait_s)
            begin = len(stream) // 2
            stream += (speech if voiced else quiet)(samples)
            await setting.session.audio(stream[2 * begin :])
            assert all(ack <= len(stream) // 2 for ack in setting.acks())
            if voiced and samples >= COUNTED:
                stretches.append((begin, begin + samples))
        await setting.session.finish()
        before = 0
        for job, pcm, samples in setting.admission.written:
            start = samples - len(pcm) // 2
            assert before <= start
            assert pcm == stream[2 * start : 2 * samples]
            assert (job.start_ms, job.end_ms) == (start * 1000 // SAMPLE_RATE, samples * 1000 // SAMPLE_RATE)
            before = samples
        places = [(samples - len(pcm) // 2, samples) for _, pcm, samples in setting.admission.written]
        for begin, end in stretches:
            assert any(start <= begin and end <= stop for start, stop in places), "speech is lost"
        assert setting.session.seconds == len(stream) / 2 / SAMPLE_RATE
        assert setting.acks() == sorted(set(setting.acks()))

    with_setting(test)
