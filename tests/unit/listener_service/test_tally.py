"""The tally: exact counts in any order, and of bounded size."""

import json
from collections.abc import Sequence
from fractions import Fraction
from statistics import quantiles
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener_service.tally import Tally
from listener_service.timeline import MAX_POINTS
from listener_service.words import count_words
from tests.support.speakers import failed, final, no_speech, sentiment
from wire.messages.base import HOPS
from wire.messages.jobs import NoSpeechReason
from wire.messages.results import LABELS, Final, NoSpeech, SegmentFailed, Sentiment
from wire.messages.statistics import Statistics

End = Final | NoSpeech | SegmentFailed


def marked(mood: Sentiment, *, unsure: bool = False, zero_shot: bool = False) -> Sentiment:
    return mood.model_copy(update={"unsure": unsure, "zero_shot": zero_shot})


sentiments = st.builds(sentiment, st.sampled_from(LABELS), st.floats(0.34, 1.0))
moods = st.one_of(st.none(), st.builds(marked, sentiments, unsure=st.booleans(), zero_shot=st.booleans()))
finals = st.builds(
    lambda segment, mood, text, language: final(segment, mood=mood, text=text, language=language),
    st.integers(0, 1_000),
    moods,
    st.text(st.sampled_from("ab .,こ世"), max_size=20),
    st.sampled_from(["en", "ko", "ja", "zh"]),
)
noises = st.builds(
    lambda segment, reason: no_speech(segment, reason=reason),
    st.integers(0, 1_000),
    st.sampled_from(get_args(NoSpeechReason)),
)
ends = st.one_of(finals, noises, st.builds(failed, st.integers(0, 1_000)))


def count(results: Sequence[End], trend_window: int = 20, latency_window: int = 100) -> Tally:
    tally = Tally()
    for end in results:
        tally = tally.add(end, trend_window=trend_window, latency_window=latency_window)
    return tally


def figures(results: Sequence[End], trend_window: int = 20) -> Statistics:
    return count(results, trend_window).statistics("session", trend_window=trend_window)


def _without_order(found: Statistics) -> Statistics:
    """Remove latencies, and sort points of the same time by valence."""
    points = tuple(sorted(found.timeline, key=lambda point: (point.at, point.valence)))
    return found.model_copy(update={"latency": {}, "timeline": points})


@given(st.lists(ends, max_size=15).flatmap(lambda results: st.tuples(st.just(results), st.permutations(results))))
def test_tally_in_any_order_gives_exactly_the_same_figures(case: tuple[list[End], list[End]]) -> None:
    """All totals and means are equal, not only close; trend window and timeline hold all results here."""
    results, shuffled = case
    once, again = figures(results), figures(shuffled)
    assert _without_order(again) == _without_order(once)
    assert {hop: sorted(values) for hop, values in count(shuffled).hops_ms.items()} == {
        hop: sorted(values) for hop, values in count(results).hops_ms.items()
    }


@given(st.lists(ends, max_size=15))
def test_tally_totals_are_a_plain_count_of_the_results(results: list[End]) -> None:
    """Each figure equals a direct count over the results."""
    found = figures(results)
    texts = [end for end in results if isinstance(end, Final)]
    judged = [end.sentiment for end in texts if end.sentiment]
    assert found.version == len(results)
    assert found.utterances == len(texts)
    assert found.no_speech == sum(isinstance(end, NoSpeech) for end in results)
    assert found.uncertain == sum(isinstance(end, NoSpeech) and end.reason == "uncertain" for end in results)
    assert found.failures == sum(isinstance(end, SegmentFailed) for end in results)
    assert found.words == sum(count_words(end.text, end.language) for end in texts)
    assert found.speech_ms == 2_000 * len(texts)
    assert found.unanalysed == len(texts) - len(judged)
    assert found.unsure == sum(mood.unsure for mood in judged)
    assert found.zero_shot == sum(mood.zero_shot for mood in judged)
    assert sum(found.languages.values()) == len(texts)
    for label in LABELS:
        scores = [Fraction(round(mood.score * 10**6), 10**6) for mood in judged if mood.label == label]
        assert found.sentiment[label].count == len(scores)
        assert found.sentiment[label].mean_score == (float(sum(scores) / len(scores)) if scores else None)


