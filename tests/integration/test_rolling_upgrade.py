"""Old and new side by side: what newer services add is ignored, and no utterance is lost.

The services of this version read messages of a simulated newer one. Before 0.2.0 unknown fields were refused, which
these tests show with ``extra="forbid"``: a listener deleted such results as unreadable.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from fastapi_service.storage.sessions import SessionStore
from infra.heartbeat import Heartbeat, alive_instances
from infra.ledger.admission import Admission
from infra.ledger.ledger import Ledger
from infra.results import FIELD
from listener_service import consumer as consumer_module
from listener_service.consumer import GROUP, STREAM, Consumer
from listener_service.release import Releaser
from listener_service.settings import Settings
from listener_service.sweeper import Sweeper
from tests.support.eventually import soon
from tests.support.followers import WITHIN_S
from tests.support.followers import gateway as connected_gateway
from tests.support.published import older_gateway
from tests.support.redis import AsyncRedis, Redis, queue_depth
from tests.support.speakers import audio_job, final, text_job
from wire import names
from wire.messages.channels import FinalStats, ResultMessage
from wire.messages.client import Start
from wire.messages.jobs import AnalyzeText, TranscribeAudio
from wire.messages.results import Final, NoSpeech, SegmentFailed, read_segment_end, segment_end
from wire.messages.server import People, server_message
from wire.messages.statistics import AnyStatistics
from wire.totals import Totals

TTL_S = 600
UNKNOWN = '{"type": "from_the_future", "session_id": "?"}'


class NewerTranscribeAudio(TranscribeAudio):
    urgency: str = "high"


class NewerAnalyzeText(AnalyzeText):
    urgency: str = "high"


class Receiver:
    """A connection of a gateway."""

    def __init__(self) -> None:
        self.results: dict[int, Final | NoSpeech | SegmentFailed] = {}
        self.versions: list[int] = []

    def on_result(self, seq: int, message: Final | NoSpeech | SegmentFailed) -> None:
        self.results[seq] = message

    def on_statistics(self, statistics: AnyStatistics) -> None:
        self.versions.append(statistics.version)

    def on_people(self, people: People) -> None: ...

    def on_missed(self) -> None: ...

    def on_newest(self, seq: int) -> bool:
        raise AssertionError(seq)


def newer(text: str) -> str:
    """The message as a newer version writes it: another field in each object that is not a table of figures."""
    return json.dumps(_with_more_fields(json.loads(text)))


def _with_more_fields(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_more_fields(item) for item in value]
    if not isinstance(value, dict):
        return value
    more = {name: _with_more_fields(inner) for name, inner in value.items()}
    return more if "negative" in value else more | {"from_the_future": {"depth": 1}}


@asynccontextmanager
async def gateway(url: str, audience: str) -> AsyncIterator[Receiver]:
    """A gateway's subscriber of this version, with one connection."""
    receiver = Receiver()
    async with connected_gateway(url) as here:
        await here.subscriber.join([audience], receiver)
        yield receiver


def listener(redis: Redis, name: str = "this version", abandoned_ms: int = 60_000) -> Consumer:
    consumer = Consumer(redis, name, Releaser(redis, Settings()), abandoned_ms=abandoned_ms)
    consumer.join()
    return consumer


async def test_an_utterance_passes_through_services_of_two_versions(
    redis: Redis, aredis: AsyncRedis, redis_url: str
) -> None:
    """Newer gateway → ledger → newer workers → listener → gateway → client of this version: the text arrives."""
    record, _ = await SessionStore(aredis, TTL_S).create(Start())
    session_id, audience = record.session_id, names.audience(record.session_id, None)

    job = NewerTranscribeAudio(**audio_job(0, session_id).model_dump())
    assert await Admission(aredis).admit(record.owner, job, b"\0\0", 16_000, TTL_S) == "admitted"
    ledger = Ledger(redis)
    (entry,) = ledger.pending(10)
    assert entry.job == audio_job(0, session_id), "the sweeper can send it"
    received = TranscribeAudio.model_validate(job.model_dump(mode="json"))
    assert ledger.claim(received, "stt", "worker").verdict == "claimed"
    assert ledger.advance(received, NewerAnalyzeText(**text_job(0, session_id).model_dump()), None)
    (entry,) = ledger.pending(10)
    assert entry.job == text_job(0, session_id)

    result = newer(final(0, session_id).model_dump_json())
    with pytest.raises(ValidationError):
        segment_end.validate_json(result, extra="forbid")
    async with gateway(redis_url, audience) as receiver:
        redis.xadd(STREAM, {FIELD: result})
        with capture_logs() as logs:
            listener(redis).consume()
        await soon(lambda: 1 in receiver.results and receiver.versions == [1])
    assert [line for line in logs if line["log_level"] == "error"] == []
    assert redis.xlen(STREAM) == 0
    assert redis.zcard(names.PENDING) == 0

    released = receiver.results[1]
    assert isinstance(released, Final)
    assert released.text == final(0, session_id).text
    assert server_message.validate_json(newer(released.model_dump_json())) == released


