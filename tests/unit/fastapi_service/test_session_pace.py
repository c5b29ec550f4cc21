"""A session that sends faster than speech: its jobs wait behind those of people who talk; it gets no interim texts."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import stamina

from fastapi_service.recognition.pace import AHEAD_S
from tests.support.fake_clock import run
from tests.support.session_setting import RECORD, Setting
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE

SENTENCE = speech(2 * SAMPLE_RATE) + quiet(SAMPLE_RATE)
"""Three seconds."""


def setting(**record: Any) -> Setting:
    return Setting(replace(RECORD, **record), pause_ms=200, ahead_s=AHEAD_S, interim_every_s=1)


async def talk(session: Setting, sentences: int, *, step_s: float = 0.1, speed: float = 1.0) -> None:
    """Send sentences in pieces of ``step_s``, each when it was spoken or, with a higher speed, earlier."""
    step = 2 * round(step_s * SAMPLE_RATE)
    pcm = SENTENCE * sentences
    for start in range(0, len(pcm), step):
        await asyncio.sleep(step_s / speed)
        await session.session.audio(pcm[start : start + step])


def classes(session: Setting) -> list[bool]:
    return [job.ahead for job, _, _ in session.admission.written]


@pytest.mark.parametrize("step_s", [0.02, 0.1, 4.0])
def test_live_speech_is_live_and_gets_partials(step_s: float) -> None:
    """In frames, and in chunks."""

    async def test() -> None:
        live = setting()
        await talk(live, 4, step_s=step_s)
        await live.session.finish()
        assert len(classes(live)) >= 4  # between long chunks, an utterance ends
        assert not any(classes(live))
        assert live.partials.requests

    run(test())


@pytest.mark.parametrize("speed", [3, 20, 1_000])
def test_file_is_ahead_from_its_first_utterance_and_requests_no_partial_texts(speed: float) -> None:
    """But for the pause in the very first seconds of one that is only a little faster."""

    async def test() -> None:
        file = setting()
        await talk(file, 6, speed=speed)
        await file.session.finish()
        assert classes(file) == [True] * 6
        assert {request.job.segment for request in file.partials.requests} <= {0}

    run(test())


@pytest.mark.parametrize(("resumed_live", "ahead"), [(True, False), (False, True)])
def test_buffered_speech_of_an_outage_is_live_and_a_resumed_file_is_not(resumed_live: bool, ahead: bool) -> None:
    """The session's record says which of them it was."""

    async def test() -> None:
        resumed = setting(resumed_live=resumed_live)
        await talk(resumed, 6, speed=1_000)
        await resumed.session.finish()
        assert classes(resumed) == [ahead] * 6

    run(test())


def test_file_that_the_ledger_slows_down_stays_ahead() -> None:
    """Each of its utterances waits for a minute: it is far slower than real time."""

    async def test() -> None:
        file = setting()
        with stamina.set_testing(True, attempts=1_000):
            for _ in range(5):
                file.admission.open.clear()
                await talk(file, 2, speed=1_000)
                await asyncio.sleep(60)
                file.admission.open.set()
                await asyncio.sleep(0.05)
            await file.session.finish()
        assert classes(file) == [True] * 10

    run(test())


def test_microphone_after_a_file_is_live() -> None:
    """In the same session, once everything of the file is in the ledger."""

    async def test() -> None:
        session = setting()
        await talk(session, 3, speed=1_000)
        await asyncio.sleep(2)
        session.partials.requests.clear()
        await talk(session, 3)
        await session.session.finish()
        assert classes(session) == [True] * 3 + [False] * 3
        assert session.partials.requests

    run(test())


def test_utterances_of_a_talker_after_a_stall_become_live_once_the_session_is() -> None:
    """Their results would hold back those of what is said then. The queue gets each of them a second time, live."""

    async def test() -> None:
        talker = setting()
        await talk(talker, 2)
        await asyncio.sleep(12)
        await talk(talker, 4, speed=1_000)  # what the network kept
        behind = {job.segment for job in talker.queue.jobs if job.ahead}
        assert behind
        assert not talker.admission.raised
        await talk(talker, 5)
        assert talker.admission.raised >= behind
        await talker.session.finish()
        sent = [job.segment for job in talker.queue.jobs if not job.ahead]
        assert sorted(sent) == list(range(talker.session.segments))
        assert len(talker.admission.written) == talker.session.segments

    run(test())


@pytest.mark.parametrize("chunk_s", [3.0, 4.0, 4.5])
def test_first_chunk_that_is_long_holds_back_no_later_final(chunk_s: float) -> None:
    """A recorder's first chunk comes at once; from then on it is live."""

    async def test() -> None:
        talker = setting()
        await talker.session.audio((SENTENCE * 2)[: 2 * round(chunk_s * SAMPLE_RATE)])
        await talk(talker, 8)
        assert classes(talker)[0]
        await talker.session.finish()
        assert talker.admission.raised == {segment for segment, ahead in enumerate(classes(talker)) if ahead}

    run(test())


