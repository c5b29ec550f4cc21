"""Pure: where the sentiment of a conversation changes its sign for a while. A function of its timeline."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from listener_service.timeline import PPM, Bucket
from wire.messages.statistics import TurningPoint

SMOOTHED = 3
"""Sentences over which the mean is taken, at least: those of a point of the timeline are together."""
DEAD_ZONE = 0.15
"""Smoothed valences up to this are of no sign, and end no other one."""
LASTING = 3
"""Sentences for which the new sign stays, at least."""
MAX_TURNS = 10


def turning_points(timeline: Sequence[Bucket]) -> tuple[TurningPoint, ...]:
    """Return the newest ``MAX_TURNS`` turning points, oldest first.

    The first sentences give no turning point, for there is no sign before them. Nor does a sign that fewer than
    ``LASTING`` sentences have; what was before goes on then.
    """
    ordered = sorted(timeline, key=lambda bucket: (bucket.at, bucket.valence_ppm))  # of any that came at the same time
    signed = [(bucket, mean) for bucket, mean in _smoothed(ordered) if abs(mean) > DEAD_ZONE]
    turns: list[TurningPoint] = []
    sign = 0.0
    for is_positive, run in groupby(signed, key=lambda each: each[1] > 0):
        (first, mean), *others = run
        lasts = first.count + sum(bucket.count for bucket, _ in others) >= LASTING
        if not lasts or sign == (1.0 if is_positive else -1.0):
            continue
        if sign:
            turns.append(TurningPoint(at=first.at, valence=round(mean, 3)))
        sign = 1.0 if is_positive else -1.0
    return tuple(turns[-MAX_TURNS:])


def _smoothed(timeline: Sequence[Bucket]) -> Iterator[tuple[Bucket, float]]:
    """Yield each point with the mean valence of the last ``SMOOTHED`` sentences, itself included."""
    for end in range(1, len(timeline) + 1):
        count = total = 0
        for bucket in reversed(timeline[:end]):
            if count >= SMOOTHED:
                break
            count, total = count + bucket.count, total + bucket.valence_ppm
        yield timeline[end - 1], total / (PPM * count)
