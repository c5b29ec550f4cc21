"""Languages and prompt of a session: set at its start, changed while it goes on, for utterances that end afterwards."""

import asyncio
from dataclasses import replace

import pytest

from fastapi_service.endpointing.frames import FRAME
from fastapi_service.storage.record import SessionRecord, SessionTakenOver
from infra.ledger.admission import SessionUnknown
from tests.support.eventually import soon
from tests.support.fake_clock import run
from tests.support.session_setting import RECORD, Setting
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE
from wire.messages.client import Configure
from wire.messages.jobs import AnalyzeText, TranscribeAudio
from wire.messages.server import Configured, Interim

KOREAN_ENGLISH = replace(RECORD, languages=("ko", "en"), prompt="Siobhán")
PAUSE = 8 * FRAME
"""Silence of 240 ms: a pause, and not yet the end."""


def change(**fields: object) -> Configure:
    return Configure.model_validate(fields)


def written(setting: Setting) -> list[tuple[str | None, tuple[str, ...], str]]:
    """Language, languages and prompt of each utterance in the ledger."""
    jobs = [job for job, _, _ in setting.admission.written]
    return [(job.language, job.languages, job.prompt) for job in jobs if isinstance(job, TranscribeAudio)]


def answers(setting: Setting) -> list[tuple[str, ...]]:
    """Languages of each answer."""
    return [message.languages for message in setting.sent if isinstance(message, Configured)]


@pytest.mark.parametrize(
    ("before", "fields", "after"),
    [
        (RECORD, {"language": "de"}, ("de", ("de",), "")),
        (RECORD, {"languages": ["de"]}, ("de", ("de",), "")),
        (RECORD, {"languages": ["ko", "en", "ko"]}, (None, ("ko", "en"), "")),
        (KOREAN_ENGLISH, {"languages": []}, (None, (), "Siobhán")),
        (KOREAN_ENGLISH, {"language": None}, (None, (), "Siobhán")),
        (KOREAN_ENGLISH, {"prompt": ""}, (None, ("ko", "en"), "")),
        (KOREAN_ENGLISH, {}, (None, ("ko", "en"), "Siobhán")),
        (replace(RECORD, language="en"), {"prompt": "Valkey"}, ("en", (), "Valkey")),
        (replace(RECORD, language="en"), {"languages": []}, (None, (), "")),
    ],
    ids=str,
)
def test_a_change_says_what_it_names_and_nothing_else(
    before: SessionRecord, fields: dict[str, object], after: tuple[str | None, tuple[str, ...], str]
) -> None:
    """One language is fixed, several are a choice, none is any; a language that was detected is given up with them."""
    record = before.configured(change(**fields))
    assert (record.language, record.languages, record.prompt) == after
    assert replace(record, language=None, languages=(), prompt="") == RECORD


async def test_a_change_holds_for_utterances_that_end_after_it() -> None:
    """Also for the open one; what has ended, written or not, keeps what it ended with. A resume finds the change."""
    setting = Setting(KOREAN_ENGLISH)
    setting.admission.open.clear()
    await setting.say(30 * FRAME)
    await setting.session.audio(speech(30 * FRAME))
    await setting.session.configure(change(language="de", prompt="Valkey"))
    await setting.session.audio(quiet(20 * FRAME))
    setting.admission.open.set()
    await setting.say(30 * FRAME)
    await setting.session.configure(change(languages=["fr", "en"]))
    await setting.say(30 * FRAME)
    await setting.session.finish()
    german = ("de", ("de",), "Valkey")
    assert written(setting) == [(None, ("ko", "en"), "Siobhán"), german, german, (None, ("fr", "en"), "Valkey")]
    assert setting.store.configured[-1] == (("fr", "en"), "Valkey")
    assert setting.session.record.languages == ("fr", "en")


async def test_a_text_of_the_former_language_is_not_used() -> None:
    """One that was requested in a pause before the change: the utterance ends after it."""
    setting = Setting(KOREAN_ENGLISH, pause_ms=200)
    await setting.say(34 * FRAME, pause=PAUSE)
    request = setting.partials.requests[-1]
    assert request.job.languages == ("ko", "en")
    request.begun = True
    request.write("good morning")
    await setting.session.configure(change(language="de"))
    await setting.session.audio(quiet(20 * FRAME))
    await setting.session.finish()
    assert request.withdrawn
    assert written(setting) == [("de", ("de",), "Siobhán")]


