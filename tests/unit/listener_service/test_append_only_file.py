"""When the append-only file is rewritten: after something was forgotten, and not too often."""

from typing import Any, cast

import pytest
from redis.exceptions import NoPermissionError, ResponseError

from infra.redis_client import Redis
from listener_service.append_only_file import LEAST_PAUSE, LOOK_S, SOON_S, AppendOnlyFile

EVERY_S = 600.0


class FakeRedis:
    """A server that rewrites at once."""

    def __init__(self) -> None:
        self.info: dict[str, Any] = {
            "aof_enabled": 1, "aof_rewrite_in_progress": 0, "aof_rewrite_scheduled": 0, "aof_last_rewrite_time_sec": 0,
            "aof_last_bgrewrite_status": "ok", "aof_current_size": 1_000, "expired_keys": 0,
        }  # fmt: skip
        self.released, self.kept = 0, 0
        self.rewrites = 0
        self.refusal: ResponseError | None = None

    def execute_command(self, command: str) -> dict[str, Any]:
        if self.refusal is not None:
            raise self.refusal
        self.rewrites += command == "BGREWRITEAOF"
        return self.info

    def xlen(self, _stream: str) -> int:
        return self.kept

    def hget(self, _totals: str, field: str) -> str | None:
        assert field == "ended"
        return str(self.released) if self.released else None


class Setting:
    """A file that was rewritten when its listener began to sweep, and a clock that a test sets."""

    def __init__(self, every_s: float = EVERY_S) -> None:
        self.redis, self.now, self.warnings = FakeRedis(), 1_000.0, list[str | None]()
        self.file = AppendOnlyFile(cast(Redis, self.redis), every_s, self.warnings.append, lambda: self.now)
        self.file.rewrite_if_due()

    def rewrites_within(self, seconds: float) -> int:
        """Let time pass, a second at a time."""
        before = self.redis.rewrites
        for _ in range(int(seconds)):
            self.now += 1
            self.file.rewrite_if_due()
        return self.redis.rewrites - before


def test_the_first_look_rewrites() -> None:
    """While the stack was down, conversations expired in its file."""
    assert Setting().redis.rewrites == 1


def test_an_idle_server_is_left_alone() -> None:
    """Heartbeats alone are no reason."""
    assert Setting().rewrites_within(3 * EVERY_S) == 0


@pytest.mark.parametrize("forgets", ["expiry", "release", "trimming"])
def test_what_is_forgotten_is_rewritten_once_after_the_period(forgets: str) -> None:
    """The audio of an utterance goes with its release, its text with the session, and out of the stream before."""
    setting = Setting()
    setting.redis.released = setting.redis.kept = 2
    setting.rewrites_within(2 * EVERY_S)
    match forgets:
        case "expiry":
            setting.redis.info["expired_keys"] += 1
        case "release":
            setting.redis.released += 1
        case _:
            setting.redis.kept -= 1
    assert setting.rewrites_within(LOOK_S + 1) == 1
    assert setting.rewrites_within(3 * EVERY_S) == 0


def test_speech_rewrites_once_in_a_period() -> None:
    """However much of it is released."""
    setting = Setting()
    rewrites = 0
    for _ in range(int(4 * EVERY_S)):
        setting.redis.released += 1
        rewrites += setting.rewrites_within(1)
    assert rewrites in {3, 4}


def test_a_deletion_is_rewritten_soon() -> None:
    """It waits for nothing but the pause between two rewrites."""
    setting = Setting()
    setting.file.note_deletion()
    assert setting.rewrites_within(SOON_S - LOOK_S) == 0
    assert setting.rewrites_within(2 * LOOK_S) == 1
    assert setting.rewrites_within(3 * EVERY_S) == 0


def test_a_large_store_is_rewritten_less_often() -> None:
    """A rewrite of a minute is followed by a pause of twenty."""
    setting = Setting()
    setting.redis.info |= {"aof_last_rewrite_time_sec": 60, "expired_keys": 1}
    assert setting.rewrites_within(LEAST_PAUSE * 60 - LOOK_S) == 0
    assert setting.rewrites_within(2 * LOOK_S) == 1


def test_a_failed_rewrite_is_repeated() -> None:
    """Such as with a full disk."""
    setting = Setting()
    setting.redis.info["aof_last_bgrewrite_status"] = "err"
    assert setting.rewrites_within(EVERY_S + LOOK_S) == 1
    setting.redis.info["aof_last_bgrewrite_status"] = "ok"
    assert setting.rewrites_within(3 * EVERY_S) == 0


@pytest.mark.parametrize("field", ["aof_rewrite_in_progress", "aof_rewrite_scheduled"])
def test_a_deletion_during_a_rewrite_is_rewritten_after_it(field: str) -> None:
    """The one under way may have begun before the deletion."""
    setting = Setting()
    setting.redis.info[field] = 1
    setting.file.note_deletion()
    assert setting.rewrites_within(EVERY_S) == 0
    setting.redis.info[field] = 0
    assert setting.rewrites_within(LOOK_S + 1) == 1


def test_a_short_period_is_that_of_deletions_too() -> None:
    """Operators who want it sooner get it sooner."""
    setting = Setting(every_s=10)
    setting.file.note_deletion()
    assert setting.rewrites_within(10 + LOOK_S) == 1


@pytest.mark.parametrize("change", [{"aof_enabled": 0}, {}])
def test_a_server_without_the_file_or_a_period_of_zero_never_rewrites(change: dict[str, Any]) -> None:
    """There is nothing to do, or an operator does it."""
    setting = Setting(EVERY_S if change else 0)
    before = setting.redis.rewrites
    setting.redis.info |= change
    setting.file.note_deletion()
    assert (before, setting.rewrites_within(3 * EVERY_S)) == (1 if change else 0, 0)


@pytest.mark.parametrize("refusal", [NoPermissionError("NOPERM"), ResponseError("ERR unknown command 'BGREWRITEAOF'")])
def test_a_refusal_is_a_warning_until_it_is_over(refusal: ResponseError) -> None:
    """For operators, who may give the right."""
    setting = Setting()
    setting.redis.refusal = refusal
    assert setting.rewrites_within(EVERY_S) == 0
    assert "BGREWRITEAOF" in (setting.warnings[-1] or "")
    setting.redis.refusal, setting.redis.info["expired_keys"] = None, 1
    assert setting.rewrites_within(EVERY_S) == 1
    assert setting.warnings[-1] is None


def test_a_rewrite_that_the_server_began_itself_is_no_fault() -> None:
    """Between the look and the command."""
    setting = Setting()
    setting.redis.refusal = ResponseError("ERR Background append only file rewriting already in progress")
    setting.rewrites_within(EVERY_S)
    assert {*setting.warnings} == {None}
