"""A deleted conversation: nothing of it is left in Redis, and whoever is still at work with it brings nothing back."""

import json
from contextlib import nullcontext
from dataclasses import dataclass

import pytest
from celery import Celery

from fastapi_service.storage import sessions
from fastapi_service.storage.deletion import Deletion
from fastapi_service.storage.grants import ORPHAN_TTL_S, SessionGrants
from fastapi_service.storage.record import SessionRecord
from fastapi_service.storage.sessions import SessionStore
from infra.celery_app import send_job
from infra.context import Context, Contexts
from infra.interim_requests import InterimRequests
from infra.ledger.admission import Admission, SessionDeleted
from infra.ledger.ledger import Ledger
from infra.results import publish_result
from infra.scratch import Scratch, ThreadScratch
from listener_service.consumer import Consumer
from listener_service.leftovers import SETTLED_S, Leftovers
from listener_service.queued_jobs import UNACKNOWLEDGED, UNACKNOWLEDGED_TIMES
from listener_service.release import Releaser
from listener_service.settings import Settings
from tests.support.everything import keys_with
from tests.support.published import older_gateway
from tests.support.redis import AsyncRedis, Redis, queue_depth
from tests.support.speakers import audio_job, final, text_job
from wire import names
from wire.errors import AccessError, ProtocolError
from wire.messages.client import Start
from wire.messages.jobs import TranscribePartial

TTL_S = 600
SECRET = "the secret that was said"
WORKER = "wta:alive:stt_worker:here"


@dataclass
class Conversation:
    """A session, and its token."""

    record: SessionRecord
    token: str

    @property
    def session_id(self) -> str:
        return self.record.session_id

    @property
    def resuming(self) -> Start:
        return Start(session_id=self.session_id, token=self.token)


class Setting:
    """The parts of gateway, workers and listener that store something."""

    def __init__(self, redis: Redis, aredis: AsyncRedis, celery: Celery) -> None:
        self.redis, self.aredis, self.celery = redis, aredis, celery
        self.store, self.admission = SessionStore(aredis, TTL_S), Admission(aredis)
        self.deletion, self.leftovers, self.ledger = Deletion(aredis, TTL_S), Leftovers(redis), Ledger(redis)
        self.consumer = Consumer(redis, "test", Releaser(redis, Settings()))
        self.consumer.join()

    async def begin(self, room: str | None = None) -> Conversation:
        return Conversation(*await self.store.create(Start(room=room, prompt=SECRET)))

    async def admit(self, of: Conversation, segment: int) -> None:
        job = audio_job(segment, of.session_id, room=of.record.room)
        verdict = await self.admission.admit(of.record.owner, job, SECRET.encode() * 2, 32_000, TTL_S)
        assert verdict == "admitted"

    def release(self, of: Conversation, segment: int) -> None:
        publish_result(self.redis, final(segment, of.session_id, room=of.record.room, text=SECRET))
        self.consumer.consume()

    async def speak(self, of: Conversation) -> None:
        """Leave something in every place: an utterance is released, another with the analyzer, another with Whisper."""
        scratch, session_id = Scratch(self.aredis), of.session_id
        for segment in range(3):
            await self.admit(of, segment)
        self.release(of, 0)
        transcribed = audio_job(1, session_id, room=of.record.room)
        analysis = text_job(1, session_id, room=of.record.room, text=SECRET)
        self.ledger.claim(transcribed, "stt", WORKER)
        assert self.ledger.advance(transcribed, analysis, "en")
        send_job(self.celery, analysis)
        send_job(self.celery, audio_job(2, session_id, room=of.record.room).model_copy(update={"prompt": SECRET}))
        (task,) = self.redis.lrange(names.STT_QUEUE, 0, -1)[:1]
        self.redis.hset(UNACKNOWLEDGED, f"tag-{session_id}", f'[{task}, "", "{names.STT_QUEUE}"]')
        self.redis.zadd(UNACKNOWLEDGED_TIMES, {f"tag-{session_id}": 1.0})
        await scratch.put(names.partial_audio(session_id, 3, 1), session_id, SECRET, 10)
        interim = {"session_id": session_id, "segment": 3, "revision": 2, "purpose": "interim", "prompt": SECRET}
        place = {"start_ms": 0, "audio_key": "k", "reply_to": "c"}
        request = TranscribePartial.model_validate(interim | place)
        assert await InterimRequests(self.aredis).put(request, SECRET.encode() * 2)
        await Contexts(self.aredis).put(session_id, 3, Context(b"\1\0", SECRET, "en"))
        ThreadScratch(self.redis).put(names.sentence(session_id, 0), session_id, SECRET, 60)
        publish_result(self.redis, final(9, session_id, room=of.record.room, text=SECRET))  # nobody has read it

    async def delete(self, of: Conversation) -> None:
        """Delete, and let the sweeper go through once."""
        await self.deletion.delete(of.session_id, of.token)
        assert self.leftovers.remove()

    def left_of(self, *conversations: Conversation) -> set[str]:
        """The keys that still say something of them, but for the marks and statistics over all."""
        marks = {names.deleted(of.session_id) for of in conversations}
        return keys_with(self.redis, *(of.session_id for of in conversations)) - marks - {names.DELETING}


