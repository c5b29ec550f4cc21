"""Errors near the ends of utterances against those elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
import numpy as np
from numpy.typing import NDArray

from bench.clips import normalised_units
from bench.continuous.played import Final
from wire.audio import SAMPLE_RATE

NEAR_S = 1.0
"""Distance from an end within which an error counts as near it."""
CUT, PAUSE, ELSEWHERE = "near_cuts", "near_pauses", "elsewhere"


@dataclass(frozen=True)
class Errors:
    """Wrong, missing and added units (words or characters), and units of the reference."""

    errors: int = 0
    units: int = 0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(self.errors + other.errors, self.units + other.units)

    @property
    def rate(self) -> float | None:
        """Return errors per unit; None without units."""
        return self.errors / self.units if self.units else None


def count_errors(language: str, reference: str, hypothesis: str) -> Errors:
    """Compare two texts, normalised as the error rates of all benchmarks are."""
    said, written = (normalised_units(language, text) for text in (reference, hypothesis))
    output = jiwer.process_words(" ".join(said), " ".join(written))
    return Errors(output.substitutions + output.deletions + output.insertions, len(said))


def errors_by_place(language: str, reference: str, finals: Sequence[Final]) -> dict[str, Errors]:
    """Count the errors within a second of a forced cut, of another end of an utterance, and elsewhere.

    An error has the time of the written word that it is aligned with, by the engine's own word times; a missing word
    lies between its neighbours.

    Args:
        language: of both texts.
        reference: of the whole stream.
        finals: in order, those that clients get.
    """
    seams = {
        CUT: [final.end / SAMPLE_RATE for final in finals if final.reason == "too_long"],
        PAUSE: [final.end / SAMPLE_RATE for final in finals[:-1] if final.reason == "silence"],
    }
    counts = dict.fromkeys((CUT, PAUSE, ELSEWHERE), Errors())
    for time_s, errors in _timed_errors(normalised_units(language, reference), *_timed_units(language, finals)):
        near = [place for place, ends in seams.items() if any(abs(time_s - end) <= NEAR_S for end in ends)]
        counts[near[0] if near else ELSEWHERE] += errors
    return counts


def _timed_units(language: str, finals: Sequence[Final]) -> tuple[list[str], NDArray[np.float64]]:
    """Return the units of all finals and the time of each, in seconds of the stream."""
    units, times = list[str](), [np.zeros(0)]
    for final in finals:
        these = normalised_units(language, final.hypothesis.text)
        units += these
        times.append(final.begin / SAMPLE_RATE + _places(these, final))
    return units, np.concatenate(times)


def _places(units: Sequence[str], final: Final) -> NDArray[np.float64]:
    """Return the seconds from the beginning of a final to each unit's middle: by its share of the characters before."""
    words = final.hypothesis.words
    lengths = np.array([len(unit) for unit in units], dtype=float)
    shares = (np.cumsum(lengths) - lengths / 2) / max(1.0, lengths.sum())
    if not words:
        return np.asarray(shares * (final.end - final.begin) / SAMPLE_RATE)
    ends = np.cumsum([len(word.text) for word in words]) / sum(len(word.text) for word in words)
    begins = np.concatenate([[0.0], ends[:-1]])
    known = np.concatenate([begins + 1e-9, ends])
    seconds = np.concatenate([[word.start_s for word in words], [word.end_s for word in words]])
    order = np.argsort(known)
    return np.asarray(np.interp(shares, known[order], seconds[order]))


def _timed_errors(said: list[str], written: list[str], times: NDArray[np.float64]) -> list[tuple[float, Errors]]:
    """Return a time and a count for each unit that was said, and for each that was added."""
    if not written:
        return [(0.0, Errors(1, 1)) for _ in said]
    found: dict[int, tuple[float, Errors]] = {}
    added: list[tuple[float, Errors]] = []
    for chunk in jiwer.process_words(" ".join(said), " ".join(written)).alignments[0]:
        if chunk.type == "insert":
            added += [(float(times[index]), Errors(1, 0)) for index in range(chunk.hyp_start_idx, chunk.hyp_end_idx)]
        elif chunk.type != "delete":
            for index, other in zip(
                range(chunk.ref_start_idx, chunk.ref_end_idx),
                range(chunk.hyp_start_idx, chunk.hyp_end_idx),
                strict=True,
            ):
                found[index] = float(times[other]), Errors(int(chunk.type == "substitute"), 1)
    if not found:
        return [(0.0, Errors(1, 1)) for _ in said] + added
    indices = sorted(found)
    between = np.interp(range(len(said)), indices, [found[index][0] for index in indices])
    missing = ((float(between[index]), Errors(1, 1)) for index in range(len(said)) if index not in found)
    return [*found.values(), *missing, *added]
