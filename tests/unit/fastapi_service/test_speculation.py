"""The final text may be requested in a pause, and is used only if the utterance ends there."""

import asyncio
from dataclasses import replace

import pytest

from fastapi_service.endpointing.frames import FRAME
from tests.support.eventually import soon
from tests.support.partial_requests import FakeRequest
from tests.support.session_setting import RECORD, Setting
from tests.support.sounds import quiet, speech
from wire.audio import decode_pcm
from wire.messages.jobs import AnalyzeText, TranscribeAudio
from wire.messages.server import SpeechEnded

PAUSE = 8 * FRAME
"""Silence of 240 ms: a pause, and not yet the end."""


async def spoken(setting: Setting, *, pause: int = PAUSE) -> FakeRequest:
    """A second of speech and a pause; the request made in it."""
    await setting.say(34 * FRAME, pause=pause)
    return setting.partials.requests[-1]


async def test_text_of_the_last_pause_enters_the_ledger() -> None:
    """It enters the ledger as text, no audio job is sent, and its language stays with the session."""
    setting = Setting(pause_ms=200)
    request = await spoken(setting)
    request.begun = True
    request.write("good morning")
    assert not setting.admission.written, "nothing is written before the silence is long enough"
    await setting.session.audio(quiet(20 * FRAME))
    await setting.session.finish()
    ((job, _, _),) = setting.admission.written
    assert isinstance(job, AnalyzeText)
    assert (job.transcript.text, job.segment, job.revision) == ("good morning", 0, 0)
    assert (job.clock.stt_start, job.clock.stt_end) == (10.0, 10.1)
    assert setting.admission.kept == ["en"]
    assert setting.queue.jobs == [job]


async def test_request_has_the_audio_of_the_utterance_so_far() -> None:
    setting = Setting(replace(RECORD, task="translate", prompt="Siobhán", language="ga"), pause_ms=200)
    request = await spoken(setting)
    await setting.session.finish()
    ((_, pcm, _),) = setting.admission.written
    assert pcm.startswith(request.pcm)
    job = request.job
    assert (job.purpose, job.segment, job.start_ms, job.prefix) == ("final", 0, 0, "")
    assert (job.language, job.task, job.prompt, job.reply_to) == ("ga", "translate", "Siobhán", "wta:drafts:test")


async def test_requests_of_two_connections_have_different_keys() -> None:
    """After a quick resume the same segment is requested again, while the first connection's request is on its way."""
    keys = set()
    for _ in range(3):
        setting = Setting(pause_ms=200)
        request = await spoken(setting)
        keys.add(request.job.audio_key)
        assert request.job.revision < 2**53, "a browser reads it exactly"
        await setting.session.finish()
    assert len(keys) == 3


async def test_request_is_discarded_when_speech_goes_on() -> None:
    """Also when it is there already: the utterance is transcribed as a whole, in the ordinary way."""
    setting = Setting(pause_ms=200)
    first = await spoken(setting)
    first.begun = True
    first.write("good")
    await setting.say(34 * FRAME, pause=20 * FRAME)
    await setting.session.finish()
    await asyncio.sleep(0)
    assert first.withdrawn
    second = setting.partials.requests[-1]
    assert second is not first
    ((job, pcm, _),) = setting.admission.written
    assert isinstance(job, TranscribeAudio)
    assert len(decode_pcm(pcm)) > 68 * FRAME
    assert setting.queue.jobs == [job]


async def test_request_that_no_worker_has_begun_is_withdrawn() -> None:
    setting = Setting(pause_ms=200)
    request = await spoken(setting, pause=20 * FRAME)
    await setting.session.finish()
    assert request.withdrawn
    assert [type(job) for job in setting.queue.jobs] == [TranscribeAudio]


async def test_writer_waits_for_a_text_that_a_worker_has_begun() -> None:
    setting = Setting(pause_ms=200)
    request = await spoken(setting, pause=PAUSE)
    request.begun = True
    await setting.session.audio(quiet(20 * FRAME))
    await asyncio.sleep(0.01)
    assert not setting.admission.written
    request.write("good morning")
    await setting.session.finish()
    assert [type(job) for job in setting.queue.jobs] == [AnalyzeText]


async def test_writer_waits_for_a_slow_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow model would transcribe every utterance twice."""
    loop = asyncio.get_running_loop()
    setting = Setting(pause_ms=200)
    request = await spoken(setting, pause=20 * FRAME)
    request.begun = True
    finishing = asyncio.create_task(setting.session.finish())
    await asyncio.sleep(0.01)
    late = loop.time() + 15.0
    monkeypatch.setattr(loop, "time", lambda: late)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    request.write("good morning")
    await finishing
    assert [type(job) for job in setting.queue.jobs] == [AnalyzeText]


@pytest.mark.parametrize("evidence", [None, -2.0])
@pytest.mark.parametrize("is_there", [True, False], ids=["there", "begun"])
async def test_the_end_of_a_session_uses_the_text_of_its_last_pause(is_there: bool, evidence: float | None) -> None:
    """Whether the worker has answered or only begun: it is not transcribed a second time."""
    setting = Setting(pause_ms=200, unfinished_ms=800)
    request = await spoken(setting)
    request.begun = True
    if is_there:
        request.write("good morning", sentence_end=evidence)
        await asyncio.sleep(0.01)
    finishing = asyncio.create_task(setting.session.finish())
    await asyncio.sleep(0.01)
    if not is_there:
        request.write("good morning", sentence_end=2.0)
    await finishing
    ((job, _, _),) = setting.admission.written
    assert isinstance(job, AnalyzeText)
    assert job.transcript.text == "good morning"


async def test_request_without_a_text_leads_to_a_transcription_job() -> None:
    """The worker failed, or its answer was lost: the ledger gets the audio."""
    setting = Setting(pause_ms=200)
    request = await spoken(setting, pause=20 * FRAME)
    request.begun = True
    request.give_way()
    await setting.session.finish()
    (job,) = setting.queue.jobs
    assert isinstance(job, TranscribeAudio)
    assert (job.no_speech_prob, job.clock.stt_end) == (None, None)


async def test_request_without_speech_leads_to_a_job_with_that_finding() -> None:
    """The utterance enters the ledger like any other; the worker only has to report that there is none, and why."""
    setting = Setting(pause_ms=200)
    request = await spoken(setting)
    request.begun = True
    request.hear_nothing(reason="uncertain")
    await setting.session.audio(quiet(20 * FRAME))
    await setting.session.finish()
    ((job, pcm, _),) = setting.admission.written
    assert isinstance(job, TranscribeAudio)
    assert pcm
    assert (job.no_speech_prob, job.no_speech_reason) == (0.9, "uncertain")
    assert (job.clock.stt_start, job.clock.stt_end) == (10.0, 10.1)


@pytest.mark.parametrize("then", [speech(20 * FRAME), quiet(3 * FRAME)], ids=["speech", "silence"])
async def test_text_of_a_pause_is_not_used_after_a_forced_cut(then: bytes) -> None:
    """The text of the pause would hold what belongs to the next utterance, or lack what belongs to this one.

    It is there before the cut, and both come in one message.
    """
    setting = Setting(pause_ms=200)
    setting.partials.at_once = "half a sentence"
    await setting.session.audio(speech(19_700 * 16) + quiet(PAUSE) + then)
    assert setting.partials.requests[0].done
    assert [message.reason for message in setting.sent if isinstance(message, SpeechEnded)] == ["too_long"]
    await soon(lambda: setting.queue.jobs)
    assert isinstance(setting.queue.jobs[0], TranscribeAudio)
    await setting.session.finish()
