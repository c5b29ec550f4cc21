"""The releaser: one result per utterance, in order, with statistics that a recount of the log confirms."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fastapi_service.storage.sessions import SessionStore
from infra.ledger.admission import Admission
from infra.ledger.entry import order_ttl_s
from infra.ledger.ledger import Ledger
from infra.results import FIELD
from listener_service.consumer import Consumer
from listener_service.order import Acceptance
from listener_service.release import Releaser
from listener_service.settings import Settings
from listener_service.states import Address, Stored
from listener_service.tally import Tally
from tests.support.everything import keys_with
from tests.support.published import Published, older_gateway
from tests.support.published import published as published_by_listeners
from tests.support.redis import AsyncRedis, Redis, connect
from tests.support.releases import put_in_stream
from tests.support.speakers import ALICE, BOB, audio_job, failed, final, no_speech, sentiment
from wire import names
from wire.messages.channels import FinalStats, ResultMessage
from wire.messages.client import Start
from wire.messages.results import Final, NoSpeech, SegmentEnd, SegmentFailed, segment_end
from wire.messages.statistics import Statistics
from wire.totals import Totals

SETTINGS = Settings()
RESULTS = names.stream(names.RESULT_CHANNEL)
LISTENERS = 4

End = Final | NoSpeech | SegmentFailed


def ends(session_id: str, count: int, room: str | None = None) -> list[End]:
    """Make results of all kinds, sentiments and languages."""
    kinds: list[Callable[[int], End]] = [
        lambda n: final(n, session_id, room=room, mood=sentiment("positive", 0.5 + n % 50 / 100)),
        lambda n: final(n, session_id, room=room, text="오늘 날씨가 좋네요", language="ko"),
        lambda n: no_speech(n, session_id, room=room),
        lambda n: final(n, session_id, room=room, mood=sentiment("negative", 0.9)),
        lambda n: failed(n, session_id, room=room),
    ]
    return [kinds[n % len(kinds)](n) for n in range(count)]


def log_of(redis: Redis, audience: str) -> list[tuple[int, End]]:
    """Return seq and result of everything released to an audience."""
    entries = redis.xrange(names.log(audience))
    return [(int(seq.partition("-")[0]), segment_end.validate_json(fields[FIELD])) for seq, fields in entries]


def statistics_of(redis: Redis, audience: str) -> Statistics:
    return Statistics.model_validate_json(redis.hget(names.statistics(audience), "message") or "")


def totals_of(redis: Redis) -> Totals:
    return Totals.read(redis.hgetall(names.TOTALS))


def counted(results: list[End]) -> Tally:
    tally = Tally()
    for end in results:
        tally = tally.add(end, trend_window=SETTINGS.trend_window, latency_window=SETTINGS.latency_window)
    return tally


def recount(results: list[End], session_id: str) -> Statistics:
    return counted(results).statistics("session", trend_window=SETTINGS.trend_window, session_id=session_id)


def apply_all(redis: Redis, results: list[End]) -> None:
    releaser = Releaser(redis, SETTINGS)
    for source, end in put_in_stream(redis, results):
        releaser.apply(source, end)


@pytest.fixture
def published(redis: Redis) -> Iterator[Published]:
    """What is published for audiences since the test began."""
    with published_by_listeners(redis) as messages:
        yield messages


def test_results_in_any_order_and_repeated_are_released_once_in_order(redis: Redis) -> None:
    """Shuffled and doubled results of two sessions give two logs, each with segments from 0 and seq from 1."""
    results = ends(ALICE, 20) + ends(BOB, 20)
    mixed = results * 2
    random.Random(1).shuffle(mixed)
    apply_all(redis, mixed)
    for session_id in (ALICE, BOB):
        released = log_of(redis, names.audience(session_id, None))
        assert [seq for seq, _ in released] == list(range(1, 21))
        assert [end.segment for _, end in released] == list(range(20))
        assert {end.session_id for _, end in released} == {session_id}
    assert redis.xlen(RESULTS) == 0
    assert redis.xpending(RESULTS, names.LISTENER_GROUP)["pending"] == 0


def test_statistics_equal_a_recount_of_the_log(redis: Redis) -> None:
    """To the last digit, for the session and over all sessions."""
    results = ends(ALICE, 30) + ends(BOB, 7)
    random.Random(2).shuffle(results)
    apply_all(redis, results)
    logs = {session_id: log_of(redis, names.audience(session_id, None)) for session_id in (ALICE, BOB)}
    for session_id, released in logs.items():
        expected = recount([end for _, end in released], session_id)
        assert statistics_of(redis, names.audience(session_id, None)) == expected
    everything = counted([end for released in logs.values() for _, end in released])
    assert totals_of(redis).model_dump() == everything.model_dump(include=set(Totals.model_fields))


def test_concurrent_listeners_count_each_utterance_once(redis: Redis, redis_url: str) -> None:
    """Each of several listeners applies all results, in its own order, at the same time."""
    entries = put_in_stream(redis, ends(ALICE, 25) + ends(BOB, 25))

    def listen(number: int) -> list[End]:
        with connect(redis_url) as client:
            releaser = Releaser(client, SETTINGS)
            mine = random.Random(number).sample(entries, len(entries))
            return [end for source, result in mine for end in releaser.apply(source, result).released]

    with ThreadPoolExecutor(LISTENERS) as pool:
        released = [end for ends_of_one in pool.map(listen, range(LISTENERS)) for end in ends_of_one]
    assert sorted((end.session_id, end.segment) for end in released) == [
        (session_id, segment) for session_id in (ALICE, BOB) for segment in range(25)
    ]
    for session_id in (ALICE, BOB):
        audience = names.audience(session_id, None)
        in_log = [end for _, end in log_of(redis, audience)]
        assert [end.segment for end in in_log] == list(range(25))
        assert statistics_of(redis, audience) == recount(in_log, session_id)
    assert totals_of(redis).ended == 50


def test_consumers_share_the_stream(redis: Redis, redis_url: str) -> None:
    """Several listeners read one stream as a group; together they release everything once."""
    put_in_stream(redis, random.Random(3).sample(ends(ALICE, 40), 40))

    def consume(number: int) -> None:
        with connect(redis_url) as client:
            consumer = Consumer(client, f"listener-{number}", Releaser(client, SETTINGS))
            while client.xlen(RESULTS):
                consumer.consume()

    with ThreadPoolExecutor(LISTENERS) as pool:
        list(pool.map(consume, range(LISTENERS)))
    assert [end.segment for _, end in log_of(redis, names.audience(ALICE, None))] == list(range(40))


async def test_ledger_is_empty_after_the_last_release(
    redis: Redis, aredis: AsyncRedis, keys: Callable[[str], set[str]]
) -> None:
    """An utterance leaves the ledger when it is released, not while its result waits for an earlier one."""
    record, _ = await SessionStore(aredis, 600).create(Start())
    for segment in range(3):
        await Admission(aredis).admit(record.owner, audio_job(segment, record.session_id), b"\0\0", segment, 600)
    first, *rest = put_in_stream(redis, ends(record.session_id, 3))
    releaser = Releaser(redis, SETTINGS)
    for source, end in rest:
        assert releaser.apply(source, end).outcome == "waiting"
    assert redis.xlen(RESULTS) == 1
    assert [entry.stage for entry in Ledger(redis).pending(10)] == ["stt", "done", "done"]
    assert redis.zcard(names.PENDING) == 3
    assert releaser.apply(*first).outcome == "released"
    assert redis.zcard(names.PENDING) == 0
    assert keys("wta:ledger:*") | keys("wta:audio:*") == set()


async def test_lost_order_continues_with_the_outstanding_utterances(redis: Redis, aredis: AsyncRedis) -> None:
    """Released segments are neither expected again nor released twice."""
    record, _ = await SessionStore(aredis, 600).create(Start())
    for segment in range(5):
        await Admission(aredis).admit(record.owner, audio_job(segment, record.session_id), b"\0\0", segment, 600)
    results = ends(record.session_id, 5)
    apply_all(redis, results[:3])
    redis.delete(names.order(record.session_id))
    apply_all(redis, [results[4], results[2], results[3]])
    assert [end.segment for _, end in log_of(redis, record.audience)] == [0, 1, 2, 3, 4]
    assert redis.zcard(names.PENDING) == 0


def test_an_older_gateway_gets_envelopes_with_their_id_and_the_one_before(redis: Redis) -> None:
    """On each channel the ids form a chain without gaps, and the stream holds the same messages."""
    with older_gateway(redis) as older:
        apply_all(redis, ends(ALICE, 3) + ends(BOB, 2, room="kitchen"))
        for channel, kind, count in (
            (names.RESULT_MESSAGES, ResultMessage, 5),
            (names.FINAL_STATS, FinalStats, 7),  # one per result of Alice, two per result of Bob: session and room
        ):
            envelopes = [kind.model_validate_json(data) for data in older.on(channel, count)]
            stored = redis.xrange(names.stream(channel))
            assert [envelope.id for envelope in envelopes] == [source for source, _ in stored]
            before = ["0-0", *(envelope.id for envelope in envelopes[:-1])]
            assert [envelope.previous for envelope in envelopes] == before
            for envelope, (_, fields) in zip(envelopes, stored, strict=True):
                plain = envelope.model_copy(update={"id": "", "previous": ""})
                assert kind.model_validate_json(fields[FIELD]) == plain


def test_an_older_gateway_gets_what_the_others_get(redis: Redis, published: Published) -> None:
    """Also one that comes later: the chain of ids goes on, and what was said before is in no stream."""
    apply_all(redis, [final(0)])
    assert redis.keys(names.stream(names.RESULT_MESSAGES)) == redis.keys(names.stream(names.FINAL_STATS)) == []
    with older_gateway(redis) as older:
        apply_all(redis, [final(1)])
        (result,) = older.on(names.RESULT_MESSAGES, 1)
        (figures,) = older.on(names.FINAL_STATS, 1)
    apply_all(redis, [final(2)])
    with older_gateway(redis) as older:
        apply_all(redis, [final(3)])
        (later,) = older.on(names.RESULT_MESSAGES, 1)
    known, unknown = {"id": "", "previous": ""}, ResultMessage.model_validate_json(later)
    assert ResultMessage.model_validate_json(result).id == unknown.previous
    results = [ResultMessage.model_validate_json(data) for data in published.on(names.RESULT_MESSAGES, 4)]
    assert [each.seq for each in results] == [1, 2, 3, 4]
    assert ResultMessage.model_validate_json(result).model_copy(update=known) == results[1]
    assert unknown.model_copy(update=known) == results[3]
    statistics = [FinalStats.model_validate_json(data) for data in published.on(names.FINAL_STATS, 4)]
    assert FinalStats.model_validate_json(figures).model_copy(update=known) == statistics[1]


def test_text_is_kept_in_the_log_alone(redis: Redis) -> None:
    """Of a released result nothing is in a stream of all audiences."""
    apply_all(redis, [final(0, ALICE, room="kitchen")])
    assert keys_with(redis, final(0).text) == {names.log("room:kitchen")}


def test_results_go_to_their_audience_only(redis: Redis, published: Published) -> None:
    """Results go to the session, or to its room if it is in one; none go to the global audience."""
    apply_all(redis, [final(0, ALICE), final(0, BOB, room="kitchen"), final(1, BOB, room="kitchen")])
    results = [ResultMessage.model_validate_json(data) for data in published.on(names.RESULT_MESSAGES, 3)]
    assert [(result.audience, result.seq) for result in results] == [
        (f"session:{ALICE}", 1),
        ("room:kitchen", 1),
        ("room:kitchen", 2),
    ]
    figures = [FinalStats.model_validate_json(data) for data in published.on(names.FINAL_STATS, 5)]
    assert [(figure.audience, figure.message.version) for figure in figures] == [
        (f"session:{ALICE}", 1),
        (f"session:{BOB}", 1),
        ("room:kitchen", 1),
        (f"session:{BOB}", 2),
        ("room:kitchen", 2),
    ]
    for audience, count in ((f"session:{ALICE}", 1), ("room:kitchen", 2)):
        messages = published.on(names.result_messages(audience), count)
        assert [ResultMessage.model_validate_json(data).audience for data in messages] == [audience] * count
        messages = published.on(names.final_stats(audience), count)
        assert [FinalStats.model_validate_json(data).audience for data in messages] == [audience] * count
    assert published.on(names.result_messages(f"session:{BOB}"), 0) == []
    room = next(figure.message for figure in figures if figure.audience == "room:kitchen")
    assert (room.scope, room.room, room.session_id) == ("room", "kitchen", None)
    assert log_of(redis, names.audience(BOB, None)) == []


def test_room_statistics_cover_all_its_sessions(redis: Redis) -> None:
    """Two sessions in a room share its log and statistics, and keep their own."""
    apply_all(redis, ends(ALICE, 4, room="kitchen") + ends(BOB, 3, room="kitchen"))
    assert [seq for seq, _ in log_of(redis, "room:kitchen")] == list(range(1, 8))
    assert statistics_of(redis, "room:kitchen").version == 7
    assert statistics_of(redis, names.audience(ALICE, None)).version == 4


def test_released_result_has_its_time_of_release(redis: Redis) -> None:
    """``clock.published`` is the time of release, not of arrival in the stream."""
    apply_all(redis, [final(0)])
    ((_, end),) = log_of(redis, names.audience(ALICE, None))
    assert end.clock.published == pytest.approx(redis.time()[0], abs=5)


def test_state_changed_during_planning_is_read_again(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another listener counted an utterance of the room between plan and write; both are counted."""
    releaser, other = Releaser(redis, SETTINGS), Releaser(redis, SETTINGS)
    (mine, theirs) = put_in_stream(redis, [final(0, ALICE, room="kitchen"), final(0, BOB, room="kitchen")])
    read = releaser._read
    interrupted: list[Acceptance] = []

    def interrupt(places: dict[str, Address], result: SegmentEnd) -> tuple[dict[str, Stored], bool]:
        states = read(places, result)
        if not interrupted:
            interrupted.append(other.apply(*theirs))
        return states

    monkeypatch.setattr(releaser, "_read", interrupt)
    assert releaser.apply(*mine).outcome == "released"
    assert (releaser.conflicts, other.conflicts) == (1, 0)
    assert statistics_of(redis, "room:kitchen").version == 2
    assert totals_of(redis).ended == 2


def test_states_expire_with_their_session_and_global_totals_never(redis: Redis) -> None:
    """No transcript is kept for ever. The streams for older gateways stay, and the sweeper trims them."""
    with older_gateway(redis):
        apply_all(redis, [final(0, ALICE, room="kitchen")])
    expiring = [
        names.log("room:kitchen"),
        names.statistics("room:kitchen"),
        names.statistics(names.audience(ALICE, None)),
    ]
    assert all(0 < redis.ttl(key) <= SETTINGS.session_ttl_s for key in expiring)
    assert redis.ttl(names.order(ALICE)) > order_ttl_s(SETTINGS.session_ttl_s) - 10
    assert redis.ttl(names.TOTALS) == -1
    for channel in (names.RESULT_MESSAGES, names.FINAL_STATS):  # else their ids could go back with the clock
        assert redis.ttl(names.stream(channel)) == -1  # and it exists
    assert "good morning" not in str(redis.hgetall(names.TOTALS))
