"""The voice in clips, from which ``make bench-continuous`` counts latencies."""

import numpy as np
import pytest

from bench.continuous.voice import find_voice
from tests.support.recordings import recording
from wire.audio import SAMPLE_RATE


@pytest.mark.parametrize("name", ["silly.wav", "lobster.wav", "korean.wav", "spiteful.wav"])
@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_the_voice_lies_within_the_recording(name: str, gain: float) -> None:
    """Whatever silence is around it, and however loud it is; most of a sentence is voice."""
    audio = np.float32(gain) * recording(name)
    quiet = np.random.default_rng(1).normal(0, gain * 1e-5, SAMPLE_RATE).astype(np.float32)
    spans = find_voice(np.concatenate([quiet, audio, quiet]))
    assert spans[0][0] >= len(quiet)
    assert spans[-1][1] <= len(quiet) + len(audio) + SAMPLE_RATE // 50
    assert all(begin < end for begin, end in spans)
    assert sum(end - begin for begin, end in spans) > 0.5 * len(audio)


def test_quiet_behind_a_word_is_no_voice() -> None:
    """The last stretch ends with its last loud 10 ms."""
    audio = recording("silly.wav")
    end = find_voice(audio)[-1][1]
    cut = np.concatenate([audio[: end - 4_000], np.zeros(SAMPLE_RATE, dtype=np.float32)])
    assert find_voice(cut)[-1][1] <= end - 4_000 + 160


def test_silence_has_no_voice() -> None:
    assert find_voice(np.zeros(SAMPLE_RATE, dtype=np.float32)) == []
