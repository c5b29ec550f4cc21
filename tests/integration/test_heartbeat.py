"""Who lives, and who does not any more."""

import signal
import time

import pytest

from infra.heartbeat import INDEX_TIME_TO_LIVE_S, TIME_TO_LIVE_S, Heartbeat, HeartbeatWriter, alive_instances
from tests.support.eventually import eventually
from tests.support.machines import Processes
from tests.support.redis import AsyncRedis, Redis
from wire import names

PROCESS = """
import os, time
from infra.heartbeat import HeartbeatWriter
from infra.redis_client import connect
presence = HeartbeatWriter(connect(os.environ["REDIS_URL"]), "stt_worker")
presence.start()
presence.ready("base", "r1")
time.sleep(60)
"""


@pytest.fixture
def heartbeat(redis: Redis) -> HeartbeatWriter:
    return HeartbeatWriter(redis, names.STT_WORKER)


def beat(redis: Redis, heartbeat: HeartbeatWriter) -> Heartbeat | None:
    stored = redis.get(heartbeat.key)
    return Heartbeat.model_validate_json(stored) if stored else None


async def test_a_process_says_how_it_is(redis: Redis, aredis: AsyncRedis, heartbeat: HeartbeatWriter) -> None:
    """Starting, not ready with a reason, ready with its model, busy, gone: each shows at once or a beat later."""
    heartbeat.start()
    first = eventually(lambda: beat(redis, heartbeat))
    assert (first.ready, first.reason, first.service) == (False, "starting", names.STT_WORKER)
    heartbeat.not_ready("The file is missing.")
    eventually(lambda: (known := beat(redis, heartbeat)) and known.reason == "The file is missing.", timeout=0.5)
    heartbeat.ready("base", "r1")
    eventually(lambda: (known := beat(redis, heartbeat)) and known.ready and known.model == "base", timeout=0.5)
    with heartbeat.busy():
        eventually(lambda: (known := beat(redis, heartbeat)) and known.busy_since, timeout=3)
    eventually(lambda: (known := beat(redis, heartbeat)) and known.busy_since is None, timeout=3)
    assert [known.instance for known in await alive_instances(aredis, names.STT_WORKER)] == [first.instance]
    heartbeat.stop()
    assert beat(redis, heartbeat) is None
    assert await alive_instances(aredis, names.STT_WORKER) == []


async def test_a_killed_process_is_gone_after_five_seconds(
    processes: Processes, redis: Redis, aredis: AsyncRedis
) -> None:
    """It lives as long as it beats; then it expires, and is removed from the index."""
    process = processes.python("-c", PROCESS)
    index = names.heartbeat_index(names.STT_WORKER)
    instance = eventually(lambda: redis.smembers(index), timeout=15).pop()
    key = names.heartbeat(names.STT_WORKER, instance)
    eventually(lambda: Heartbeat.model_validate_json(redis.get(key) or "").ready)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = time.monotonic()
    assert redis.exists(key)
    eventually(lambda: not redis.exists(key), timeout=TIME_TO_LIVE_S + 1)
    assert time.monotonic() - killed > TIME_TO_LIVE_S - 2
    assert await alive_instances(aredis, names.STT_WORKER) == []
    assert not redis.exists(index)


def test_a_start_forgets_who_died_before(redis: Redis, heartbeat: HeartbeatWriter) -> None:
    """Also of services that nobody lists; who lives stays, and the index of a service that is gone expires."""
    index = names.heartbeat_index(names.STT_WORKER)
    redis.sadd(index, "dead", "alive")
    redis.set(names.heartbeat(names.STT_WORKER, "alive"), "{}")
    heartbeat.start()
    eventually(lambda: redis.smembers(index) == {"alive", heartbeat.key.rpartition(":")[2]})
    assert 0 < redis.ttl(index) <= INDEX_TIME_TO_LIVE_S
    heartbeat.stop()


def test_a_heartbeat_comes_back_after_redis_was_emptied(redis: Redis, heartbeat: HeartbeatWriter) -> None:
    """Beats are repeated, not only written on change."""
    heartbeat.start()
    eventually(lambda: beat(redis, heartbeat))
    redis.flushall()
    eventually(lambda: beat(redis, heartbeat), timeout=3)
    heartbeat.stop()


def test_two_processes_of_a_service_are_two(redis: Redis) -> None:
    """Also on the same host with the same process id, as in containers."""
    assert HeartbeatWriter(redis, names.LISTENER).key != HeartbeatWriter(redis, names.LISTENER).key
