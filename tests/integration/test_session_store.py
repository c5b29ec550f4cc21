"""Sessions in Redis: only the token opens them, and only one connection owns them."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from fastapi_service.storage.sessions import SessionStore
from infra.ledger.admission import Admission, SessionUnknown
from tests.support.redis import AsyncRedis, Redis
from tests.support.speakers import ALICE, audio_job
from wire import names
from wire.errors import ProtocolError
from wire.messages.base import Speaker
from wire.messages.client import Configure, Start
from wire.messages.statistics import PersonStatistics
from wire.people import person_id

TTL_S = 600


@pytest.fixture
def store(aredis: AsyncRedis) -> SessionStore:
    return SessionStore(aredis, TTL_S)


async def test_a_session_is_resumed_with_its_token(store: SessionStore, aredis: AsyncRedis) -> None:
    """What was agreed on and how far it came is there again, on any gateway."""
    record, token = await store.create(Start(language="ko", room="kitchen", sample_rate=44_100))
    job = audio_job(0, record.session_id, room="kitchen")
    await Admission(aredis).admit(record.owner, job, b"\0\0", 88_200, TTL_S)
    resumed = await SessionStore(aredis, TTL_S).resume(
        Start(session_id=record.session_id, token=token, sample_rate=44_100)
    )
    assert (resumed.session_id, resumed.room, resumed.language) == (record.session_id, "kitchen", "ko")
    assert (resumed.sample_rate, resumed.next_segment, resumed.samples) == (44_100, 1, 88_200)
    assert resumed.owner != record.owner
    assert resumed.audience == record.audience == "room:kitchen"


@pytest.mark.parametrize(
    ("start", "fields", "language", "languages", "prompt"),
    [
        ({"languages": ["ko", "en"], "prompt": "Valkey"}, {}, None, ("ko", "en"), "Valkey"),
        ({"languages": ["ko"]}, {"languages": ["ko", "en"]}, None, ("ko", "en"), ""),
        ({"languages": ["ko", "en"]}, {"language": "de"}, "de", ("de",), ""),
        ({"language": "ko", "prompt": "Valkey"}, {"language": None, "prompt": ""}, None, (), ""),
        ({"language": "ko"}, {"prompt": "Valkey"}, "ko", ("ko",), "Valkey"),
    ],
)
async def test_a_session_is_resumed_as_it_was_configured(
    store: SessionStore,
    start: dict[str, Any],
    fields: dict[str, Any],
    language: str | None,
    languages: tuple[str, ...],
    prompt: str,
) -> None:
    """Languages and prompt of the start, then those of the newest change."""
    record, token = await store.create(Start(**start))
    change = Configure(**fields)
    if fields:
        assert await store.configure(record.configured(change), languages=change.changes_languages)
    resumed = await store.resume(Start(session_id=record.session_id, token=token))
    assert (resumed.language, resumed.languages, resumed.prompt) == (language, languages, prompt)


async def test_a_session_is_resumed_with_its_person(store: SessionStore, aredis: AsyncRedis) -> None:
    """With the name that it was given last; the key that the person comes from is nowhere."""
    key = "k" * 43
    record, token = await store.create(Start(room="kitchen", name="Bob", role="agent", person_key=key))
    assert record.person == person_id(record.session_id, "kitchen", key)
    resuming = Start(session_id=record.session_id, token=token, name="not this one")
    assert (await store.resume(resuming)).speaker == record.speaker
    assert key not in str(await aredis.hgetall(names.session(record.session_id)))
    renamed = (await store.resume(resuming)).configured(Configure(name="김서연", role=None))
    assert await store.configure(renamed, languages=False)
    assert (await store.resume(resuming)).speaker == Speaker(person=record.person or "", name="김서연")
    another, _ = await store.create(Start(room="kitchen", person_key=key))
    assert another.person == record.person
    private, _ = await store.create(Start(person_key=key))
    assert private.person == person_id(private.session_id, None, None)


async def test_a_session_of_an_older_gateway_has_no_person(store: SessionStore, aredis: AsyncRedis) -> None:
    """It is resumed all the same; the listener makes one of its id."""
    record, token = await store.create(Start())
    await aredis.hdel(names.session(record.session_id), "person")
    assert (await store.resume(Start(session_id=record.session_id, token=token))).speaker is None


async def test_statistics_of_the_people_of_a_room_are_read_one_by_one(store: SessionStore, redis: Redis) -> None:
    """What cannot be read is left out, and so are the states of the listener."""
    assert await store.person_statistics("kitchen") == []
    bob = PersonStatistics(room="kitchen", person="b" * 16, name="Bob", version=3, trend_window=20)
    fields = {"b:message": bob.model_dump_json(), "b:data": "{}", "c:message": "half of a mes", "c:version": "1"}
    redis.hset(names.person_statistics("kitchen"), mapping=fields)
    with capture_logs() as lines:
        assert await store.person_statistics("kitchen") == [bob]
    assert [(line["event"], line["audience"]) for line in lines] == [("statistics unreadable", "room:kitchen")]


async def _detect(redis: AsyncRedis, session_id: str, language: str) -> None:
    """A worker keeps the language of an utterance."""
    pipeline = redis.pipeline()
    pipeline.hset(names.session(session_id), mapping={"language": language})
    await pipeline.execute()


async def test_a_detected_language_is_kept_until_the_languages_are_changed(
    store: SessionStore, aredis: AsyncRedis
) -> None:
    """Not when the prompt is; and among several it counts for nothing, whoever wrote it late."""
    record, token = await store.create(Start())
    resuming = Start(session_id=record.session_id, token=token)
    await _detect(aredis, record.session_id, "en")
    assert await store.configure(record.configured(Configure(prompt="Valkey")), languages=False)
    record = await store.resume(resuming)
    assert (record.language, record.prompt) == ("en", "Valkey")
    assert await store.configure(record.configured(Configure(languages=())), languages=True)
    record = await store.resume(resuming)
    assert record.language is None
    assert await store.configure(record.configured(Configure(languages=("ko", "de"))), languages=True)
    await _detect(aredis, record.session_id, "en")
    assert (await store.resume(resuming)).language is None


@pytest.mark.parametrize("token", ["", "wrong", "0" * 64])
async def test_a_wrong_token_opens_nothing(store: SessionStore, token: str) -> None:
    """It is refused in the same words as an unknown session, and the owner stays the owner."""
    record, _ = await store.create(Start())
    with pytest.raises(ProtocolError) as refused:
        await store.resume(Start(session_id=record.session_id, token=token))
    with pytest.raises(ProtocolError) as unknown:
        await store.resume(Start(session_id=ALICE, token=token))
    assert refused.value.code == unknown.value.code == "session_unknown"
    assert str(refused.value) == str(unknown.value)
    assert await store.acknowledge(record, 1)


async def test_the_token_itself_is_not_stored(store: SessionStore, aredis: AsyncRedis) -> None:
    """Who reads Redis cannot take sessions over; nor does the stored digest open them."""
    record, token = await store.create(Start())
    stored = await aredis.hgetall(names.session(record.session_id))
    assert token not in stored.values()
    assert len(token) >= 43
    with pytest.raises(ProtocolError):
        await store.resume(Start(session_id=record.session_id, token=stored["token"]))


async def test_resuming_fences_the_former_owner(store: SessionStore, aredis: AsyncRedis) -> None:
    """From then on the old connection neither acknowledges nor admits."""
    old, token = await store.create(Start())
    new = await store.resume(Start(session_id=old.session_id, token=token))
    assert not await store.acknowledge(old, 16_000)
    assert not await store.configure(old, languages=True)
    admission = Admission(aredis)
    assert await admission.admit(old.owner, audio_job(0, old.session_id), b"", 1, TTL_S) == "fenced"
    assert await admission.admit(new.owner, audio_job(0, old.session_id), b"", 1, TTL_S) == "admitted"


async def test_a_session_keeps_its_sample_rate(store: SessionStore) -> None:
    """Positions would be wrong otherwise; the message names the right rate, and the owner stays the owner."""
    record, token = await store.create(Start(sample_rate=48_000))
    with pytest.raises(ProtocolError, match="48000") as refused:
        await store.resume(Start(session_id=record.session_id, token=token, sample_rate=44_100))
    assert refused.value.code == "sample_rate_changed"
    assert await store.acknowledge(record, 1)


async def test_acknowledged_samples_only_grow(store: SessionStore) -> None:
    """An older acknowledgement that comes late takes nothing back."""
    record, token = await store.create(Start())
    for samples in (16_000, 48_000, 32_000):
        assert await store.acknowledge(record, samples)
    assert (await store.resume(Start(session_id=record.session_id, token=token))).samples == 48_000


async def test_a_session_expires_after_its_last_activity(store: SessionStore, aredis: AsyncRedis) -> None:
    """Creating, acknowledging, resuming and staying connected each restart the time; then it is unknown."""
    record, token = await store.create(Start())
    key = names.session(record.session_id)
    start = Start(session_id=record.session_id, token=token)

    async def left() -> int:
        """The time that was left; then next to none."""
        seconds: int = await aredis.ttl(key)
        await aredis.expire(key, 5)
        return seconds

    assert await left() > TTL_S - 10
    await store.acknowledge(record, 1)
    assert await left() > TTL_S - 10
    await store.touch(record)
    assert await left() > TTL_S - 10
    await store.resume(start)
    assert await left() > TTL_S - 10
    await aredis.delete(key)
    with pytest.raises(ProtocolError):
        await store.resume(start)
    with pytest.raises(SessionUnknown):
        await store.acknowledge(record, 2)
    with pytest.raises(SessionUnknown):
        await store.configure(record, languages=True)
    assert not await aredis.exists(key)


async def test_a_session_that_expires_while_it_is_resumed_stays_gone(
    store: SessionStore, aredis: AsyncRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the reading of its token and the take-over; half a session, without progress, must not come to be."""
    record, token = await store.create(Start())
    key, read = names.session(record.session_id), store._redis.hmget

    async def read_and_expire(*fields: str) -> list[str | None]:
        seen: list[str | None] = await read(*fields)
        await aredis.delete(key)
        return seen

    monkeypatch.setattr(store._redis, "hmget", read_and_expire)
    with pytest.raises(ProtocolError) as refused:
        await store.resume(Start(session_id=record.session_id, token=token))
    assert refused.value.code == "session_unknown"
    assert not await aredis.exists(key)