async def test_envelopes_of_a_newer_listener_reach_the_receivers(redis: Redis, redis_url: str) -> None:
    """More fields in the envelope, the result and its clock."""
    session_id = "a" * 32
    audience = names.audience(session_id, None)
    envelope = ResultMessage(audience=audience, seq=1, message=final(0))
    async with gateway(redis_url, audience) as receiver:
        redis.publish(names.result_messages(audience), newer(envelope.model_dump_json()))
        await soon(lambda: 1 in receiver.results)
    assert receiver.results[1] == final(0)


async def test_gateways_of_two_versions_get_the_same(redis: Redis, redis_url: str) -> None:
    """One that is older than a channel for each audience, and one of this version."""
    audience = names.audience("a" * 32, None)
    with older_gateway(redis) as older:
        async with gateway(redis_url, audience) as receiver:
            for segment in range(3):
                redis.xadd(STREAM, {FIELD: final(segment).model_dump_json()})
            listener(redis).consume()
            await soon(lambda: len(receiver.results) == 3 and receiver.versions[-1:] == [3], WITHIN_S)
        results = [ResultMessage.model_validate_json(data) for data in older.on(names.RESULT_MESSAGES, 3)]
        figures = [FinalStats.model_validate_json(data) for data in older.on(names.FINAL_STATS, 3)]
    assert {each.seq: each.message for each in results} == receiver.results
    assert [each.message.version for each in figures] == receiver.versions == [1, 2, 3]


async def test_a_listener_older_than_the_channels_is_read_by_the_slow_poll(redis: Redis, redis_url: str) -> None:
    """It publishes for all audiences at once, which this gateway does not follow: what it released is in the log."""
    session_id = "a" * 32
    audience = names.audience(session_id, None)
    async with connected_gateway(redis_url, poll_s=0.2) as here:
        follower, _ = await here.enter(session_id)
        for seq in (1, 2):
            envelope = ResultMessage(audience=audience, seq=seq, message=final(seq), id=f"{seq}-0", previous="0-0")
            redis.xadd(names.log(audience), {FIELD: final(seq).model_dump_json(exclude={"seq"})}, id=f"{seq}-0")
            redis.publish(names.RESULT_MESSAGES, envelope.model_dump_json())
        await soon(lambda: follower.seqs == [1, 2], WITHIN_S)


async def test_a_newer_process_counts_as_alive(redis: Redis, aredis: AsyncRedis) -> None:
    """Readiness does not fail in the middle of an upgrade."""
    beat = Heartbeat(service=names.STT_WORKER, instance="new", started=0.0, ready=True, reason=None)
    redis.set(names.heartbeat(names.STT_WORKER, "new"), newer(beat.model_dump_json()))
    redis.sadd(names.heartbeat_index(names.STT_WORKER), "new")
    assert await alive_instances(aredis, names.STT_WORKER) == [beat]


