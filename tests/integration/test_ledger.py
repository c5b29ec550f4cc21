"""The ledger's scripts: each step happens once, for the right owner, or not at all."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from fastapi_service.storage.record import SessionRecord
from fastapi_service.storage.sessions import SessionStore
from infra.heartbeat import TIME_TO_LIVE_S
from infra.ledger import admission, ledger
from infra.ledger.admission import MAX_AHEAD, Admission, SessionUnknown
from infra.ledger.entry import AUDIO_TTL_S, OUTSTANDING_S, Entry
from infra.ledger.ledger import MAX_ATTEMPTS, Ledger
from listener_service.release import Releaser
from listener_service.settings import Settings
from tests.support.redis import AsyncRedis, Redis
from tests.support.speakers import audio_job, no_speech, text_job
from wire import names
from wire.messages.client import Start
from wire.messages.jobs import AnalyzeText, TranscribeAudio

WORKER, OTHER = (names.heartbeat(names.STT_WORKER, instance) for instance in ("one", "two"))
TTL_S = 600
PCM = bytes(range(256)) * 4


class Shop:
    """A session with a ledger: admits its utterances one after the other."""

    def __init__(self, redis: Redis, aredis: AsyncRedis, record: SessionRecord) -> None:
        self.redis, self.record = redis, record
        self.ledger = Ledger(redis)
        self._admission = Admission(aredis)

    async def admit(self, segment: int, *, owner: str | None = None, pcm: bytes = PCM, ahead: bool = False) -> str:
        samples = (segment + 1) * 16_000
        job = self.job(segment).model_copy(update={"ahead": ahead})
        return await self._admission.admit(owner or self.record.owner, job, pcm, samples, TTL_S)

    def job(self, segment: int) -> TranscribeAudio:
        return audio_job(segment, self.record.session_id)

    def analysis(self, segment: int) -> AnalyzeText:
        return text_job(segment, self.record.session_id)

    def entry(self, segment: int) -> Entry:
        return next(entry for entry in self.ledger.pending(100) if entry.segment == segment)

    def end(self, segment: int) -> None:
        """Its result comes."""
        Releaser(self.redis, Settings()).apply("0-1", no_speech(segment, self.record.session_id))

    def live(self, worker: str) -> None:
        self.redis.set(worker, "alive", ex=TIME_TO_LIVE_S)


@pytest.fixture
async def shop(redis: Redis, aredis: AsyncRedis) -> Shop:
    record, _ = await SessionStore(aredis, TTL_S).create(Start())
    return Shop(redis, aredis, record)


async def test_admitting_writes_audio_entry_and_progress(shop: Shop) -> None:
    """After one call an utterance is outstanding, with its bytes as they were, and the session is a segment further."""
    assert await shop.admit(0) == "admitted"
    entry = shop.entry(0)
    assert (entry.stage, entry.job, entry.attempts, entry.claimed_by) == ("stt", shop.job(0), 0, None)
    assert entry.admitted_at == pytest.approx(time.time(), abs=5)
    assert shop.ledger.audio(shop.job(0)) == PCM
    assert shop.redis.hmget(names.session(shop.record.session_id), "next_segment", "samples") == ["1", "16000"]
    assert 0 < shop.redis.ttl(names.audio(shop.record.session_id, 0)) <= AUDIO_TTL_S


async def test_admitting_again_changes_nothing(shop: Shop) -> None:
    """A call whose answer was lost may be repeated, also after a worker has claimed the first."""
    await shop.admit(0)
    shop.ledger.claim(shop.job(0), "stt", WORKER)
    before = shop.entry(0)
    assert await shop.admit(0, pcm=b"other") == "duplicate"
    assert shop.entry(0) == before
    assert shop.ledger.audio(shop.job(0)) == PCM


async def test_admitting_again_after_the_result_brings_nothing_back(
    shop: Shop, keys: Callable[[str], set[str]]
) -> None:
    """A repeated call that comes when the utterance is long released is a duplicate too."""
    await shop.admit(0)
    shop.redis.zrem(names.PENDING, names.ledger_member(shop.record.session_id, 0))
    shop.redis.delete(*keys("wta:ledger:*"))
    assert await shop.admit(0) == "duplicate"
    assert shop.ledger.pending(10) == []


async def test_another_owner_writes_nothing(shop: Shop, keys: Callable[[str], set[str]]) -> None:
    """The connection that lost its session is fenced off."""
    assert await shop.admit(0, owner="former") == "fenced"
    assert keys("wta:audio:*") | keys("wta:ledger:*") == set()
    assert shop.ledger.pending(10) == []


@pytest.mark.parametrize("left", [{}, {"owner": "me"}], ids=["gone", "a remnant"])
async def test_an_expired_session_is_not_one_that_was_taken_over(
    shop: Shop, keys: Callable[[str], set[str]], left: dict[str, str]
) -> None:
    """Its client is to begin anew; nothing is written, and a hash without progress is no session either."""
    key = names.session(shop.record.session_id)
    shop.redis.delete(key)
    if left:
        shop.redis.hset(key, mapping=left)
    with pytest.raises(SessionUnknown) as unknown:
        await shop.admit(0, owner="me")
    assert unknown.value.code == "session_unknown"
    assert keys("wta:audio:*") | keys("wta:ledger:*") == set()
    assert shop.redis.hgetall(key) == left


async def test_the_order_of_results_outlives_every_utterance(shop: Shop) -> None:
    """However short a session's time is: what comes after an hour is not released as if it were the first."""
    order = names.order(shop.record.session_id)
    shop.redis.set(order, "", ex=5)
    await shop.admit(0)
    assert shop.redis.ttl(order) > OUTSTANDING_S - 10 > AUDIO_TTL_S


