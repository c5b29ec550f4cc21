"""A session whose utterances end by their texts."""

import asyncio

import pytest

from fastapi_service.endpointing.frames import FRAME
from tests.support.eventually import soon
from tests.support.partial_requests import FakeRequest
from tests.support.session_setting import Setting
from tests.support.sounds import quiet, speech
from wire.messages.client import Configure
from wire.messages.jobs import AnalyzeText
from wire.messages.server import SpeechEnded, SpeechStarted

SAID, PAUSE = 34 * FRAME, 8 * FRAME
OVER, PERHAPS, UNFINISHED = 2.0, 0.5, -2.0


async def paused() -> tuple[Setting, FakeRequest]:
    """A second of speech and a pause, whose text a worker has begun."""
    setting = Setting(pause_ms=200, unfinished_ms=800)
    await setting.say(SAID, pause=PAUSE)
    request = setting.partials.requests[-1]
    request.begun = True
    return setting, request


def ended(setting: Setting) -> list[int]:
    return [message.segment for message in setting.sent if isinstance(message, SpeechEnded)]


@pytest.mark.parametrize("evidence", [OVER, PERHAPS])
async def test_a_finished_sentence_ends_with_its_text(evidence: float) -> None:
    """No further audio is needed."""
    setting, request = await paused()
    request.write("good morning", sentence_end=evidence)
    await soon(lambda: setting.admission.written)
    ((job, _, _),) = setting.admission.written
    assert isinstance(job, AnalyzeText)
    assert (job.transcript.text, job.segment) == ("good morning", 0)
    assert ended(setting) == [0]
    await setting.session.audio(quiet(30 * FRAME))
    await setting.session.finish()
    assert len(setting.admission.written) == 1


async def test_a_sentence_ends_also_when_the_next_has_begun() -> None:
    """Nothing of what was said is lost, or belongs to two."""
    setting, request = await paused()
    await setting.session.audio(speech(SAID))
    request.write("good morning", sentence_end=OVER)
    await soon(lambda: setting.admission.written)
    await setting.session.audio(quiet(20 * FRAME))
    await setting.session.finish()
    (first, _, _), (second, pcm, _) = setting.admission.written
    assert isinstance(first, AnalyzeText)
    assert (first.segment, second.segment) == (0, 1)
    assert first.end_ms == second.start_ms
    assert len(pcm) == 2 * 16 * (second.end_ms - second.start_ms)
    assert [message.segment for message in setting.sent if isinstance(message, SpeechStarted)] == [0, 1]


async def test_a_text_that_no_worker_has_begun_may_still_end_its_sentence() -> None:
    """A worker that was busy with an interim text begins it when speech has gone on."""
    setting = Setting(pause_ms=200, unfinished_ms=800)
    await setting.say(SAID, pause=PAUSE)
    await setting.session.audio(speech(SAID))
    request = setting.partials.requests[-1]
    assert not request.withdrawn
    request.begun = True
    request.write("good morning", sentence_end=OVER)
    await soon(lambda: setting.admission.written)
    assert ended(setting) == [0]
    await setting.session.finish()


async def test_a_newer_pause_takes_the_place_of_one_whose_text_nobody_has_begun() -> None:
    setting = Setting(pause_ms=200, unfinished_ms=800)
    await setting.say(SAID, pause=PAUSE)
    await setting.say(SAID, pause=PAUSE)
    first, second = setting.partials.requests
    assert first.withdrawn
    assert not second.withdrawn
    await setting.session.finish()


@pytest.mark.parametrize("evidence", [PERHAPS, UNFINISHED, None])
async def test_less_evidence_ends_nothing_once_speech_has_gone_on(evidence: float | None) -> None:
    setting, request = await paused()
    await setting.session.audio(speech(SAID))
    request.write("good morning", sentence_end=evidence)
    await asyncio.sleep(0.01)
    assert ended(setting) == []
    await setting.session.finish()
    assert len(setting.admission.written) == 1


