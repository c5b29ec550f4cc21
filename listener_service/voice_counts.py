"""Pure: counts what each voice of a session says. Voices may become one later, so all counts can be added up.

The newest sentence may go on, also with another voice's number, so it is kept by itself until the next one begins.
"""

from collections.abc import Mapping

from pydantic import BaseModel

from listener_service.monologues import Monologues
from listener_service.sentences import Place, Sentence
from listener_service.shared_timeline import Point, extended, merged, timeline_of, without
from listener_service.tally import Replaced, Tally
from listener_service.voices import MOST
from wire.messages.base import STORED, half_up
from wire.messages.results import Final
from wire.messages.statistics import VoiceStatistics

MAX_ROWS = 2 * MOST
"""Voices of a person at most, of several sessions."""
_SUMS = ("ended", "utterances", "continued", "words", "speech_ms", "unanalysed", "unsure", "zero_shot")
_TABLES = ("labels", "score_ppm", "languages")


class _Sums(BaseModel):
    """Sums over the sentences of one voice."""

    model_config = STORED

    tally: Tally = Tally()
    """Without trend and timeline."""
    recent: list[tuple[int, int]] = []
    """The sentences of the trend: number of each among those of all voices, and its valence in millionths."""
    newest: int = 0
    """Number of the newest sentence."""


class _Newest(BaseModel):
    """The newest sentence, which may go on."""

    model_config = STORED

    segment: int
    """That of its last final."""
    voice: int | None
    """None if nothing says yet whose it is."""
    tally: Tally
    """Counts of this sentence alone."""
    times: list[tuple[int, int]]
    """Beginning and end of each utterance on the session's audio clock, ms."""


class VoiceCounts(BaseModel):
    """Counts of the voices of one session."""

    model_config = STORED

    sums: dict[int, _Sums] = {}
    """By voice: at most ``MOST``."""
    sentences: int = 0
    """Sentences in ``sums`` so far."""
    points: list[Point] = []
    monologues: Monologues = Monologues()
    newest: _Newest | None = None

    def add(self, final: Final, earlier: Sentence | None, trend_window: int) -> "VoiceCounts":
        """Return the counts with the next final of the session; ``self`` is not changed.

        Args:
            final: with its voice, if it has one, and the voices that have become one with it.
            earlier: the sentence that it goes on with.
            trend_window: number of sentences kept for the trend of each voice.
        """
        counts = self._merged(final.merged_voices or {}, trend_window)
        newest = counts.newest
        if earlier is None or newest is None or newest.segment != earlier.segment:
            counts, newest, earlier = counts._settled(trend_window), None, None
        tally, times = (newest.tally, newest.times) if newest else (Tally(), [])
        judged = Place(sentences=1, sentiments=int(final.sentiment is not None))
        replaced = Replaced(earlier.sentiment, earlier.at, judged) if earlier else None
        said = _Newest(
            segment=final.segment,
            voice=final.voice,
            tally=tally.add(final, trend_window=1, latency_window=0, points=1, replaced=replaced),
            times=[*times, (final.start_ms, final.end_ms)],
        )
        return counts.model_copy(update={"newest": said})

    def figures(self, session_id: str, trend_window: int) -> tuple[VoiceStatistics, ...]:
        """Make what clients get of each voice."""
        counts = self._settled(trend_window)
        whole_ms = sum(each.tally.speech_ms for each in counts.sums.values())
        return tuple(counts._row(session_id, voice, whole_ms) for voice in sorted(counts.sums))

    def _row(self, session_id: str, voice: int, whole_ms: int) -> VoiceStatistics:
        sums = self.sums[voice]
        curve = {"timeline": timeline_of(self.points, voice), "valence_ppm": [ppm for _, ppm in sums.recent]}
        tally = sums.tally.model_copy(update=curve)
        speech_ms = tally.speech_ms
        return VoiceStatistics(
            session_id=session_id,
            voice=voice,
            share=half_up(1000 * speech_ms / whole_ms) / 1000 if whole_ms else None,
            words_per_minute=half_up(600_000 * tally.words / speech_ms) / 10 if speech_ms else None,
            longest_monologue_ms=self.monologues.of(voice),
            **tally.counts(),
            **tally.highlights(),
        )

    def _settled(self, trend_window: int) -> "VoiceCounts":
        """Return the counts with the newest sentence among those of its voice; of too many voices, one is forgotten."""
        newest = self.newest
        if newest is None or newest.voice is None:
            return self.model_copy(update={"newest": None})
        voice, number = newest.voice, self.sentences + 1
        recent = [(number, ppm) for ppm in newest.tally.valence_ppm]
        said = _Sums(tally=newest.tally.model_copy(update=_NO_CURVE), recent=recent, newest=number)
        known = self.sums.get(voice)
        sums = {**self.sums, voice: _together(known, said, trend_window) if known else said}
        monologues = self.monologues
        for start_ms, end_ms in newest.times:
            monologues = monologues.add(voice, start_ms, end_ms)
        points = self.points
        for bucket in newest.tally.timeline:
            points = extended(points, voice, bucket)
        if len(sums) > MOST:
            gone = min(sums, key=lambda each: sums[each].newest)
            del sums[gone]
            points, monologues = without(points, gone), monologues.without(gone)
        update = {"sums": sums, "sentences": number, "points": points, "monologues": monologues, "newest": None}
        return self.model_copy(update=update)

    def _merged(self, voices: Mapping[int, int], trend_window: int) -> "VoiceCounts":
        """Return the counts after voices have become one: number → number."""
        if not voices:
            return self
        sums: dict[int, _Sums] = {}
        for voice, each in self.sums.items():
            now = voices.get(voice, voice)
            sums[now] = _together(sums[now], each, trend_window) if now in sums else each
        newest = self.newest
        if newest is not None and newest.voice is not None:
            newest = newest.model_copy(update={"voice": voices.get(newest.voice, newest.voice)})
        places = {"points": merged(self.points, voices), "monologues": self.monologues.merged(voices)}
        return self.model_copy(update={"sums": sums, "newest": newest} | places)


