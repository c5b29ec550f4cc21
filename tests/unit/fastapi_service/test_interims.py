"""Interim texts of one session: one request at a time, soon enough, with a back-off when there is no text."""

import asyncio
from collections.abc import Callable

import pytest

from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions
from fastapi_service.endpointing.events import SpeechStart
from fastapi_service.recognition.configuration import Configuration
from fastapi_service.recognition.interims import TIMEOUT_S, Interims
from fastapi_service.recognition.partial_requester import PartialRequester
from fastapi_service.recognition.store_retry import StoreRetry
from fastapi_service.storage.record import SessionRecord
from tests.support.eventually import soon
from tests.support.partial_requests import FakePartials, FakeRequest
from tests.support.session_setting import Store
from tests.support.sounds import speech
from tests.support.speakers import ALICE
from wire.audio import SAMPLE_RATE, decode_pcm
from wire.messages.jobs import Partial
from wire.messages.server import Interim

RECORD = SessionRecord(
    session_id=ALICE, owner="owner", room=None, language=None, sample_rate=SAMPLE_RATE, next_segment=0, samples=0
)


class Setting:
    """Speech without a pause, and what is requested of the workers meanwhile."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self.shown: list[Interim] = []
        self.answers: list[tuple[Partial, int]] = []
        self._partials = FakePartials()
        retry = StoreRetry(ALICE, lambda _error: None)
        requester = PartialRequester(Configuration(RECORD, Store(), retry, lambda _answer: None), self._partials)
        self.interims = Interims(
            requester, self.shown.append, lambda *answer: self.answers.append(answer), 1.0, timeout_s
        )
        self._endpointer = Endpointer(EndpointerOptions())

    def _on_text(self, partial: Partial, position: int) -> None:
        self.answers.append((partial, position))

    @property
    def requests(self) -> list[FakeRequest]:
        return self._partials.requests

    @property
    def seconds(self) -> float:
        return self._endpointer.position / SAMPLE_RATE

    async def speak(self, seconds: float) -> None:
        """In messages of 100 ms."""
        for _ in range(round(seconds * 10)):
            for event in self._endpointer.feed(decode_pcm(speech(SAMPLE_RATE // 10)), 0.0):
                if isinstance(event, SpeechStart):
                    self.interims.begin(0, event.sample)
            if self._endpointer.active is not None:
                self.interims.update(self._endpointer.active, self._endpointer.position)
            await asyncio.sleep(0)


IMPATIENT_S = 0.02
"""A worker that has not begun by then will not."""


async def test_request_that_no_worker_begins_is_withdrawn() -> None:
    """Workers drop stale requests without an answer; the next one is made all the same."""
    setting = Setting(IMPATIENT_S)
    await setting.speak(1.5)
    await soon(lambda: setting.requests[0].withdrawn)
    await setting.speak(1.5)
    assert len(setting.requests) == 2
    setting.requests[1].write("good morning")
    await soon(lambda: setting.shown)
    assert setting.shown[0].unstable == "good morning"
    assert "".join(word.text for word in setting.shown[0].words).strip() == "good morning"
    assert "words" not in setting.shown[0].model_dump_json()
    setting.interims.stop()


async def test_request_that_a_worker_has_begun_is_waited_for() -> None:
    setting = Setting(IMPATIENT_S)
    await setting.speak(1.5)
    setting.requests[0].begun = True
    await soon(lambda: setting.requests[0].withdrawn)
    await setting.speak(2.5)
    assert len(setting.requests) == 1
    setting.requests[0].write("good morning")
    await soon(lambda: setting.shown)
    setting.interims.stop()


@pytest.mark.parametrize("stop", [Interims.end, Interims.stop])
async def test_request_is_withdrawn_at_the_end(stop: Callable[[Interims], None]) -> None:
    """At the end of the utterance and of the connection."""
    setting = Setting()
    await setting.speak(1.5)
    assert not setting.requests[0].withdrawn
    stop(setting.interims)
    assert setting.requests[0].withdrawn
    setting.interims.stop()


async def pause(setting: Setting) -> float:
    """Seconds of audio from the newest request to the next."""
    made, since = len(setting.requests), setting.seconds
    while len(setting.requests) == made:
        await setting.speak(0.1)
    return setting.seconds - since


async def test_first_request_without_a_text_is_soon_repeated() -> None:
    """The voice has only just begun; but with a sound that is no voice, or with busy workers, the interval grows."""
    setting = Setting()
    await pause(setting)
    for expected in (0.3, 0.6, 1.2, 2.4, 2.4, 2.4):
        setting.requests[-1].hear_nothing()
        assert await pause(setting) == pytest.approx(expected, abs=0.11)
    setting.interims.stop()


async def test_later_requests_without_a_text_double_the_interval() -> None:
    """Workers gave way to something more urgent: a sooner request would add to their load. A text ends the back-off."""
    setting = Setting()
    await pause(setting)
    for text, expected in (("good", 1.0), ("", 1.0), ("", 2.0), ("", 4.0), ("good", 1.0), ("", 1.0)):
        if text:
            setting.requests[-1].write(text)
        else:
            setting.requests[-1].hear_nothing()
        assert await pause(setting) == pytest.approx(expected, abs=0.11)
    setting.interims.stop()
