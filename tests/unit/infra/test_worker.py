"""A worker loads its model until that succeeds, gives failed jobs back, and repeats each Redis step in an outage."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
import redis.exceptions
import stamina

from infra import redis_types
from infra import worker as module
from infra.heartbeat import Heartbeat
from infra.ledger.ledger import Claim, Verdict
from infra.ledger.ledger import Ledger as RealLedger
from infra.ledger.resilient import ResilientLedger
from infra.watchdog import Limits
from infra.worker import Worker
from tests.support.eventually import eventually
from tests.support.speakers import audio_job, text_job
from wire.errors import ModelError, WireError
from wire.messages.jobs import TranscribeAudio
from wire.messages.results import Final

LIMITS = Limits(deadline_s=60, max_rss_mb=0)


@dataclass(frozen=True)
class Model:
    name: str = "model"
    revision: str = "r1"


class Redis:
    """Keeps the heartbeats that a worker writes."""

    def __init__(self) -> None:
        self.beats: list[Heartbeat] = []

    def pipeline(self) -> "Redis":
        return self

    def set(self, _key: str, beat: str, ex: int) -> None:
        assert ex == 5
        self.beats.append(Heartbeat.model_validate_json(beat))

    def sadd(self, *_: str) -> None: ...

    def expire(self, *_: object) -> None: ...

    def smembers(self, _index: str) -> list[str]:
        return []

    def mget(self, _keys: list[str]) -> list[str]:
        return []

    def execute(self) -> None: ...

    def delete(self, *_: str) -> None: ...

    def time(self) -> tuple[int, int]:
        now = time.time()
        return int(now), int(now % 1 * 1e6)


class UnavailableRedis(Redis):
    """Fails the first ``outages`` commands; then every claim succeeds."""

    def __init__(self, outages: int) -> None:
        super().__init__()
        self.outages = outages
        self.published: list[str] = []

    def register_script(self, _script: str) -> Callable[..., tuple[Verdict, int, str, int]]:
        return self._claim

    def pipeline(self) -> "UnavailableRedis":
        self._fail_in_outage()
        return self

    def xadd(self, *_: object, **__: object) -> None: ...

    def publish(self, _channel: str, data: str) -> None:
        self.published.append(data)

    def _claim(self, **_: object) -> tuple[Verdict, int, str, int]:
        self._fail_in_outage()
        return "claimed", 1, "", 0

    def _fail_in_outage(self) -> None:
        if self.outages:
            self.outages -= 1
            raise redis.exceptions.ConnectionError("unavailable")


class Ledger:
    """Grants every claim and keeps the errors with which claims are given back."""

    def __init__(self) -> None:
        self.given_back: list[str] = []

    def claim(self, _job: TranscribeAudio, stage: str, worker: str) -> Claim:
        assert stage == "stt"
        assert worker.startswith("wta:alive:stt_worker:")
        return Claim("claimed", 1, None)

    def abandon(self, _job: TranscribeAudio, _worker: str, error: str) -> None:
        self.given_back.append(error)


def make_worker() -> Any:
    worker: Worker[Model] = Worker("redis://127.0.0.1:1/0", "stt_worker", LIMITS)
    worker.redis = worker._heartbeat._redis = cast(redis_types.Redis, Redis())
    worker.ledger = cast(RealLedger, Ledger())
    return worker


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Repeat at once instead of after a pause."""
    monkeypatch.setattr(module, "RELOAD_S", 0.0)
    with stamina.set_testing(True, attempts=20):
        yield


def test_work_that_succeeds_is_not_given_back() -> None:
    """The claim is handed to the task, and kept."""
    worker = make_worker()
    with worker.claimed(audio_job(), "stt") as claim:
        assert claim.verdict == "claimed"
    assert worker.ledger.given_back == []


def test_known_failure_is_given_back_with_its_message() -> None:
    """The task itself does not fail: the ledger decides what comes next."""
    worker = make_worker()
    with worker.claimed(audio_job(), "stt"):
        raise WireError("stt_deadline", "Transcribing took longer than 60 s.", "Use a smaller model.")
    assert worker.ledger.given_back == ["Transcribing took longer than 60 s."]


