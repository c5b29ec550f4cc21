"""Finals of one sentence through Redis: linked once and in order, counted as a recount of the log does."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.results import FIELD
from listener_service.consumer import Consumer
from listener_service.counts import Counts
from listener_service.release import Releaser
from listener_service.settings import Settings
from listener_service.tally import Tally
from tests.support.redis import Redis, connect
from tests.support.releases import put_in_stream
from tests.support.speakers import ALICE, BOB, failed, final, no_speech, sentiment
from wire import names
from wire.messages.results import LABELS, Final, NoSpeech, SegmentFailed, segment_end
from wire.messages.statistics import Statistics
from wire.totals import Totals

SETTINGS = Settings()
RESULTS = names.stream(names.RESULT_CHANNEL)
ROOM = "kitchen"
LISTENERS = 4
NEWER = {"continues", "continued_segment", "first_segment", "sentence"}
"""Fields that older services do not have."""

End = Final | NoSpeech | SegmentFailed


def text(segment: int, session: str = ALICE, *before: int, room: str | None = ROOM) -> Final:
    """A final that its worker joined with those of these segments."""
    end = final(segment, session, room=room, mood=sentiment(LABELS[segment % 3], 0.5 + segment % 40 / 100))
    return end.continuing(before[-1], before[0], f"sentence of {before[0]}") if before else end


def sentences(session: str) -> list[End]:
    """Six utterances: three texts and a noise between them are a sentence, then one failed; five times."""
    ends: list[End] = []
    for first in range(0, 30, 6):
        ends += [
            text(first, session),
            text(first + 1, session, first),
            no_speech(first + 2, session, room=ROOM),
            text(first + 3, session, first, first + 1),
            failed(first + 4, session, room=ROOM),
            text(first + 5, session, first, first + 1, first + 3),  # its worker did not see the failed one
        ]
    return ends


def apply_all(redis: Redis, *results: End) -> None:
    releaser = Releaser(redis, SETTINGS)
    for source, end in put_in_stream(redis, [*results]):
        releaser.apply(source, end)


def log_of(redis: Redis, audience: str) -> list[End]:
    return [segment_end.validate_json(fields[FIELD]) for _, fields in redis.xrange(names.log(audience))]


def statistics_of(redis: Redis, audience: str) -> Statistics:
    return Statistics.model_validate_json(redis.hget(names.statistics(audience), "message") or "")


def recount(results: list[End]) -> Statistics:
    """Count the results of one session as they were released."""
    counts, released = Counts({"session": Tally()}, None, SETTINGS.trend_window, SETTINGS.latency_window).add(results)
    assert released == results, "what was released is linked already"
    return counts.tallies["session"].statistics("session", trend_window=SETTINGS.trend_window, session_id=ALICE)


@pytest.mark.parametrize("seed", range(3))
def test_listeners_at_once_link_and_count_each_sentence_once(redis: Redis, redis_url: str, seed: int) -> None:
    """Each of four applies all results of two sessions in a room, in its own order and with repeats."""
    entries = put_in_stream(redis, sentences(ALICE) + sentences(BOB)) * 2

    def listen(number: int) -> None:
        with connect(redis_url) as client:
            releaser = Releaser(client, SETTINGS)
            for source, result in random.Random(10 * seed + number).sample(entries, len(entries)):
                releaser.apply(source, result)

    with ThreadPoolExecutor(LISTENERS) as pool:
        list(pool.map(listen, range(LISTENERS)))
    released = log_of(redis, f"room:{ROOM}")
    assert len(released) == 60
    for session in (ALICE, BOB):
        own = [end for end in released if end.session_id == session]
        links = [(end.segment, end.continued_segment) for end in own if isinstance(end, Final) and end.continues]
        expected_links = [[(first + 1, first), (first + 3, first + 1)] for first in range(0, 30, 6)]
        assert links == [link for of_one in expected_links for link in of_one]
        found, expected = statistics_of(redis, names.audience(session, None)), recount(own)
        of_session = {"session_id"}
        assert found.model_dump(exclude=of_session) == expected.model_dump(exclude=of_session)
        assert (found.utterances, found.sentences, found.failures, found.no_speech) == (20, 10, 5, 5)
    room = statistics_of(redis, f"room:{ROOM}")
    both = [statistics_of(redis, names.audience(session, None)) for session in (ALICE, BOB)]
    assert room.sentences == sum(point.count for point in room.timeline) == 20
    assert {label: known.count for label, known in room.sentiment.items()} == {
        label: sum(each.sentiment[label].count for each in both) for label in LABELS
    }


def test_a_final_that_came_late_is_not_part_of_the_sentence_that_was_joined_without_it(redis: Redis) -> None:
    """Its neighbours were analysed before it had a text; no text is shown twice or lost."""
    apply_all(redis, text(0), text(2, ALICE, 0), text(3, ALICE, 0, 2), text(1), text(4), text(5, ALICE, 4))
    released = [end for end in log_of(redis, f"room:{ROOM}") if isinstance(end, Final)]
    assert [(end.segment, end.continued_segment) for end in released] == [
        (0, None),
        (1, None),
        (2, None),
        (3, None),
        (4, None),
        (5, 4),
    ]
    assert [end.sentence for end in released] == [None] * 5 + ["sentence of 4"]
    assert statistics_of(redis, f"room:{ROOM}").sentences == 5


def older(end: Final) -> dict[str, Any]:
    """The final as a sentiment worker of an older version sends it."""
    fields: dict[str, Any] = json.loads(end.model_dump_json())
    return {name: value for name, value in fields.items() if name not in NEWER}


def test_a_final_of_an_older_worker_begins_a_sentence_and_ends_the_one_before(redis: Redis) -> None:
    """A newer worker joined the next text with both, but nobody shows that the older one's belongs to them."""
    Consumer(redis, "test", Releaser(redis, SETTINGS)).join()
    for end in (text(0), older(text(1)), text(2, ALICE, 0, 1), text(3), text(4, ALICE, 3)):
        data = json.dumps(end) if isinstance(end, dict) else end.model_dump_json()
        redis.xadd(RESULTS, {FIELD: data})
    Consumer(redis, "test", Releaser(redis, SETTINGS)).consume()
    released = [end for end in log_of(redis, f"room:{ROOM}") if isinstance(end, Final)]
    assert [end.continued_segment for end in released] == [None, None, None, None, 3]
    assert statistics_of(redis, f"room:{ROOM}").sentences == 4


