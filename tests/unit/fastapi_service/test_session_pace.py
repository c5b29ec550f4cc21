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
