"""Pure: counts results. Sums are integers, so that a recount in any order gives exactly the same figures.

A final that goes on with a sentence replaces what was counted of the sentiment of that sentence.
"""

from statistics import quantiles
from typing import NamedTuple, assert_never

from pydantic import BaseModel

from listener_service.sentences import Place, Scope, Sentence
from listener_service.timeline import PPM, Bucket, extended, moved, point, valence_ppm
from wire.languages import WITHOUT_SPACES
from wire.messages.base import HOPS, STORED, hop_ms
from wire.messages.results import LABELS, Final, Label, NoSpeech, SegmentEnd, SegmentFailed, Sentiment
from wire.messages.statistics import HopLatency, LabelStatistics, Statistics


class Replaced(NamedTuple):
    """A sentence that goes on, as a tally holds it."""

    sentiment: Sentiment | None
    at: float
    """End of speech of its first final, Unix seconds."""
    place: Place


class Tally(BaseModel):
    """Counts of one session, one room or the installation."""

    model_config = STORED

    ended: int = 0
    """Results counted, of all kinds; also the version of the statistics."""
    utterances: int = 0
    continued: int = 0
    """Those of ``utterances`` that go on with a sentence; the others begin one."""
    no_speech: int = 0
    uncertain: int = 0
    """Those of ``no_speech`` whose reason is ``uncertain``."""
    failures: int = 0
    words: int = 0
    speech_ms: int = 0
    unanalysed: int = 0
    """Sentences without sentiment."""
    unsure: int = 0
    """Sentiments whose label is unsure."""
    zero_shot: int = 0
    """Sentiments in languages that the model was not trained with."""
    labels: dict[str, int] = {}
    score_ppm: dict[str, int] = {}
    """Sum of the probabilities of the labels that clients got, by label; of an unsure one that of neutral."""
    valence_ppm: list[int] = []
    """P(positive) − P(negative) of the most recent sentences in millionths, oldest first."""
    timeline: list[Bucket] = []
    """The same over the whole conversation, in order of time."""
    languages: dict[str, int] = {}
    hops_ms: dict[str, list[float]] = {}
    """Latencies in ms of the most recent utterances by hop, oldest first."""

    @property
    def sentences(self) -> int:
        """Number of sentences."""
        return self.utterances - self.continued

    @property
    def place(self) -> Place:
        """Place of the newest sentence."""
        return Place(sentences=self.sentences, sentiments=sum(self.labels.values()))

    def holds(self, sentence: Sentence, scope: Scope) -> Replaced | None:
        """Return what this tally, of ``scope``, holds of a sentence; None if it has expired or was lost since then."""
        place, newest = sentence.places.get(scope), self.place
        if place is None or place.sentences > newest.sentences or place.sentiments > newest.sentiments:
            return None
        return Replaced(sentence.sentiment, sentence.at, place)

    def add(
        self,
        result: SegmentEnd,
        *,
        trend_window: int,
        latency_window: int,
        with_timeline: bool = True,
        replaced: Replaced | None = None,
    ) -> "Tally":
        """Return a tally with one more result; ``self`` is not changed.

        Args:
            result: the end of one utterance.
            trend_window: number of sentences kept for the trend.
            latency_window: number of latencies kept per hop.
            with_timeline: whether the sentence is added to the timeline.
            replaced: the sentence that a final goes on with; it has a sentiment if the final has one.
        """
        tally = self.model_copy(deep=True)
        tally.ended += 1
        match result:
            case Final():
                tally._add_final(result, trend_window, with_timeline, replaced)
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

    def _add_final(self, final: Final, trend_window: int, with_timeline: bool, replaced: Replaced | None) -> None:
        self.utterances += 1
        self.words += count_words(final.text, final.language)
        self.speech_ms += final.end_ms - final.start_ms
        if replaced:
            self.continued += 1
            self._replace(replaced, final, with_timeline)
            return
        self.languages[final.language] = self.languages.get(final.language, 0) + 1
        if final.sentiment is None:
            self.unanalysed += 1
            return
        self._count_label(final.sentiment, 1)
        valence = valence_ppm(final.sentiment)
        self.valence_ppm = [*self.valence_ppm, valence][-trend_window:]
        if with_timeline:
            self.timeline = extended(self.timeline, Bucket(at=final.clock.speech_end, count=1, valence_ppm=valence))

    def _replace(self, replaced: Replaced, final: Final, with_timeline: bool) -> None:
        """Put the sentiment of a final in the place of the one before it in its sentence."""
        if replaced.sentiment is None or final.sentiment is None:
            return
        self._count_label(replaced.sentiment, -1)
        self._count_label(final.sentiment, 1)
        place = replaced.place.sentiments - 1 - (sum(self.labels.values()) - len(self.valence_ppm))
        if place >= 0:  # else it has left the window
            self.valence_ppm[place] = valence_ppm(final.sentiment)
        if with_timeline:
            change = valence_ppm(final.sentiment) - valence_ppm(replaced.sentiment)
            self.timeline = moved(self.timeline, replaced.at, change)

    def _count_label(self, sentiment: Sentiment, times: int) -> None:
        """Count a label, its marks and its score; ``times`` is −1 to take them back."""
        self.unsure += times * sentiment.unsure
        self.zero_shot += times * sentiment.zero_shot
        label = sentiment.label
        self.labels[label] = self.labels.get(label, 0) + times
        self.score_ppm[label] = self.score_ppm.get(label, 0) + times * round(sentiment.score * PPM)

    def statistics(
        self,
        scope: Scope,
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
            sentences=self.sentences,
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
            timeline=tuple(point(bucket) for bucket in self.timeline),
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


def _percentiles(values: list[float]) -> HopLatency:
    """Interpolate linearly between the nearest ranks, as numpy does by default."""
    twentieths = quantiles(values, n=20, method="inclusive") if len(values) > 1 else values * 19
    return HopLatency(p50_ms=round(twentieths[9], 1), p95_ms=round(twentieths[18], 1))
