"""Keys that Redis keeps in memory alone."""

from collections.abc import Callable
from pathlib import Path

from infra.celery_app import PARTIAL_AUDIO_TTL_S
from infra.context import Context, Contexts, get_context
from infra.redis_client import get_bytes
from infra.scratch import Scratch, ThreadScratch
from tests.support.machines import RedisServer
from tests.support.redis import AsyncRedis, Redis, connect, connect_async
from tests.support.speakers import ALICE
from wire import names

SPOKEN = "nobody writes this down"


def files_with(text: str, folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


async def test_the_append_only_file_gets_no_drafts_and_no_contexts(mortal_redis: RedisServer, tmp_path: Path) -> None:
    """They are there to be read, and gone with the server; what is written otherwise is on the disk and stays."""
    aredis = connect_async(mortal_redis.url)
    draft = names.partial_audio(ALICE, 0, 1)
    pcm = SPOKEN.encode() * 10
    with connect(mortal_redis.url) as redis:
        await Scratch(aredis).put(draft, ALICE, pcm, PARTIAL_AUDIO_TTL_S)
        await Contexts(aredis).put(ALICE, 0, Context(pcm, SPOKEN, "en"))
        ThreadScratch(redis).put(names.sentence(ALICE, 0), ALICE, SPOKEN, 60)
        redis.set("written", "this is written down")
        assert get_bytes(redis, draft) == pcm
        assert 0 < redis.ttl(draft) <= PARTIAL_AUDIO_TTL_S
        assert get_context(redis, ALICE, 0) == Context(pcm, SPOKEN, "en")
        assert ThreadScratch(redis).mget([names.sentence(ALICE, 0), names.sentence(ALICE, 1)]) == [SPOKEN, None]
        await aredis.aclose()
        mortal_redis.kill()
        assert not files_with(SPOKEN, tmp_path)
        assert files_with("this is written down", tmp_path)
        mortal_redis.start()
        assert redis.keys("*") == ["written"]


async def test_nothing_is_stored_for_a_deleted_session(
    redis: Redis, aredis: AsyncRedis, keys: Callable[[str], set[str]]
) -> None:
    """A gateway or a worker may be in the middle of its work when the session goes."""
    redis.set(names.deleted(ALICE), "digest")
    await Scratch(aredis).put(names.partial_audio(ALICE, 0, 1), ALICE, b"\1\0", 10)
    await Contexts(aredis).put(ALICE, 0, Context(b"\1\0", SPOKEN, "en"))
    ThreadScratch(redis).put(names.sentence(ALICE, 0), ALICE, SPOKEN, 60)
    assert keys("*") == {names.deleted(ALICE)}
