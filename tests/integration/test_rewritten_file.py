"""The append-only file of a real server, and one whose user may not have it rewritten."""

from pathlib import Path

import pytest

from listener_service.append_only_file import AppendOnlyFile
from tests.support.eventually import eventually
from tests.support.machines import RedisServer
from tests.support.redis import connect

SAID = "something that was said"


def is_on_disk(folder: Path) -> bool:
    return any(SAID.encode() in file.read_bytes() for file in folder.rglob("*.aof") if file.is_file())


def test_a_deleted_text_is_gone_from_the_folder(mortal_redis: RedisServer, tmp_path: Path) -> None:
    """What else is there stays, also when the server is killed behind the rewrite."""
    warnings: list[str | None] = []
    with connect(mortal_redis.url) as redis:
        file = AppendOnlyFile(redis, 60, warnings.append)
        redis.set("said", SAID)
        redis.set("kept", "something else")
        assert is_on_disk(tmp_path)
        redis.delete("said")
        assert is_on_disk(tmp_path)
        file.rewrite_if_due()
        eventually(lambda: not is_on_disk(tmp_path), timeout=30)
        mortal_redis.kill()
        mortal_redis.start()
        assert redis.keys("*") == ["kept"]
    assert warnings == [None]


@pytest.mark.parametrize("command", ["info", "bgrewriteaof"])
def test_a_user_without_the_right_is_a_warning(mortal_redis: RedisServer, command: str) -> None:
    """The listener works all the same."""
    warnings: list[str | None] = []
    with connect(mortal_redis.url) as redis:
        redis.execute_command("ACL", "SETUSER", "guest", "on", ">hush", "+@all", f"-{command}", "~*", "&*")
    with connect(mortal_redis.url.replace("redis://", "redis://guest:hush@")) as redis:
        AppendOnlyFile(redis, 60, warnings.append).rewrite_if_due()
    [warning] = warnings
    assert "does not let the listener rewrite" in (warning or "")
