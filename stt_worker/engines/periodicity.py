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
"""Frames from one saying to the next. A shorter period is a trill or a laugh; a longer one is a sentence."""
SIMILAR = 0.85
"""Correlation of two sayings: 0.95 and more for copies, at most 0.8 between different words."""
CONTRAST = 0.3
"""By how much the correlation is lower at half the distance: a steady vowel or tone is like itself at any distance."""
AUDIBLE = 0.35
"""Height above the lowest number of the log-mel frames from which a frame is sound; the whole range is 2."""
DRIFT = 22
"""Frames by which one distance may differ from the one before: speakers do not pause evenly."""
WORDS = 0.7
"""Part of a period that is compared; the rest is the pause, or differs with it."""
SOUND = 0.4
"""Least part of the compared frames that is sound."""
PART = 10
"""Frames of the parts in which two sayings are compared once more: "track A" and "track B" differ in one of them."""
SAME = 0.7
"""Correlation of each part with the most similar one nearby: at least 0.75 in 98 % of copies with varied pauses and
levels, at most 0.63 where the last 0.1 s are other words."""
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
    similarity = _Similarity(frames, sound)
    best: list[int] = []
    period_of_best = 0
    for period in range(SHORTEST, min(LONGEST, len(frames) // MIN_COUNT) + 1):
        window = round(WORDS * period)
        alike = similarity.at(period, window)
        if len(alike) <= period:
            break
        clear = np.where(similarity.at(period // 2, window)[: len(alike)] <= alike - CONTRAST, alike, -1)
        seed = int(clear.argmax())
        if clear[seed] < SIMILAR:
            continue
        starts = similarity.chain(seed, period, window)
        # A multiple of the period fits too, and may reach a little further.
        if len(starts) >= MIN_COUNT and (not best or starts[-1] - starts[0] > best[-1] - best[0] + period):
            best, period_of_best = starts, period
    if not best:
        return None
    quiet = _quiet(best, period_of_best, frames)
    if not similarity.is_same(best, quiet - period_of_best, quiet):
        return None
    return Repetition(tuple(min(start + quiet, len(frames)) for start in best))


class _Similarity:
    """Correlation of windows of one recording."""

    def __init__(self, frames: Frames, sound: NDArray[np.bool_]) -> None:
        centred = np.where(sound[:, None], frames - frames[sound].mean(axis=0), 0).astype(np.float32)
        # By torch: the threads of numpy's product go on spinning for a while, on the cores of the encoder.
        self._products = (torch.from_numpy(centred) @ torch.from_numpy(centred).T).numpy()
        self._energy = np.concatenate([[0.0], np.cumsum(np.diagonal(self._products), dtype=np.float64)])
        self._sound = np.concatenate([[0], np.cumsum(sound)])
        """Frames of sound before each frame."""

    def at(self, lag: int, window: int) -> Frames:
        """Return the correlation of each window with the one ``lag`` frames later, (windows,)."""
        total = np.concatenate([[0.0], np.cumsum(np.diagonal(self._products, lag), dtype=np.float64)])
        count = max(0, len(total) - window)
        power = self._energy[window:] - self._energy[:-window]
        scale = np.sqrt(power[:count] * power[lag : lag + count])
        correlation = (total[window:] - total[:-window])[:count] / np.maximum(scale, 1e-6)
        is_sound = (self._sound[window:] - self._sound[:-window])[:count] >= SOUND * window
        found: Frames = np.where(is_sound, correlation, -1).astype(np.float32)
        return found

    def chain(self, seed: int, period: int, window: int) -> list[int]:
        """Return where the window at ``seed`` begins each time that it comes in a row, about one period apart."""
        starts = [seed]
        while (following := self._nearest(seed, starts[-1] + period, window)) is not None:
            starts.append(following)
        while (previous := self._nearest(seed, starts[0] - period, window)) is not None:
            starts.insert(0, previous)
        return starts

    def is_same(self, starts: list[int], begin: int, end: int) -> bool:
        """Return True if each part of a saying with sound is in most of the others too.

        Args:
            starts: of the sayings.
            begin: first frame that is compared, from the start of a saying.
            end: frame after the last one.
        """
        one, *others = starts[len(starts) // 2 :] + starts[: len(starts) // 2]
        for part in range(max(0, one + begin), min(one + end, len(self._products)) - PART + 1, PART // 2):
            if self._sound[part + PART] - self._sound[part] < PART:
                continue
            found = [self._best(part, part - one + other) for other in others]
            if np.median(found) < SAME:
                return False
        return True

    def _best(self, part: int, expected: int) -> float:
        last = len(self._products) - PART
        nearby = range(max(0, expected - DRIFT), min(last, expected + DRIFT) + 1, 2)
        return max((self._between(part, other, PART) for other in nearby), default=1.0)

    def _nearest(self, seed: int, expected: int, window: int) -> int | None:
        """Return the place around ``expected`` that is most like the seed, if it is alike."""
        drift = min(DRIFT, window // 2)
        nearby = range(max(0, expected - drift), min(len(self._products) - window, expected + drift) + 1)
        found = max(nearby, key=lambda other: self._between(seed, other, window), default=seed)
        return found if found != seed and self._between(seed, found, window) >= SIMILAR else None

    def _between(self, one: int, other: int, window: int) -> float:
        product = float(np.trace(self._products[one : one + window, other : other + window]))
        power = [self._energy[start + window] - self._energy[start] for start in (one, other)]
        return product / max(float(np.sqrt(power[0] * power[1])), 1e-6)


def _quiet(starts: list[int], period: int, frames: Frames) -> int:
    """Return the distance from each start to the place behind it that is quiet in all sayings."""
    loudness = np.pad(frames.mean(axis=1), (0, period), constant_values=frames.min())
    after = np.stack([loudness[start : start + period] for start in starts]).max(axis=0)
    half = period // 2
    return half + int(after[half:].argmin())