def test_unknown_failure_is_given_back_without_its_words() -> None:
    """Whatever a model library raises ends the utterance, not the worker; its message may hold what was said."""
    worker = make_worker()
    with worker.claimed(audio_job(), "stt"):
        raise RuntimeError("cannot pronounce: only between us")
    assert worker.ledger.given_back == ["internal error (RuntimeError)"]


@pytest.mark.parametrize("failure", [None, RuntimeError("broken"), WireError("a", "b", "c")])
def test_a_second_copy_in_the_same_process_is_taken_until_the_first_is_over(failure: Exception | None) -> None:
    """A failure of the first is over, too; other utterances and stages are not concerned."""
    worker = make_worker()
    with worker.claimed(audio_job(0), "stt") as first:
        with worker.claimed(audio_job(0), "stt") as second, worker.claimed(audio_job(1), "stt") as other:
            assert (first.verdict, second.verdict, other.verdict) == ("claimed", "taken", "claimed")
        with worker.claimed(audio_job(0), "stt") as third:
            assert third.verdict == "taken"
        if failure is not None:
            raise failure
    with worker.claimed(audio_job(0), "stt") as again:
        assert again.verdict == "claimed"


def test_claim_that_fails_leaves_nothing_in_progress() -> None:
    """The task comes again after the outage."""
    worker = make_worker()
    worker.ledger = ResilientLedger(cast(redis_types.Redis, UnavailableRedis(outages=21)))
    with pytest.raises(redis.exceptions.ConnectionError), worker.claimed(audio_job(), "stt"):
        pytest.fail("no claim, no work")
    with worker.claimed(audio_job(), "stt") as claim:
        assert claim.verdict == "claimed"


def test_claim_is_repeated_through_an_outage() -> None:
    """A short outage of Redis costs nothing."""
    worker = make_worker()
    worker.ledger = ResilientLedger(cast(redis_types.Redis, UnavailableRedis(outages=3)))
    with worker.claimed(audio_job(), "stt") as claim:
        assert claim.verdict == "claimed"


def test_claim_after_too_long_an_outage_is_refused() -> None:
    """The error reaches Celery, which retries the task."""
    worker = make_worker()
    worker.ledger = ResilientLedger(cast(redis_types.Redis, UnavailableRedis(outages=21)))
    with pytest.raises(redis.exceptions.ConnectionError), worker.claimed(audio_job(), "stt"):
        pytest.fail("no claim, no work")


def test_result_is_published_after_an_outage() -> None:
    """A worker does not lose its finished work, and publishes it once."""
    worker = make_worker()
    worker.redis = UnavailableRedis(outages=3)
    final = Final.of(text_job(), None, None)
    worker.publish(final)
    assert worker.redis.published == [final.model_dump_json()]


def test_heartbeat_has_the_time_since_which_the_worker_is_busy() -> None:
    """Busy inside the claim, idle afterwards, after a failure too."""
    worker = make_worker()
    with worker.claimed(audio_job(), "stt"):
        assert worker._heartbeat._beat.busy_since == pytest.approx(time.time(), abs=5)
        raise RuntimeError
    assert worker._heartbeat._beat.busy_since is None


def test_model_that_cannot_load_is_a_reason_and_is_tried_again() -> None:
    """No task is taken before there is a model; why not, and what helps, is in the heartbeat."""
    worker = make_worker()
    reasons: list[str | None] = []
    outcomes: list[Exception | Model] = [
        ModelError("model_missing", "The file is missing.", "Run `make models`."),
        RuntimeError("broken zip"),
        Model(),
    ]

    def load() -> Model:
        reasons.append(worker._heartbeat._beat.reason)
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    refused: list[str | None] = []
    announce = worker._heartbeat.not_ready

    def not_ready(reason: str | None) -> None:
        refused.append(reason)
        announce(reason)

    worker._heartbeat.not_ready = not_ready
    worker.start(load)
    assert worker.model == Model()
    assert reasons == ["loading the model"] * 3
    assert "The file is missing. Run `make models`." in refused
    assert any("RuntimeError" in (reason or "") for reason in refused)
    beat = eventually(lambda: next((beat for beat in worker.redis.beats if beat.ready), None))
    assert (beat.model, beat.revision, beat.reason) == ("model", "r1", None)
    worker.stop()
