"""Streams of a microphone in a quiet room, made of recordings and parts of them."""

from itertools import chain

import numpy as np

from stt_worker.engines.level import speech_level
from tests.support.recordings import recording
from wire.audio import SAMPLE_RATE, Samples

ROOM = 2.5e-4
"""RMS of the room's noise: −72 dBFS."""
FADE = SAMPLE_RATE // 100
"""Samples in which a part of a recording sets in, and ends: without them a cut is a click."""
WHISPER_FRAME, WHISPER_HOP = SAMPLE_RATE // 40, SAMPLE_RATE // 160
"""25 and 6.25 ms."""
ENVELOPE = 24
"""Cepstral coefficients that are the form of the mouth. Higher ones are the voice's pitch."""


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)


def part(name: str, begin_s: float = 0.0, end_s: float | None = None) -> Samples:
    """Return a part of a recording, faded in and out."""
    end = None if end_s is None else round(end_s * SAMPLE_RATE)
    cut = recording(name)[round(begin_s * SAMPLE_RATE) : end].copy()
    ramp = np.linspace(0, 1, FADE, dtype=np.float32)
    cut[:FADE] *= ramp
    cut[-FADE:] *= ramp[::-1]
    return cut


def at_level(voice: Samples, level_db: float) -> Samples:
    """Return speech at a level, in dBFS; its peaks may be clipped."""
    gain = 10 ** ((level_db - speech_level(voice)) / 20)
    levelled: Samples = np.clip(gain * voice, -1, 1).astype(np.float32)
    return levelled


def stream(*parts: Samples, lead_s: float = 0.7, pause_s: float = 0.0) -> Samples:
    """Return the parts one after the other, with the noise of a quiet room before, behind and under them.

    Args:
        parts: in their order.
        lead_s: quiet before the first one.
        pause_s: quiet between two of them.
    """
    with_pauses = chain.from_iterable((silence(pause_s), each) for each in parts)
    next(with_pauses)
    audio = np.concatenate([silence(lead_s), *with_pauses, silence(0.8)])
    noise = np.random.default_rng(1).normal(0, ROOM, len(audio))
    return np.asarray(audio + noise, dtype=np.float32)


def repeated(phrase: Samples, count: int, *, evenly: bool) -> Samples:
    """Return a phrase several times: spliced with 0.1 s between, or as a speaker would (up to 3 dB, up to 0.25 s)."""
    random = np.random.default_rng(count)
    sayings = []
    for _ in range(count):
        gain = 1 if evenly else 10 ** (random.uniform(-3, 3) / 20)
        pause_s = 0.1 if evenly else random.uniform(0.05, 0.25)
        sayings += [(gain * phrase).astype(np.float32), silence(pause_s)]
    return np.concatenate(sayings)


def whispered(voice: Samples) -> Samples:
    """Return speech as it is whispered: noise instead of the voice, in the form of the mouth, with weaker bass."""
    window = np.hanning(WHISPER_FRAME)
    bass = np.minimum(1, (np.fft.rfftfreq(WHISPER_FRAME, 1 / SAMPLE_RATE) + 100) / 800)
    noise = np.random.default_rng(2).normal(size=len(voice) + WHISPER_FRAME)
    padded = np.pad(voice.astype(np.float64), (0, WHISPER_FRAME))
    whisper, weight = np.zeros_like(padded), np.full_like(padded, 1e-3)
    for start in range(0, len(voice), WHISPER_HOP):
        frame = slice(start, start + WHISPER_FRAME)
        cepstrum = np.fft.irfft(np.log(np.abs(np.fft.rfft(padded[frame] * window)) + 1e-7), WHISPER_FRAME)
        cepstrum[ENVELOPE:-ENVELOPE] = 0
        mouth = np.exp(np.fft.rfft(cepstrum).real)
        breath = np.fft.rfft(noise[frame] * window)
        breath /= np.sqrt(np.mean(np.abs(breath) ** 2))
        whisper[frame] += np.fft.irfft(mouth * bass * breath, WHISPER_FRAME) * window
        weight[frame] += window**2
    whole = (whisper / weight)[: len(voice)]
    return np.asarray(0.3 * whole / np.abs(whole).max(), dtype=np.float32)
