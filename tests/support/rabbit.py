"""A RabbitMQ server for tests (Debian's package), in a folder and on ports of its own."""

import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.eventually import eventually
from tests.support.machines import free_port

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_S = 90
"""Seconds that Erlang may take on a busy machine."""


class RabbitServer:
    """One node with durable data: it survives ``kill`` and ``start``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._epmd = free_port()
        self._distribution = free_port()
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the node, and the port mapper that it would leave running."""
        for name, text in (("rabbitmq.conf", f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"), ("plugins", "[].\n")):
            (self._folder / name).write_text(text, encoding="utf-8")
        (self._folder / "env").touch()
        self._run("epmd", "-address", "127.0.0.1", "-port", str(self._epmd))
        eventually(lambda: _listens(self._epmd), START_S)
        self._run(str(PROGRAM))
        eventually(lambda: _listens(self.port), START_S)

    def kill(self) -> None:
        """SIGKILL, as when its machine loses power."""
        for process in self._running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._running.clear()

    def _environment(self) -> Mapping[str, str]:
        folder = self._folder
        return os.environ | {
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "env"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1",
        }

    def _run(self, *command: str) -> None:
        with (self._folder / "server.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.append(process)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
