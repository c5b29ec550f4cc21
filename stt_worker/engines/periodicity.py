"""Finds words that are said again and again, by their sound. Pure.

Greedy decoding goes astray in such audio: it writes the words once, or for ever. Sound does not: what is repeated is
like itself one period later.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

FRAMES_PER_SECOND = 100
SHORTEST, LONGEST = 24, 260
"""Frames of a period. A shorter one is a trill or a laugh; a longer one is a sentence."""
SIMILAR = 0.85
"""Correlation of two sayings: 0.95 and more for copies, at most 0.8 between different words."""
CONTRAST = 0.3
"""By how much the correlation is lower at half the distance: a steady vowel or tone is like itself at any distance."""
AUDIBLE = 0.35
"""Height above the lowest number of the log-mel frames from which a frame is sound; the whole range is 2."""
DRIFT = 4
"""Frames by which one period may differ from the one before."""
WORDS = 0.7
"""Part of a period that is compared at both ends of a repetition, where another pause may follow or come before."""
MIN_COUNT = 3
"""Sayings. Whisper itself writes two."""
Frames = NDArray[np.float32]


@dataclass(frozen=True)
class Repetition:
    """Words said several times in a row, in frames of 10 ms."""

    bounds: tuple[int, ...]
    """A quiet place after the first saying, and the same place after each of the others."""

    @property
    def count(self) -> int:
        """Number of sayings."""
        return len(self.bounds)


def find_repetition(frames: Frames) -> Repetition | None:
    """Find the longest repetition.

    Args:
        frames: Whisper's log-mel, (frames, bands), 100 a second.
    """
    sound = frames.max(axis=1) > frames.min() + AUDIBLE
    if not sound.any():
        return None
    centred = np.where(sound[:, None], frames - frames[sound].mean(axis=0), 0).astype(np.float32)
    similarity = _Similarity(centred)
    best, longest = None, 0
    for period in range(SHORTEST, min(LONGEST, len(frames) // MIN_COUNT) + 1):
        once = similarity.at(period, period)
        if len(once) <= period:
            break
        twice = np.minimum(once[:-period], once[period:])
        if twice.max() < SIMILAR:
            continue
        contrast = similarity.at(period // 2, period)[: len(twice)]
        clear = np.where(contrast <= twice - CONTRAST, twice, -1)
        seed = int(clear.argmax())
        if clear[seed] < SIMILAR:
            continue
        starts = similarity.chain(seed, period)
        # A multiple of the period fits too, and may reach a little further.
        if len(starts) >= MIN_COUNT and (best is None or starts[-1] - starts[0] > longest + period):
            best, longest = (starts, period), starts[-1] - starts[0]
    return None if best is None else _bounded(*best, frames)


class _Similarity:
    """Correlation of windows of one recording."""

    def __init__(self, frames: Frames) -> None:
        # By torch: the threads of numpy's product go on spinning for a while, on the cores of the encoder.
        self._products = (torch.from_numpy(frames) @ torch.from_numpy(frames).T).numpy()
        self._energy = np.concatenate([[0.0], np.cumsum(np.diagonal(self._products), dtype=np.float64)])

    def at(self, lag: int, window: int) -> Frames:
        """Return the correlation of each window with the one ``lag`` frames later, (windows,)."""
        total = np.concatenate([[0.0], np.cumsum(np.diagonal(self._products, lag), dtype=np.float64)])
        count = max(0, len(total) - window)
        power = self._energy[window:] - self._energy[:-window]
        scale = np.sqrt(power[:count] * power[lag : lag + count])
        correlation: Frames = ((total[window:] - total[:-window])[:count] / np.maximum(scale, 1e-6)).astype(np.float32)
        return correlation

    def between(self, one: int, other: int, window: int) -> float:
        """Return the correlation of two windows; −1 if one of them is not there."""
        if other + window > len(self._products):
            return -1.0
        product = float(np.trace(self._products[one : one + window, other : other + window]))
        power = [self._energy[start + window] - self._energy[start] for start in (one, other)]
        return product / max(float(np.sqrt(power[0] * power[1])), 1e-6)

    def chain(self, seed: int, period: int) -> list[int]:
        """Return where the window of one period at ``seed`` begins each time that it comes in a row."""
        starts = [seed]
        while (following := self._next(seed, starts[-1] + period, period)) is not None:
            starts.append(following)
        while (previous := self._next(seed, starts[0] - period, period)) is not None:
            starts.insert(0, previous)
        return starts

    def _next(self, seed: int, expected: int, period: int) -> int | None:
        nearby = range(max(0, expected - DRIFT), expected + DRIFT + 1)
        window = round(WORDS * period)
        found = max(nearby, key=lambda other: self.between(seed, other, window), default=seed)
        return found if found != seed and self.between(seed, found, window) >= SIMILAR else None


def _bounded(starts: list[int], period: int, frames: Frames) -> Repetition:
    """Move the bounds between the sayings to where the first of them is quietest."""
    loudness = frames.mean(axis=1)
    middle = starts[0] + period // 2
    quiet = middle + int(loudness[middle : middle + period].argmin()) - starts[0]
    return Repetition(tuple(start + quiet for start in starts))
