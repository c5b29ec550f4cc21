"""Interim texts of one session: one at a time, soon enough, and not for ever when one is lost."""

import asyncio
from collections.abc import Callable

import pytest

from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions, SpeechStart
from fastapi_service.recognition import interims as module
from fastapi_service.recognition.interims import Interims
from tests.support.asked import PendingPartial
from tests.support.eventually import soon
from tests.support.sounds import speech
from tests.support.speakers import ALICE
from wire.audio import SAMPLE_RATE, decode_pcm, samples_to_ms
from wire.messages.jobs import TranscribePartial
from wire.messages.server import Interim


class Setting:
    """Somebody who speaks without a pause, and what is asked of the workers meanwhile."""

    def __init__(self) -> None:
        self.asked: list[PendingPartial] = []
        self.shown: list[Interim] = []
        self.interims = Interims(1.0, self._ask, self.shown.append)  # type: ignore[arg-type]
        self._endpointer = Endpointer(EndpointerOptions())

    def _ask(self, segment: int, start: int, pcm: bytes, prefix: str) -> PendingPartial:
        revision = len(self.asked) + 1
        job = TranscribePartial(
            session_id=ALICE, segment=segment, revision=revision, purpose="interim",
            start_ms=samples_to_ms(start), audio_key="k", prefix=prefix, reply_to="c",
        )  # fmt: skip
        self.asked.append(PendingPartial(job, pcm))
        return self.asked[-1]

    @property
    def seconds(self) -> float:
        return self._endpointer.position / SAMPLE_RATE

    async def speak(self, seconds: float) -> None:
        """In messages of 100 ms."""
        for _ in range(round(seconds * 10)):
            for event in self._endpointer.feed(decode_pcm(speech(SAMPLE_RATE // 10)), 0.0):
                if isinstance(event, SpeechStart):
                    self.interims.begin(0, event.sample)
            self.interims.consider(self._endpointer)
            await asyncio.sleep(0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.02)


@pytest.mark.usefixtures("impatient")
async def test_one_that_nobody_begins_is_taken_back() -> None:
    """Workers drop stale drafts without an answer; the next one is asked for all the same."""
    setting = Setting()
    await setting.speak(1.5)
    await soon(lambda: setting.asked[0].withdrawn)
    await setting.speak(1.5)
    assert len(setting.asked) == 2
    setting.asked[1].write("good morning")
    await soon(lambda: setting.shown)
    assert setting.shown[0].unstable == "good morning"
    setting.interims.stop()


@pytest.mark.usefixtures("impatient")
async def test_one_that_is_begun_is_waited_for() -> None:
    setting = Setting()
    await setting.speak(1.5)
    setting.asked[0].begun = True
    await soon(lambda: setting.asked[0].withdrawn)
    await setting.speak(2.5)
    assert len(setting.asked) == 1
    setting.asked[0].write("good morning")
    await soon(lambda: setting.shown)
    setting.interims.stop()


@pytest.mark.parametrize("stop", [Interims.end, Interims.stop])
async def test_what_nobody_waits_for_is_taken_back(stop: Callable[[Interims], None]) -> None:
    """At the end of the utterance and of the connection."""
    setting = Setting()
    await setting.speak(1.5)
    assert not setting.asked[0].withdrawn
    stop(setting.interims)
    assert setting.asked[0].withdrawn
    setting.interims.stop()


async def pause(setting: Setting) -> float:
    """Seconds of audio from the newest draft to the next one."""
    asked, since = len(setting.asked), setting.seconds
    while len(setting.asked) == asked:
        await setting.speak(0.1)
    return setting.seconds - since


async def test_the_first_text_is_soon_asked_for_again() -> None:
    """The voice has only just begun; but what is no voice, and workers without time, are asked less and less."""
    setting = Setting()
    await pause(setting)
    for expected in (0.3, 0.6, 1.2, 2.4, 2.4, 2.4):
        setting.asked[-1].hear_nothing()
        assert await pause(setting) == pytest.approx(expected, abs=0.11)
    setting.interims.stop()


async def test_later_ones_without_a_text_make_the_next_rarer() -> None:
    """Workers gave way to something more urgent: asking sooner would add to their load. A text ends that."""
    setting = Setting()
    await pause(setting)
    for text, expected in (("good", 1.0), ("", 1.0), ("", 2.0), ("", 4.0), ("good", 1.0), ("", 1.0)):
        if text:
            setting.asked[-1].write(text)
        else:
            setting.asked[-1].hear_nothing()
        assert await pause(setting) == pytest.approx(expected, abs=0.11)
    setting.interims.stop()
