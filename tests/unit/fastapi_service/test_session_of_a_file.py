"""The session of a file is ahead however slowly it is read, and only its sound ends utterances."""

import asyncio
from dataclasses import replace

import pytest

from fastapi_service.recognition.pace import AHEAD_S, Pace
from tests.support.fake_clock import run
from tests.support.session_setting import RECORD, Setting
from tests.support.sounds import quiet, speech
from tests.support.speakers import ALICE, final
from wire.audio import SAMPLE_RATE
from wire.messages.server import Interim

SENTENCE = speech(2 * SAMPLE_RATE) + quiet(SAMPLE_RATE)
STEP = SAMPLE_RATE
"""Bytes of half a second."""


def file() -> Setting:
    setting = Setting(replace(RECORD), pause_ms=200, ahead_s=AHEAD_S, interim_every_s=1)
    setting.session.send_file()
    return setting


def test_pinned_pace_is_never_live() -> None:
    """Not in real time, nor after a pause: nothing of a file is raised over people who talk."""
    pace = Pace(0.0)
    pace.pin()
    for second in range(60):
        pace.update(float(second), 1.0, waiting=False)
        assert pace.ahead
        assert not pace.settled
    pace.update(1_000.0, waiting=False)
    assert pace.ahead


@pytest.mark.parametrize("every_s", [0.0, 0.5, 3.0], ids=["at once", "in real time", "slowly"])
def test_file_has_the_same_utterances_however_slowly_it_is_read(every_s: float) -> None:
    """All of them ahead, without texts before their ends: a late decoder is not a pause of the speaker."""

    async def test() -> None:
        setting, pcm = file(), SENTENCE * 3
        for start in range(0, len(pcm), STEP):
            await asyncio.sleep(every_s)
            await setting.session.audio(pcm[start : start + STEP])
        await asyncio.sleep(every_s)
        await setting.session.finish()
        written = setting.admission.written
        assert [job.ahead for job, _, _ in written] == [True] * 3
        assert [job.start_ms for job, _, _ in written] == [0, 2_700, 5_700]
        assert setting.admission.raised == set()
        assert setting.partials.requests == []
        assert not [message for message in setting.sent if isinstance(message, Interim)]

    run(test())


def test_file_goes_on_with_its_next_result() -> None:
    """It does not wait for the pause after which a full ledger is tried again."""

    async def test() -> None:
        setting, clock = file(), asyncio.get_running_loop()
        setting.admission.answers.extend(["full"] * 3)
        await setting.session.audio(SENTENCE)
        began = clock.time()
        for _ in range(3):
            await asyncio.sleep(0.1)
            setting.session.note(final(0, ALICE))
        await setting.session.finish()
        assert clock.time() - began < 0.5
        assert len(setting.admission.written) == 1

    run(test())
