"""Voices through Redis: each result gets its voice once and in order, whichever listener releases it."""

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from infra.ledger.entry import order_ttl_s
from infra.results import FIELD
from infra.voiceprints import EXPIRES_S, Voiceprint, put_voiceprint
from listener_service.release import Releaser
from listener_service.settings import Settings
from tests.support.redis import Redis, connect
from tests.support.releases import put_in_stream
from tests.support.speakers import ALICE, BOB, final, no_speech, sentiment
from wire import names
from wire.messages.results import Final, NoSpeech, SegmentFailed, segment_end

SETTINGS = Settings()
RESULTS = names.stream(names.RESULT_CHANNEL)
ROOM = "kitchen"
PEOPLE = (0, 1, 0, 2, 1, 0, 2, 2, 1)

End = Final | NoSpeech | SegmentFailed


def voiceprint(person: int, seed: int) -> Voiceprint:
    """An utterance of one of several people."""
    noise = np.random.default_rng(seed).normal(size=192).astype(np.float32)
    vector = np.eye(192, dtype=np.float32)[person] + 0.5 * noise / np.linalg.norm(noise)
    return Voiceprint.of("campplus", 3.0, vector.astype(np.float32))


def say(redis: Redis, session: str) -> list[End]:
    """Store the voices of a conversation as workers do, and return its results."""
    ends: list[End] = []
    for segment, person in enumerate(PEOPLE):
        put_voiceprint(redis, session, segment, voiceprint(person, segment))
        ends.append(final(segment, session, room=ROOM, mood=sentiment()))
    return [*ends, no_speech(len(PEOPLE), session, room=ROOM)]


def log_of(redis: Redis, audience: str) -> list[End]:
    return [segment_end.validate_json(fields[FIELD]) for _, fields in redis.xrange(names.log(audience))]


def voices_of(ends: list[End], session: str) -> list[int | None]:
    return [end.voice for end in ends if isinstance(end, Final) and end.session_id == session]


@pytest.mark.parametrize("seed", range(3))
def test_voices_are_the_same_in_any_order_of_arrival_and_with_many_listeners(redis_url: str, seed: int) -> None:
    """Two sessions of a room, results shuffled and repeated, four listeners: as if they had come in order to one."""
    redis = connect(redis_url)
    results = say(redis, ALICE) + say(redis, BOB)
    shuffled = results + random.Random(seed).sample(results, 5)
    random.Random(seed).shuffle(shuffled)
    stream = put_in_stream(redis, shuffled)
    with ThreadPoolExecutor(4) as listeners:
        for source, end in stream:
            listeners.submit(Releaser(connect(redis_url), SETTINGS).apply, source, end)
    ends = log_of(redis, names.room_audience(ROOM))
    assert len(ends) == len(results)
    for session in (ALICE, BOB):
        assert voices_of(ends, session) == [person + 1 for person in PEOPLE]


def test_nothing_of_a_voice_is_left_after_its_release(redis_url: str) -> None:
    """The voiceprints are deleted; the means of the voices are in one key, which lives as long as the session."""
    redis = connect(redis_url)
    stream = put_in_stream(redis, say(redis, ALICE))
    key = names.voiceprint(ALICE, 0)
    assert 0 < redis.ttl(key) <= EXPIRES_S
    for source, end in stream:
        Releaser(redis, SETTINGS).apply(source, end)
    assert not redis.keys(names.voiceprint(ALICE, 0)[:-1] + "*")
    assert 0 < redis.ttl(names.voices(ALICE)) <= SETTINGS.session_ttl_s < order_ttl_s(SETTINGS.session_ttl_s)
    logs = [name for name in redis.keys("*") if "stream" in name or "log" in name]
    stored = [*map(redis.hgetall, set(redis.keys("*")) - {names.voices(ALICE), *logs}), *map(redis.xrange, logs)]
    for segment, person in enumerate(PEOPLE):
        assert voiceprint(person, segment).numbers not in repr(stored)


def test_without_voiceprints_nothing_is_written_about_voices(redis_url: str) -> None:
    """As with workers that tell no speakers apart, or are older."""
    redis = connect(redis_url)
    for source, end in put_in_stream(redis, [final(0), final(1)]):
        Releaser(redis, SETTINGS).apply(source, end)
    assert not redis.exists(names.voices(ALICE))
    assert all('"voice"' not in fields[FIELD] for _, fields in redis.xrange(names.log(names.audience(ALICE, None))))


def test_a_damaged_voiceprint_holds_up_no_text(redis_url: str) -> None:
    """The text comes without a voice."""
    redis = connect(redis_url)
    redis.hset(names.voiceprint(ALICE, 0), mapping={"data": "{"})
    for source, end in put_in_stream(redis, [final(0)]):
        Releaser(redis, SETTINGS).apply(source, end)
    assert voices_of(log_of(redis, names.audience(ALICE, None)), ALICE) == [None]