@pytest.fixture
def setting(redis: Redis, aredis: AsyncRedis, celery: Celery, redis_url: str) -> Setting:
    assert redis_url
    return Setting(redis, aredis, celery)


@pytest.mark.parametrize("has_older_gateway", [False, True])
@pytest.mark.parametrize("room", [None, "küche"])
async def test_a_deleted_conversation_leaves_nothing(
    setting: Setting, room: str | None, has_older_gateway: bool
) -> None:
    """No key, no job, no entry of a stream; only its numbers in the statistics over all, which hold no text."""
    spoken, other = await setting.begin(room), await setting.begin()
    with older_gateway(setting.redis) if has_older_gateway else nullcontext():
        await setting.speak(spoken)
        await setting.speak(other)
    streams = {names.stream(channel) for channel in (names.RESULT_MESSAGES, names.FINAL_STATS)}
    assert streams & keys_with(setting.redis, spoken.session_id) == (streams if has_older_gateway else set())
    before = setting.left_of(other)
    assert len(setting.left_of(spoken)) > 12
    await setting.delete(spoken)
    assert setting.left_of(spoken) == set()
    assert setting.left_of(other) == before
    await setting.delete(other)
    assert keys_with(setting.redis, SECRET, other.session_id) == {names.deleted(other.session_id), names.DELETING}
    assert room is None or keys_with(setting.redis, f"room:{room}", json.dumps(room)) == {names.DELETING}
    assert setting.redis.hget(names.TOTALS, "ended") == "2"


async def test_what_can_be_read_is_gone_before_the_sweeper_comes(setting: Setting) -> None:
    """The listener may be down."""
    spoken = await setting.begin("kitchen")
    await setting.speak(spoken)
    await setting.deletion.delete(spoken.session_id, spoken.token)
    assert await setting.store.audience(spoken.session_id, spoken.token) is None
    gone = {*names.session_keys(spoken.session_id, "kitchen")}
    assert not gone & {*setting.redis.keys("*")}


async def test_a_worker_that_finishes_later_brings_nothing_back(setting: Setting) -> None:
    """Its transcript, its sentence, its result: nothing of them is written."""
    spoken = await setting.begin()
    session_id = spoken.session_id
    for segment in range(3):
        await setting.admit(spoken, segment)
    transcribed, analysed = audio_job(0, session_id), audio_job(1, session_id)
    for job in (transcribed, analysed):
        assert setting.ledger.claim(job, "stt", WORKER).verdict == "claimed"
    assert setting.ledger.advance(analysed, text_job(1, session_id, text=SECRET), None)
    assert setting.ledger.claim(text_job(1, session_id), "analysis", WORKER).verdict == "claimed"
    await setting.delete(spoken)
    assert setting.ledger.advance(transcribed, text_job(0, session_id, text=SECRET), "en") is None
    ThreadScratch(setting.redis).put(names.sentence(session_id, 1), session_id, SECRET, 60)
    for segment in (1, 0, 2):
        setting.release(spoken, segment)
    setting.ledger.abandon(transcribed, WORKER, "late")
    assert setting.left_of(spoken) == set()
    assert not keys_with(setting.redis, SECRET)
    assert setting.redis.xpending(names.stream(names.RESULT_CHANNEL), names.LISTENER_GROUP)["pending"] == 0


async def test_a_client_that_goes_on_is_told_that_it_was_deleted(setting: Setting) -> None:
    """Not that the session has expired: it would begin another one with the audio that it still has."""
    spoken = await setting.begin()
    await setting.delete(spoken)
    with pytest.raises(SessionDeleted):
        await setting.admit(spoken, 0)
    with pytest.raises(SessionDeleted):
        await setting.store.acknowledge(spoken.record, 1)
    with pytest.raises(SessionDeleted):
        await setting.store.configure(spoken.record, languages=False)
    with pytest.raises(SessionDeleted):
        await setting.store.resume(spoken.resuming)
    with pytest.raises(ProtocolError, match="There is no such session"):
        await setting.store.resume(Start(session_id=spoken.session_id, token="another"))
    await Contexts(setting.aredis).put(spoken.session_id, 0, Context(b"\1\0", SECRET, "en"))
    assert setting.left_of(spoken) == set()


