from pathlib import Path

import pytest

from local.stack.log_tail import Follower, last_lines


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "stt_worker-0.log"


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def test_new_lines_carry_the_name_of_their_program(tmp_path: Path, log: Path) -> None:
    """Lines of an earlier run are old; what is appended is printed once, with the program's name."""
    append(log, "yesterday\n")
    follower = Follower(tmp_path)
    append(log, "one\ntwo\n")
    assert list(follower.new_lines()) == [("stt_worker-0", "one"), ("stt_worker-0", "two")]
    assert list(follower.new_lines()) == []
    follower.close()


def test_half_a_line_waits_for_its_end(tmp_path: Path, log: Path) -> None:
    """A line is printed when it is whole, also when it was cut inside a character."""
    follower = Follower(tmp_path)
    word = "안녕".encode()
    log.write_bytes(word[:4])
    assert list(follower.new_lines()) == []
    log.write_bytes(word + b"\n")
    assert list(follower.new_lines()) == [("stt_worker-0", "안녕")]
    follower.close()


def test_rotation_loses_no_line(tmp_path: Path, log: Path) -> None:
    """The end of the rotated file comes before the beginning of the new one."""
    append(log, "old\n")
    follower = Follower(tmp_path)
    append(log, "last\n")
    log.rename(tmp_path / "stt_worker-0.log.1")
    append(log, "first\n")
    assert [line for _, line in follower.new_lines()] == ["last", "first"]
    follower.close()


def test_of_the_supervisor_only_changes_are_told(tmp_path: Path) -> None:
    """Its housekeeping stays in its file; processes that come and go are news."""
    follower = Follower(tmp_path)
    append(tmp_path / "supervisor.log", "2026-01-01 00:00:00,000 INFO RPC interface 'supervisor' initialized\n")
    append(tmp_path / "supervisor.log", "2026-01-01 00:00:01,000 WARN exited: redis (terminated by SIGKILL)\n")
    assert list(follower.new_lines()) == [("supervisor", "exited: redis (terminated by SIGKILL)")]
    follower.close()


def test_end_of_a_log(tmp_path: Path, log: Path) -> None:
    """The last lines of a log; none of a log that was never written."""
    append(log, "a\nb\nc\n")
    assert last_lines(log, 2) == ["b", "c"]
    assert last_lines(tmp_path / "never.log") == []
