"""Channels → one channel at 16 kHz, block by block."""

import numpy as np
import soxr

from wire.audio import SAMPLE_RATE, Pcm, Samples, to_int16

CANCELLED = 0.1
"""Power of the sum of the channels, relative to the sum of their powers, below which they cancel each other out."""


def to_mono(samples: Samples) -> Samples:
    """Average the channels of (samples, channels) to (samples,).

    Channels that cancel each other out, as when one of them is inverted, are not averaged: the loudest one is taken.
    """
    mono: Samples = samples.mean(axis=1, dtype=np.float32)
    powers = np.square(samples, dtype=np.float32).sum(axis=0)
    power_of_sum = float(np.square(mono).sum()) * samples.shape[1] ** 2
    if power_of_sum < CANCELLED * float(powers.sum()):
        mono = samples[:, int(powers.argmax())]
    return mono


class MonoStream:
    """Converts blocks of samples to Int16, 16 kHz, mono, without seams."""

    def __init__(self, rate: int, channels: int) -> None:
        """``rate`` is in hertz."""
        self._rate = rate
        self._channels = channels
        self._resampler = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
        self._taken = 0
        self._given = 0

    def push(self, samples: Samples) -> Pcm:
        """Convert (samples, channels) in −1…1; what is beyond is clipped, what is undefined is silence."""
        self._taken += len(samples)
        mono = to_mono(np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0))
        return self._give(mono if self._resampler is None else self._resampler.resample_chunk(mono))

    def end(self) -> Pcm:
        """Return the rest: all together are ⌈samples × 16,000 / rate⌉."""
        if self._resampler is None:
            return self._give(np.zeros(0, dtype=np.float32))
        rest = self._resampler.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
        missing = -(-self._taken * SAMPLE_RATE // self._rate) - self._given
        return self._give(np.pad(rest, (0, max(0, missing - len(rest))))[: max(0, missing)])

    def _give(self, samples: Samples) -> Pcm:
        self._given += len(samples)
        return to_int16(samples)
