import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

from local.stack.orphans import RUN_TAG, end, orphans

SLEEP = "print(flush=True); import time; time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


def start(run_dir: Path, program: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, RUN_TAG: str(run_dir)}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=PIPE)
    assert process.stdout is not None
    process.stdout.readline()  # it runs, with its environment in place
    return process


def test_only_processes_of_this_stack_are_ended(tmp_path: Path) -> None:
    """The mark tells the processes of two stacks apart."""
    with start(tmp_path / "a", SLEEP) as ours, start(tmp_path / "b", SLEEP) as theirs:
        end(orphans(tmp_path / "a"), grace_s=5)
        is_spared = theirs.poll() is None
        theirs.kill()
        assert orphans(tmp_path / "a") == []
        assert ours.poll() is not None
        assert is_spared


def test_process_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    """After the grace period nothing is left, even of a process that ignores SIGTERM."""
    with start(tmp_path, DEAF) as deaf:
        end(orphans(tmp_path), grace_s=0.2)
        assert deaf.poll() is not None