def test_utterances_that_wait_for_the_ledger_are_written_as_live_ones() -> None:
    """The session is live again before there was room for them."""

    async def test() -> None:
        talker = setting()
        talker.admission.open.clear()
        await talk(talker, 6, speed=1_000)
        await talk(talker, 6)  # in real time, although something always waits
        talker.admission.open.set()
        await talker.session.finish()
        written = classes(talker)
        assert written[0]  # it was on its way already
        assert written[1:] == [False] * (len(written) - 1)
        assert talker.admission.raised == {0}
        assert sorted(job.segment for job in talker.queue.jobs if not job.ahead) == list(range(len(written)))

    run(test())


@pytest.mark.parametrize("burst", [3, 5, 10])
@pytest.mark.parametrize("pause_s", [1.5, 5.0, 20.0])
def test_file_that_comes_in_bursts_is_never_raised(burst: int, pause_s: float) -> None:
    """Although it counts as live for a moment after each pause."""

    async def test() -> None:
        file = setting()
        for _ in range(6):
            await talk(file, burst, speed=1_000)
            await asyncio.sleep(pause_s)
        await file.session.finish()
        assert any(classes(file))
        assert not file.admission.raised

    run(test())


@pytest.mark.parametrize("next_segment", [0, 7])
def test_resumed_session_raises_what_an_earlier_connection_sent_ahead(next_segment: int) -> None:
    """Only its ledger has that. A new session has nothing to raise."""

    async def test() -> None:
        resumed = setting(next_segment=next_segment, resumed_live=True)
        calls: list[str] = []
        resumed.admission.raise_to_live = _counting(resumed.admission.raise_to_live, calls)  # type: ignore[method-assign]
        await talk(resumed, 3)
        await resumed.session.finish()
        assert len(calls) == (next_segment > 0)

    run(test())


@pytest.mark.parametrize("open_s", [0.5, 1.0, 1.9])
@pytest.mark.parametrize("pause_s", [3.0, 5.0, 10.0])
def test_file_whose_bursts_end_in_speech_is_never_raised(open_s: float, pause_s: float) -> None:
    """The open utterance is ended because no audio comes, which is acknowledged in the middle of the pause."""

    async def test() -> None:
        file = setting()
        for _ in range(6):
            await talk(file, 6, speed=1_000)
            await file.session.audio(speech(round(open_s * SAMPLE_RATE)))
            await asyncio.sleep(pause_s)
        await file.session.finish()
        assert any(classes(file))
        assert not file.admission.raised

    run(test())


@pytest.mark.parametrize("wait_s", [0.0, 1.5, 30.0])
@pytest.mark.parametrize("real_time", [0, 3])
def test_resumed_file_is_not_raised_however_late_or_slow_it_begins(wait_s: float, real_time: int) -> None:
    """Its first sentences may come in real time, through a slow network."""

    async def test() -> None:
        resumed = setting(next_segment=7, resumed_live=False)
        calls: list[str] = []
        resumed.admission.raise_to_live = _counting(resumed.admission.raise_to_live, calls)  # type: ignore[method-assign]
        await asyncio.sleep(wait_s)
        await talk(resumed, real_time)
        await talk(resumed, 12, speed=1_000)
        await resumed.session.finish()
        assert not calls

    run(test())


@pytest.mark.parametrize("gap_s", [0.5, 1.0, 4.0])
def test_burst_of_a_talker_who_falls_silent_is_raised(gap_s: float) -> None:
    """The page reports silence as gaps."""

    async def test() -> None:
        talker = setting()
        await talk(talker, 6, speed=1_000)
        assert all(classes(talker))
        for _ in range(round(12 / gap_s)):
            await asyncio.sleep(gap_s)
            await talker.session.gap(round(gap_s * SAMPLE_RATE))
        assert talker.admission.raised == set(range(6))
        assert [job.segment for job in talker.queue.jobs if not job.ahead] == list(range(6))
        await talker.session.finish()

    run(test())


@pytest.mark.parametrize("ends", ["ack", "finish"])
def test_burst_is_raised_at_an_acknowledgement_and_at_the_end(ends: str) -> None:
    """No audio comes after the moment at which the session is live for certain."""

    async def test() -> None:
        talker = setting()
        await talk(talker, 6, speed=1_000)
        await asyncio.sleep(1.5)
        await talker.session.audio(speech(SAMPLE_RATE * 3 // 2))  # the last piece of a stream in large ones
        assert not talker.admission.raised
        await asyncio.sleep(1.9 if ends == "finish" else 4.0)
        if ends == "finish":
            await talker.session.finish()
        assert talker.admission.raised == set(range(6))
        await talker.session.finish()

    run(test())


def _counting(call: Any, calls: list[str]) -> Any:
    async def counted(owner: str, session_id: str) -> Any:
        calls.append(session_id)
        return await call(owner, session_id)

    return counted
