"""Totals over all sessions: integers in Redis that a recount confirms, and over which listeners never conflict."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from fastapi_service.monitoring.gauges import update_gauges
from infra.results import FIELD
from listener_service.counts import Counts
from listener_service.release import Releaser
from listener_service.settings import Settings
from listener_service.states import Address, Stored
from listener_service.tally import Tally
from tests.support.redis import AsyncRedis, Redis, connect
from tests.support.releases import put_in_stream
from tests.support.speakers import ALICE, BOB, final, sentiment
from tests.support.spoken import Drawn, End, results, spoken
from wire import names
from wire.messages.results import SegmentEnd, segment_end
from wire.messages.statistics import Statistics
from wire.totals import Totals

SETTINGS = Settings()
LISTENERS = 3
SESSIONS = [ALICE, BOB, "c" * 32, "d" * 32]
"""The first two are in a room."""


def released(redis: Redis) -> list[End]:
    """What clients got, from the logs."""
    audiences = ["room:kitchen", *(names.audience(session, None) for session in SESSIONS)]
    entries = [entry for audience in audiences for entry in redis.xrange(names.log(audience))]
    return [segment_end.validate_json(fields[FIELD]) for _, fields in entries]


def recounted(ends: Sequence[End]) -> Totals:
    """Count session by session what was released."""
    sums: dict[str, int] = {}
    for session in SESSIONS:
        counts, linked = Counts({}, None, SETTINGS.trend_window, SETTINGS.latency_window).add(
            own := [end for end in ends if end.session_id == session]
        )
        assert linked == own
        for field, number in counts.totals.increments().items():
            sums[field] = sums.get(field, 0) + number
    return Totals.read({field: str(number) for field, number in sums.items() if number})


def stored(redis: Redis) -> Totals:
    """The totals in Redis; an entry of a table that has gone back to 0 is left out."""
    return Totals.read({field: number for field, number in redis.hgetall(names.TOTALS).items() if number != "0"})


@given(st.lists(st.lists(results, max_size=8), min_size=4, max_size=4), st.integers(0, 1_000))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_totals_of_several_listeners_equal_a_recount(
    redis: Redis, redis_url: str, drawn: list[list[Drawn]], seed: int
) -> None:
    """Each of three applies all results of four sessions at the same time, in its own order and with repeats."""
    redis.flushall()
    said = [
        end
        for session, ends in zip(SESSIONS, drawn, strict=True)
        for end in spoken(session, ends, room="kitchen" if session in SESSIONS[:2] else None)
    ]
    entries = put_in_stream(redis, said) * 2

    def listen(number: int) -> None:
        with connect(redis_url) as client:
            releaser = Releaser(client, SETTINGS)
            for source, result in random.Random(seed + number).sample(entries, len(entries)):
                releaser.apply(source, result)

    with ThreadPoolExecutor(LISTENERS) as pool:
        list(pool.map(listen, range(LISTENERS)))
    ends = released(redis)
    assert len(ends) == len(said)
    assert stored(redis) == recounted(ends)
    assert not redis.hgetall(names.statistics(names.GLOBAL_AUDIENCE))


def test_listeners_with_different_sessions_never_conflict(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any plan of one and its write the other releases a result."""
    one, other = Releaser(redis, SETTINGS), Releaser(redis, SETTINGS)
    entries = put_in_stream(redis, [final(n, session, mood=sentiment()) for n in range(20) for session in (ALICE, BOB)])
    theirs = iter(entries[1::2])
    read = one._read

    def interrupt(places: dict[str, Address], result: SegmentEnd) -> tuple[dict[str, Stored], bool]:
        states = read(places, result)
        other.apply(*next(theirs))
        return states

    monkeypatch.setattr(one, "_read", interrupt)
    assert [one.apply(*entry).outcome for entry in entries[::2]] == ["released"] * 20
    assert (one.conflicts, other.conflicts) == (0, 0)
    assert stored(redis).ended == 40


def test_a_sentence_that_changes_its_sentiment_moves_from_one_label_to_the_other(redis: Redis) -> None:
    """The first label goes back to nothing."""
    releaser = Releaser(redis, SETTINGS)
    begins = final(0, mood=sentiment("positive"))
    goes_on = final(1, mood=sentiment("negative", 0.75)).continuing(0, 0, "a sentence")
    for source, end in put_in_stream(redis, [begins, goes_on]):
        releaser.apply(source, end)
    totals = redis.hgetall(names.TOTALS)
    assert (totals["labels:positive"], totals["score_ppm:positive"]) == ("0", "0")
    assert (totals["labels:negative"], totals["score_ppm:negative"]) == ("1", "750000")
    assert (totals["utterances"], totals["continued"], totals["languages:en"]) == ("2", "1", "1")


async def test_what_older_listeners_counted_is_added(redis: Redis, aredis: AsyncRedis) -> None:
    """They keep statistics of their own, also beside this one; no result is in both, and their record stays."""
    older, message = Tally(), ""
    for number in range(3):
        older = older.add(final(number, mood=sentiment()), trend_window=20, latency_window=100, points=0)
        message = Statistics(scope="global", **older.counts(), version=older.ended, trend_window=20).model_dump_json()
    record = {"version": "3", "data": older.model_dump_json(), "message": message}
    redis.hset(names.statistics(names.GLOBAL_AUDIENCE), mapping=record)
    releaser = Releaser(redis, SETTINGS)
    for source, end in put_in_stream(redis, [final(0, BOB, mood=sentiment("negative")), final(1, BOB, language="ko")]):
        releaser.apply(source, end)
    await update_gauges(aredis)

    def shown(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(name, labels)

    assert [shown("wta_global", figure=figure) for figure in ("utterances", "sentences", "speech_ms")] == [5, 5, 10_000]
    assert [shown("wta_global_sentiment", label=label) for label in ("positive", "negative", "neutral")] == [3, 1, 0]
    assert shown("wta_global_score", label="positive") == pytest.approx(2.4)
    assert [shown("wta_global_language", language=language) for language in ("en", "ko")] == [4, 1]
    assert redis.hgetall(names.statistics(names.GLOBAL_AUDIENCE)) == record
