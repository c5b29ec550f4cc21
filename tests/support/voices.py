"""Clips whose voice is a tone, for what counts samples and not words."""

from pathlib import Path

import numpy as np
import soundfile

from bench.clips import Clip
from wire.audio import SAMPLE_RATE, Samples

AROUND_S = 0.2
"""Digital silence at both ends of a clip."""


def tone(seconds: float, pitch: float = 200.0, amplitude: float = 0.2) -> Samples:
    """Return a loud sine."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.asarray(amplitude * np.sin(2 * np.pi * pitch * time), dtype=np.float32)


def voiced_clip(
    folder: Path, name: str, seconds: float, speaker: str = "ann", language: str = "en", text: str = "one two three"
) -> Clip:
    """Write a clip with a tone of ``seconds`` between two stretches of silence."""
    around = np.zeros(round(AROUND_S * SAMPLE_RATE), dtype=np.float32)
    pitch = 150.0 + len(list(folder.iterdir()))
    audio = np.concatenate([around, tone(seconds, pitch), around])
    file = folder / f"{name}.wav"
    soundfile.write(file, audio, SAMPLE_RATE, subtype="FLOAT")
    return Clip(file, language, text, len(audio) / SAMPLE_RATE, speaker)


def find_tone(audio: Samples) -> list[tuple[int, int]]:
    """Return the stretch between the first and the last loud sample."""
    loud = np.flatnonzero(np.abs(audio) > 0.005)
    return [(int(loud[0]), int(loud[-1]) + 1)] if len(loud) else []