_NO_CURVE: dict[str, list[int]] = {"timeline": [], "valence_ppm": []}


def _together(sums: _Sums, others: _Sums, trend_window: int) -> _Sums:
    """Add up what two voices said."""
    one, other = sums.tally, others.tally
    added = {name: getattr(one, name) + getattr(other, name) for name in _SUMS}
    tables = {name: _table(getattr(one, name), getattr(other, name)) for name in _TABLES}
    tally = one.model_copy(update=added | tables | {"extremes": one.extremes.together(other.extremes)})
    recent = sorted([*sums.recent, *others.recent])[-trend_window:]
    return sums.model_copy(update={"tally": tally, "recent": recent, "newest": max(sums.newest, others.newest)})


def _table(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {
        name: one.get(name, 0) + other.get(name, 0) for name in [*one, *(each for each in other if each not in one)]
    }


class PersonVoices(BaseModel):
    """The voices of all sessions of one person in a room: sessions are not compared, so each has voices of its own."""

    model_config = STORED

    sessions: dict[str, tuple[VoiceStatistics, ...]] = {}
    """By session; the one that talked last is the last."""

    def having(self, session_id: str, figures: tuple[VoiceStatistics, ...]) -> "PersonVoices":
        """Return them with the newest figures of a session; beyond ``MAX_ROWS``, without those that talked before."""
        others = {session: each for session, each in self.sessions.items() if session != session_id}
        while len(figures) + sum(map(len, others.values())) > MAX_ROWS:
            del others[next(iter(others))]
        return self.model_copy(update={"sessions": others | {session_id: figures}})

    @property
    def figures(self) -> tuple[VoiceStatistics, ...]:
        """All of them, session by session."""
        return tuple(voice for voices in self.sessions.values() for voice in voices)
