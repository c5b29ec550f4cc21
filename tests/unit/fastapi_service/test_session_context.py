"""The texts of a session continue those before them, if these are there in time."""

from dataclasses import replace
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisDown

from fastapi_service.endpointing.frames import FRAME
from tests.support.eventually import soon
from tests.support.partial_requests import FakeRequest
from tests.support.session_setting import RECORD, Setting
from tests.support.sounds import quiet
from tests.support.speakers import final
from wire.messages.client import Configure
from wire.messages.jobs import TranscribeAudio

PAUSE = 8 * FRAME
SILENCE = 20 * FRAME


def setting(**options: Any) -> Setting:
    return Setting(pause_ms=200, **({"context_s": 12.0} | options))


async def first_said(made: Setting, text: str | None = "good morning") -> FakeRequest:
    """A first utterance whose text was begun in its pause; None: no worker had time."""
    await made.say(34 * FRAME, pause=PAUSE)
    request = made.partials.requests[-1]
    if text is not None:
        request.begun = True
        request.write(text)
    await made.session.audio(quiet(SILENCE))
    await soon(lambda: made.admission.written)
    return request


async def test_the_text_of_a_pause_continues_the_one_before() -> None:
    made = setting()
    first = await first_said(made)
    assert first.context is None
    await made.say(34 * FRAME, pause=PAUSE)
    context = made.partials.requests[-1].context
    assert context is not None
    assert context.text == "good morning"
    assert context.pcm.startswith(first.pcm)
    await made.session.finish()


async def test_a_text_that_no_worker_began_in_time_continues_too() -> None:
    """Its context is stored with it."""
    made = setting()
    await first_said(made)
    await made.say(34 * FRAME)
    await made.session.finish()
    assert isinstance(made.admission.written[1][0], TranscribeAudio)
    context = made.contexts.put_for[1]
    assert context is not None
    assert context.text == "good morning"


async def test_a_result_is_continued_as_well() -> None:
    """The text was not begun in the pause, so it comes with its result."""
    made = setting()
    await first_said(made, None)
    made.session.note(final(segment=0, text="good evening"))
    await made.say(34 * FRAME, pause=PAUSE)
    context = made.partials.requests[-1].context
    assert context is not None
    assert context.text == "good evening"
    await made.session.finish()


async def test_without_a_text_there_is_no_context() -> None:
    """What an earlier utterance left in the store is taken away."""
    made = setting()
    await first_said(made, None)
    await made.say(34 * FRAME, pause=PAUSE)
    assert made.partials.requests[-1].context is None
    await made.session.audio(quiet(SILENCE))
    await made.session.finish()
    assert made.contexts.put_for == {0: None, 1: None, 2: None}


@pytest.mark.parametrize("change", [Configure(language="ko"), Configure(prompt="Siobhán")])
async def test_nothing_is_continued_after_a_change(change: Configure) -> None:
    made = setting()
    await first_said(made)
    await made.session.configure(change)
    await made.say(34 * FRAME, pause=PAUSE)
    assert made.partials.requests[-1].context is None
    await made.session.finish()


async def test_it_can_be_turned_off() -> None:
    """Then nothing is stored, or deleted."""
    made = setting(context_s=0.0)
    await first_said(made, None)
    await made.say(34 * FRAME, pause=PAUSE)
    assert made.partials.requests[-1].context is None
    await made.session.finish()
    assert made.contexts.put_for == {}


async def test_translations_have_none() -> None:
    """The language that is spoken may change between them."""
    made = Setting(replace(RECORD, task="translate"), pause_ms=200, context_s=12.0)
    await first_said(made)
    await made.say(34 * FRAME, pause=PAUSE)
    assert made.partials.requests[-1].context is None
    await made.session.finish()


async def test_nothing_is_left_in_the_store_after_the_session() -> None:
    made = setting()
    await first_said(made)
    await made.say(34 * FRAME)
    await made.session.finish()
    assert made.contexts.put_for[2] is None


async def test_an_utterance_is_written_without_a_store_for_its_context() -> None:
    made = setting()
    made.contexts.error = RedisDown("away")
    await first_said(made, None)
    await made.session.finish()
    assert [job.segment for job, _, _ in made.admission.written] == [0]


async def test_interim_texts_have_none() -> None:
    """They are for a moment, and the context would make them slow."""
    made = setting(interim_every_s=1.0)
    await first_said(made)
    await made.say(60 * FRAME, pause=0)
    request = made.partials.requests[-1]
    assert request.job.purpose == "interim"
    assert request.context is None
    await made.session.finish()
