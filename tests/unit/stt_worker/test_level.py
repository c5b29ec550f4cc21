"""The level of speech before an engine."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from stt_worker.engines.base import BatchEngine, Hypothesis, Outcome, RecognitionConfig, RecognitionRequest
from stt_worker.engines.level import LEVEL_DB, MOST_GAIN_DB, Levelled, levelled, speech_level
from stt_worker.engines.whisper.reference import reference_speech
from tests.support.recordings import recording
from tests.support.utterances import outcomes_of
from wire.audio import SAMPLE_RATE, Samples


@pytest.mark.parametrize("name", ["jfk.wav", "silly.wav", "de-klima.wav", "fr-course.wav"])
@pytest.mark.parametrize("gain_db", [-18, -12, 0, 6])
def test_speech_has_one_level_however_loud_it_was(name: str, gain_db: float) -> None:
    """Within half a decibel: the peaks of loud syllables are clipped."""
    quieter = (10 ** (gain_db / 20) * recording(name)).astype(np.float32)
    assert speech_level(levelled(quieter)) == pytest.approx(LEVEL_DB, abs=0.5)


def test_very_quiet_speech_is_raised_by_a_limit() -> None:
    quiet = (0.001 * recording("silly.wav")).astype(np.float32)
    assert speech_level(levelled(quiet)) == pytest.approx(speech_level(quiet) + MOST_GAIN_DB, abs=0.1)


def test_pauses_do_not_count() -> None:
    audio = recording("silly.wav")
    with_pause = np.concatenate([audio, np.zeros(10 * SAMPLE_RATE, dtype=np.float32)])
    assert speech_level(with_pause) == pytest.approx(speech_level(audio), abs=0.1)


def test_it_is_the_level_of_the_silence() -> None:
    assert speech_level(reference_speech()) == pytest.approx(LEVEL_DB, abs=0.1)


@pytest.mark.parametrize("samples", [0, 1, 320, 16_000])
def test_digital_silence_stays(samples: int) -> None:
    assert not levelled(np.zeros(samples, dtype=np.float32)).any()


@given(st_numpy.arrays(np.float32, st.integers(1, 2_000), elements=st.floats(-1, 1, width=32)))
def test_samples_stay_in_range_and_are_not_raised_without_limit(audio: Samples) -> None:
    changed = levelled(audio)
    assert len(changed) == len(audio)
    assert np.abs(changed).max() <= 1
    assert np.abs(changed).max() <= 10 ** (MOST_GAIN_DB / 20) * np.abs(audio).max() * 1.001


class Watched(BatchEngine):
    """Keeps what it gets."""

    name, revision, max_batch_size = "watched", "1", 8

    def __init__(self) -> None:
        self.requests: list[RecognitionRequest] = []

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        self.requests += requests
        for index in range(len(requests)):
            yield index, Hypothesis("Yes.", "en", None, -0.1, 0.0)


def test_an_engine_gets_the_changed_audio() -> None:
    engine = Watched()
    quiet = (0.1 * recording("silly.wav")).astype(np.float32)
    outcomes_of(Levelled(engine), [(quiet, RecognitionConfig())])
    assert speech_level(engine.requests[0].audio) == pytest.approx(LEVEL_DB, abs=0.5)
