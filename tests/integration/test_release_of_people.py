"""People of a room through Redis: each counted once, by several listeners at once, as a recount of the log does."""

import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from fastapi_service.export.entries import Speakers
from fastapi_service.export.formats import FORMATS, File
from fastapi_service.export.sentences import Sentences
from fastapi_service.storage.sessions import SessionStore
from infra.results import FIELD
from listener_service.conversation import Conversation
from listener_service.release import Releaser
from listener_service.settings import Settings
from listener_service.tally import Tally
from tests.support.published import published
from tests.support.recounts import Said, recount
from tests.support.redis import AsyncRedis, Redis, connect
from tests.support.releases import put_in_stream
from tests.support.speakers import ALICE, BOB, clock, failed, final, no_speech, sentiment
from wire import names
from wire.messages.base import Speaker
from wire.messages.channels import FinalStats
from wire.messages.results import LABELS, Final, NoSpeech, SegmentFailed, segment_end
from wire.messages.statistics import PersonStatistics, Statistics
from wire.people import person_id

SETTINGS = Settings()
RESULTS = names.stream(names.RESULT_CHANNEL)
ROOM = "kitchen"
SESSIONS = {ALICE: "a" * 16, BOB: "b" * 16, "c" * 32: "a" * 16}
"""Session → person: Alice has left and come back."""

End = Final | NoSpeech | SegmentFailed


def talk(session: str, count: int) -> list[End]:
    """Results of a session that began when its id says; every fifth is a noise, every sixth failed."""
    ends: list[End] = []
    for n in range(count):
        speaker = Speaker(person=SESSIONS[session], name="Alice" if n % 2 else None, role="agent")
        start_ms = 2_500 * n
        at = 1_790_000_000.0004 + (session == BOB) * 0.70019 + (session[0] == "c") * 20 + (start_ms + 3_000) / 1000
        mood = sentiment(LABELS[n % 3], 0.5 + n % 40 / 100)
        end: End = final(n, session, room=ROOM, mood=mood)
        if n % 5 == 4:
            end = no_speech(n, session, room=ROOM)
        elif n % 6 == 5:
            end = failed(n, session, room=ROOM)
        elif n % 5 == 1 and isinstance(end, Final):
            end = end.continuing(n - 1, n - 1, "a sentence")
        times = {"start_ms": start_ms, "end_ms": start_ms + 3_000, "clock": clock(at)}
        ends.append(end.model_copy(update={"speaker": speaker, **times}))
    return ends


def log_of(redis: Redis) -> list[End]:
    return [segment_end.validate_json(fields[FIELD]) for _, fields in redis.xrange(names.log(f"room:{ROOM}"))]


def room_of(redis: Redis) -> Statistics:
    return Statistics.model_validate_json(redis.hget(names.statistics(f"room:{ROOM}"), "message") or "")


def exported(released: list[End]) -> list[Said]:
    """Read all utterances from the exported JSON; a sentence has several."""
    speakers, sentences = Speakers(), Sentences()
    entries = [end for end in released if not isinstance(end, NoSpeech)]
    for end in entries:
        speakers.note(end)
        sentences.note(end)
    file = File(FORMATS["json"], speakers.by_session(), sentences)
    written = json.loads(file.head() + file.entries(entries) + file.tail())["entries"]
    return [
        Said(entry["person"], one["start_ms"], one["end_ms"])
        for entry in written
        for one in entry["utterances"]
        if not entry["failed"]
    ]


def recounted(released: list[End]) -> Conversation:
    """Count the log from its beginning, with the clock of each session by its first entry."""
    began: dict[str, int] = {}
    found = Conversation()
    for end in released:
        if not isinstance(end, NoSpeech):
            began.setdefault(end.session_id, end.began_ms)
        if isinstance(end, Final) and end.speaker is not None:
            found = found.add(end, end.speaker, began[end.session_id])
    return found


@pytest.mark.parametrize("seed", range(2))
async def test_listeners_at_once_count_each_person_once(
    redis: Redis, aredis: AsyncRedis, redis_url: str, seed: int
) -> None:
    """Each of three applies all results, in its own order and with repeats: totals and talk are those of the log."""
    entries = put_in_stream(redis, [end for session in SESSIONS for end in talk(session, 20)])

    def listen(number: int) -> None:
        with connect(redis_url) as client:
            releaser = Releaser(client, SETTINGS)
            for source, result in random.Random(10 * seed + number).sample(entries * 2, len(entries) * 2):
                releaser.apply(source, result)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(listen, range(3)))
    released = log_of(redis)
    assert len(released) == 60
    room = room_of(redis)
    assert room.conversation == recounted(released).figures()
    assert room.conversation is not None
    plain = recount(exported(released))
    unnamed = [row.model_copy(update={"name": None, "role": None}) for row in room.conversation.people]
    assert room.conversation.model_copy(update={"people": tuple(unnamed)}) == plain, "to the millisecond"
    assert [row.person for row in room.conversation.people] == ["a" * 16, "b" * 16]
    assert all(row.overlap_ms and row.share for row in room.conversation.people)
    found = {each.person: each for each in await SessionStore(aredis, 600).person_statistics(ROOM)}
    for person, statistics in found.items():
        own = [end for end in released if end.speaker is not None and end.speaker.person == person]
        finals = [end for end in own if isinstance(end, Final)]
        sentences = [end for end in finals if not end.continues]
        counted = (statistics.version, statistics.utterances, statistics.sentences, statistics.words)
        assert counted == (len(own), len(finals), len(sentences), 3 * len(finals))
        assert statistics.speech_ms == 3_000 * len(finals)
        assert sum(point.count for point in statistics.timeline) == len(sentences)
        assert sum(label.count for label in statistics.sentiment.values()) == len(sentences)
    assert sum(each.version for each in found.values()) == room.version == 60
    assert len(found) == 2


