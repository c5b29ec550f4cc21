"""A real server for the tests: one for the run, emptied before each test, and one that a test may kill."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from celery import Celery
from kombu import pools

from infra.celery_app import make_celery
from tests.support.eventually import eventually
from tests.support.gateways import START_S, Gateway
from tests.support.heartbeats import ready
from tests.support.machines import Processes, RedisServer
from tests.support.redis import AsyncRedis, Redis, connect, connect_async
from wire import names


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """An empty database."""
    with connect(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def mortal_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of the test's own."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with connect(redis_url) as client:
        yield client


@pytest.fixture
async def aredis(redis_url: str) -> AsyncIterator[AsyncRedis]:
    client = connect_async(redis_url)
    yield client
    await client.aclose()
    await client.connection_pool.disconnect()


@pytest.fixture(scope="session")
def celery(redis_server: RedisServer) -> Iterator[Celery]:
    """A sender of jobs."""
    yield make_celery("test", redis_server.url)
    pools.reset()


@pytest.fixture
def processes(redis_url: str, tmp_path: Path) -> Iterator[Processes]:
    """Services that end with the test."""
    folder = tmp_path / "processes"
    folder.mkdir()
    started = Processes(redis_url, folder)
    yield started
    started.end()


@pytest.fixture
def keys(redis: Redis) -> Callable[[str], set[str]]:
    """The keys that match a pattern now."""
    return lambda pattern: set(redis.scan_iter(pattern))


@pytest.fixture
def workers(processes: Processes, redis: Redis) -> None:
    """All services behind a gateway, with instant engines."""
    processes.python("-m", "listener_service.listener_service")
    processes.worker("analyzer_worker", names.ANALYZER_QUEUE, pool="threads", concurrency=4)
    processes.worker("stt_worker", names.STT_QUEUE)
    for service in (names.LISTENER, names.ANALYZER_WORKER, names.STT_WORKER):
        eventually(partial(ready, redis, service), START_S)


@pytest.fixture
def start_gateway(processes: Processes) -> Callable[..., Gateway]:
    """Starts a gateway with settings, and waits until it answers."""

    def one(**settings: str) -> Gateway:
        gateway = Gateway(processes, **settings)
        eventually(gateway.answers, START_S)
        return gateway

    return one
