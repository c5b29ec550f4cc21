"""Channels → one channel at 16 kHz, block by block."""

import numpy as np
import soxr

from wire.audio import SAMPLE_RATE, Pcm, Samples, to_int16

CANCELLED = 0.1
"""Power of the sum of the channels, relative to the sum of their powers, below which they cancel each other out."""
ADDED = 0.5
"""The same, from which they do not: between the two the choice stays."""
ADDED_S = 5.0
"""Seconds for which the channels must not cancel each other out before they are averaged again; pauses are shorter."""
FAINT = 0.25
"""Power of the chosen channel, relative to the loudest one, below which the speech is elsewhere."""
FADE_S = 0.02
"""Seconds in which one choice turns into another: a jump would be audible."""


class Downmix:
    """Turns several channels of one recording into one, block by block.

    Channels are averaged, unless they cancel each other out, as when one of them is inverted: then the loudest one is
    taken. The choice stays while it is good enough, since a switch is audible.
    """

    def __init__(self, rate: int, channels: int) -> None:
        """``rate`` is in hertz."""
        self._rate = rate
        self._average = np.full(channels, 1 / channels, dtype=np.float32)
        self._weights: Samples | None = None
        """Weight of each channel in the last block; None before the first."""
        self._channel: int | None = None
        """The chosen channel; None for the average."""
        self._last: int | None = None
        """The channel that was chosen last."""
        self._added = 0
        """Samples since the channels cancelled each other out."""

    def mix(self, samples: Samples) -> Samples:
        """Convert the next block of (samples, channels) in −1…1 to (samples,)."""
        before, weights = self._weights, self._choose(samples)
        self._weights = weights
        mono: Samples = samples @ weights
        if before is not None and not np.array_equal(before, weights):
            length = min(len(samples), round(FADE_S * self._rate))
            rest = np.linspace(1, 0, length, endpoint=False, dtype=np.float32)
            mono[:length] += rest * (samples[:length] @ (before - weights))
        return mono

    def _choose(self, samples: Samples) -> Samples:
        powers = np.square(samples, dtype=np.float32).sum(axis=0)
        total = float(powers.sum())
        if total > 0 and len(powers) > 1:  # silence changes nothing
            self._update(powers, float(np.square(samples.sum(axis=1)).sum()) / total, len(samples))
        if self._channel is None:
            return self._average
        weights: Samples = np.eye(len(powers), dtype=np.float32)[self._channel]
        return weights

    def _update(self, powers: Samples, added: float, length: int) -> None:
        """Choose for a block with these powers of its channels, and this relative power of their sum."""
        self._added = self._added + length if added > ADDED else 0
        if self._channel is not None and (self._is_faint(self._channel, powers) or self._added >= ADDED_S * self._rate):
            self._channel = None
        if self._channel is None and added < CANCELLED:
            keep = self._last is not None and not self._is_faint(self._last, powers)
            self._channel = self._last = self._last if keep else int(powers.argmax())

    @staticmethod
    def _is_faint(channel: int, powers: Samples) -> bool:
        return bool(powers[channel] < FAINT * powers.max())


class _Stream:
    """Resamples blocks to Int16, 16 kHz, without seams."""

    def __init__(self, rate: int, channels: int) -> None:
        self._rate = rate
        self._shape = (0,) if channels == 1 else (0, channels)
        """Shape of a block without samples."""
        self._resampler = None
        if rate != SAMPLE_RATE:
            self._resampler = soxr.ResampleStream(rate, SAMPLE_RATE, channels, dtype="float32")
        self._taken = 0
        self._given = 0

    def end(self) -> Pcm:
        """Return the rest: all together are ⌈samples × 16,000 / rate⌉."""
        none = np.zeros(self._shape, dtype=np.float32)
        if self._resampler is None:
            return self._give(none)
        rest = self._resampler.resample_chunk(none, last=True)
        missing = max(0, -(-self._taken * SAMPLE_RATE // self._rate) - self._given)
        padding = [(0, max(0, missing - len(rest))), *[(0, 0)] * (rest.ndim - 1)]
        return self._give(np.pad(rest, padding)[:missing])

    def _resample(self, samples: Samples) -> Pcm:
        self._taken += len(samples)
        return self._give(samples if self._resampler is None else self._resampler.resample_chunk(samples))

    def _give(self, samples: Samples) -> Pcm:
        self._given += len(samples)
        return to_int16(samples)


class MonoStream(_Stream):
    """Converts blocks of samples to Int16, 16 kHz, mono, without seams."""

    def __init__(self, rate: int, channels: int) -> None:
        """``rate`` is in hertz."""
        super().__init__(rate, 1)
        self._downmix = Downmix(rate, channels)

    def push(self, samples: Samples) -> Pcm:
        """Convert (samples, channels) in −1…1; what is beyond is clipped, what is undefined is silence."""
        return self._resample(self._downmix.mix(_defined(samples)))


class SplitStream(_Stream):
    """Converts the first two channels of blocks to Int16, 16 kHz, each by itself: (samples, 2)."""

    def __init__(self, rate: int) -> None:
        """``rate`` is in hertz."""
        super().__init__(rate, 2)

    def push(self, samples: Samples) -> Pcm:
        """Convert (samples, channels) as ``MonoStream`` does, to (samples, 2)."""
        return self._resample(np.ascontiguousarray(_defined(samples)[:, :2]))


def _defined(samples: Samples) -> Samples:
    return np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
