"""Repetitions that are found by their sound: real words spliced several times, and sounds that only resemble them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from whisper.audio import log_mel_spectrogram

from stt_worker.engines.base import BatchEngine, Hypothesis, Outcome, RecognitionConfig, RecognitionRequest, Word
from stt_worker.engines.periodicity import Repetition, find_repetition
from stt_worker.engines.repeated_speech import RepeatedSpeech, said_once, written_out
from tests.support.recordings import names, recording
from tests.support.utterances import outcomes_of
from wire.audio import SAMPLE_RATE, Samples

Times = NDArray[np.float64]


def seconds(duration: float) -> int:
    return round(duration * SAMPLE_RATE)


def room(duration: float, seed: int = 0) -> Samples:
    """Return the noise of a quiet room."""
    return np.random.default_rng(seed).normal(0, 2e-4, seconds(duration)).astype(np.float32)


def spliced(name: str, begin_s: float, end_s: float, times: int, pause_s: float) -> Samples:
    """Return a part of a recording several times, then what follows it there."""
    audio = recording(name)
    words = audio[seconds(begin_s) : seconds(end_s)]
    return np.concatenate([room(0.3), *[words, room(pause_s)] * times, audio[seconds(end_s) :], room(0.3)])


def find(audio: Samples) -> Repetition | None:
    return find_repetition(log_mel_spectrogram(audio).T.contiguous().numpy())


WORDS = [("jfk.wav", 0.3, 1.2), ("silly.wav", 0.3, 0.9), ("lobster.wav", 0.2, 0.7), ("de-klima.wav", 0.1, 0.8),
         ("fr-cristaux.wav", 0.2, 0.8)]  # fmt: skip


@pytest.mark.parametrize(("name", "begin_s", "end_s"), WORDS)
@pytest.mark.parametrize("times", [3, 4, 7, 12])
def test_words_said_again_and_again_are_counted(name: str, begin_s: float, end_s: float, times: int) -> None:
    """Within one."""
    found = find(spliced(name, begin_s, end_s, times, pause_s=0.13))
    assert found is not None
    assert abs(found.count - times) <= 1


@pytest.mark.parametrize(("name", "begin_s", "end_s"), WORDS)
def test_speakers_pause_unevenly_and_are_not_equally_loud(name: str, begin_s: float, end_s: float) -> None:
    """Up to 0.2 s and 3 dB; the next word comes soon after the last saying, and none of it is cut out."""
    audio, random = recording(name), np.random.default_rng(7)
    words = audio[seconds(begin_s) : seconds(end_s)]
    sayings = [
        np.concatenate([(10 ** (random.uniform(-3, 3) / 20) * words).astype(np.float32), room(pause_s)])
        for pause_s in (0.3, 0.15, 0.35, 0.2, 0.05)
    ]
    found = find(np.concatenate([room(0.3), *sayings, audio[seconds(end_s) :], room(0.3)]))
    assert found is not None
    assert abs(found.count - 5) <= 1
    behind = 0.3 + sum(len(saying) for saying in sayings) / SAMPLE_RATE
    assert found.bounds[-1] / 100 <= behind + 0.05


@pytest.mark.parametrize(("name", "begin_s", "end_s"), WORDS)
@pytest.mark.parametrize("last_s", [0.1, 0.2, 0.4])
def test_words_that_end_differently_are_no_repetition(name: str, begin_s: float, end_s: float, last_s: float) -> None:
    """As in "track A, track B, track C"."""
    words = recording(name)[seconds(begin_s) : seconds(end_s)]
    ends = [("jfk.wav", 2.0), ("silly.wav", 1.2), ("known-her.wav", 0.6), ("de-klima.wav", 1.2)]
    said = [
        np.concatenate([words, recording(other)[seconds(at) : seconds(at + last_s)], room(0.3)]) for other, at in ends
    ]
    assert find(np.concatenate([room(0.3), *said])) is None


@pytest.mark.parametrize("name", names())
def test_speech_is_no_repetition(name: str) -> None:
    assert find(recording(name)) is None


def _tone(time: Times) -> Times:
    return np.asarray(np.sin(2 * np.pi * 300 * time))


def _vowel(time: Times) -> Times:
    harmonics = [np.sin(2 * np.pi * 120 * number * time) / number for number in range(1, 20)]
    return np.asarray(np.sum(harmonics, axis=0) / 4)


def _silence(time: Times) -> Times:
    return np.zeros_like(time)


def _noise(time: Times) -> Times:
    return np.random.default_rng(1).normal(size=len(time))


@pytest.mark.parametrize("sound", [_tone, _vowel, _silence, _noise])
@pytest.mark.parametrize("amplitude", [0.001, 0.1])
def test_steady_sounds_are_no_repetition(sound: Callable[[Times], Times], amplitude: float) -> None:
    """They are like themselves at any distance, not at one."""
    time = np.arange(seconds(5)) / SAMPLE_RATE
    assert find((amplitude * sound(time)).astype(np.float32)) is None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 400))
def test_bounds_are_in_order_and_inside(seed: int, count: int) -> None:
    """In noise, and in the same noise several times."""
    random = np.random.default_rng(seed)
    part = random.normal(size=(count, 80)).astype(np.float32)
    for frames in (part, np.concatenate([part] * 4)):
        if (found := find_repetition(frames)) is not None:
            assert found.count >= 3
            assert found.bounds[0] >= 0
            assert found.bounds[-1] <= len(frames)
            assert all(one < other for one, other in pairwise(found.bounds))


BOUNDS = Repetition((100, 150, 200))
"""Said three times, half a second each, from 0.5 s on."""


def test_the_other_sayings_are_cut_out() -> None:
    audio = np.arange(seconds(4), dtype=np.float32)
    once = said_once(audio, BOUNDS)
    assert len(once) == seconds(3)
    assert once[seconds(1) - 1] == seconds(1) - 1
    assert once[seconds(1)] == seconds(2)


class Scripted(BatchEngine):
    """Hears the same words in any audio."""

    name, revision, max_batch_size = "scripted", "1", 8

    def __init__(self, *words: Word) -> None:
        self.words = words
        self.heard: list[RecognitionRequest] = []

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        self.heard += requests
        text = "".join(word.text for word in self.words).strip()
        for index in range(len(requests)):
            yield index, Hypothesis(text, "en", None, -0.1, 0.0, self.words)


SAID = (Word(" So,", 0.1, 0.4, 1.0), Word(" no,", 0.55, 0.95, 0.9), Word(" stop.", 1.1, 1.5, 0.8))


def test_words_are_written_as_often_as_they_were_said() -> None:
    """Those before the repetition stay, those after it come later."""
    whole = written_out(Hypothesis("So, no, stop.", "en", None, -0.1, 0.0, SAID), BOUNDS)
    assert whole is not None
    assert whole.text == "So, no, no, no, stop."
    assert [word.start_s for word in whole.words] == pytest.approx([0.1, 0.55, 1.05, 1.55, 2.1])
    assert "".join(word.text for word in whole.words).strip() == whole.text


@pytest.mark.parametrize(
    "words", [(), (Word(" Yes.", 0.0, 0.5, 1.0),), (Word(" So", 0.0, 0.4, 1.0), Word(" long", 0.5, 2.0, 1.0))]
)
def test_sounds_without_words_are_not_written(words: tuple[Word, ...]) -> None:
    """As the ticks of a clock beside a word, or when the words were not separated."""
    text = "".join(word.text for word in words).strip()
    assert written_out(Hypothesis(text, "en", None, -0.1, 0.0, words), BOUNDS) is None


def test_audio_whose_repetition_has_no_words_is_transcribed_whole() -> None:
    engine = Scripted(Word(" Yes.", 0.0, 0.1, 1.0))
    repeated = spliced("silly.wav", 0.3, 0.9, 4, 0.13)
    (outcome,) = outcomes_of(RepeatedSpeech(engine), [(repeated, RecognitionConfig())])
    assert isinstance(outcome, Hypothesis)
    assert outcome.text == "Yes."
    assert [len(request.audio) < len(repeated) for request in engine.heard] == [True, False]


def test_an_engine_gets_each_repetition_once() -> None:
    """Requests without one, and those that continue a known text, stay as they are."""
    engine = Scripted(*SAID)
    repeated, plain = spliced("silly.wav", 0.3, 0.9, 4, 0.13), recording("silly.wav")
    continued = RecognitionConfig(prefix="So")
    requests = [(repeated, RecognitionConfig()), (plain, RecognitionConfig()), (repeated, continued)]
    outcomes = outcomes_of(RepeatedSpeech(engine), requests)
    texts = [outcome.text for outcome in outcomes if isinstance(outcome, Hypothesis)]
    assert len(engine.heard[0].audio) < len(repeated) - seconds(1.4)
    assert engine.heard[1].audio is plain
    assert engine.heard[2].audio is repeated
    assert texts[0].count("no,") == 4
    assert texts[1:] == ["So, no, stop."] * 2
