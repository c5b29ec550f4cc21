"""Pure: the sentiment of a whole conversation in a few points."""

from bisect import bisect_right

from pydantic import BaseModel

from wire.messages.base import STORED
from wire.messages.results import Sentiment
from wire.messages.statistics import TimelinePoint

PPM = 1_000_000
"""Probabilities are summed as integers in millionths."""
MAX_POINTS = 60
"""Maximum length of a timeline: enough for a plot, and small enough (3 KB) to send with every utterance."""
PERSON_POINTS = 30
"""The same for one person: a small plot of many."""


class Bucket(BaseModel):
    """A point of the timeline as a sum; the mean is taken when it is sent."""

    model_config = STORED

    at: float
    """Unix seconds at which the first utterance in it ended."""
    count: int
    """Sentences in it."""
    valence_ppm: int
    """Sum of P(positive) − P(negative) over its sentences, in millionths."""


def valence_ppm(sentiment: Sentiment) -> int:
    """Return P(positive) − P(negative) in millionths."""
    return round(sentiment.probabilities["positive"] * PPM) - round(sentiment.probabilities["negative"] * PPM)


def extended(timeline: list[Bucket], sentence: Bucket, most: int = MAX_POINTS) -> list[Bucket]:
    """Add one sentence to a timeline.

    It goes into the last bucket if that holds fewer than the largest does, else into a new one. Above ``most`` buckets,
    neighbours are merged in pairs.
    """
    if timeline and timeline[-1].count < max(bucket.count for bucket in timeline):
        *others, last = timeline
        return [*others, _merged(last, sentence)]
    extended = sorted([*timeline, sentence], key=lambda bucket: bucket.at)
    if len(extended) <= most:
        return extended
    return [_merged(*extended[i : i + 2]) for i in range(0, len(extended), 2)]


def _merged(first: Bucket, *others: Bucket) -> Bucket:
    return Bucket(
        at=first.at,
        count=first.count + sum(bucket.count for bucket in others),
        valence_ppm=first.valence_ppm + sum(bucket.valence_ppm for bucket in others),
    )


def point(bucket: Bucket) -> TimelinePoint:
    """Return the mean of a bucket, as clients get it."""
    return TimelinePoint(at=bucket.at, valence=round(bucket.valence_ppm / (PPM * bucket.count), 3), count=bucket.count)


def moved(timeline: list[Bucket], at: float, change_ppm: int) -> list[Bucket]:
    """Return a timeline after the sentiment of one sentence in it has changed.

    Args:
        timeline: with that sentence.
        at: end of the sentence's first utterance, Unix seconds.
        change_ppm: difference of its P(positive) − P(negative), in millionths.
    """
    if not timeline:
        return timeline
    nearest = max(0, bisect_right([bucket.at for bucket in timeline], at) - 1)
    # Sentences of a room that came late are in the last bucket then; a change that another one could not have is no
    # change of it.
    possible = [
        place for place, bucket in enumerate(timeline) if abs(bucket.valence_ppm + change_ppm) <= bucket.count * PPM
    ]
    place = min(possible, key=lambda place: abs(place - nearest), default=nearest)
    bucket = timeline[place]
    changed = bucket.model_copy(update={"valence_ppm": bucket.valence_ppm + change_ppm})
    return [*timeline[:place], changed, *timeline[place + 1 :]]
