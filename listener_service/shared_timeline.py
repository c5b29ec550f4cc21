"""Pure: the sentiment of a session in a few points that its voices share: so those of two voices can be added up."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel

from listener_service.timeline import PERSON_POINTS, Bucket
from wire.messages.base import STORED

Parts = dict[int, tuple[int, int]]
"""Voice → its sentences in a point, and the sum of their valences in millionths."""


class Point(BaseModel):
    """Consecutive sentences with sentiment, of any voice."""

    model_config = STORED

    at: float
    """Unix seconds at which the first utterance in it ended."""
    parts: Parts

    @property
    def count(self) -> int:
        """Number of its sentences."""
        return sum(count for count, _ in self.parts.values())

    def having(self, parts: Iterable[tuple[int, tuple[int, int]]]) -> "Point":
        """Return the point with other parts; those of one voice are added up."""
        found: Parts = {}
        for voice, (count, ppm) in parts:
            sentences, valence_ppm = found.get(voice, (0, 0))
            found[voice] = sentences + count, valence_ppm + ppm
        return self.model_copy(update={"parts": found})


def extended(points: Sequence[Point], voice: int, sentence: Bucket) -> list[Point]:
    """Add the next sentence of the session, as ``timeline.extended`` does for one voice."""
    point = Point(at=sentence.at, parts={voice: (sentence.count, sentence.valence_ppm)})
    if points and points[-1].count < max(each.count for each in points):
        *others, last = points
        return [*others, _joined(last, point)]
    longer = [*points, point]
    return longer if len(longer) <= PERSON_POINTS else [_joined(*longer[i : i + 2]) for i in range(0, len(longer), 2)]


def merged(points: Sequence[Point], voices: Mapping[int, int]) -> list[Point]:
    """Return the points after voices have become one: number → number."""
    return [each.having((voices.get(voice, voice), part) for voice, part in each.parts.items()) for each in points]


def without(points: Sequence[Point], gone: int) -> list[Point]:
    """Return the points of the other voices."""
    return [each.having((voice, part) for voice, part in each.parts.items() if voice != gone) for each in points]


def timeline_of(points: Sequence[Point], voice: int) -> list[Bucket]:
    """Return the timeline of one voice: the points in which it has sentences."""
    parts = [(each.at, each.parts[voice]) for each in points if voice in each.parts]
    return [Bucket(at=at, count=count, valence_ppm=valence_ppm) for at, (count, valence_ppm) in parts]


def _joined(first: Point, *others: Point) -> Point:
    return first.having(part for point in (first, *others) for part in point.parts.items())