async def test_interim_texts_after_a_change_are_of_the_next_utterance() -> None:
    """What is shown as stable is never taken back, so the open utterance gets none any longer."""
    setting = Setting(interim_every_s=1.0)
    await setting.session.audio(speech(2 * SAMPLE_RATE))
    setting.partials.requests[0].begun = True
    await setting.session.configure(change(language="de", prompt="Valkey"))
    setting.partials.requests[0].write("too late")
    await setting.session.audio(speech(2 * SAMPLE_RATE))
    assert len(setting.partials.requests) == 1
    await setting.session.audio(quiet(20 * FRAME))
    await soon(lambda: len(setting.admission.written) == 1)
    await setting.session.audio(speech(2 * SAMPLE_RATE))
    job = setting.partials.requests[1].job
    assert (job.segment, job.language, job.languages, job.prompt) == (1, "de", ("de",), "Valkey")
    setting.partials.requests[1].write("guten Morgen", language="de")
    await soon(lambda: any(isinstance(message, Interim) for message in setting.sent))
    await setting.session.finish()
    assert [message.unstable for message in setting.sent if isinstance(message, Interim)] == ["guten Morgen"]


@pytest.mark.parametrize("error", [SessionTakenOver(), SessionUnknown()], ids=["taken over", "expired"])
async def test_a_change_of_a_session_that_is_lost_is_refused(error: Exception) -> None:
    """The connection finds out with its next message, or at its end. The change is not answered."""
    setting = Setting()
    setting.store.owned = not isinstance(error, SessionTakenOver)
    setting.store.error = None if setting.store.owned is False else error
    await setting.session.configure(change(language="de"))
    await soon(lambda: setting.store.changes)
    await asyncio.sleep(0)
    with pytest.raises(type(error)):
        await setting.session.audio(quiet(FRAME))
    with pytest.raises(type(error)):
        await setting.session.finish()
    assert answers(setting) == []


def test_audio_is_read_while_a_change_waits_for_redis() -> None:
    """The change holds already. A gap, more changes and the end of the utterance are handled, too."""

    async def test() -> None:
        setting = Setting(KOREAN_ENGLISH)
        setting.store.answers.clear()
        await setting.session.configure(change(language="de"))
        await asyncio.sleep(1)
        await setting.say(30 * FRAME)
        await setting.session.gap(SAMPLE_RATE)
        await setting.session.configure(change(languages=["fr", "en"]))
        await setting.session.configure(change(prompt="Valkey"))
        await setting.session.audio(speech(30 * FRAME))
        await asyncio.sleep(30)
        assert written(setting) == [("de", ("de",), "Siobhán"), (None, ("fr", "en"), "Valkey")]
        assert (setting.store.configured, answers(setting)) == ([], [])
        ending = asyncio.create_task(setting.session.finish())
        await asyncio.sleep(30)
        assert not ending.done()
        setting.store.answers.set()
        await ending
        assert setting.store.configured == [(("de",), "Siobhán"), (("fr", "en"), "Valkey")]

    run(test())


async def test_each_change_is_answered_when_it_is_written() -> None:
    """By what applies then: changes that came while another one was being written are written together."""
    setting = Setting(KOREAN_ENGLISH)
    setting.store.answers.clear()
    for fields in ({"language": "de"}, {"languages": ["fr", "en"]}, {"prompt": "Valkey"}):
        await setting.session.configure(change(**fields))
        await asyncio.sleep(0)
    assert answers(setting) == []
    setting.store.answers.set()
    await setting.session.finish()
    assert answers(setting) == [("de",), ("fr", "en"), ("fr", "en")]
    assert setting.store.configured == [(("de",), "Siobhán"), (("fr", "en"), "Valkey")]


@pytest.mark.parametrize(
    ("fields", "after"),
    [
        ({"name": "김서연"}, ("김서연", "agent")),
        ({"role": "customer"}, ("Bob", "customer")),
        ({"name": None}, (None, "agent")),
        ({"name": " ", "role": ""}, (None, None)),
        ({"prompt": "Valkey"}, ("Bob", "agent")),
    ],
    ids=str,
)
def test_a_change_of_the_person_says_what_it_names(
    fields: dict[str, object], after: tuple[str | None, str | None]
) -> None:
    """Null and an empty text clear; what is left out stays, and the person is the same."""
    record = replace(RECORD, person="0" * 16, name="Bob", role="agent").configured(change(**fields))
    assert (record.name, record.role, record.person) == (*after, "0" * 16)


async def test_an_utterance_has_the_name_at_its_end() -> None:
    """Also one that is open when its speaker changes the name; its text stays, for it is recognised as before."""
    setting = Setting(replace(RECORD, person="0" * 16), pause_ms=200)
    await setting.say(30 * FRAME)
    await setting.say(34 * FRAME, pause=PAUSE)
    setting.partials.requests[-1].write("good morning")
    await setting.session.configure(change(name="Bob", role="agent"))
    await setting.session.audio(quiet(20 * FRAME))
    await setting.session.finish()
    jobs = [job for job, _, _ in setting.admission.written]
    assert [job.speaker and (job.speaker.person, job.speaker.name, job.speaker.role) for job in jobs] == [
        ("0" * 16, None, None),
        ("0" * 16, "Bob", "agent"),
    ]
    assert isinstance(jobs[1], AnalyzeText)
    answer = next(message for message in setting.sent if isinstance(message, Configured))
    assert (answer.name, answer.role) == ("Bob", "agent")