@pytest.mark.parametrize("deed", ["touch", "acknowledge", "configure", "resume", "admit", "join"])
async def test_what_a_session_needs_does_not_expire_before_it(
    store: SessionStore, aredis: AsyncRedis, deed: str
) -> None:
    """Whatever renews a session renews its order, log and statistics too, the room's included. Otherwise its results
    would be numbered from 1 again, and clients that have seen higher numbers would drop them."""
    record, token = await store.create(Start(room="kitchen"))
    needed = [
        names.order(record.session_id),
        names.log("room:kitchen"),
        names.statistics("room:kitchen"),
        names.statistics(names.audience(record.session_id, None)),
    ]
    for key in needed:
        await aredis.set(key, "", ex=5)
    match deed:
        case "touch":
            await store.touch(record)
        case "acknowledge":
            await store.acknowledge(record, 1)
        case "configure":
            await store.configure(record, languages=True)
        case "resume":
            await store.resume(Start(session_id=record.session_id, token=token))
        case "admit":
            await Admission(aredis).admit(record.owner, audio_job(0, record.session_id, room="kitchen"), b"", 1, TTL_S)
        case "join":
            await store.create(Start(room="kitchen"))
            needed = [key for key in needed if "kitchen" in key]
    assert all([await aredis.ttl(key) > TTL_S - 10 for key in needed])


async def test_nothing_that_is_kept_longer_is_cut_short(store: SessionStore, aredis: AsyncRedis) -> None:
    """The order of results outlives the session when utterances may."""
    record, _ = await store.create(Start())
    await aredis.set(names.order(record.session_id), "", ex=2 * TTL_S)
    await store.acknowledge(record, 1)
    await store.touch(record)
    assert await aredis.ttl(names.order(record.session_id)) > 2 * TTL_S - 10


async def test_outstanding_is_what_the_ledger_holds(store: SessionStore, aredis: AsyncRedis) -> None:
    """``stop`` waits for exactly these."""
    record, _ = await store.create(Start())
    await Admission(aredis).admit(record.owner, audio_job(0, record.session_id), b"", 1, TTL_S)
    assert await store.is_outstanding(record.session_id, 0)
    assert not await store.is_outstanding(record.session_id, 1)
    assert await store.statistics(record.audience) is None
