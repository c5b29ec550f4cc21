"""A container is healthy while its process keeps a fresh file with ``ready``; otherwise one line has the reason."""

import asyncio
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import redis.exceptions
from structlog.testing import capture_logs

from infra import heartbeat as module
from infra.health_file import HealthFile
from infra.heartbeat import TIMEOUT_S, Heartbeat, HeartbeatWriter
from infra.redis_client import Redis
from tests.support.eventually import eventually, soon
from wire import names

ROOT = Path(__file__).parents[3]


class Store:
    """A Redis that takes heartbeats, or fails while ``fails``."""

    def __init__(self) -> None:
        self.fails = False
        self.deleted: list[str] = []

    def pipeline(self) -> "Store":
        return self

    def set(self, *_: object, **__: object) -> None: ...

    def sadd(self, *_: object) -> None: ...

    def expire(self, *_: object) -> None: ...

    def delete(self, *keys: str) -> None:
        self.deleted += keys

    def smembers(self, _index: str) -> Any:
        return set()

    def mget(self, _keys: list[str]) -> list[str]:
        return []

    def execute(self) -> None:
        if self.fails:
            raise redis.exceptions.ConnectionError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "health"


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def heartbeat(file: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[HeartbeatWriter]:
    """A process's heartbeat, started, not ready yet."""
    monkeypatch.setattr(module, "BEAT_S", 0.02)
    writer = HeartbeatWriter(cast(Redis, store), names.GATEWAY, HealthFile(file))
    writer.start()
    yield writer
    writer.stop()


def check(file: Path) -> tuple[int, str]:
    """Exit code and output of the check, run as the container runs it."""
    done = subprocess.run(
        ["sh", "infra/healthcheck.sh"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HEALTH_FILE": str(file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


def says(file: Path, line: str) -> bool:
    return file.exists() and file.read_text(encoding="utf-8").strip() == line


def test_a_ready_process_is_healthy(file: Path, heartbeat: HeartbeatWriter) -> None:
    """Nothing is printed."""
    heartbeat.ready("base", "r1")
    eventually(lambda: says(file, "ready"))
    assert check(file) == (0, "")


def test_a_process_that_is_not_ready_says_why(file: Path, heartbeat: HeartbeatWriter) -> None:
    """Also when it was ready before; a reason of several lines becomes one."""
    eventually(lambda: says(file, "starting"))
    assert check(file) == (1, "not healthy: starting")
    heartbeat.ready()
    heartbeat.not_ready("The model is missing.\n  Put it there.")
    eventually(lambda: says(file, "The model is missing. Put it there."))
    assert check(file) == (1, "not healthy: The model is missing. Put it there.")


def test_a_stale_file_is_not_healthy(file: Path) -> None:
    """A process that hangs or was killed no longer writes it."""
    HealthFile(file).write(None)
    assert check(file) == (0, "")
    before = time.time() - 11
    os.utime(file, (before, before))
    code, line = check(file)
    assert (code, line) == (1, "not healthy: no heartbeat for 10 s: the process hangs")


def test_a_file_of_the_future_is_not_healthy(file: Path) -> None:
    """The clock was set back, and the process no longer writes; clocks of a few seconds' difference are no matter."""
    HealthFile(file).write(None)
    for ahead_s, code in ((5, 0), (60, 1)):
        later = time.time() + ahead_s
        os.utime(file, (later, later))
        assert check(file)[0] == code
    assert check(file)[1] == "not healthy: the heartbeat is of the future: the clock was set back"


def test_a_frozen_redis_is_named_before_the_file_is_too_old(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes connections and answers nothing: the reason is Redis, not a process that hangs."""
    monkeypatch.setenv("HEALTH_FILE", str(file))
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        writer = HeartbeatWriter.at(f"redis://127.0.0.1:{frozen.getsockname()[1]}/0", names.LISTENER)
        writer.start()
        writer.ready()
        eventually(lambda: says(file, "Redis does not answer (TimeoutError)"), timeout=2 * TIMEOUT_S + 2)
        assert check(file) == (1, "not healthy: Redis does not answer (TimeoutError)")
        writer.stop()


def test_changes_from_several_threads_are_all_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else is changed at the same moment: one thread becomes ready, others become busy and idle."""
    copied = Heartbeat.model_copy

    def copy_slowly(beat: Heartbeat, **options: Any) -> Heartbeat:
        copy = copied(beat, **options)
        time.sleep(0.01)
        return copy

    monkeypatch.setattr(Heartbeat, "model_copy", copy_slowly)
    writer = HeartbeatWriter(cast(Redis, store), names.STT_WORKER, HealthFile(None))

    def work() -> None:
        with writer.busy():
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    threads.append(threading.Thread(target=writer.ready, args=("base",)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (writer._beat.ready, writer._beat.model, writer._beat.busy_since) == (True, "base", None)


async def test_a_gateway_whose_loop_never_ran_is_not_healthy(file: Path, store: Store) -> None:
    """It is ready, and its loop has not reported yet; afterwards it is healthy."""
    writer = HeartbeatWriter(cast(Redis, store), names.GATEWAY, HealthFile(file), has_event_loop=True)
    writer.start()
    writer.ready()
    await soon(lambda: says(file, "the event loop has not run for 5 s"))
    assert check(file)[0] == 1
    following = asyncio.create_task(writer.follow_loop())
    await soon(lambda: says(file, "ready"))
    following.cancel()
    writer.stop()


def test_a_file_that_cannot_be_removed_does_not_keep_the_heartbeat(file: Path, store: Store) -> None:
    """A folder in its place: one line in the log, and the heartbeat is deleted."""
    writer = HeartbeatWriter(cast(Redis, store), names.GATEWAY, HealthFile(file))
    file.mkdir()
    with capture_logs() as lines:
        writer.start()
        writer.stop()
    assert store.deleted == [writer.key]
    assert lines[-1]["event"] == "health file removal failed"


def test_a_missing_file_is_not_healthy(file: Path) -> None:
    """The process has not started yet."""
    code, line = check(file)
    assert code == 1
    assert line.startswith(f"not healthy: there is no file {file}")


def test_a_process_without_redis_is_not_healthy_until_it_is_back(
    file: Path, store: Store, heartbeat: HeartbeatWriter
) -> None:
    """The outage is named; afterwards the process is healthy again."""
    heartbeat.ready()
    eventually(lambda: says(file, "ready"))
    store.fails = True
    eventually(lambda: says(file, "Redis does not answer (ConnectionError)"))
    assert check(file) == (1, "not healthy: Redis does not answer (ConnectionError)")
    store.fails = False
    eventually(lambda: says(file, "ready"))


async def test_a_hanging_event_loop_is_not_healthy(
    file: Path, heartbeat: HeartbeatWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heartbeat thread continues although the gateway answers no request."""
    monkeypatch.setattr(module, "LOOP_S", 0.5)
    heartbeat.ready()
    following = asyncio.create_task(heartbeat.follow_loop())
    await asyncio.sleep(0)  # it begins
    await soon(lambda: says(file, "ready"))
    eventually(lambda: says(file, "the event loop has not run for 0 s"))  # which blocks the loop meanwhile
    assert check(file) == (1, "not healthy: the event loop has not run for 0 s")
    await soon(lambda: says(file, "ready"))
    following.cancel()


def test_the_file_is_gone_with_its_process(file: Path, heartbeat: HeartbeatWriter) -> None:
    """A container that ends is not healthy."""
    heartbeat.ready()
    eventually(lambda: says(file, "ready"))
    heartbeat.stop()
    assert not file.exists()


def test_a_folder_that_cannot_be_written_is_one_line_in_the_log(tmp_path: Path) -> None:
    """The heartbeat itself goes on."""
    health = HealthFile(tmp_path / "missing" / "health")
    with capture_logs() as lines:
        health.write(None)
        health.write(None)
    assert [line["event"] for line in lines] == ["health file write failed"]


def test_without_the_variable_nothing_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Outside containers there is no health file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEALTH_FILE", raising=False)
    health = HealthFile.from_environment()
    health.write(None)
    health.remove()
    assert list(tmp_path.iterdir()) == []


def test_the_image_runs_the_check_and_names_the_file() -> None:
    """Exec form, with a file on the only writable place of a read-only container."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert 'CMD ["sh", "infra/healthcheck.sh"]' in dockerfile
    assert "HEALTH_FILE=/tmp/health\n" in dockerfile