async def test_a_full_ledger_takes_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, keys: Callable[[str], set[str]]
) -> None:
    """Beyond the limit the gateway has to wait; a duplicate is still known as such."""
    monkeypatch.setattr(admission, "MAX_PENDING", 1)
    assert await shop.admit(0) == "admitted"
    assert await shop.admit(1) == "full"
    assert await shop.admit(0) == "duplicate"
    assert len(keys("wta:audio:*")) == 1
    assert shop.redis.hget(names.session(shop.record.session_id), "next_segment") == "1"


async def test_a_session_that_is_faster_than_speech_waits_for_itself(shop: Shop, aredis: AsyncRedis) -> None:
    """A file sent at once does not fill the queue: others get in between, and each of its results makes room."""
    for segment in range(MAX_AHEAD):
        assert await shop.admit(segment, ahead=True) == "admitted"
    assert await shop.admit(MAX_AHEAD, ahead=True) == "full"
    assert await shop.admit(0, ahead=True) == "duplicate"
    other, _ = await SessionStore(aredis, TTL_S).create(Start())
    assert await Shop(shop.redis, aredis, other).admit(0) == "admitted"

    shop.end(1)  # waits for segment 0, and is outstanding until that is released
    shop.end(1)
    assert await shop.admit(MAX_AHEAD, ahead=True) == "full"
    shop.end(0)
    assert [await shop.admit(MAX_AHEAD + more, ahead=True) for more in range(3)] == ["admitted", "admitted", "full"]


