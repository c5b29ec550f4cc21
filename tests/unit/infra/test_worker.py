"""Around the model: load until it works, give back what failed, end what hangs or swells."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import redis.exceptions
import stamina

from infra import redis_types
from infra import worker as module
from infra.heartbeat import Heartbeat
from infra.ledger.ledger import Claim, Verdict
from infra.ledger.ledger import Ledger as RealLedger
from infra.worker import EXIT_BY_WATCHDOG, Limits, Worker
from tests.support.eventually import eventually
from tests.support.speakers import audio_job
from wire.errors import ModelError, WireError
from wire.messages.jobs import TranscribeAudio

ROOT = Path(__file__).parents[3]
LIMITS = Limits(deadline_s=60, max_rss_mb=0)


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


class Ledger:
    """Answers claims with ``verdict``, after ``outages`` errors, and notes what is given back."""

    def __init__(self, verdict: Verdict = "claimed", outages: int = 0) -> None:
        self.claim_given = Claim(verdict, 1, None)
        self.outages = outages
        self.given_back: list[str] = []

    def claim(self, _job: TranscribeAudio, stage: str, worker: str) -> Claim:
        assert stage == "stt"
        assert worker.startswith("wta:alive:stt_worker:")
        if self.outages:
            self.outages -= 1
            raise redis.exceptions.ConnectionError("away")
        return self.claim_given

    def release(self, _job: TranscribeAudio, _worker: str, error: str) -> None:
        self.given_back.append(error)


def make_worker(ledger: Ledger | None = None) -> Any:
    worker: Worker[str] = Worker("redis://127.0.0.1:1/0", "stt_worker", LIMITS)
    worker.redis = worker._heartbeat._redis = cast(redis_types.Redis, Redis())
    worker.ledger = cast(RealLedger, ledger or Ledger())
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


def test_claim_is_repeated_through_an_outage() -> None:
    """Redis away for a moment costs nothing."""
    worker = make_worker(Ledger(outages=3))
    with worker.claimed(audio_job(), "stt") as claim:
        assert claim.verdict == "claimed"


def test_heartbeat_tells_since_when_the_worker_works() -> None:
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
    outcomes: list[Exception | str] = [
        ModelError("model_missing", "The file is missing.", "Run `make models`."),
        RuntimeError("broken zip"),
        "model",
    ]

    def load() -> str:
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
    worker.start(load, lambda model: (model, "r1"))
    assert worker.model == "model"
    assert reasons == ["loading the model"] * 3
    assert "The file is missing. Run `make models`." in refused
    assert any("RuntimeError" in (reason or "") for reason in refused)
    beat = eventually(lambda: next((beat for beat in worker.redis.beats if beat.ready), None))
    assert (beat.model, beat.revision, beat.reason) == ("model", "r1", None)
    worker.stop()


WATCHED = """
import sys, time
from tests.unit.infra.test_worker import Ledger, Redis
from tests.support.speakers import audio_job
from infra import worker as module
module.WATCH_S = 0.05
worker = module.Worker("redis://127.0.0.1:1/0", "stt_worker", module.Limits({deadline}, {max_rss_mb}))
worker.redis = worker._heartbeat._redis = Redis()
worker.ledger = Ledger()
worker.start(lambda: "model", lambda model: (model, "1"))
print("started", flush=True)
{then}
time.sleep(30)
"""
HANG = 'with worker.claimed(audio_job(), "stt"), worker.watched(): time.sleep(30)'
SWELL = "ballast = bytes(1) * (500 << 20)\n"


def exit_code(deadline: float, max_rss_mb: int, then: str) -> int:
    """How a worker process with a watchdog ends."""
    program = WATCHED.format(deadline=deadline, max_rss_mb=max_rss_mb, then=then)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=20)
    return done.returncode


def test_a_task_that_hangs_ends_the_process() -> None:
    """Far over its deadline, whatever the model's library is doing: the ledger sends the utterance to another."""
    assert exit_code(0.1, 0, HANG) == EXIT_BY_WATCHDOG == 70


def test_a_worker_that_swells_while_idle_ends_in_order() -> None:
    """SIGTERM: Celery takes no new task and exits, its supervisor starts a fresh process."""
    assert exit_code(60, 1, SWELL) == -15


def test_a_worker_that_swells_far_over_its_limit_ends_at_once() -> None:
    """Before the machine runs out of memory, also in the middle of a task."""
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    assert exit_code(60, 1, deaf + SWELL + HANG) == EXIT_BY_WATCHDOG


def test_a_limit_below_what_the_model_needs_does_not_end_every_process() -> None:
    """It would be started again and again; the limit is raised, and the log says so."""
    assert exit_code(60, 1, "time.sleep(0.5); sys.exit(3)") == 3


def test_a_worker_that_waits_long_for_redis_does_not_hang() -> None:
    """Only the model is watched: a result in its hands outlasts an outage of Redis."""
    waiting = (
        'with worker.claimed(audio_job(), "stt"):\n    with worker.watched(): pass\n    time.sleep(1)\nsys.exit(3)'
    )
    assert exit_code(0.1, 0, waiting) == 3


def test_an_idle_worker_within_its_limits_lives() -> None:
    """Neither waiting long nor working a little ends a process."""
    done = 'with worker.claimed(audio_job(), "stt"): pass\ntime.sleep(0.5); sys.exit(3)'
    assert exit_code(0.1, 100_000, done) == 3
