"""A whole system for tests and benchmarks: starts on free ports, kills single programs, stops without a trace."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from local.stack.log_tail import last_lines
from local.stack.orphans import end, orphans
from local.stack.plan import ROOT
from local.stack.run_lock import state_file
from local.stack.supervisor import STOP_S
from local.stack.supervisor_client import pid_of

POLL_S = 0.05


class StackError(Exception):
    """The stack did not start, or did not come back; the message holds the end of its output."""


class Stack:
    """``python -m local.run`` in a process of its own, which ends with this one at the latest."""

    def __init__(self, runner: subprocess.Popen[bytes], run_dir: Path) -> None:
        self._runner = runner
        self.run_dir = run_dir
        self.output = run_dir / "run.out"
        """Output of `make run`: the log lines of every service."""

    @classmethod
    def start(
        cls,
        run_dir: Path,
        port: int = 0,
        env: Mapping[str, str] | None = None,
        *,
        stt_workers: int = 1,
        options: tuple[str, ...] = (),
        root: Path = ROOT,
    ) -> Self:
        """Start a stack from the sources in ``root``; return at once.

        It has a Redis of its own unless ``env`` has a REDIS_URL.
        """
        run_dir = run_dir.resolve()
        run_dir.mkdir(parents=True, exist_ok=True)
        state_file(run_dir).unlink(missing_ok=True)
        own_redis = () if env and env.get("REDIS_URL") else ("--redis-port", "0")
        command = [sys.executable, "-m", "local.run", "--no-prefetch", "--with-parent", f"--run-dir={run_dir}"]
        command += [f"--port={port}", f"--stt-workers={stt_workers}"]
        with (run_dir / "run.out").open("wb") as output:
            runner = subprocess.Popen(
                [*command, *own_redis, *options],
                cwd=root,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return cls(runner, run_dir)

    def wait_ready(self, timeout: float = 120) -> Self:
        """Wait until every service is ready for speech.

        Raises:
            StackError: the stack ended, or is not ready after ``timeout`` seconds.
        """
        deadline = time.monotonic() + timeout
        while not state_file(self.run_dir).exists():
            if self._runner.poll() is not None:
                raise self._error(f"The stack ended with exit code {self._runner.returncode}")
            if time.monotonic() > deadline:
                raise self._error(f"The stack is not ready after {timeout:.0f} s")
            time.sleep(POLL_S)
        return self

    @property
    def url(self) -> str:
        """Address of the page: ``http://127.0.0.1:PORT``."""
        return str(self._state["url"])

    @property
    def redis_url(self) -> str:
        """Address of the Redis, for clients of a test."""
        return str(self._state["redis_url"])

    def pid(self, program: str) -> int | None:
        """Return the process id of ``program`` (``redis``, ``stt_worker:0``); None while it is down."""
        return pid_of(Path(self._state["supervisor"]), program)

    def kill(self, program: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to the process of ``program``; return its process id."""
        pid = self.pid(program)
        if pid is None:
            raise self._error(f"{program} does not run")
        os.kill(pid, number)
        return pid

    def wait_restarted(self, program: str, old_pid: int, timeout: float = 30) -> int:
        """Wait until ``program`` runs as another process than ``old_pid``; return the new process id."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            pid = self.pid(program)
            if pid not in (None, old_pid):
                return pid
            time.sleep(POLL_S)
        raise self._error(f"{program} was not restarted within {timeout:.0f} s")

    def stop(self) -> int:
        """Stop as Ctrl-C does; return the runner's exit code. No process is left, even after a failure."""
        self._runner.terminate()
        try:
            return self._runner.wait(STOP_S + 10)
        except subprocess.TimeoutExpired:
            self._runner.kill()
            return self._runner.wait()
        finally:
            end(orphans(self.run_dir), grace_s=2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.stop()

    @property
    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(state_file(self.run_dir).read_text(encoding="utf-8"))
        return state

    def _error(self, what: str) -> StackError:
        return StackError(f"{what}. The end of {self.output}:\n" + "\n".join(last_lines(self.output, 40)))
