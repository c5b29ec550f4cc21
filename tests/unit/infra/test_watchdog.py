"""The watchdog ends a worker whose model hangs or whose memory swells, and no other."""

import subprocess
import sys
from pathlib import Path

from infra.watchdog import EXIT_BY_WATCHDOG

ROOT = Path(__file__).parents[3]
WATCHED = """
import sys, time
from tests.unit.infra.test_worker import Ledger, Model, Redis
from tests.support.speakers import audio_job
from infra import watchdog
from infra.worker import Worker
watchdog.CHECK_INTERVAL_S = 0.05
worker = Worker("redis://127.0.0.1:1/0", "stt_worker", watchdog.Limits({deadline}, {max_rss_mb}))
worker.redis = worker._heartbeat._redis = Redis()
worker.ledger = Ledger()
worker.start(Model)
print("started", flush=True)
{then}
time.sleep(30)
"""
HANG = 'with worker.claimed(audio_job(), "stt"), worker.watched(): time.sleep(30)'
SWELL = "ballast = bytes(1) * (500 << 20)\n"


def exit_code(deadline: float, max_rss_mb: int, then: str) -> int:
    """Return the exit code of a worker process that has a watchdog."""
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
