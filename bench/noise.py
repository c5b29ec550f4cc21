"""Sounds without speech, always the same."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wire.audio import SAMPLE_RATE, Samples

PIECE_S = 10
"""Seconds of each sound."""
MINUTES_OF_ROOM = 30


def coloured(exponent: float, seconds: float, amplitude: float, seed: int) -> Samples:
    """Make noise whose power falls with frequency to the ``exponent``: 0 is white, 1 is pink."""
    length = round(seconds * SAMPLE_RATE)
    if not length:
        return np.zeros(0, dtype=np.float32)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=length))
    spectrum *= np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), 20.0) ** (-exponent / 2)
    noise = np.fft.irfft(spectrum, length)
    scaled: Samples = (amplitude * noise / np.sqrt(np.mean(noise**2))).astype(np.float32)
    return scaled


def room(seed: int) -> Samples:
    """Make ten seconds of room noise: air, mains hum, and some knocks or key clicks."""
    random = np.random.default_rng(seed)
    time = np.arange(PIECE_S * SAMPLE_RATE) / SAMPLE_RATE
    tone = coloured(1.0, PIECE_S, 10 ** random.uniform(-3.2, -1.8), seed)
    tone += (0.003 * np.sin(2 * np.pi * 50 * time) + 0.002 * np.sin(2 * np.pi * 150 * time)).astype(np.float32)
    for _ in range(random.poisson(1.5)):
        start, length = random.integers(0, 9 * SAMPLE_RATE), random.integers(80, 2_000)
        knock = random.normal(0, random.uniform(0.02, 0.2), length) * np.exp(-np.arange(length) / (length / 5))
        tone[start : start + length] += knock.astype(np.float32)
    return tone


def hum() -> Samples:
    """Make the hum of a voice at 130 Hz, 0.6 s."""
    time = np.arange(round(0.6 * SAMPLE_RATE)) / SAMPLE_RATE
    harmonics = [np.sin(2 * np.pi * 130 * number * time) / number**1.5 for number in range(1, 12)]
    return np.asarray(0.05 * np.sum(harmonics, axis=0) * np.hanning(len(time)), dtype=np.float32)


def cough(seed: int) -> Samples:
    """Make a burst of noise that dies away within 0.3 s."""
    length = round(0.3 * SAMPLE_RATE)
    decay = np.exp(-np.arange(length) / (0.06 * SAMPLE_RATE))
    burst = np.convolve(np.random.default_rng(seed).normal(size=length) * decay, np.ones(6) / 6, "same")
    return np.asarray(0.2 * burst / np.abs(burst).max(), dtype=np.float32)


def noises() -> dict[str, list[Samples]]:
    """Make pieces of noise, by kind."""
    time = np.arange(PIECE_S * SAMPLE_RATE) / SAMPLE_RATE
    hum = np.sin(2 * np.pi * 50 * time) + 0.5 * np.sin(2 * np.pi * 150 * time) + 0.2 * np.sin(2 * np.pi * 250 * time)
    levels = (0.002, 0.01, 0.05, 0.2)
    return {
        "silence": [np.zeros(PIECE_S * SAMPLE_RATE, dtype=np.float32)],
        "white noise": [coloured(0, PIECE_S, level, seed) for seed, level in enumerate(levels)],
        "pink noise": [coloured(1, PIECE_S, level, seed) for seed, level in enumerate(levels)],
        "hum": [(level * hum).astype(np.float32) for level in levels],
        f"room, {MINUTES_OF_ROOM} min": [room(seed) for seed in range(MINUTES_OF_ROOM * 60 // PIECE_S)],
    }


def fan(seconds: float, seed: int) -> Samples:
    """Make the noise of a fan, of RMS 1: air, the blades' tones, and the slow swing of the motor's load."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    air = coloured(1.5, math.ceil(seconds), 1.0, seed)[: len(time)]  # whole seconds: the transform is quick
    blades = sum(np.sin(2 * np.pi * 86 * number * time + number) / number for number in range(1, 6))
    swing = 1 + 0.1 * np.sin(2 * np.pi * 0.3 * time)
    return at_rms((air + 0.4 * np.asarray(blades)) * swing)


def music(seconds: float, seed: int) -> Samples:
    """Make music, of RMS 1: plucked chords over a bass, with a beat, 100 beats a minute; no voice."""
    random = np.random.default_rng(seed)
    beat, length = round(0.6 * SAMPLE_RATE), round(seconds * SAMPLE_RATE)
    chords = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
    out = np.zeros(length + 4 * beat)
    for number, start in enumerate(range(0, length, beat)):
        chord = chords[number // 4 % len(chords)]
        for note in (chord[0] - 24, *random.permutation(np.array(chord) + 12 * random.integers(-1, 2))[:2]):
            time = np.arange(3 * beat) / SAMPLE_RATE
            pitch = 261.6 * 2 ** (float(note) / 12)
            tone = sum(
                np.sin(2 * np.pi * pitch * k * time) / k**1.3 for k in range(1, 7) if pitch * k < SAMPLE_RATE / 2
            )
            out[start : start + 3 * beat] += np.asarray(tone) * np.exp(-time / 0.5) * np.minimum(1, time / 0.004)
        hit = random.normal(0, 0.6, beat // 8) * np.exp(-np.arange(beat // 8) / (beat / 40))
        out[start : start + beat // 8] += hit
    return at_rms(out[:length])


def at_rms(sound: NDArray[np.floating[Any]]) -> Samples:
    """Scale a sound that is not silent to a root mean square of 1."""
    scaled: Samples = (sound / np.sqrt(np.mean(np.square(sound, dtype=np.float64)))).astype(np.float32)
    return scaled