async def test_a_grant_that_is_kept_after_the_deletion_expires(setting: Setting) -> None:
    """The owner of a room may delete it while others enter; a grant may have the name of a person."""
    grants = SessionGrants(setting.aredis, TTL_S)
    begun, deleted = await setting.begin(), await setting.begin()
    await setting.deletion.delete(deleted.session_id, deleted.token)
    for one in (begun, deleted):
        await grants.remember(one.session_id, "{}")
    assert ORPHAN_TTL_S < setting.redis.ttl(names.session(begun.session_id)) <= TTL_S
    assert 0 < setting.redis.ttl(names.session(deleted.session_id)) <= ORPHAN_TTL_S


async def test_a_deletion_is_repeated_with_its_token_only(setting: Setting) -> None:
    """Whoever lost the answer sends it again."""
    spoken, other = await setting.begin(), await setting.begin()
    for token in (other.token, ""):
        with pytest.raises(ProtocolError, match="There is no such session"):
            await setting.deletion.delete(spoken.session_id, token)
    for _ in range(2):
        await setting.deletion.delete(spoken.session_id, spoken.token)
        with pytest.raises(ProtocolError, match="There is no such session"):
            await setting.deletion.delete(spoken.session_id, other.token)
    assert await setting.store.audience(other.session_id, other.token)


async def test_the_owner_deletes_what_a_room_has_said(setting: Setting) -> None:
    """Others may not. All sessions of the room are over then, and it begins again for whoever comes."""
    owner, guest, elsewhere = [await setting.begin(room) for room in ("kitchen", "kitchen", "hall")]
    for one in (owner, guest, elsewhere):
        await setting.speak(one)
    before = setting.left_of(elsewhere)
    with pytest.raises(AccessError) as refused:
        await setting.deletion.delete(guest.session_id, guest.token)
    assert refused.value.code == "not_owner"
    await setting.delete(owner)
    assert setting.left_of(owner, guest) == set()
    assert setting.left_of(elsewhere) == before
    assert await setting.store.is_deleted(guest.session_id)
    with pytest.raises(SessionDeleted):
        await setting.store.resume(guest.resuming)
    again = await setting.begin("kitchen")
    await setting.admit(again, 0)
    setting.release(again, 0)
    assert [seq for seq, _ in setting.redis.xrange(names.log("room:kitchen"))] == ["1-0"]
    await setting.delete(again)
    assert setting.left_of(again) == set()
    assert keys_with(setting.redis, "room:kitchen") == {names.DELETING}


async def test_the_list_of_a_room_keeps_its_owner(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come after."""
    monkeypatch.setattr(sessions, "MAX_ROOM_SESSIONS", 3)
    first, *others = [(await setting.begin("kitchen")).session_id for _ in range(5)]
    assert setting.redis.lrange(names.room_sessions("kitchen"), 0, -1) == [first, *others[-2:]]


async def test_what_comes_late_is_removed_when_all_work_is_over(setting: Setting) -> None:
    """Such as a job that was being sent. After that only the mark stays, for as long as it may matter."""
    spoken = await setting.begin()
    await setting.delete(spoken)
    send_job(setting.celery, text_job(0, spoken.session_id, text=SECRET))
    assert not setting.leftovers.remove()
    assert queue_depth(setting.redis, names.ANALYZER_QUEUE) == 1
    setting.redis.zincrby(names.DELETING, -SETTLED_S - 1, names.audience(spoken.session_id, None))
    assert setting.leftovers.remove()
    assert not setting.leftovers.remove()
    assert setting.redis.keys("*deleting") == []
    assert setting.left_of(spoken) == set()
    assert 3_600 < setting.redis.ttl(names.deleted(spoken.session_id)) <= 3_900


async def test_statistics_of_a_new_conversation_in_the_room_stay(setting: Setting) -> None:
    """Those from before the deletion go from the stream for older gateways, at the second pass too."""
    with older_gateway(setting.redis):
        old = await setting.begin("kitchen")
        await setting.speak(old)
        await setting.delete(old)
        again = await setting.begin("kitchen")
        await setting.admit(again, 0)
        setting.release(again, 0)
    statistics = setting.redis.xrange(names.stream(names.FINAL_STATS))
    assert len(statistics) == 2  # of the session and of the room
    assert Leftovers(setting.redis).remove()
    assert setting.redis.xrange(names.stream(names.FINAL_STATS)) == statistics
