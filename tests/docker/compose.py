"""The stack of docker-compose.yml under a name of its own, so that a test disturbs no other."""

import json
import os
import secrets
import socket
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROJECT = "whisper-text-analyzer-e2e"


class ComposeError(Exception):
    """A docker command failed; the message holds the end of what it said."""


class Stack:
    """Free ports and a password for this run; of the caller's environment, TORCH_* decides what is built."""

    def __init__(self) -> None:
        self.http_port, self.https_port = _free_port(), _free_port()
        self.url = f"https://localhost:{self.https_port}"
        self._env = os.environ | {
            "HTTP_PORT": str(self.http_port),
            "HTTPS_PORT": str(self.https_port),
            "REDIS_PASSWORD": secrets.token_hex(16),
            "NGINX_HSTS_S": "31536000",
        }

    def compose(self, *arguments: str, timeout: float = 1800) -> str:
        """``docker compose …``: what it wrote to stdout.

        Raises:
            ComposeError: it failed.
        """
        return _run("docker", "compose", "--project-name", PROJECT, *arguments, env=self._env, timeout=timeout)

    def containers(self, service: str | None = None) -> list[dict[str, Any]]:
        """``docker inspect`` of the running containers, of one service or of all."""
        ids = self.compose("ps", "--quiet", *([service] if service else [])).split()
        found: list[dict[str, Any]] = json.loads(_run("docker", "inspect", *ids)) if ids else []
        return found

    def processes(self, container: dict[str, Any]) -> list[tuple[int, str]]:
        """User id and command of every process in a container."""
        lines = _run("docker", "top", container["Id"], "-eo", "pid,uid,args").splitlines()[1:]
        columns = (line.split(maxsplit=2) for line in lines)
        return [(int(uid), args) for _, uid, args in columns]

    def kill(self, container: dict[str, Any]) -> None:
        """SIGKILL; Docker takes it for the operator's wish and starts nothing instead."""
        _run("docker", "kill", container["Id"])

    def start(self, container: dict[str, Any]) -> None:
        _run("docker", "start", container["Id"])


def _run(*command: str, env: dict[str, str] | None = None, timeout: float = 300) -> str:
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=timeout)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-25:])
        raise ComposeError(f"{' '.join(command)} ended with {done.returncode}:\n{tail}")
    return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
