"""Sentences inside a text are final as soon as others follow them, with no silence that would end an utterance."""

import asyncio
from dataclasses import replace

import pytest

from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions
from fastapi_service.endpointing.events import SpeechStart, Utterance
from fastapi_service.endpointing.frames import FRAME
from fastapi_service.recognition.sentences import last_seam
from tests.support.eventually import soon
from tests.support.partial_requests import FakeRequest
from tests.support.session_setting import RECORD, Setting
from tests.support.sounds import quiet, speech
from wire.audio import decode_pcm, ms_to_samples
from wire.messages.jobs import AnalyzeText, TranscribeAudio
from wire.messages.server import Interim, SpeechEnded, SpeechStarted
from wire.messages.transcript import Transcript, Word

SENTENCE, GAP, PAUSE = 34 * FRAME, 5 * FRAME, 8 * FRAME
"""A second of speech, 150 ms of quiet, and a pause in which a text is begun. Five words of 200 ms are a sentence."""


def transcript(text: str, avg_logprob: float = -0.2) -> Transcript:
    """Words of 200 ms, from the beginning."""
    words = tuple(
        Word(text=f" {word}", start_ms=200 * number, end_ms=200 * number + 200, probability=0.9)
        for number, word in enumerate(text.split())
    )
    return Transcript(
        text=text, language="en", language_probability=0.9, avg_logprob=avg_logprob, no_speech_prob=0.0, model="base",
        words=words,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It is a dog. I saw", 4),
        ("It is a dog! I saw it. And then", 7),
        ('He said "come here." And then', 4),
        ("정말 예뻐요. 오늘 뭐 하세요?", 2),
        ("Is it? It may be. Yes", 2),
        ("It was I. He said so", 3),
        ("これは犬です。 私は 見ました", 1),
    ],
)
def test_a_sentence_with_words_behind_it_is_over(text: str, words: int) -> None:
    seam = last_seam(transcript(text))
    assert seam is not None
    assert (seam.words, seam.begin, seam.end) == (words, ms_to_samples(200 * words), ms_to_samples(200 * words))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It is a dog.",
        "It is a dog. It",
        "It is a dog. A b",
        "It is, as you say, a dog",
        "I saw Mr. Hale today",
        "It was J. Smith here",
    ],
)
def test_a_sentence_with_little_behind_it_may_go_on(text: str) -> None:
    assert last_seam(transcript(text)) is None


def test_an_uncertain_text_ends_nothing() -> None:
    assert last_seam(transcript("It is a dog. I saw it", avg_logprob=-0.9)) is None


class Spoken:
    """An endpointer that has got two sentences of a second each."""

    def __init__(self, gap: int = GAP, pause: int = 0) -> None:
        self.endpointer = Endpointer(EndpointerOptions(pause_ms=200))
        self.audio = b"".join([quiet(20 * FRAME), speech(SENTENCE), quiet(gap), speech(SENTENCE), quiet(pause)])
        self.endpointer.feed(decode_pcm(self.audio), 10.0)
        assert self.endpointer.active is not None
        self.start = self.endpointer.active.start

    def end(self, at: int, start: int | None = None) -> tuple[Utterance, list[object]] | None:
        """End the first sentence; ``at`` is where its last word ends, from the beginning of the speech."""
        position = 20 * FRAME + at
        found = self.endpointer.end_between(
            self.start if start is None else start, (position, position), len(self.audio) // 2, 11.0
        )
        return None if found is None else (found[0], list(found[1]))


@pytest.mark.parametrize("late_ms", [-90, 0, 90, 240])
def test_an_utterance_ends_between_two_words(late_ms: int) -> None:
    """In the pause nearest to the time of the word, which is not exact; no sample is lost."""
    spoken = Spoken()
    ended = spoken.end(SENTENCE + ms_to_samples(late_ms))
    assert ended is not None
    utterance, events = ended
    said = 20 * FRAME + SENTENCE
    assert said < utterance.end < said + GAP
    assert utterance.silence == utterance.end - said
    assert utterance.pcm == spoken.audio[2 * utterance.start : 2 * utterance.end]
    assert utterance.speech_end == pytest.approx(10.0 - (GAP + SENTENCE) / 16_000, abs=0.001)
    assert (utterance.reason, utterance.ended, events) == ("silence", 11.0, [SpeechStart(utterance.end)])
    (rest,) = spoken.endpointer.flush(12.0)
    assert isinstance(rest, Utterance)
    assert rest.start == utterance.end
    assert rest.pcm == spoken.audio[2 * rest.start :]


