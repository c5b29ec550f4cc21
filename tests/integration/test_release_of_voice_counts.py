"""Statistics of voices through Redis: each text once, by several listeners at once, as a recount of the export does."""

import json
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastapi_service.storage.deletion import Deletion
from fastapi_service.storage.sessions import SessionStore
from infra.results import FIELD
from infra.voiceprints import Voiceprint, put_voiceprint
from listener_service.leftovers import Leftovers
from listener_service.release import Releaser
from listener_service.settings import Settings
from tests.support.everything import keys_with
from tests.support.published import published
from tests.support.redis import AsyncRedis, Redis, connect
from tests.support.releases import put_in_stream
from tests.support.speakers import ALICE, BOB, clock, failed, final, no_speech, sentiment
from tests.support.voice_recounts import exported, recounted_voices
from wire import names
from wire.messages.base import Speaker
from wire.messages.channels import FinalStats
from wire.messages.client import Start
from wire.messages.results import LABELS, Final, NoSpeech, SegmentFailed, segment_end
from wire.messages.statistics import Statistics, VoiceStatistics

SETTINGS = Settings()
RESULTS = names.stream(names.RESULT_CHANNEL)
ROOM = "kitchen"
COUNTED = ("longest_monologue_ms", "monologues")
"""Parts of the figures and of the counts of voices."""
PEOPLE = {ALICE: "a" * 16, BOB: "b" * 16}

End = Final | NoSpeech | SegmentFailed


def voiceprint(degrees: float, person: int = 0) -> Voiceprint:
    """A voice at an angle to that of a person: beyond 56 degrees it is another one, within 53 two become one."""
    vector = np.zeros(192, dtype=np.float32)
    vector[2 * person], vector[2 * person + 1] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return Voiceprint.of("campplus", 4.0, vector)


VOICES = [voiceprint(0), voiceprint(60), voiceprint(0, 1), voiceprint(0, 2), voiceprint(5), voiceprint(57)]
VOICES += [voiceprint(2, 1), voiceprint(55), voiceprint(8), voiceprint(30), voiceprint(3, 2), voiceprint(28)]
"""Four voices at first; with the tenth the first two turn out to be one."""


def talk(redis: Redis, session: str, *, room: str | None) -> list[End]:
    """Store the voices of a session as workers do, and return its results."""
    ends: list[End] = []
    for n in range(2 * len(VOICES)):
        speaker = Speaker(person=PEOPLE[session], name="Alice" if session == ALICE else None)
        mood = sentiment(LABELS[n % 3], 0.5 + n % 40 / 100)
        end: End = final(n, session, room=room, mood=mood if n % 7 else None)
        if n % 9 == 8:
            end = no_speech(n, session, room=room) if n % 2 else failed(n, session, room=room)
        elif n % 4 == 3 and isinstance(end, Final):
            end = end.continuing(n - 1, n - 1, "a sentence")
        start_ms = 2_700 * n
        at = 1_790_000_000.0 + (session == BOB) * 0.7 + (start_ms + 2_500) / 1000
        times = {"start_ms": start_ms, "end_ms": start_ms + 2_500, "clock": clock(at)}
        ends.append(end.model_copy(update={"speaker": speaker, **times}))
        if n % 10 != 5:  # too short for a voice
            put_voiceprint(redis, session, n, VOICES[n // 2])
    return ends


def log_of(redis: Redis, audience: str) -> list[End]:
    return [segment_end.validate_json(fields[FIELD]) for _, fields in redis.xrange(names.log(audience))]


def voices_of(redis: Redis, session: str) -> tuple[VoiceStatistics, ...] | None:
    message = redis.hget(names.statistics(names.audience(session, None)), "message")
    return Statistics.model_validate_json(message or "").voices


def listen(url: str, entries: list[tuple[str, End]], seed: int) -> None:
    """Let each of three listeners apply all results, in its own order and with repeats."""

    def work(number: int) -> None:
        with connect(url) as client:
            releaser = Releaser(client, SETTINGS)
            for source, result in random.Random(10 * seed + number).sample(entries * 2, len(entries) * 2):
                releaser.apply(source, result)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))


