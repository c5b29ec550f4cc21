"""One running stack: supervisord and all that it started."""

import json
import os
import shutil
import signal
import subprocess
import sys

from local.console.log_tail import last_lines
from local.errors import LocalError
from local.stack.orphans import end, strays
from local.stack.plan import ROOT, Plan
from local.stack.run_lock import state_file
from local.stack.supervisor_client import Process, processes

STOP_S = 90
"""Longest orderly stop: the sum of ``stopwaitsecs`` in supervisord.conf."""


class System:
    """Started at once; ``stop`` leaves no process behind, whatever has happened."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._pids_seen: dict[str, set[int]] = {}
        self._complaints = plan.run_dir / "log" / "supervisor.stderr"
        for folder in ("log", "redis"):
            (plan.run_dir / folder).mkdir(parents=True, exist_ok=True)
        with self._complaints.open("wb") as stderr:
            self._supervisord = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "-c", str(ROOT / "supervisord.conf")],
                cwd=ROOT,
                env=plan.environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,  # Ctrl-C reaches the runner alone, which then stops all in order
            )

    def check_alive(self) -> None:
        """
        Raises:
            LocalError: supervisord itself has ended.
        """
        if self._supervisord.poll() is not None:
            said = "\n".join(last_lines(self._complaints))
            raise LocalError(
                "supervisor_ended",
                f"supervisord ended with exit code {self._supervisord.returncode}.\n{said}".rstrip(),
                f"Its log is {self._plan.run_dir / 'log' / 'supervisor.log'}.",
            )

    def failing(self, starts: int) -> Process | None:
        """A program that was started ``starts`` times already and does not stay."""
        for process in processes(self._plan.socket):
            seen = self._pids_seen.setdefault(process.name, set())
            if process.pid:
                seen.add(process.pid)
            if len(seen) >= starts and process.state == "BACKOFF":
                return process
        return None

    def write_state(self) -> None:
        """Tell other programs that the stack is ready, and where everything is."""
        pids = {process.name: process.pid for process in processes(self._plan.socket) if process.pid}
        state = {
            "url": self._plan.url,
            "redis_url": self._plan.redis_url,
            "supervisor": str(self._plan.socket),
            "runner": os.getpid(),
            "pids": {**pids, "supervisord": self._supervisord.pid},
        }
        file = state_file(self._plan.run_dir)
        draft = file.with_suffix(".draft")
        draft.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        draft.replace(file)  # nobody ever reads half a file

    def stop(self) -> None:
        """Stop in order, then end whatever did not stop."""
        state_file(self._plan.run_dir).unlink(missing_ok=True)
        self._supervisord.send_signal(signal.SIGTERM)
        try:
            self._supervisord.wait(STOP_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self._supervisord.kill()
            self._supervisord.wait()
        finally:
            end(strays(self._plan.run_dir), grace_s=2)
            if self._plan.socket.parent != self._plan.run_dir:
                shutil.rmtree(self._plan.socket.parent, ignore_errors=True)
