"""Statistics and totals count a sentence once, with its last sentiment: exactly as a recount of what was released."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener_service.counts import Counts
from listener_service.order import Order
from listener_service.sentences import Scope
from listener_service.tally import Tally
from listener_service.words import count_words
from tests.support.speakers import ALICE, BOB, final, sentiment
from tests.support.spoken import Drawn, End, mood_of, results, spoken
from wire.messages.results import LABELS, Final, NoSpeech, SegmentFailed
from wire.messages.statistics import Statistics

WINDOW = 5
"""Sentences of the trend."""
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass
class Listener:
    """Order, statistics and totals, stored as in Redis between two results."""

    orders: dict[str, str] = field(default_factory=dict)
    tallies: dict[str, str] = field(default_factory=dict)
    totals: Counter[str] = field(default_factory=Counter)
    released: list[End] = field(default_factory=list)

    def take(self, result: End) -> None:
        order = Order.model_validate_json(self.orders.get(result.session_id, "{}"))
        acceptance = order.accept(result)
        if acceptance.outcome == "duplicate":
            return
        keys: dict[Scope, str] = {"session": result.session_id, "room": "kitchen"}
        tallies = {scope: Tally.model_validate_json(self.tallies.get(key, "{}")) for scope, key in keys.items()}
        counts, released = Counts(tallies, order.newest_sentence, WINDOW, 100).add(acceptance.released)
        after = acceptance.order.model_copy(update={"sentence": counts.sentence})
        self.orders[result.session_id] = after.model_dump_json()
        self.tallies |= {key: counts.tallies[scope].model_dump_json() for scope, key in keys.items()}
        self.totals.update(counts.totals.increments())
        self.released += released

    def tally(self, key: str) -> Tally:
        """Those of a session, of the room or of ``all``."""
        if key == "all":
            return Tally.read({name: str(number) for name, number in self.totals.items()})
        return Tally.model_validate_json(self.tallies[key])

    def figures(self, key: str) -> Statistics:
        return self.tally(key).statistics("session", trend_window=WINDOW)


def recount(released: Sequence[End]) -> dict[str, object]:
    """Count sentence by sentence, from nothing but what clients get."""
    finals = [end for end in released if isinstance(end, Final)]
    last: dict[tuple[str, int], Final] = {}
    for end in finals:
        last[end.session_id, end.segment if end.first_segment is None else end.first_segment] = end
    judged = [end.sentiment for end in last.values() if end.sentiment]
    valences = [
        round(1e6 * mood.probabilities["positive"]) - round(1e6 * mood.probabilities["negative"]) for mood in judged
    ]
    recent = valences[-WINDOW:]
    return {
        "version": len(released),
        "utterances": len(finals),
        "sentences": len(last),
        "no_speech": sum(isinstance(end, NoSpeech) for end in released),
        "failures": sum(isinstance(end, SegmentFailed) for end in released),
        "words": sum(count_words(end.text, end.language) for end in finals),
        "speech_ms": 2_000 * len(finals),
        "sentiment": {label: [round(mood.score * 1e6) for mood in judged if mood.label == label] for label in LABELS},
        "unanalysed": len(last) - len(judged),
        "unsure": sum(mood.unsure for mood in judged),
        "zero_shot": sum(mood.zero_shot for mood in judged),
        "trend": sum(recent) / (1e6 * len(recent)) if recent else None,
        "timeline": (len(valences), sum(valences)),
        "languages": {lang: sum(end.language == lang for end in last.values()) for lang in ("en", "ko")},
    }


def counted(found: Statistics) -> dict[str, object]:
    """The same figures of statistics."""
    sums = {label: known.mean_score and known.mean_score * known.count for label, known in found.sentiment.items()}
    return found.model_dump(include=set(recount([]))) | {
        "sentiment": {label: (found.sentiment[label].count, round(1e6 * (sums[label] or 0))) for label in LABELS},
        "languages": {language: found.languages.get(language, 0) for language in ("en", "ko")},
    }


@given(st.lists(results, max_size=14), st.lists(results, max_size=14), st.data())
@settings(deadline=None)
def test_statistics_equal_a_recount_of_what_was_released(
    alice: list[Drawn],
    bob: list[Drawn],
    data: st.DataObject,
) -> None:
    """Two sessions in a room, in any order of arrival and with repeats: of each, of the room and of all."""
    said = spoken(ALICE, alice) + spoken(BOB, bob)
    repeats = data.draw(st.lists(st.sampled_from(said), max_size=8)) if said else []
    listener = Listener()
    for result in data.draw(st.permutations(said + repeats)):
        listener.take(result)
    assert len(listener.released) == len(said)
    for key in [*listener.tallies, *(["all"] if said else [])]:
        released = [end for end in listener.released if key in {end.session_id, "kitchen", "all"}]
        expected = recount(released)
        tally = listener.tally(key)
        labels = expected["sentiment"]
        assert isinstance(labels, dict)
        expected["sentiment"] = {label: (len(scores), sum(scores)) for label, scores in labels.items()}
        found = counted(listener.figures(key))
        found["timeline"] = sum(b.count for b in tally.timeline), sum(b.valence_ppm for b in tally.timeline)
        if key == "all":
            assert (found["timeline"], found["trend"]) == ((0, 0), None), "no order, so no curve"
            found |= {name: expected[name] for name in ("timeline", "trend")}
        assert all(abs(bucket.valence_ppm) <= 1e6 * bucket.count for bucket in tally.timeline)
        assert found == expected


def chain(length: int, scores: Sequence[int], begin: int = 0, session: str = ALICE) -> list[Final]:
    """Finals of one sentence."""
    first, *rest = range(begin, begin + length)
    ends = [final(first, session, mood=mood_of(scores[0]))]
    for number, segment in enumerate(rest, start=1):
        ends.append(final(segment, session, mood=mood_of(scores[number])).continuing(segment - 1, first, "…"))
    return ends


def count(*results: Sequence[End], scope: Scope = "session") -> Tally:
    counts = Counts({scope: Tally()}, None, WINDOW, 100)
    for each in results:
        counts = replace(counts, sentence=None)
        counts, _ = counts.add(each)
    return counts.tallies[scope]


def added(*tallies: Tally) -> Counter[str]:
    """The totals of all."""
    found: Counter[str] = Counter()
    for tally in tallies:
        found.update(tally.increments())
    return Counter({name: number for name, number in found.items() if number})


def test_a_sentence_counts_with_its_last_sentiment() -> None:
    """Utterances, words and speech are those of all its finals."""
    found = count(chain(3, [0, 1, 2])).statistics("session", trend_window=WINDOW)
    assert (found.utterances, found.sentences, found.version, found.words, found.speech_ms) == (3, 1, 3, 9, 6_000)
    assert {label: found.sentiment[label].count for label in LABELS} == {"negative": 0, "neutral": 0, "positive": 1}
    assert found.sentiment["positive"].mean_score == pytest.approx(mood_of(2).score)
    assert (found.sentiment["negative"].mean_score, found.languages) == (None, {"en": 1})
    mood = mood_of(2).probabilities
    assert found.trend == pytest.approx(mood["positive"] - mood["negative"])
    (point,) = found.timeline
    assert (point.at, point.count) == (1_000.0, 1)
    assert point.valence == pytest.approx(mood["positive"] - mood["negative"], abs=0.001)


@pytest.mark.parametrize("between", range(WINDOW + 1))
@pytest.mark.parametrize("later", [0, 1, WINDOW])
def test_a_sentence_that_goes_on_while_another_speaks_changes_its_own_place(between: int, later: int) -> None:
    """In the room's trend and timeline, Bob's sentences came after it; one that has left the trend changes nothing."""
    alice = chain(3, [2, 0, 1])
    bob = [final(n, BOB, mood=mood_of(5 + 3 * n)) for n in range(1, between + later + 1)]
    counts, _ = Counts({"room": Tally()}, None, WINDOW, 100).add(alice[:1])
    for end, others in ((alice[1], bob[:between]), (alice[2], bob[between:])):
        tally = counts.tallies["room"]
        for other in others:
            tally = tally.add(other, trend_window=WINDOW, latency_window=100)
        counts, _ = replace(counts, tallies={"room": tally}).add([end])
    odds = [end.sentiment.probabilities for end in (alice[2], *bob) if end.sentiment]
    valences = [each["positive"] - each["negative"] for each in odds]
    found = counts.tallies["room"].statistics("room", trend_window=WINDOW)
    assert found.trend == pytest.approx(sum(valences[-WINDOW:]) / len(valences[-WINDOW:]))
    assert [point.valence for point in found.timeline] == pytest.approx(valences, abs=0.001)


def test_a_sentence_goes_on_in_the_point_of_the_timeline_that_it_was_merged_into() -> None:
    """The points are those of a recount, exactly, however many neighbours have been merged."""
    sentences = [chain(1 + n % 4, [n, 5 * n + 1, 7 * n, n + 2], begin=4 * n) for n in range(260)]
    tally = Tally()
    for number, sentence in enumerate(sentences, start=1):
        counts, _ = Counts({"session": tally}, None, WINDOW, 100).add(sentence)
        tally = counts.tallies["session"]
        if number in {59, 60, 61, 62, 120, 121, 125, 260}:
            lasts = [each[0].model_copy(update={"sentiment": each[-1].sentiment}) for each in sentences[:number]]
            assert tally.timeline == count(*([last] for last in lasts)).timeline


def test_a_sentence_that_a_tally_does_not_hold_is_counted_anew() -> None:
    """The statistics of a room expired, or were lost, before the sentence went on: no count is negative."""
    begun, _ = Counts({scope: Tally() for scope in SCOPES}, None, WINDOW, 100).add(chain(1, [1]))
    lost = replace(begun, tallies={**begun.tallies, "room": Tally()})
    counts, (end,) = lost.add(chain(3, [1, 2, 3])[1:2])
    assert isinstance(end, Final)
    assert end.continues
    figures = dict[str, Tally](counts.tallies.items()) | {"global": counts.totals}
    assert {scope: found.sentences for scope, found in figures.items()} == {"session": 1, "room": 1, "global": 1}
    assert {scope: found.utterances for scope, found in figures.items()} == {"session": 2, "room": 1, "global": 2}
    assert all(min(tally.labels.values()) >= 0 for tally in figures.values())
    again, _ = counts.add(chain(3, [1, 2, 3])[2:])
    assert {scope: tally.sentences for scope, tally in again.tallies.items()} == dict.fromkeys(SCOPES, 1)
    assert again.totals.sentences == 1


def test_counts_of_older_listeners_are_those_of_sentences() -> None:
    """Each final was a sentence: what such a listener stored, and what it adds in the middle of an upgrade."""
    stored = json.loads(count(chain(2, [0, 1])).model_dump_json())
    del stored["continued"]
    older = Tally.model_validate(stored | {"labels": {"negative": 1, "neutral": 1}})
    assert older.sentences == older.utterances == 2
    tally = count(chain(2, [0, 1])).add(final(2, mood=mood_of(2)), trend_window=WINDOW, latency_window=100)
    assert (tally.utterances, tally.sentences, sum(tally.labels.values())) == (3, 2, 2)


@pytest.mark.parametrize("before", [0, 1, WINDOW + 2])
def test_a_listener_older_than_the_totals_replaces_a_sentiment_that_they_hold(before: int) -> None:
    """It has statistics of its own, which are added to the totals: the sum is that of a recount."""
    sentence = chain(3, [2, 0, 1])
    others = [final(n, BOB, mood=mood_of(1 + 3 * n)) for n in range(before)]
    begun, _ = Counts({"session": Tally()}, None, WINDOW, 100).add(sentence[:1])
    assert begun.sentence is not None
    older = count(others)
    replaced = older.holds_at(begun.sentence, begun.sentence.places["global"])
    assert replaced is not None
    older = older.add(sentence[1], trend_window=WINDOW, latency_window=100, points=0, replaced=replaced)
    assert older.statistics("session", trend_window=WINDOW).utterances == before + 1
    goes_on, _ = begun.add(sentence[1:2])
    ended, _ = replace(goes_on, totals=Tally()).add(sentence[2:])
    assert added(begun.totals, older, ended.totals) == added(count(sentence), count(others))


def test_a_change_that_a_point_cannot_have_had_goes_to_the_next_one() -> None:
    """Points at the same time: each mean stays between −1 and 1, and the sum is right."""
    low, high = final(0, mood=sentiment("negative", 0.9)), final(0, BOB, mood=sentiment("positive", 0.98))
    counts, _ = Counts({"room": Tally()}, None, WINDOW, 100).add([low])
    tally = counts.tallies["room"].add(high, trend_window=WINDOW, latency_window=100)
    raised = final(1, mood=sentiment("positive", 0.9)).continuing(0, 0, "…")
    after, _ = replace(counts, tallies={"room": tally}).add([raised])
    points = after.tallies["room"].statistics("room", trend_window=WINDOW).timeline
    assert [point.valence for point in points] == [0.85, 0.97]