@pytest.mark.parametrize("seed", range(2))
async def test_listeners_at_once_count_each_voice_once(
    redis: Redis, aredis: AsyncRedis, redis_url: str, seed: int
) -> None:
    """Two microphones in a room, with voices that turn out to be one: each voice of each is as the export says."""
    with published(redis) as of_room:
        listen(redis_url, put_in_stream(redis, talk(redis, ALICE, room=ROOM) + talk(redis, BOB, room=ROOM)), seed)
        messages = of_room.on(names.final_stats(names.room_audience(ROOM)), 1)
    released = log_of(redis, names.room_audience(ROOM))
    assert len(released) == 4 * len(VOICES)
    merged = [end.merged_voices for end in released if isinstance(end, Final) and end.merged_voices]
    assert merged == [{2: 1}, {2: 1}]
    entries = exported(released)
    assert {entry["speaker"] for entry in entries} >= {f"Alice, voice {number}" for number in (1, 3, 4)}
    people = {each.person: each for each in await SessionStore(aredis, 600).person_statistics(ROOM)}
    for session, person in PEOPLE.items():
        expected = recounted_voices(entries, session, SETTINGS.trend_window)
        assert [row.voice for row in expected] == [1, 3, 4]
        assert voices_of(redis, session) == people[person].voices == expected
        finals = [end for end in released if isinstance(end, Final) and end.session_id == session]
        assert sum(row.utterances for row in expected) == sum(end.voice is not None for end in finals)
    newest = FinalStats.model_validate_json(messages[-1])
    assert newest.person is not None
    assert newest.person.voices == people[newest.person.person].voices
    assert newest.message.voices is None


def test_a_private_session_has_its_voices_in_its_statistics(redis: Redis, redis_url: str) -> None:
    """Without a room nothing else says them."""
    listen(redis_url, put_in_stream(redis, talk(redis, ALICE, room=None)), 1)
    released = log_of(redis, names.audience(ALICE, None))
    assert voices_of(redis, ALICE) == recounted_voices(exported(released), ALICE, SETTINGS.trend_window)


def test_without_voices_nothing_is_written_about_them(redis: Redis) -> None:
    """Neither in the states nor in the messages, also in a room."""
    releaser = Releaser(redis, SETTINGS)
    for source, end in put_in_stream(redis, [final(0, room=ROOM), final(1, room=ROOM)]):
        releaser.apply(source, end)
    assert keys_with(redis, "voices") == set()


@pytest.mark.parametrize("room", [None, ROOM])
async def test_a_deleted_conversation_leaves_nothing_of_its_voices(
    redis: Redis, aredis: AsyncRedis, room: str | None
) -> None:
    """They are in keys that go with the session and the room."""
    record, token = await SessionStore(aredis, 600).create(Start(room=room))
    session, releaser = record.session_id, Releaser(redis, SETTINGS)
    for n, vector in enumerate(VOICES):
        put_voiceprint(redis, session, n, vector)
    for source, end in put_in_stream(redis, [final(n, session, room=room) for n in range(len(VOICES))]):
        releaser.apply(source, end)
    of_room = {names.person_statistics(ROOM), names.statistics(names.room_audience(ROOM))} if room else set()
    assert keys_with(redis, *COUNTED) == {names.statistics(names.audience(session, None))} | of_room
    await Deletion(aredis, 600).delete(session, token)
    assert keys_with(redis, *COUNTED) == set()
    assert Leftovers(redis).remove()
    assert keys_with(redis, *COUNTED) == set()


def test_listeners_of_two_versions_leave_each_others_counts(redis: Redis) -> None:
    """An older one writes neither counts nor figures of voices; a newer one goes on with those that it finds."""
    releaser = Releaser(redis, SETTINGS)
    entries = put_in_stream(redis, talk(redis, ALICE, room=None)[:3])
    for source, end in entries[:2]:
        releaser.apply(source, end)
    key = names.statistics(names.audience(ALICE, None))
    before = json.loads(redis.hget(key, "message") or "")
    older = {name: value for name, value in before.items() if name != "voices"}
    redis.hset(key, mapping={"version": "7", "message": json.dumps(older)})
    assert voices_of(redis, ALICE) is None
    releaser.apply(*entries[2])
    rows = voices_of(redis, ALICE)
    assert rows == recounted_voices(exported(log_of(redis, names.audience(ALICE, None))), ALICE, 20)