def test_a_result_of_unknown_type_waits_for_a_newer_listener(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """This version neither releases nor deletes it, and reports it once; what follows is released."""
    redis.xadd(STREAM, {FIELD: UNKNOWN})
    redis.xadd(STREAM, {FIELD: final(0).model_dump_json()})
    consumer = listener(redis, abandoned_ms=0)
    with capture_logs() as logs:
        consumer.consume()
        consumer.take_over()
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["result left to a newer listener"]
    assert redis.xlen(STREAM) == 1
    assert redis.xpending(STREAM, GROUP)["pending"] == 1

    monkeypatch.setattr(consumer_module, "read_segment_end", lambda _text: final(1))
    listener(redis, "newer version", abandoned_ms=0).take_over()
    assert redis.xlen(STREAM) == 0
    assert redis.xlen(names.log(names.audience("a" * 32, None))) == 2


def test_listeners_of_two_versions_take_over_in_turn(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one period, an old listener that always comes first does not keep a result from a newer one."""
    period_ms = 200
    old, new = (listener(redis, name, abandoned_ms=period_ms) for name in ("this version", "newer version"))

    def read_as_newer(text: str) -> Final | NoSpeech | SegmentFailed | None:
        return final(0) if text == UNKNOWN else read_segment_end(text)

    redis.xadd(STREAM, {FIELD: UNKNOWN})
    old.consume()
    for _ in range(3):
        time.sleep(period_ms / 2_000)
        old.take_over()
        time.sleep(period_ms / 2_000)
        with monkeypatch.context() as upgraded:
            upgraded.setattr(consumer_module, "read_segment_end", read_as_newer)
            new.take_over()
    assert redis.xlen(STREAM) == 0
    assert redis.xlen(names.log(names.audience("a" * 32, None))) == 1
    old.take_over()
    assert old._kept == set(), "it is forgotten when a newer listener has released it"


def test_a_state_of_a_newer_listener_passes_through_this_one(redis: Redis) -> None:
    """Fields that it does not know stay in the order, in the statistics of a session and in the totals."""
    old = listener(redis)
    order, audience = names.order("a" * 32), names.audience("a" * 32, None)
    for segment in (0, 2):
        redis.xadd(STREAM, {FIELD: final(segment).model_dump_json()})
    old.consume()
    redis.hset(names.TOTALS, mapping={"from_the_future": 7, "futures:far": 8})
    for key in (order, names.statistics(audience)):
        stored = json.loads(redis.hget(key, "data") or "")
        for record in (stored, *stored.get("waiting", {}).values()):
            record["from_the_future"] = {"depth": 1}
        redis.hset(key, "data", json.dumps(stored))
    redis.xadd(STREAM, {FIELD: final(3).model_dump_json()})
    old.consume()
    stored = json.loads(redis.hget(order, "data") or "")
    assert stored["from_the_future"] == stored["waiting"]["2"]["from_the_future"] == {"depth": 1}
    redis.xadd(STREAM, {FIELD: final(1).model_dump_json()})
    old.consume()
    stored = json.loads(redis.hget(order, "data") or "")
    assert (stored["next_segment"], stored["from_the_future"]) == (4, {"depth": 1})
    tally = json.loads(redis.hget(names.statistics(audience), "data") or "")
    assert (tally["ended"], tally["from_the_future"]) == (4, {"depth": 1})
    totals = redis.hgetall(names.TOTALS)
    assert (totals["ended"], totals["from_the_future"], totals["futures:far"]) == ("4", "7", "8")
    assert Totals.read(totals).ended == 4


def test_a_result_before_one_of_unknown_type_is_left_to_a_newer_listener(redis: Redis) -> None:
    """It stays in the stream, without an error, and the state as it is; other sessions go on."""
    order = names.order("a" * 32)
    state = {"version": "1", "data": '{"next_segment": 0, "waiting": {"1": {"type": "from_the_future"}}}'}
    redis.hset(order, mapping=state)
    for result in (final(0), final(0, "b" * 32)):
        redis.xadd(STREAM, {FIELD: result.model_dump_json()})
    old = listener(redis, abandoned_ms=0)
    with capture_logs() as logs:
        old.consume()
        old.take_over()
    left = [line["event"] for line in logs if line["event"] != "result released"]
    assert left == ["result left to a newer listener"]
    assert redis.xlen(STREAM) == redis.xpending(STREAM, GROUP)["pending"] == 1
    assert redis.hgetall(order) == state
    assert redis.xlen(names.log(names.audience("b" * 32, None))) == 1


async def test_a_job_of_unknown_type_is_left_to_a_newer_sweeper(redis: Redis, aredis: AsyncRedis) -> None:
    """This version's sweeper does not give the utterance up as damaged."""
    record, _ = await SessionStore(aredis, TTL_S).create(Start())
    job = audio_job(0, record.session_id)
    await Admission(aredis).admit(record.owner, job, b"\0\0", 16_000, TTL_S)
    entry = names.ledger_entry(names.ledger_member(record.session_id, 0))
    redis.hset(entry, mapping={"job": UNKNOWN, "sent_at": 0})
    sent: list[TranscribeAudio | AnalyzeText] = []
    sweeper = Sweeper(redis, "this version", sent.append, depth=partial(queue_depth, redis))
    sweeper.sweep()
    assert (sent, redis.xlen(STREAM), redis.zcard(names.PENDING)) == ([], 0, 1)
    redis.hset(entry, mapping={"job": "damaged"})
    sweeper.sweep()
    assert redis.xlen(STREAM) == 1, "what is damaged is given up at once, as before"