@pytest.mark.parametrize("gap", [0, FRAME, 2 * FRAME])
def test_without_a_pause_an_utterance_goes_on(gap: int) -> None:
    """No word is cut."""
    spoken = Spoken(gap)
    assert spoken.end(SENTENCE) is None
    assert spoken.endpointer.active is not None
    assert spoken.endpointer.active.start == spoken.start


def test_a_pause_elsewhere_ends_nothing() -> None:
    assert Spoken().end(SENTENCE // 2) is None


def test_another_utterance_stays_as_it_is() -> None:
    """The text came too late: its utterance is over."""
    spoken = Spoken()
    assert spoken.end(SENTENCE, start=spoken.start - FRAME) is None


@pytest.mark.parametrize("more", [0, SENTENCE], ids=["in the pause", "speech goes on"])
def test_the_pause_behind_a_text_is_not_inside_of_it(more: int) -> None:
    """Words of the rest that lie before it would be lost."""
    spoken = Spoken(0, pause=PAUSE)
    spoken.endpointer.feed(decode_pcm(speech(more)), 10.5)
    last = 20 * FRAME + 2 * SENTENCE
    assert spoken.endpointer.end_between(spoken.start, (last, last), last, 11.0) is None


async def said_two(interim_every_s: float = 0.0, unfinished_ms: int = 800) -> Setting:
    """Two sentences with a short gap, then a pause."""
    setting = Setting(pause_ms=200, unfinished_ms=unfinished_ms, interim_every_s=interim_every_s)
    await setting.session.audio(speech(SENTENCE) + quiet(GAP) + speech(SENTENCE))
    return setting


TEXT = "It is a big dog. I saw it here today."
"""Two sentences, five words each."""


def ended(setting: Setting) -> list[int]:
    return [message.segment for message in setting.sent if isinstance(message, SpeechEnded)]


def texts(setting: Setting) -> list[str]:
    jobs = [job for job, _, _ in setting.admission.written]
    return [job.transcript.text if isinstance(job, AnalyzeText) else "" for job in jobs]


async def in_a_pause(setting: Setting) -> FakeRequest:
    await setting.session.audio(quiet(PAUSE))
    request = setting.partials.requests[-1]
    request.begun = True
    return request


async def test_both_sentences_of_a_pause_get_their_part_of_its_text() -> None:
    """One text was made, and neither sentence is transcribed again."""
    setting = await said_two()
    request = await in_a_pause(setting)
    request.write(TEXT, sentence_end=2.0)
    await soon(lambda: len(setting.admission.written) == 2)
    assert texts(setting) == ["It is a big dog.", "I saw it here today."]
    jobs = [job for job, _, _ in setting.admission.written]
    assert [job.transcript.continues for job in jobs if isinstance(job, AnalyzeText)] == [None, False]
    assert len(setting.partials.requests) == 1
    (first, one, _), (second, other, _) = setting.admission.written
    assert (first.segment, second.segment) == (0, 1)
    assert first.end_ms == second.start_ms
    assert len(one) == 2 * 16 * (first.end_ms - first.start_ms)
    assert len(other) == 2 * 16 * (second.end_ms - second.start_ms)
    await setting.session.finish()
    assert len(setting.admission.written) == 2


@pytest.mark.parametrize("evidence", [-2.0, None])
async def test_the_rest_of_a_text_waits_for_the_end_of_its_pause(evidence: float | None) -> None:
    """The text of the rest is used if the utterance ends in the same pause."""
    setting = await said_two()
    request = await in_a_pause(setting)
    request.write(TEXT, sentence_end=evidence)
    await soon(lambda: bool(setting.admission.written))
    assert texts(setting) == ["It is a big dog."]
    await setting.session.audio(quiet(30 * FRAME))
    await setting.session.finish()
    assert texts(setting) == ["It is a big dog.", "I saw it here today."]


async def test_the_rest_of_a_text_is_discarded_when_speech_goes_on() -> None:
    setting = await said_two()
    request = await in_a_pause(setting)
    request.write(TEXT, sentence_end=-2.0)
    await soon(lambda: bool(setting.admission.written))
    await setting.session.audio(speech(SENTENCE) + quiet(PAUSE))
    later = setting.partials.requests[-1]
    assert later is not request
    later.begun = True
    later.write("I saw it here today, and there.", sentence_end=2.0)
    await soon(lambda: len(setting.admission.written) == 2)
    assert texts(setting) == ["It is a big dog.", "I saw it here today, and there."]
    await setting.session.finish()


async def test_a_text_that_comes_when_speech_has_gone_on_ends_what_is_inside() -> None:
    """The rest is one utterance with what has been said since."""
    setting = await said_two()
    request = await in_a_pause(setting)
    await setting.session.audio(speech(SENTENCE))
    request.write(TEXT, sentence_end=0.5)
    await soon(lambda: bool(setting.admission.written))
    assert texts(setting) == ["It is a big dog."]
    await setting.session.finish()
    (first, _, _), (second, _, _) = setting.admission.written
    assert isinstance(second, TranscribeAudio), "more was said than the text has"
    assert first.end_ms == second.start_ms
    assert [message.segment for message in setting.sent if isinstance(message, SpeechStarted)] == [0, 1]


async def test_an_interim_text_ends_a_sentence_that_is_transcribed_again() -> None:
    """Its words after the seam are shown with the next utterance at once."""
    setting = await said_two(interim_every_s=1.0)
    setting.partials.requests[-1].write("It is a big dog. I saw it")
    await soon(lambda: bool(setting.admission.written))
    ((job, _, _),) = setting.admission.written
    assert isinstance(job, TranscribeAudio)
    assert ended(setting) == [0]
    interims = [message for message in setting.sent if isinstance(message, Interim)]
    assert [(message.segment, message.unstable) for message in interims] == [
        (0, "It is a big dog. I saw it"),
        (1, "I saw it"),
    ]
    await setting.session.finish()
    assert [job.segment for job, _, _ in setting.admission.written] == [0, 1]


async def test_an_interim_text_leaves_the_end_to_a_text_that_is_on_its_way() -> None:
    """That has all of the audio, and is not made again."""
    setting = await said_two(interim_every_s=1.0)
    interim = setting.partials.requests[-1]
    request = await in_a_pause(setting)
    interim.write("It is a big dog. I saw it")
    await asyncio.sleep(0.01)
    assert ended(setting) == []
    request.write(TEXT, sentence_end=2.0)
    await soon(lambda: len(setting.admission.written) == 2)
    await setting.session.finish()


@pytest.mark.parametrize("interim_every_s", [0.0, 1.0])
async def test_nothing_ends_inside_where_texts_are_to_end_nothing(interim_every_s: float) -> None:
    setting = await said_two(interim_every_s, unfinished_ms=0)
    request = setting.partials.requests[-1] if interim_every_s else await in_a_pause(setting)
    request.write(TEXT, sentence_end=2.0)
    await asyncio.sleep(0.01)
    assert ended(setting) == []
    await setting.session.finish()
    assert ended(setting) == [0]


async def test_a_translation_ends_nothing_inside() -> None:
    """Its words have no exact times."""
    setting = Setting(replace(RECORD, task="translate"), pause_ms=200, unfinished_ms=800)
    await setting.session.audio(speech(SENTENCE) + quiet(GAP) + speech(SENTENCE))
    request = await in_a_pause(setting)
    request.write(TEXT, sentence_end=None)
    await asyncio.sleep(0.01)
    assert ended(setting) == []
    await setting.session.finish()