@given(st.lists(ends, max_size=10), st.integers(0, 10))
def test_tally_continues_after_it_was_stored(results: list[End], pause: int) -> None:
    """Counting in two parts, with Redis between them, gives the same tally."""
    stored = Tally.model_validate_json(count(results[:pause]).model_dump_json())
    for end in results[pause:]:
        stored = stored.add(end, trend_window=20, latency_window=100)
    assert stored == count(results)


def test_tally_counts_unsure_and_zero_shot_sentiments_beside_their_label() -> None:
    """One sentiment may be both; a tally that an older listener stored begins at none of them."""
    unsure, zero_shot = marked(sentiment("neutral"), unsure=True), marked(sentiment("positive"), zero_shot=True)
    both = marked(sentiment("neutral"), unsure=True, zero_shot=True)
    stored = json.loads(count([final(0, mood=sentiment("neutral"))]).model_dump_json())
    del stored["unsure"], stored["zero_shot"]
    tally = Tally.model_validate(stored)
    for segment, mood in enumerate((unsure, zero_shot, both, None), start=1):
        tally = tally.add(final(segment, mood=mood), trend_window=20, latency_window=100)
    found = tally.statistics("session", trend_window=20)
    assert (found.unsure, found.zero_shot, found.unanalysed) == (2, 2, 1)
    assert {label: found.sentiment[label].count for label in LABELS} == {"negative": 0, "neutral": 3, "positive": 1}


def test_tally_trend_is_the_mean_over_its_window() -> None:
    """The mean of P(positive) − P(negative); utterances without sentiment are left out."""
    positive = [final(n, mood=sentiment("positive", 0.9)) for n in range(3)]
    negative = [final(n, mood=sentiment("negative", 0.8)) for n in range(3, 5)]
    assert figures([final(9)]).trend is None
    assert figures(positive).trend == pytest.approx(0.85)
    assert figures([*positive, final(8), no_speech(9), *negative], trend_window=2).trend == pytest.approx(-0.7)
    assert figures([*positive, *negative], trend_window=4).trend == pytest.approx((2 * 0.85 - 2 * 0.7) / 4)