async def test_who_speaks_live_is_not_held_up_by_slow_workers(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same utterances, as far apart as they were spoken, are all written down, up to a limit per session."""
    monkeypatch.setattr(admission, "MAX_PER_SESSION", 2 * MAX_AHEAD)
    first = names.ledger_member(shop.record.session_id, 0)
    await shop.admit(0)
    spoken_s = shop.job(2 * MAX_AHEAD).end_ms / 1_000
    shop.redis.zincrby(names.PENDING, -spoken_s, first)  # the first one was admitted that long ago
    verdicts = [await shop.admit(segment) for segment in range(1, 2 * MAX_AHEAD + 1)]
    assert verdicts == ["admitted"] * (2 * MAX_AHEAD - 1) + ["full"]


async def test_a_claim_is_one_workers(shop: Shop) -> None:
    """While its worker lives, nobody else gets it; the same worker may claim again (its task was delivered twice)."""
    await shop.admit(0)
    shop.live(WORKER)
    first = shop.ledger.claim(shop.job(0), "stt", WORKER)
    assert (first.verdict, first.attempt, first.language) == ("claimed", 1, None)
    assert shop.ledger.claim(shop.job(0), "stt", OTHER).verdict == "taken"
    again = shop.ledger.claim(shop.job(0), "stt", WORKER)
    assert (again.verdict, again.attempt) == ("claimed", 2)


async def test_of_many_claims_at_once_one_wins(shop: Shop) -> None:
    """Ten workers get the same task at the same moment."""
    await shop.admit(0)
    workers = [names.heartbeat(names.STT_WORKER, str(n)) for n in range(10)]
    for worker in workers:
        shop.live(worker)
    with ThreadPoolExecutor(10) as pool:
        verdicts = list(pool.map(lambda worker: shop.ledger.claim(shop.job(0), "stt", worker).verdict, workers))
    assert sorted(verdicts) == ["claimed", *["taken"] * 9]


async def test_a_dead_workers_claim_is_void(shop: Shop) -> None:
    """The next one counts as another attempt."""
    await shop.admit(0)
    shop.ledger.claim(shop.job(0), "stt", WORKER)
    second = shop.ledger.claim(shop.job(0), "stt", OTHER)
    assert (second.verdict, second.attempt) == ("claimed", 2)


async def test_a_claim_that_is_too_old_is_void(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also that of a worker that lives and does nothing."""
    await shop.admit(0)
    shop.live(WORKER)
    shop.ledger.claim(shop.job(0), "stt", WORKER)
    monkeypatch.setattr(ledger, "CLAIM_MAX_S", 0)
    assert shop.ledger.claim(shop.job(0), "stt", OTHER).verdict == "claimed"


async def test_attempts_come_to_an_end(shop: Shop) -> None:
    """Audio that kills every worker that touches it is not tried for ever."""
    await shop.admit(0)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert shop.ledger.claim(shop.job(0), "stt", WORKER).attempt == attempt
    assert shop.ledger.claim(shop.job(0), "stt", OTHER).verdict == "exhausted"
    assert shop.entry(0).attempts == MAX_ATTEMPTS


async def test_a_job_of_another_stage_or_of_nobody_is_gone(shop: Shop) -> None:
    """A task that comes late, after its stage, finds nothing to do."""
    await shop.admit(0)
    assert shop.ledger.claim(shop.analysis(0), "analysis", WORKER).verdict == "gone"
    assert shop.ledger.claim(shop.job(1), "stt", WORKER).verdict == "gone"


async def test_the_transcript_is_accepted_once(shop: Shop) -> None:
    """Of two workers that heard the same, the first one hands it on; audio goes, attempts begin anew."""
    await shop.admit(0)
    shop.ledger.claim(shop.job(0), "stt", WORKER)
    assert shop.ledger.advance(shop.job(0), shop.analysis(0), None)
    late = shop.analysis(0).model_copy(update={"end_ms": 9})
    assert not shop.ledger.advance(shop.job(0), late, "de")
    entry = shop.entry(0)
    assert (entry.stage, entry.job, entry.attempts, entry.claimed_by) == ("analysis", shop.analysis(0), 0, None)
    assert shop.ledger.audio(shop.job(0)) is None
    assert shop.ledger.claim(shop.job(0), "stt", OTHER).verdict == "gone"
    assert shop.ledger.claim(shop.analysis(0), "analysis", OTHER).verdict == "claimed"


async def test_the_last_language_heard_is_expected(shop: Shop) -> None:
    """Later claims of the session get it."""
    for segment, language in enumerate(["ko", "de"]):
        await shop.admit(segment)
        shop.ledger.advance(shop.job(segment), shop.analysis(segment), language)
    await shop.admit(2)
    assert shop.ledger.claim(shop.job(2), "stt", WORKER).language == "de"


async def test_a_language_does_not_revive_an_expired_session(shop: Shop) -> None:
    """A session that is gone does not come back as a key that never expires."""
    await shop.admit(0)
    shop.redis.delete(names.session(shop.record.session_id))
    shop.ledger.advance(shop.job(0), shop.analysis(0), "ko")
    assert not shop.redis.exists(names.session(shop.record.session_id))


async def test_a_failure_gives_the_claim_back(shop: Shop) -> None:
    """With its reason, for sending at once; who has lost the claim meanwhile cannot give it back."""
    await shop.admit(0)
    shop.ledger.claim(shop.job(0), "stt", WORKER)
    shop.ledger.abandon(shop.job(0), OTHER, "not mine")
    assert shop.entry(0).claimed_by == WORKER
    shop.ledger.abandon(shop.job(0), WORKER, "Out of memory.")
    entry = shop.entry(0)
    assert (entry.claimed_by, entry.sent_at, entry.error, entry.attempts) == (None, "0", "Out of memory.", 1)


async def test_a_job_is_sent_again_once(shop: Shop) -> None:
    """Of two sweepers that saw the same, one sends; the claim is void and the time of sending is noted."""
    await shop.admit(0)
    shop.ledger.claim(shop.job(0), "stt", WORKER)
    seen = shop.entry(0)
    assert [shop.ledger.take_for_resend(seen) for _ in range(2)] == [True, False]
    entry = shop.entry(0)
    assert entry.claimed_by is None
    assert float(entry.sent_at) > float(seen.sent_at)


async def test_a_job_that_moved_on_is_not_sent_again(shop: Shop) -> None:
    """Between the reading and the change a worker claimed it, or it was released."""
    await shop.admit(0)
    seen = shop.entry(0)
    shop.ledger.claim(shop.job(0), "stt", WORKER)
    assert not shop.ledger.take_for_resend(seen)
    shop.redis.delete(names.ledger_entry(seen.member))
    assert not shop.ledger.take_for_resend(seen)
    assert not shop.redis.exists(names.ledger_entry(seen.member))


async def test_high_water_is_the_latest_job_claimed(shop: Shop) -> None:
    """It tells the sweeper which unclaimed jobs were overtaken; it never goes back."""
    for segment in range(3):
        await shop.admit(segment)
    sent = [float(shop.entry(segment).sent_at) for segment in range(3)]
    assert sent == sorted(sent)
    marks = []
    for segment in (1, 2, 0):
        shop.ledger.claim(shop.job(segment), "stt", WORKER)
        marks.append(float(shop.redis.hget(names.HIGH_WATER, "stt") or 0))
    assert marks == [sent[1], sent[2], sent[2]]
    assert shop.redis.hget(names.HIGH_WATER, "analysis") is None


async def test_high_water_falls_when_the_clock_was_set_back(shop: Shop) -> None:
    """A mark of the future would make every job in the queue count as overtaken, for ever."""
    shop.redis.hset(names.HIGH_WATER, "stt", shop.redis.time()[0] + 3_600)
    await shop.admit(0)
    shop.ledger.claim(shop.job(0), "stt", WORKER)
    assert shop.redis.hget(names.HIGH_WATER, "stt") == shop.entry(0).sent_at


async def test_pending_are_the_oldest(shop: Shop) -> None:
    """In the order in which they were admitted."""
    for segment in range(4):
        await shop.admit(segment)
    assert [entry.segment for entry in shop.ledger.pending(3)] == [0, 1, 2]
    assert [entry.segment for entry in shop.ledger.pending(10)] == [0, 1, 2, 3]


async def test_what_waits_for_an_earlier_result_hides_nobody(shop: Shop) -> None:
    """However many results wait at the head of the ledger, those without one are seen."""
    for segment in range(MAX_AHEAD):
        await shop.admit(segment)
    for segment in range(1, MAX_AHEAD - 2):
        shop.end(segment)
    without_result = [entry.segment for entry in shop.ledger.pending(2) if entry.stage != "done"]
    assert without_result[:2] == [0, MAX_AHEAD - 2]


async def test_entries_that_cannot_be_read_are_seen_as_such(shop: Shop) -> None:
    """Damaged, of another version, or gone: whose and which is in the name. The others are read."""
    for segment in range(4):
        await shop.admit(segment)
    keys = [names.ledger_entry(names.ledger_member(shop.record.session_id, segment)) for segment in range(4)]
    shop.redis.hset(keys[0], "job", "{}")
    shop.redis.hdel(keys[1], "job")
    shop.redis.delete(keys[2])
    entries = shop.ledger.pending(10)
    assert [entry.job is not None for entry in entries] == [False, False, False, True]
    assert [(entry.session_id, entry.segment) for entry in entries] == [
        (shop.record.session_id, segment) for segment in range(4)
    ]
