"""Ends the stack when ``local.run`` dies without stopping it (SIGKILL, out of memory); runs under supervisord.

It blocks on the lock that ``local.run`` holds. The kernel releases the lock when that process dies: nothing is polled.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from local.stack.orphans import RUN_TAG, end, orphans
from local.stack.run_lock import STOPPING_S, state_file, wait_for_lock

POLL_S = 0.2


def main() -> None:
    """Wait for the runner's death, then stop supervisord, which stops the rest in order."""
    run_dir = Path(os.environ[RUN_TAG])
    supervisord = os.getppid()
    with wait_for_lock(run_dir):
        with contextlib.suppress(OSError):  # the pipe is closed when supervisord is dead
            print("`make run` ended without stopping what it started: stopping it now", flush=True)
        state_file(run_dir).unlink(missing_ok=True)
        if os.getppid() == supervisord:
            os.kill(supervisord, signal.SIGTERM)  # it ends this process too, as the last one
        deadline = time.monotonic() + STOPPING_S
        while os.getppid() == supervisord and time.monotonic() < deadline:
            time.sleep(POLL_S)
        end(orphans(run_dir), grace_s=10)  # supervisord died too, or hangs


if __name__ == "__main__":
    main()