@given(st.lists(finals, max_size=300), st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_tally_timeline_counts_every_utterance_once(results: list[Final], times: int) -> None:
    """No utterance with sentiment is left out or counted twice; the points are few and in order."""
    found = figures([result for result in results for _ in range(times)])
    judged = [end.sentiment.probabilities for end in results if end.sentiment]
    assert len(found.timeline) <= MAX_POINTS
    assert [point.at for point in found.timeline] == sorted(point.at for point in found.timeline)
    assert sum(point.count for point in found.timeline) == times * len(judged)
    total = times * sum(odds["positive"] - odds["negative"] for odds in judged)
    assert sum(point.valence * point.count for point in found.timeline) == pytest.approx(total, abs=0.001 * 900)
    assert {point.at for point in found.timeline} <= {end.clock.speech_end for end in results}


def test_tally_timeline_points_hold_equal_counts() -> None:
    """Neighbours are merged in pairs and later points filled to the same count; the last one may hold fewer."""
    results = [final(n, mood=sentiment("positive" if n % 2 else "negative", 0.8)) for n in range(200)]
    assert [point.count for point in figures(results[:60]).timeline] == [1] * 60
    assert [point.count for point in figures(results[:61]).timeline] == [2] * 30 + [1]
    assert [point.count for point in figures(results[:62]).timeline] == [2] * 31
    assert [point.count for point in figures(results).timeline] == [4] * 50
    assert [point.at for point in figures(results).timeline] == [1_000.0 + n for n in range(0, 200, 4)]
    assert {point.valence for point in figures(results).timeline} == {0.0}
    assert [point.valence for point in figures(results[:3]).timeline] == [-0.7, 0.7, -0.7]


def test_tally_timeline_is_sorted_by_time_of_speech() -> None:
    """In a room, results arrive in the order of release."""
    points = figures([final(n, mood=sentiment()) for n in (3, 1, 2)]).timeline
    assert [point.at for point in points] == [1_001.0, 1_002.0, 1_003.0]


def test_tally_without_timeline_keeps_none() -> None:
    """The counts for the totals of the installation have none."""
    tally = Tally().add(final(mood=sentiment()), trend_window=20, latency_window=100, points=0)
    assert (tally.timeline, tally.labels) == ([], {"positive": 1})


def test_tally_size_is_bounded() -> None:
    """After ten thousand utterances the state is as small as after a hundred."""
    tally = count([final(n, mood=sentiment()) for n in range(60)], trend_window=5, latency_window=7)
    assert len(tally.valence_ppm) == 5
    assert {len(values) for values in tally.hops_ms.values()} == {7}
    larger = count([final(n, mood=sentiment()) for n in range(600)], trend_window=5, latency_window=7)
    assert len(larger.model_dump_json()) < len(tally.model_dump_json()) + 30


def test_tally_latency_covers_the_most_recent_utterances() -> None:
    """Half a second of endpointing is shown as such; hops without readings do not appear."""
    found = figures([final(n) for n in range(10)]).latency
    assert found["endpointing"].p50_ms == found["endpointing"].p95_ms == 500.0
    assert "stt" not in found
    assert set(found) < set(HOPS)


@given(st.lists(st.floats(0, 60_000).map(lambda ms: round(ms, 1)), min_size=1, max_size=120))
def test_tally_latency_has_the_percentiles_of_the_standard_library(values: list[float]) -> None:
    """Also of a single value, and of any equal ones."""
    found = Tally(hops_ms={"stt": values}).statistics("session", trend_window=20).latency["stt"]
    twentieths = quantiles(values, n=20, method="inclusive") if len(values) > 1 else values * 19
    assert (found.p50_ms, found.p95_ms) == (round(twentieths[9], 1), round(twentieths[18], 1))


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("what a spiteful thing I am", "en", 6),
        ("  twice   spaced\nlines ", "en", 3),
        ("", "en", 0),
        ("오늘 날씨가 좋네요.", "ko", 3),
        ("今天天气很好。", "zh", 6),
        ("你好, world", "zh", 7),
        ("今日は、いい天気ですね。", "ja", 10),
        ("唔該晒！", "yue", 3),
    ],
)
def test_count_words_follows_the_script_of_the_language(text: str, language: str, words: int) -> None:
    """Words are separated by spaces; in scripts without spaces each letter counts, punctuation does not."""
    assert count_words(text, language) == words


def test_tally_add_leaves_the_tally_unchanged() -> None:
    """A plan that is not written has no effect."""
    tally = count([final(0, mood=sentiment())])
    before = tally.model_dump_json()
    tally.add(final(1, mood=sentiment("negative")), trend_window=20, latency_window=100)
    assert tally.model_dump_json() == before


def test_tally_keeps_what_a_newer_listener_counted() -> None:
    """Unknown figures and labels stay as they are while results are added."""
    stored = json.loads(count([final(0, mood=sentiment())]).model_dump_json())
    stored["laughs"] = {"loud": 2}
    stored["labels"]["mixed"] = 3
    stored["timeline"][0]["laughs"] = 1
    after = json.loads(
        Tally.model_validate(stored).add(no_speech(1), trend_window=20, latency_window=100).model_dump_json()
    )
    assert (after["laughs"], after["labels"], after["timeline"]) == (
        stored["laughs"],
        stored["labels"],
        stored["timeline"],
    )
    assert after["ended"] == 2


def test_statistics_name_their_scope() -> None:
    """Scope, room and session are in the message."""
    room = Tally().statistics("room", trend_window=20, room="kitchen")
    assert (room.scope, room.room, room.session_id, room.version) == ("room", "kitchen", None, 0)