async def test_an_unfinished_sentence_waits_for_more() -> None:
    setting, request = await paused()
    request.write("good", sentence_end=UNFINISHED)
    await asyncio.sleep(0.01)
    await setting.session.audio(quiet(18 * FRAME))
    assert ended(setting) == []
    await setting.session.audio(quiet(FRAME))
    assert ended(setting) == [0]
    await setting.session.finish()
    ((job, _, _),) = setting.admission.written
    assert isinstance(job, AnalyzeText), "the text of the pause is used"


@pytest.mark.parametrize("context_s", [0.0, 6.0])
async def test_the_next_pause_begins_its_own_text(context_s: float) -> None:
    """The first text comes while the second pause lasts. What is behind it is transcribed alone, and continues it."""
    setting = Setting(pause_ms=200, unfinished_ms=800, context_s=context_s)
    await setting.say(SAID, pause=PAUSE)
    first = setting.partials.requests[-1]
    first.begun = True
    await setting.session.audio(speech(SAID) + quiet(PAUSE))
    both = setting.partials.requests[-1]
    both.begun = True
    first.write("good morning", sentence_end=OVER)
    await soon(lambda: len(setting.partials.requests) == 3)
    second = setting.partials.requests[-1]
    assert (second.job.segment, second.withdrawn, both.withdrawn) == (1, False, True)
    assert (second.context and second.context.text) == ("good morning" if context_s else None)
    second.begun = True
    second.write("it rains", sentence_end=OVER)
    await soon(lambda: len(setting.admission.written) == 2)
    await setting.session.finish()
    texts = [job.transcript.text for job, _, _ in setting.admission.written if isinstance(job, AnalyzeText)]
    assert texts == ["good morning", "it rains"]


async def test_an_utterance_whose_text_is_there_does_not_hold_up_the_next_pause() -> None:
    """It needs no worker, however long the ledger is away; one that has to be transcribed does."""
    setting, request = await paused()
    setting.admission.open.clear()
    request.write("good morning", sentence_end=OVER)
    await soon(lambda: ended(setting) == [0])
    await setting.session.audio(speech(SAID) + quiet(PAUSE))
    second = setting.partials.requests[-1]
    assert (second.job.segment, second.withdrawn) == (1, False)
    await setting.session.audio(quiet(20 * FRAME) + speech(SAID) + quiet(PAUSE))
    assert setting.partials.requests[-1] is second
    setting.admission.open.set()
    await setting.session.finish()


async def test_a_text_that_comes_after_the_end_ends_nothing_more() -> None:
    setting, request = await paused()
    await setting.session.audio(quiet(20 * FRAME))
    assert ended(setting) == [0]
    await setting.session.audio(speech(SAID))
    request.write("good morning", sentence_end=OVER)
    await setting.session.finish()
    assert ended(setting) == [0, 1]
    assert [job.segment for job, _, _ in setting.admission.written] == [0, 1]


@pytest.mark.parametrize("evidence", [OVER, UNFINISHED])
async def test_silence_alone_ends_an_utterance_where_texts_are_to_end_none(evidence: float) -> None:
    """After half a second; the text of the pause is used."""
    setting = Setting(pause_ms=200, unfinished_ms=0)
    await setting.say(SAID, pause=PAUSE)
    request = setting.partials.requests[-1]
    request.begun = True
    request.write("good morning", sentence_end=evidence)
    await asyncio.sleep(0.01)
    await setting.session.audio(quiet(8 * FRAME))
    assert ended(setting) == []
    await setting.session.audio(quiet(FRAME))
    assert ended(setting) == [0]
    await setting.session.finish()
    assert isinstance(setting.admission.written[0][0], AnalyzeText)


async def test_a_text_of_the_language_before_ends_nothing() -> None:
    setting, request = await paused()
    await setting.session.configure(Configure(language="ko"))
    request.write("good morning", sentence_end=OVER)
    await asyncio.sleep(0.01)
    assert ended(setting) == []
    await setting.session.finish()
    assert len(setting.admission.written) == 1
