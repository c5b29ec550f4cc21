"""Silero's real model on real speech and on noises; a scripted transcriber behind it."""

import os
import subprocess
import sys
import wave
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fastapi_service.endpointing.endpointer import KEPT_SILENCE_MS, EndpointerOptions
from stt_worker.engines.base import BatchEngine, Hypothesis, Outcome, RecognitionConfig, RecognitionRequest
from stt_worker.engines.deadline import Deadline
from stt_worker.engines.vad import (
    FRAME_S,
    SPEECH_THRESHOLD,
    SURROUNDINGS_S,
    SileroVad,
    VadFilter,
    VadResult,
)
from stt_worker.engines.whisper.repetition import SILENCE_S
from stt_worker.tasks.transcript import is_speech
from tests.support.utterances import outcomes_of
from wire.audio import Samples, decode_pcm, to_float

CLIP = Path(__file__).parents[2] / "data" / "jfk.wav"
SURE = Hypothesis(text="Yes.", language="en", language_probability=0.9, avg_logprob=-0.2, no_speech_prob=0.1)


class Scripted(BatchEngine):
    name, revision, max_batch_size = "scripted", "1", 8

    def __init__(self, hypothesis: Hypothesis) -> None:
        self.hypothesis = hypothesis
        self.asked = 0

    def transcribe_all(self, requests: Sequence[RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        self.asked += len(requests)
        for index in range(len(requests)):
            yield index, self.hypothesis


def speech(seconds: float) -> Samples:
    with wave.open(str(CLIP)) as file:
        return to_float(decode_pcm(file.readframes(round(seconds * file.getframerate()))))


def noise(kind: str) -> Samples:
    random, time = np.random.default_rng(1), np.arange(80_000) / 16_000
    sounds = {
        "silence": np.zeros(80_000),
        "hiss": random.normal(0, 0.03, 80_000),
        "hum": 0.1 * np.sin(2 * np.pi * 50 * time) + 0.05 * np.sin(2 * np.pi * 150 * time),
    }
    return sounds[kind].astype(np.float32)


@pytest.fixture(scope="module")
def vad() -> SileroVad:
    return SileroVad()


@pytest.mark.parametrize("kind", ["silence", "hiss", "hum"])
def test_noise_is_not_transcribed(vad: SileroVad, kind: str) -> None:
    inner = Scripted(SURE)
    hypothesis = VadFilter(inner, vad).transcribe(noise(kind), RecognitionConfig(), Deadline.after(60))
    assert (hypothesis.text, inner.asked) == ("", 0)
    assert hypothesis.no_speech_prob > 0.5


def test_no_audio_is_not_speech(vad: SileroVad) -> None:
    assert not vad(np.zeros(0, dtype=np.float32)).has_speech


def test_speech_is_transcribed(vad: SileroVad) -> None:
    assert vad(speech(3)).is_confident
    hypothesis = VadFilter(Scripted(SURE), vad).transcribe(speech(3), RecognitionConfig("en"), Deadline.after(60))
    assert (hypothesis.text, hypothesis.avg_logprob) == (SURE.text, SURE.avg_logprob)


@pytest.mark.parametrize(
    ("text", "avg_logprob", "no_speech_prob", "kept"),
    [
        ("Yes.", -0.2, 0.1, True),
        ("Yes.", -1.1, 0.1, False),
        ("Yes.", -0.2, 0.4, False),
        ("Thank you.", -0.2, 0.1, False),
    ],
)
def test_a_little_speech_must_be_certain(
    vad: SileroVad, text: str, avg_logprob: float, no_speech_prob: float, kept: bool
) -> None:
    """One second of speech in ten: neither a guess nor a hallucination is accepted."""
    mostly_silent = np.concatenate([speech(1.5), np.zeros(140_000, dtype=np.float32)])
    result = vad(mostly_silent)
    assert result.has_speech
    assert not result.is_confident
    inner = Scripted(replace(SURE, text=text, avg_logprob=avg_logprob, no_speech_prob=no_speech_prob))
    hypothesis = VadFilter(inner, vad).transcribe(mostly_silent, RecognitionConfig("en"), Deadline.after(60))
    assert hypothesis.text == (text if kept else "")


@pytest.mark.parametrize(
    ("text", "avg_logprob", "no_speech_prob", "kept"),
    [
        ("Yes.", -1.7, 0.3, True),
        ("Yes.", -0.9, 0.9, True),
        ("Yes.", -1.7, 0.6, False),
        ("Thank you.", -0.9, 0.3, True),
        ("Thank you.", -0.9, 0.9, False),
        ("Thank you.", -1.4, 0.3, False),
    ],
)
def test_confident_speech_needs_a_certain_text_or_certain_speech(
    vad: SileroVad, text: str, avg_logprob: float, no_speech_prob: float, kept: bool
) -> None:
    inner = Scripted(replace(SURE, text=text, avg_logprob=avg_logprob, no_speech_prob=no_speech_prob))
    hypothesis = VadFilter(inner, vad).transcribe(speech(3), RecognitionConfig("en"), Deadline.after(60))
    assert is_speech(hypothesis) is kept


def test_faint_speech_has_the_librarys_probabilities(vad: SileroVad) -> None:
    """Block by block, with the state of the model, to the end."""
    from silero_vad import load_silero_vad  # not before the fixture, which mends what its import does to torch

    audio = np.concatenate([np.zeros(100_000, dtype=np.float32), speech(1.5), np.zeros(60_000, dtype=np.float32)])
    result = vad._detect(audio)
    expected = load_silero_vad(onnx=True, sequence=True).audio_forward(audio)
    assert not result.is_confident
    assert result.peak == pytest.approx(float(expected.max()), abs=1e-6)
    assert result.speech_s == pytest.approx(float((expected > SPEECH_THRESHOLD).sum()) * FRAME_S)


def test_confident_speech_is_not_read_to_its_end(vad: SileroVad) -> None:
    result = vad(speech(11))
    assert result.is_confident
    assert result.speech_s < 5


def test_a_word_between_two_frames_is_found(vad: SileroVad, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shifted frames may contain more of it: the best result counts."""
    faint, loud = VadResult(0.0, 0.3, 0.0), VadResult(0.03, 0.7, 0.1)
    audio = speech(1)
    monkeypatch.setattr(vad, "_detect", lambda samples: faint if len(samples) == len(audio) else loud)
    assert vad(audio) == loud


def test_a_usual_hallucination_is_accepted_in_confident_speech(vad: SileroVad) -> None:
    inner = Scripted(replace(SURE, text="Thank you."))
    assert VadFilter(inner, vad).transcribe(speech(3), RecognitionConfig("en"), Deadline.after(60)).text == "Thank you."


def test_of_a_batch_only_speech_is_transcribed(vad: SileroVad) -> None:
    """And each outcome has the index of its request."""
    inner = Scripted(SURE)
    sounds = [noise("hum"), speech(3), noise("silence")]
    outcomes = outcomes_of(VadFilter(inner, vad), [(audio, RecognitionConfig("en")) for audio in sounds])
    assert [outcome.text for outcome in outcomes if isinstance(outcome, Hypothesis)] == ["", "Yes.", ""]
    assert inner.asked == 1


def test_loading_silero_leaves_torch_its_threads() -> None:
    """Silero's package sets torch to one thread when it is imported, which made all of Whisper half as fast."""
    program = "import torch; from stt_worker.engines.vad import SileroVad; SileroVad(); print(torch.get_num_threads())"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "OMP_NUM_THREADS": "2"}, capture_output=True, text=True
    )
    assert done.stdout.strip() == "2", done.stderr


def test_what_surrounds_speech_is_what_the_gateway_leaves_there() -> None:
    assert round(1000 * SURROUNDINGS_S) == EndpointerOptions().pre_roll_ms + KEPT_SILENCE_MS
    assert round(1000 * SILENCE_S) == KEPT_SILENCE_MS
