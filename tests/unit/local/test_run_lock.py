import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.errors import LocalError
from local.stack.run_lock import lock_file, take_lock, wait_for_lock


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_second_run_is_told_which_one_runs(tmp_path: Path) -> None:
    """While the holder lives, a second run ends with a sentence that names its process."""
    with take_lock(tmp_path, os.getpid()), pytest.raises(LocalError) as refused:
        take_lock(tmp_path, os.getpid())
    assert refused.value.code == "already_running"
    assert str(os.getpid()) in str(refused.value)


def test_lock_is_free_after_its_holder(tmp_path: Path) -> None:
    """The next run takes over as soon as the one before has ended."""
    with take_lock(tmp_path, dead_pid()):
        pass
    with take_lock(tmp_path, os.getpid()):
        assert lock_file(tmp_path).read_text(encoding="utf-8") == str(os.getpid())


def test_rest_of_a_dead_run_is_waited_for(tmp_path: Path) -> None:
    """The next run waits while the rest of a dead run is being stopped; if that takes too long, an error says so."""
    take_lock(tmp_path, dead_pid()).close()
    with wait_for_lock(tmp_path), pytest.raises(LocalError) as refused:
        take_lock(tmp_path, os.getpid(), waiting_s=0.3)
    assert refused.value.code == "still_stopping"
