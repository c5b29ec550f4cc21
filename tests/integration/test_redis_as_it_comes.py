"""Servers as people have them: a Unix socket works, and what cannot work is named by every service and `make run`."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infra.celery_app import make_celery, send_job
from infra.redis_check import find_problem, find_problem_async
from tests.support.eventually import eventually
from tests.support.machines import ROOT, Processes, RedisServer, free_port
from tests.support.redis import connect, connect_async, queue_depth
from tests.support.speakers import audio_job
from wire import names

START_S = 60
"""Seconds until a service has started on a busy machine."""
Start = Callable[..., RedisServer]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers with options; with ``login`` in the URL."""
    running: list[RedisServer] = []

    def begin(*options: str, login: str = "") -> RedisServer:
        folder = tmp_path / f"redis-{len(running)}"
        folder.mkdir()
        server = RedisServer(folder, *options)
        server.url = server.url.replace("redis://", f"redis://{login}")
        server.start()
        running.append(server)
        return server

    yield begin
    for server in running:
        server.kill()


def cluster(start: Start) -> str:
    """A cluster of one node that has all slots."""
    server = start("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with connect(server.url) as client:
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
    return server.url


def replica(start: Start) -> str:
    primary = start()
    return start("--replicaof", "127.0.0.1", str(primary.port)).url


def wrong_password(start: Start) -> str:
    return start("--requirepass", "right", login=":right@").url.replace("right", "hush")


def no_password(start: Start) -> str:
    return start("--requirepass", "right", login=":right@").url.replace(":right@", "")


def wrong_database(start: Start) -> str:
    return start("--databases", "2").url.removesuffix("/0") + "/2"


def few_rights(start: Start) -> str:
    server = start()
    with connect(server.url) as client:
        client.execute_command("ACL", "SETUSER", "guest", "on", ">hush", "+@all", "~guest:*")
    return server.url.replace("redis://", "redis://guest:hush@")


UNUSABLE = [
    (cluster, "redis_cluster", "is a Redis Cluster, which is not supported"),
    (replica, "redis_replica", "is a replica, which takes no writes; its primary is 127.0.0.1:"),
    (wrong_password, "redis_refused", "refused the password"),
    (no_password, "redis_refused", "needs a password"),
    (wrong_database, "redis_database", "has no database 2"),
    (few_rights, "redis_rights", "does not allow its user"),
]


@pytest.mark.parametrize(("make", "code", "says"), UNUSABLE, ids=[make.__name__ for make, *_ in UNUSABLE])
async def test_a_server_that_cannot_be_used_is_named(
    start: Start, make: Callable[[Start], str], code: str, says: str
) -> None:
    """To threads and event loops alike, with the place and without the password."""
    url = make(start)
    with connect(url) as client:
        found = find_problem(client, url)
    waiting = connect_async(url, retries=0)
    same = await find_problem_async(waiting, url)
    await waiting.aclose()
    assert found is not None
    assert same is not None
    assert found.code == same.code == code
    assert says in found.message
    assert "127.0.0.1:" in found.message
    assert "hush" not in str(found)


@pytest.mark.parametrize("login", ["", ":right@"])
async def test_a_server_that_can_be_used_has_no_problem(start: Start, login: str) -> None:
    url = start(*(["--requirepass", "right"] if login else []), login=login).url
    with connect(url) as client:
        assert find_problem(client, url) is None
    waiting = connect_async(url)
    assert await find_problem_async(waiting, url) is None
    await waiting.aclose()


def get_readiness(port: int) -> dict[str, Any]:
    """Return the checks of /readyz; empty while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            body = answer.read()
    except urllib.error.HTTPError as refused:
        body = refused.read()
    except OSError:
        return {}
    checks: dict[str, Any] = json.loads(body)["checks"]
    return checks


def logs(processes: Processes, process: subprocess.Popen[bytes], text: str) -> bool:
    return text in processes.output(process)


def contains(file: Path, text: str) -> bool:
    return file.exists() and text in file.read_text()


@pytest.mark.parametrize(
    ("make", "says"),
    [(cluster, "is a Redis Cluster, which is not supported"), (wrong_password, "refused the password")],
)
def test_every_service_names_it_once_and_waits(
    start: Start, tmp_path: Path, make: Callable[[Start], str], says: str
) -> None:
    """In its log, in its health file and in /readyz, without a traceback."""
    url, port = make(start), free_port()
    processes = Processes(url, tmp_path)
    health = {service: tmp_path / f"{service}.health" for service in ("gateway", "listener", "stt", "analyzer")}
    try:
        gateway = processes.python(
            "-m", "fastapi_service.fastapi_service", GATEWAY_PORT=str(port), HEALTH_FILE=str(health["gateway"])
        )
        listener = processes.python("-m", "listener_service.listener_service", HEALTH_FILE=str(health["listener"]))
        stt = processes.worker("stt_worker", names.STT_QUEUE, HEALTH_FILE=str(health["stt"]))
        analyzer = processes.worker("analyzer_worker", names.ANALYZER_QUEUE, HEALTH_FILE=str(health["analyzer"]))
        checks = eventually(lambda: get_readiness(port), timeout=START_S)
        assert says in checks["redis"]["reason"]
        assert "127.0.0.1" not in checks["redis"]["reason"]
        for service, process in {"gateway": gateway, "listener": listener, "stt": stt, "analyzer": analyzer}.items():
            eventually(partial(logs, processes, process, "redis unusable"), timeout=START_S)
            eventually(partial(contains, health[service], says), timeout=START_S)
            output = processes.output(process)
            assert process.poll() is None, service
            assert "Traceback" not in output, service
            assert output.count("redis unusable") == 1, service
            assert says in output, service
            assert "127.0.0.1:" in output, service
            assert "hush" not in output, service
    finally:
        processes.end()


def test_a_service_continues_when_the_server_can_be_used(start: Start, tmp_path: Path) -> None:
    """A replica that becomes the primary needs no restart of the services."""
    server = start()
    url = start("--replicaof", "127.0.0.1", str(server.port)).url
    processes = Processes(url, tmp_path)
    try:
        listener = processes.python("-m", "listener_service.listener_service", HEALTH_FILE=str(tmp_path / "health"))
        eventually(partial(logs, processes, listener, "redis unusable"), timeout=START_S)
        with connect(url) as client:
            client.execute_command("REPLICAOF", "NO", "ONE")
        eventually(partial(contains, tmp_path / "health", "ready\n"), timeout=START_S)
        assert "redis usable" in processes.output(listener)
    finally:
        processes.end()


def run_locally(url: str, tmp_path: Path) -> tuple[int, str, float]:
    """Return exit code, output and seconds of `make run` with ``REDIS_URL``."""
    command = [sys.executable, "-m", "local.run", "--no-prefetch", f"--run-dir={tmp_path / 'run'}", "--port=0"]
    began = time.monotonic()
    env = os.environ | {"REDIS_URL": url, "STT_MODEL": "instant", "ANALYZER_MODEL": "instant"}
    ended = subprocess.run(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr, time.monotonic() - began


@pytest.mark.parametrize(("make", "says"), [(make, says) for make, _, says in UNUSABLE[:3]])
def test_make_run_ends_at_once(start: Start, tmp_path: Path, make: Callable[[Start], str], says: str) -> None:
    """Before it starts anything: --wait-s is five minutes."""
    code, output, seconds = run_locally(make(start), tmp_path)
    assert code == 1
    assert says in output
    assert "Traceback" not in output
    assert "hush" not in output
    assert seconds < START_S
    assert not (tmp_path / "run" / "log").exists()


@pytest.mark.parametrize("url", ["unix://run/redis.sock", "redis+socket:///run/redis.sock", "redis://h/0?no_option=1"])
def test_make_run_refuses_a_url_by_name(tmp_path: Path, url: str) -> None:
    code, output, _ = run_locally(url, tmp_path)
    assert code == 2
    assert "REDIS_URL" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(("login", "options"), [("", ()), (":p%40ss@", ("--requirepass", "p@ss"))])
def test_a_unix_socket_serves_both_libraries(
    start: Start, tmp_path: Path, login: str, options: tuple[str, ...]
) -> None:
    """A job is sent through Celery, to the database of the URL, and a worker takes it."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:  # the kernel takes short paths only
        path = Path(folder) / "my redis.sock"
        start("--unixsocket", str(path), *options, login=login)
        url = f"unix://{login}{str(path).replace(' ', '%20')}?db=3"
        with connect(url) as client:
            assert find_problem(client, url) is None
            celery = make_celery("test", url)
            send_job(celery, audio_job())
            assert queue_depth(client, names.STT_QUEUE) == 1
            celery.producer_pool.force_close_all()  # its own alone: other tests of this process have some
            celery.pool.force_close_all()
            processes = Processes(url, tmp_path)
            try:
                worker = processes.worker("stt_worker", names.STT_QUEUE)
                eventually(lambda: queue_depth(client, names.STT_QUEUE) == 0, timeout=START_S)
                assert "Traceback" not in processes.output(worker)
            finally:
                processes.end()
