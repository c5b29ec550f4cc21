"""Silero's real model on real speech and on noises; a scripted transcriber behind it."""

import os
import subprocess
import sys
import wave
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fastapi_service.endpointing.endpointer import KEPT_SILENCE_MS, EndpointerOptions
from stt_worker.engines.base import BatchEngine, Deadline, Hypothesis, Request, Task
from stt_worker.engines.vad import (
    FRAME_S,
    SURROUNDINGS_S,
    VOICED,
    SpeechOnly,
    Voice,
    VoiceActivity,
    is_phantom,
)
from stt_worker.engines.whisper.repetition import SILENCE_S
from stt_worker.tasks.transcribe import is_speech
from tests.support.utterances import outcomes_of
from wire.audio import Samples, decode_pcm, to_float

CLIP = Path(__file__).parents[2] / "data" / "jfk.wav"
SURE = Hypothesis(text="Yes.", language="en", language_probability=0.9, avg_logprob=-0.2, no_speech_prob=0.1)


class Scripted(BatchEngine):
    name, revision, at_once = "scripted", "1", 8

    def __init__(self, heard: Hypothesis) -> None:
        self.heard = heard
        self.asked = 0

    def transcribe_all(self, tasks: Sequence[Task]) -> None:
        self.asked += len(tasks)
        for task in tasks:
            task.tell(self.heard)


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
def voice_activity() -> VoiceActivity:
    return VoiceActivity()


@pytest.mark.parametrize("kind", ["silence", "hiss", "hum"])
def test_noise_is_not_transcribed(voice_activity: VoiceActivity, kind: str) -> None:
    inner = Scripted(SURE)
    heard = SpeechOnly(inner, voice_activity).transcribe(noise(kind), Request(), Deadline.after(60))
    assert (heard.text, inner.asked) == ("", 0)
    assert heard.no_speech_prob > 0.5


def test_no_audio_is_not_speech(voice_activity: VoiceActivity) -> None:
    assert not voice_activity(np.zeros(0, dtype=np.float32)).present


def test_speech_is_transcribed(voice_activity: VoiceActivity) -> None:
    assert voice_activity(speech(3)).clear
    heard = SpeechOnly(Scripted(SURE), voice_activity).transcribe(speech(3), Request("en"), Deadline.after(60))
    assert (heard.text, heard.avg_logprob) == (SURE.text, SURE.avg_logprob)


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
    voice_activity: VoiceActivity, text: str, avg_logprob: float, no_speech_prob: float, kept: bool
) -> None:
    """One second of speech in ten: a guess and the phrases that Whisper says into silence do not count."""
    mostly_silent = np.concatenate([speech(1.5), np.zeros(140_000, dtype=np.float32)])
    voice = voice_activity(mostly_silent)
    assert voice.present
    assert not voice.clear
    inner = Scripted(replace(SURE, text=text, avg_logprob=avg_logprob, no_speech_prob=no_speech_prob))
    heard = SpeechOnly(inner, voice_activity).transcribe(mostly_silent, Request("en"), Deadline.after(60))
    assert heard.text == (text if kept else "")


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
def test_clear_speech_needs_a_sure_text_or_no_doubt_of_speech(
    voice_activity: VoiceActivity, text: str, avg_logprob: float, no_speech_prob: float, kept: bool
) -> None:
    inner = Scripted(replace(SURE, text=text, avg_logprob=avg_logprob, no_speech_prob=no_speech_prob))
    heard = SpeechOnly(inner, voice_activity).transcribe(speech(3), Request("en"), Deadline.after(60))
    assert is_speech(heard) is kept


def test_faint_speech_is_judged_as_the_library_does(voice_activity: VoiceActivity) -> None:
    """Second by second, with all that the model remembers; and to the end."""
    from silero_vad import load_silero_vad  # not before the fixture, which mends what its import does to torch

    audio = np.concatenate([np.zeros(100_000, dtype=np.float32), speech(1.5), np.zeros(60_000, dtype=np.float32)])
    voice = voice_activity._hear(audio)
    expected = load_silero_vad(onnx=True, sequence=True).audio_forward(audio)
    assert not voice.clear
    assert voice.peak == pytest.approx(float(expected.max()), abs=1e-6)
    assert voice.seconds == pytest.approx(float((expected > VOICED).sum()) * FRAME_S)


def test_a_clear_voice_is_not_heard_to_its_end(voice_activity: VoiceActivity) -> None:
    voice = voice_activity(speech(11))
    assert voice.clear
    assert voice.seconds < 5


def test_a_word_between_two_frames_is_heard(voice_activity: VoiceActivity, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames that begin a part of a frame later may hold more of it: the best hearing counts."""
    faint, loud = Voice(0.0, 0.3, 0.0), Voice(0.03, 0.7, 0.1)
    audio = speech(1)
    monkeypatch.setattr(voice_activity, "_hear", lambda heard: faint if len(heard) == len(audio) else loud)
    assert voice_activity(audio) == loud


def test_thanks_are_believed_where_somebody_speaks(voice_activity: VoiceActivity) -> None:
    inner = Scripted(replace(SURE, text="Thank you."))
    assert (
        SpeechOnly(inner, voice_activity).transcribe(speech(3), Request("en"), Deadline.after(60)).text == "Thank you."
    )


def test_phantoms_are_known_in_any_spelling() -> None:
    assert is_phantom("  Thank you for watching! ")
    assert is_phantom("시청해주셔서 감사합니다.")
    assert is_phantom("MBC 뉴스 김성현입니다.")
    assert not is_phantom("Thank you for the cake.")


def test_of_a_batch_only_speech_is_transcribed(voice_activity: VoiceActivity) -> None:
    """And each outcome goes to who asked for it."""
    inner = Scripted(SURE)
    sounds = [noise("hum"), speech(3), noise("silence")]
    outcomes = outcomes_of(SpeechOnly(inner, voice_activity), [(audio, Request("en")) for audio in sounds])
    assert [outcome.text for outcome in outcomes if isinstance(outcome, Hypothesis)] == ["", "Yes.", ""]
    assert inner.asked == 1


def test_judging_leaves_torch_its_cores() -> None:
    """Silero's package sets torch to one thread when it is imported, which made all of Whisper half as fast."""
    program = (
        "import torch; from stt_worker.engines.vad import VoiceActivity; VoiceActivity(); "
        "print(torch.get_num_threads())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "OMP_NUM_THREADS": "2"}, capture_output=True, text=True
    )
    assert done.stdout.strip() == "2", done.stderr


def test_what_surrounds_speech_is_what_the_gateway_leaves_there() -> None:
    assert round(1000 * SURROUNDINGS_S) == EndpointerOptions().pre_roll_ms + KEPT_SILENCE_MS
    assert round(1000 * SILENCE_S) == KEPT_SILENCE_MS
