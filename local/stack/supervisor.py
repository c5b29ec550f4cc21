"""One running stack: supervisord and all that it started."""

import json
import os
import shutil
import signal
import subprocess
import sys

from local.errors import LocalError
from local.stack.log_tail import last_lines
from local.stack.orphans import end, orphans
from local.stack.plan import ROOT, Plan
from local.stack.run_lock import state_file
from local.stack.supervisor_client import Process, processes

STOP_S = 90
"""Longest orderly stop: the sum of ``stopwaitsecs`` in supervisord.conf."""


class Supervisor:
    """Starts supervisord at once; ``stop`` leaves no process behind, even after failures."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._pids_seen: dict[str, set[int]] = {}
        self._stderr_file = plan.run_dir / "log" / "supervisor.stderr"
        for folder in ("log", "redis"):
            (plan.run_dir / folder).mkdir(parents=True, exist_ok=True)
        with self._stderr_file.open("wb") as stderr:
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
        """Check that supervisord runs.

        Raises:
            LocalError: supervisord itself has ended.
        """
        if self._supervisord.poll() is not None:
            output = "\n".join(last_lines(self._stderr_file))
            raise LocalError(
                "supervisor_ended",
                f"supervisord ended with exit code {self._supervisord.returncode}.\n{output}".rstrip(),
                f"Its log is {self._plan.run_dir / 'log' / 'supervisor.log'}.",
            )

    def failing(self, starts: int) -> Process | None:
        """Return a program that was started ``starts`` times and keeps ending; None if there is none."""
        for process in processes(self._plan.socket):
            seen = self._pids_seen.setdefault(process.name, set())
            if process.pid:
                seen.add(process.pid)
            if len(seen) >= starts and process.state == "BACKOFF":
                return process
        return None

    def write_state(self) -> None:
        """Write the state file, which marks the stack as ready and holds its addresses and process ids."""
        pids = {process.name: process.pid for process in processes(self._plan.socket) if process.pid}
        state = {
            "url": self._plan.url,
            "redis_url": self._plan.redis_url,
            "supervisor": str(self._plan.socket),
            "runner": os.getpid(),
            "pids": {**pids, "supervisord": self._supervisord.pid},
        }
        file = state_file(self._plan.run_dir)
        temporary = file.with_suffix(".tmp")
        temporary.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        temporary.replace(file)  # readers never see half a file

    def stop(self) -> None:
        """Stop all programs in order, then end what did not stop."""
        state_file(self._plan.run_dir).unlink(missing_ok=True)
        self._supervisord.send_signal(signal.SIGTERM)
        try:
            self._supervisord.wait(STOP_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self._supervisord.kill()
            self._supervisord.wait()
        finally:
            end(orphans(self._plan.run_dir), grace_s=2)
            if self._plan.socket.parent != self._plan.run_dir:
                shutil.rmtree(self._plan.socket.parent, ignore_errors=True)