def test_a_sentence_ends_where_an_older_listener_released_a_part_of_it(redis: Redis) -> None:
    """That one keeps the record of the sentence as it is, and counts each final as a sentence."""
    apply_all(redis, text(0), text(1, ALICE, 0))
    order = names.order(ALICE)
    kept = json.loads(redis.hget(order, "data") or "")["sentence"]
    apply_all(redis, text(2))
    stored = json.loads(redis.hget(order, "data") or "")
    redis.hset(order, "data", json.dumps(stored | {"sentence": kept}))
    apply_all(redis, text(3, ALICE, 0, 1), text(4), text(5, ALICE, 4))
    released = [end for end in log_of(redis, f"room:{ROOM}") if isinstance(end, Final)]
    assert [end.continued_segment for end in released] == [None, 0, None, None, None, 4]
    found = statistics_of(redis, f"room:{ROOM}")
    assert (found.utterances, found.sentences) == (6, 4)
    assert sum(known.count for known in found.sentiment.values()) == 4


def test_states_of_an_older_listener_are_continued(redis: Redis) -> None:
    """Its orders have no sentence and its statistics no continued finals: each final was a sentence."""
    apply_all(redis, text(0), text(1), text(3, ALICE, 0))
    for key in (names.order(ALICE), names.statistics(f"room:{ROOM}")):
        stored = json.loads(redis.hget(key, "data") or "")
        del stored["sentence" if key == names.order(ALICE) else "continued"]
        for waiting in stored.get("waiting", {}).values():
            for name in NEWER:
                del waiting[name]
        redis.hset(key, "data", json.dumps(stored))
    apply_all(redis, text(2, ALICE, 1), text(4), text(5, ALICE, 4))
    released = [end for end in log_of(redis, f"room:{ROOM}") if isinstance(end, Final)]
    assert [end.continued_segment for end in released] == [None, None, None, None, None, 4]
    found = statistics_of(redis, f"room:{ROOM}")
    assert (found.utterances, found.sentences, sum(known.count for known in found.sentiment.values())) == (6, 5, 5)
    totals = Totals.read(redis.hgetall(names.TOTALS))
    assert (totals.utterances, totals.sentences, sum(totals.labels.values())) == (6, 5, 5)
