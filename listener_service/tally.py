"""Pure: counts results. Sums are integers, so that a recount in any order gives exactly the same figures."""

from statistics import quantiles
from typing import Literal, assert_never

from pydantic import BaseModel

from wire.languages import WITHOUT_SPACES
from wire.messages.base import HOPS, STORED, hop_ms
from wire.messages.results import LABELS, Final, Label, NoSpeech, SegmentEnd, SegmentFailed
from wire.messages.statistics import HopLatency, LabelStatistics, Statistics, TimelinePoint

PPM = 1_000_000
"""Probabilities are summed as integers in millionths."""
MAX_POINTS = 60
"""Maximum length of a timeline: enough for a plot, and small enough (3 KB) to send with every utterance."""


class Bucket(BaseModel):
    """A point of the timeline as a sum; the mean is taken when it is sent."""

    model_config = STORED

    at: float
    """Unix seconds at which the first utterance in it ended."""
    count: int
    valence_ppm: int
    """Sum of P(positive) − P(negative) over its utterances, in millionths."""


class Tally(BaseModel):
    """Counts of one session, one room or the installation."""

    model_config = STORED

    ended: int = 0
    """Results counted, of all kinds; also the version of the statistics."""
    utterances: int = 0
    no_speech: int = 0
    uncertain: int = 0
    """Those of ``no_speech`` whose reason is ``uncertain``."""
    failures: int = 0
    words: int = 0
    speech_ms: int = 0
    unanalysed: int = 0
    """Utterances without sentiment."""
    unsure: int = 0
    """Sentiments whose label is unsure."""
    zero_shot: int = 0
    """Sentiments in languages that the model was not trained with."""
    labels: dict[str, int] = {}
    score_ppm: dict[str, int] = {}
    """Sum of the probabilities of the labels that clients got, by label; of an unsure one that of neutral."""
    valence_ppm: list[int] = []
    """P(positive) − P(negative) of the most recent utterances in millionths, oldest first."""
    timeline: list[Bucket] = []
    """The same over the whole conversation, in order of time."""
    languages: dict[str, int] = {}
    hops_ms: dict[str, list[float]] = {}
    """Latencies in ms of the most recent utterances by hop, oldest first."""

    def add(
        self,
        result: SegmentEnd,
        *,
        trend_window: int,
        latency_window: int,
        with_timeline: bool = True,
    ) -> "Tally":
        """Return a tally with one more result; ``self`` is not changed.

        Args:
            result: the end of one utterance.
            trend_window: number of utterances kept for the trend.
            latency_window: number of latencies kept per hop.
            with_timeline: whether the utterance is added to the timeline.
        """
        tally = self.model_copy(deep=True)
        tally.ended += 1
        match result:
            case Final():
                tally._add_final(result, trend_window, with_timeline)
            case NoSpeech():
                tally.no_speech += 1
                tally.uncertain += result.reason == "uncertain"
            case SegmentFailed():
                tally.failures += 1
            case _:
                assert_never(result)
        for hop in HOPS:
            latency = hop_ms(result.clock, hop)
            if latency is not None:
                tally.hops_ms[hop] = [*tally.hops_ms.get(hop, []), round(latency, 1)][-latency_window:]
        return tally

    def _add_final(self, final: Final, trend_window: int, with_timeline: bool) -> None:
        self.utterances += 1
        self.words += count_words(final.text, final.language)
        self.speech_ms += final.end_ms - final.start_ms
        self.languages[final.language] = self.languages.get(final.language, 0) + 1
        if final.sentiment is None:
            self.unanalysed += 1
            return
        self.unsure += final.sentiment.unsure
        self.zero_shot += final.sentiment.zero_shot
        label, probabilities = final.sentiment.label, final.sentiment.probabilities
        self.labels[label] = self.labels.get(label, 0) + 1
        self.score_ppm[label] = self.score_ppm.get(label, 0) + round(final.sentiment.score * PPM)
        valence = round(probabilities["positive"] * PPM) - round(probabilities["negative"] * PPM)
        self.valence_ppm = [*self.valence_ppm, valence][-trend_window:]
        if with_timeline:
            bucket = Bucket(at=final.clock.speech_end, count=1, valence_ppm=valence)
            self.timeline = _extended(self.timeline, bucket)

    def statistics(
        self,
        scope: Literal["session", "room", "global"],
        *,
        trend_window: int,
        session_id: str | None = None,
        room: str | None = None,
    ) -> Statistics:
        """Make the message for clients."""
        return Statistics(
            scope=scope,
            session_id=session_id,
            room=room,
            version=self.ended,
            utterances=self.utterances,
            no_speech=self.no_speech,
            uncertain=self.uncertain,
            failures=self.failures,
            words=self.words,
            speech_ms=self.speech_ms,
            sentiment={label: self._label(label) for label in LABELS},
            unanalysed=self.unanalysed,
            unsure=self.unsure,
            zero_shot=self.zero_shot,
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
    """Count words between spaces; in scripts without spaces, letters."""
    if language in WITHOUT_SPACES:
        return sum(character.isalnum() for character in text)
    return len(text.split())


def _extended(timeline: list[Bucket], utterance: Bucket) -> list[Bucket]:
    """Add one utterance to a timeline.

    It goes into the last bucket if that holds fewer than the largest does, else into a new one. Above ``MAX_POINTS``
    buckets, neighbours are merged in pairs.
    """
    if timeline and timeline[-1].count < max(bucket.count for bucket in timeline):
        *others, last = timeline
        return [*others, _merged(last, utterance)]
    extended = sorted([*timeline, utterance], key=lambda bucket: bucket.at)
    if len(extended) <= MAX_POINTS:
        return extended
    return [_merged(*extended[i : i + 2]) for i in range(0, len(extended), 2)]


def _merged(first: Bucket, *others: Bucket) -> Bucket:
    return Bucket(
        at=first.at,
        count=first.count + sum(bucket.count for bucket in others),
        valence_ppm=first.valence_ppm + sum(bucket.valence_ppm for bucket in others),
    )


def _point(bucket: Bucket) -> TimelinePoint:
    return TimelinePoint(at=bucket.at, valence=round(bucket.valence_ppm / (PPM * bucket.count), 3), count=bucket.count)


def _percentiles(values: list[float]) -> HopLatency:
    """Interpolate linearly between the nearest ranks, as numpy does by default."""
    twentieths = quantiles(values, n=20, method="inclusive") if len(values) > 1 else values * 19
    return HopLatency(p50_ms=round(twentieths[9], 1), p95_ms=round(twentieths[18], 1))
