"""Pure: counts results. Sums are integers, so that a recount in any order gives exactly the same figures.

A final that goes on with a sentence replaces what was counted of the sentiment of that sentence.
"""

from typing import Any, NamedTuple, assert_never

from listener_service.extremes import Candidate, Extremes
from listener_service.sentences import Place, Scope, Sentence
from listener_service.timeline import MAX_POINTS, PPM, Bucket, extended, moved, point, valence_ppm
from listener_service.turning_points import turning_points
from listener_service.words import count_words
from wire.messages.base import HOPS, Speaker, hop_ms
from wire.messages.results import LABELS, Final, Label, NoSpeech, SegmentEnd, SegmentFailed, Sentiment
from wire.messages.statistics import Conversation, HopLatency, LabelStatistics, PersonStatistics, Statistics
from wire.totals import Totals


class Replaced(NamedTuple):
    """A sentence that goes on, as a tally holds it."""

    sentiment: Sentiment | None
    at: float
    """End of speech of its first final, Unix seconds."""
    place: Place


class Tally(Totals):
    """Counts of one session, one room or one person in a room, or of a few results, to add to the installation's."""

    valence_ppm: list[int] = []
    """P(positive) − P(negative) of the most recent sentences in millionths, oldest first."""
    timeline: list[Bucket] = []
    """The same over the whole conversation, in order of time."""
    extremes: Extremes = Extremes()
    """The most positive and the most negative sentence."""
    hops_ms: dict[str, list[float]] = {}
    """Latencies in ms of the most recent utterances by hop, oldest first."""

    @property
    def place(self) -> Place:
        """Place of the newest sentence."""
        return Place(sentences=self.sentences, sentiments=sum(self.labels.values()))

    def holds(self, sentence: Sentence, scope: Scope) -> Replaced | None:
        """Return what this tally, of ``scope``, holds of a sentence; None if it has expired or was lost since then."""
        return self.holds_at(sentence, sentence.places.get(scope))

    def holds_at(self, sentence: Sentence, place: Place | None) -> Replaced | None:
        """Return what this tally holds of a sentence that it counted at a place; None as ``holds``."""
        newest = self.place
        if place is None or place.sentences > newest.sentences or place.sentiments > newest.sentiments:
            return None
        return Replaced(sentence.sentiment, sentence.at, place)

    def add(
        self,
        result: SegmentEnd,
        *,
        trend_window: int,
        latency_window: int,
        points: int = MAX_POINTS,
        replaced: Replaced | None = None,
    ) -> "Tally":
        """Return a tally with one more result; ``self`` is not changed.

        Args:
            result: the end of one utterance.
            trend_window: number of sentences kept for the trend.
            latency_window: number of latencies kept per hop; 0 for none.
            points: largest length of the timeline; 0 for none, and no extremes either.
            replaced: the sentence that a final goes on with; it has a sentiment if the final has one.
        """
        changed = {name: getattr(self, name).copy() for name in ("labels", "score_ppm", "valence_ppm", "languages")}
        tally = self.model_copy(update=changed | {"hops_ms": self.hops_ms.copy(), "ended": self.ended + 1})
        match result:
            case Final():
                tally._add_final(result, trend_window, points, replaced)
            case NoSpeech():
                tally.no_speech += 1
                tally.uncertain += result.reason == "uncertain"
            case SegmentFailed():
                tally.failures += 1
            case _:
                assert_never(result)
        for hop in HOPS if latency_window else ():
            latency = hop_ms(result.clock, hop)
            if latency is not None:
                tally.hops_ms[hop] = [*tally.hops_ms.get(hop, []), round(latency, 1)][-latency_window:]
        return tally

    def _add_final(self, final: Final, trend_window: int, points: int, replaced: Replaced | None) -> None:
        self.utterances += 1
        self.words += count_words(final.text, final.language)
        self.speech_ms += final.end_ms - final.start_ms
        if points and final.sentiment is not None:
            candidate = _candidate(final, replaced, valence_ppm(final.sentiment))
            self.extremes = self.extremes.add(candidate, goes_on=replaced is not None)
        if replaced:
            self.continued += 1
            self._replace(replaced, final, has_timeline=points > 0)
            return
        self.languages[final.language] = self.languages.get(final.language, 0) + 1
        if final.sentiment is None:
            self.unanalysed += 1
            return
        self._count_label(final.sentiment, 1)
        valence = valence_ppm(final.sentiment)
        self.valence_ppm = [*self.valence_ppm, valence][-trend_window:]
        if points:
            sentence = Bucket(at=final.clock.speech_end, count=1, valence_ppm=valence)
            self.timeline = extended(self.timeline, sentence, points)

    def _replace(self, replaced: Replaced, final: Final, *, has_timeline: bool) -> None:
        """Put the sentiment of a final in the place of the one before it in its sentence."""
        if replaced.sentiment is None or final.sentiment is None:
            return
        self._count_label(replaced.sentiment, -1)
        self._count_label(final.sentiment, 1)
        place = replaced.place.sentiments - 1 - (sum(self.labels.values()) - len(self.valence_ppm))
        if place >= 0:  # else it has left the window
            self.valence_ppm[place] = valence_ppm(final.sentiment)
        if has_timeline:
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
        conversation: Conversation | None = None,
    ) -> Statistics:
        """Make the message for clients."""
        return Statistics(
            scope=scope,
            session_id=session_id,
            room=room,
            latency={hop: _percentiles(values) for hop, values in self.hops_ms.items()},
            conversation=conversation,
            **self._totals(trend_window),
            **self.highlights(),
        )

    def person_statistics(self, room: str, speaker: Speaker, *, trend_window: int) -> PersonStatistics:
        """Make the message for clients about one person."""
        totals = self._totals(trend_window) | self.highlights()
        return PersonStatistics(room=room, person=speaker.person, name=speaker.name, role=speaker.role, **totals)

    def highlights(self) -> dict[str, Any]:
        """Return the fields that those of one conversation have."""
        positive, negative = self.extremes.sentences()
        turns = turning_points(self.timeline)
        return {"turning_points": turns, "most_positive": positive, "most_negative": negative}

    def _totals(self, trend_window: int) -> dict[str, Any]:
        """Return the fields that the statistics of an audience and of a person have."""
        ends = {name: getattr(self, name) for name in ("no_speech", "uncertain", "failures")}
        return ends | {"version": self.ended, "trend_window": trend_window} | self.counts()

    def counts(self) -> dict[str, Any]:
        """Return the fields that all statistics have, those of a voice, too."""
        counts = ("utterances", "sentences", "words", "speech_ms", "unanalysed", "unsure", "zero_shot", "languages")
        return {name: getattr(self, name) for name in counts} | {
            "sentiment": {label: self._label(label) for label in LABELS},
            "trend": sum(self.valence_ppm) / (PPM * len(self.valence_ppm)) if self.valence_ppm else None,
            "timeline": tuple(point(bucket) for bucket in self.timeline),
        }

    def _label(self, label: Label) -> LabelStatistics:
        count = self.labels.get(label, 0)
        return LabelStatistics(count=count, mean_score=self.score_ppm[label] / (PPM * count) if count else None)


def _candidate(final: Final, replaced: Replaced | None, valence: int) -> Candidate:
    """Return the sentence of a final: as a whole, if it goes on with one that is counted."""
    first = final.first_segment if replaced is not None else None
    return Candidate(
        session_id=final.session_id,
        segment=final.segment if first is None else first,
        at=replaced.at if replaced is not None else final.clock.speech_end,
        valence_ppm=valence,
    )


def _percentiles(values: list[float]) -> HopLatency:
    """Interpolate linearly between the nearest ranks, as numpy does by default."""
    ordered = sorted(values)
    return HopLatency(p50_ms=_quantile(ordered, 10), p95_ms=_quantile(ordered, 19))


def _quantile(ordered: list[float], twentieths: int) -> float:
    """Return a quantile of values in ascending order. ``statistics.quantiles`` gives the same, and all between."""
    rank, part = divmod((len(ordered) - 1) * twentieths, 20)
    following = ordered[min(rank + 1, len(ordered) - 1)]
    return round((ordered[rank] * (20 - part) + following * part) / 20, 1)