def test_statistics_of_a_person_come_with_those_of_the_room(redis: Redis) -> None:
    """In one envelope, so that both are of the same utterance; a private session has neither."""
    releaser = Releaser(redis, SETTINGS)
    with published(redis) as messages:
        for source, end in put_in_stream(redis, [*talk(ALICE, 2), final(0, "d" * 32)]):
            releaser.apply(source, end)
        envelopes = [FinalStats.model_validate_json(data) for data in messages.on(names.FINAL_STATS, 5)]
    assert [(each.audience.partition(":")[0], each.person and each.person.name) for each in envelopes] == [
        ("session", None),
        ("room", None),
        ("session", None),
        ("room", "Alice"),
        ("session", None),
    ]
    assert [each.message.conversation is None for each in envelopes] == [True, False, True, False, True]
    assert 0 < redis.ttl(names.person_statistics(ROOM)) <= SETTINGS.session_ttl_s
    assert "good morning" not in str(redis.hgetall(names.person_statistics(ROOM)))


async def test_people_beyond_those_with_figures_have_no_statistics(
    redis: Redis, aredis: AsyncRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each session may be another person: whoever enters gets a message for each of those who have, and no more."""
    monkeypatch.setattr("listener_service.counts.MAX_PEOPLE", 2)
    monkeypatch.setattr("listener_service.conversation.MAX_PEOPLE", 2)
    releaser = Releaser(redis, SETTINGS)
    sessions = [f"{number:032x}" for number in range(5)]
    with published(redis) as messages:
        for source, end in put_in_stream(redis, [final(0, session, room=ROOM) for session in [*sessions, ALICE]]):
            releaser.apply(source, end)
        more: list[End] = [no_speech(1, sessions[4], room=ROOM), final(1, sessions[0], room=ROOM)]
        for source, end in put_in_stream(redis, more):
            releaser.apply(source, end)
        envelopes = messages.on(names.final_stats(names.room_audience(ROOM)), 8)
    found = await SessionStore(aredis, 600).person_statistics(ROOM)
    expected = {person_id(sessions[0], ROOM, None): 2, person_id(sessions[1], ROOM, None): 1}
    assert {each.person: each.utterances for each in found} == expected
    assert len(redis.hgetall(names.person_statistics(ROOM))) == 3 * len(expected)
    room = room_of(redis)
    assert (room.version, room.utterances) == (8, 7)
    assert ['"person":{' in each for each in envelopes] == [True, True, *[False] * 5, True]


def test_a_result_of_an_older_service_is_of_its_session(redis: Redis) -> None:
    """It has no speaker; the id is that which a newer gateway gives a session without a key."""
    releaser = Releaser(redis, SETTINGS)
    for source, end in put_in_stream(redis, [final(0, ALICE, room=ROOM)]):
        releaser.apply(source, end)
    message = redis.hget(names.person_statistics(ROOM), f"{person_id(ALICE, ROOM, None)}:message")
    assert PersonStatistics.model_validate_json(message or "").utterances == 1


def test_an_older_listener_reads_what_this_one_has_stored(redis: Redis) -> None:
    """It has fewer fields and no other scopes; what it does not have stays, and the next sentence is counted again."""
    releaser = Releaser(redis, SETTINGS)
    first, second, third = talk(ALICE, 3)
    for source, end in put_in_stream(redis, [first, second, third])[:2]:
        releaser.apply(source, end)
    stored = json.loads(redis.hget(names.order(ALICE), "data") or "")
    assert set(stored["sentence"]["places"]) == {"session", "room", "global"}
    key = names.statistics(f"room:{ROOM}")
    tally = Tally.model_validate_json(redis.hget(key, "data") or "")
    older = tally.add(third, trend_window=20, latency_window=100)
    redis.hset(key, mapping={"version": "9", "data": older.model_dump_json(), "message": "{}"})
    assert Conversation.model_validate_json(redis.hget(key, "conversation") or "").recent
