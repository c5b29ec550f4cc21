"""Pure: counting. Sums are integers, so that a recount in any order gives the same figures to the last digit."""

from statistics import quantiles
from typing import Literal

from pydantic import BaseModel

from wire.messages.base import HOPS, PRIVATE, hop_ms
from wire.messages.results import LABELS, Final, Label, NoSpeech, SegmentFailed
from wire.messages.statistics import HopLatency, LabelStatistics, Statistics, TimelinePoint

PPM = 1_000_000
"""Probabilities are summed in millionths."""
MOST_POINTS = 60
"""Of a timeline: enough for a plot, and small enough to be sent with every utterance (3 KB)."""
_WITHOUT_SPACES = frozenset({"bo", "ja", "km", "lo", "my", "th", "yue", "zh"})


class Bucket(BaseModel):
    """A point of the timeline, before its mean is taken."""

    model_config = PRIVATE

    at: float
    count: int
    valence_ppm: int
    """Sum over its utterances."""


class Tally(BaseModel):
    """Everything counted for one session, one room or the installation."""

    model_config = PRIVATE

    ended: int = 0
    utterances: int = 0
    no_speech: int = 0
    failures: int = 0
    words: int = 0
    speech_ms: int = 0
    unanalysed: int = 0
    labels: dict[Label, int] = {}
    score_ppm: dict[Label, int] = {}
    """Sum of the probabilities of the winning label."""
    valence_ppm: list[int] = []
    """P(positive) − P(negative) of the most recent utterances, oldest first."""
    timeline: list[Bucket] = []
    """The same over the whole conversation, by the time at which the first utterance of each bucket ended."""
    languages: dict[str, int] = {}
    hops_ms: dict[str, list[float]] = {}
    """Latencies of the most recent utterances, oldest first."""

    def add(
        self,
        end: Final | NoSpeech | SegmentFailed,
        *,
        trend_window: int,
        latency_window: int,
        with_timeline: bool = True,
    ) -> "Tally":
        """A tally with one more utterance; ``self`` stays as it was."""
        tally = self.model_copy(deep=True)
        tally.ended += 1
        match end:
            case Final():
                tally._add_final(end, trend_window, with_timeline)
            case NoSpeech():
                tally.no_speech += 1
            case SegmentFailed():
                tally.failures += 1
        for hop in HOPS:
            latency = hop_ms(end.clock, hop)
            if latency is not None:
                tally.hops_ms[hop] = [*tally.hops_ms.get(hop, []), round(latency, 1)][-latency_window:]
        return tally

    def _add_final(self, end: Final, trend_window: int, with_timeline: bool) -> None:
        self.utterances += 1
        self.words += count_words(end.text, end.language)
        self.speech_ms += end.end_ms - end.start_ms
        self.languages[end.language] = self.languages.get(end.language, 0) + 1
        if end.sentiment is None:
            self.unanalysed += 1
            return
        label, odds = end.sentiment.label, end.sentiment.probabilities
        self.labels[label] = self.labels.get(label, 0) + 1
        self.score_ppm[label] = self.score_ppm.get(label, 0) + round(end.sentiment.score * PPM)
        valence = round(odds["positive"] * PPM) - round(odds["negative"] * PPM)
        self.valence_ppm = [*self.valence_ppm, valence][-trend_window:]
        if with_timeline:
            self.timeline = _longer(self.timeline, Bucket(at=end.clock.speech_end, count=1, valence_ppm=valence))

    def statistics(
        self,
        scope: Literal["session", "room", "global"],
        *,
        trend_window: int,
        session_id: str | None = None,
        room: str | None = None,
    ) -> Statistics:
        """The tally as clients see it."""
        return Statistics(
            scope=scope,
            session_id=session_id,
            room=room,
            version=self.ended,
            utterances=self.utterances,
            no_speech=self.no_speech,
            failures=self.failures,
            words=self.words,
            speech_ms=self.speech_ms,
            sentiment={label: self._label(label) for label in LABELS},
            unanalysed=self.unanalysed,
            trend=sum(self.valence_ppm) / (PPM * len(self.valence_ppm)) if self.valence_ppm else None,
            trend_window=trend_window,
            timeline=tuple(_point(bucket) for bucket in self.timeline),
            languages=self.languages,
            latency={hop: _percentiles(values) for hop, values in self.hops_ms.items()},
        )

    def _label(self, label: Label) -> LabelStatistics:
        count = self.labels.get(label, 0)
        return LabelStatistics(count=count, mean_score=self.score_ppm[label] / (PPM * count) if count else None)


def count_words(text: str, language: str) -> int:
    """Words between spaces; in scripts without spaces, letters."""
    if language in _WITHOUT_SPACES:
        return sum(character.isalnum() for character in text)
    return len(text.split())


def _longer(timeline: list[Bucket], utterance: Bucket) -> list[Bucket]:
    """One more utterance: in the last bucket, if it holds fewer than others do, else in a new one at its time. When
    there are too many, neighbours become one."""
    if timeline and timeline[-1].count < max(bucket.count for bucket in timeline):
        *others, last = timeline
        return [*others, _merged(last, utterance)]
    longer = sorted([*timeline, utterance], key=lambda bucket: bucket.at)
    if len(longer) <= MOST_POINTS:
        return longer
    return [_merged(*longer[i : i + 2]) for i in range(0, len(longer), 2)]


def _merged(first: Bucket, *others: Bucket) -> Bucket:
    return Bucket(
        at=first.at,
        count=first.count + sum(bucket.count for bucket in others),
        valence_ppm=first.valence_ppm + sum(bucket.valence_ppm for bucket in others),
    )


def _point(bucket: Bucket) -> TimelinePoint:
    return TimelinePoint(at=bucket.at, valence=round(bucket.valence_ppm / (PPM * bucket.count), 3), count=bucket.count)


def _percentiles(values: list[float]) -> HopLatency:
    """Linear interpolation between the nearest ranks, as numpy's default."""
    twentieths = quantiles(values, n=20, method="inclusive") if len(values) > 1 else values * 19
    return HopLatency(p50_ms=round(twentieths[9], 1), p95_ms=round(twentieths[18], 1))
