"""Listeners come and go, results can be broken, Redis can be emptied: the rest goes on."""

import time
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from infra.redis_client import Redis
from infra.results import FIELD, publish_result
from listener_service import consumer as module
from listener_service.consumer import GROUP, STREAM, Consumer
from listener_service.release import Releaser
from listener_service.settings import Settings
from tests.support.eventually import eventually
from tests.support.machines import Processes
from tests.support.speakers import ALICE, BOB, final
from wire import names

SECRET = "only between the two of us"


@pytest.fixture
def make(redis: Redis) -> Callable[[str], Consumer]:
    """A listener of a name, in the group."""

    def make(name: str) -> Consumer:
        consumer = Consumer(redis, name, Releaser(redis, Settings()))
        consumer.join()
        return consumer

    return make


def released(redis: Redis, session_id: str = ALICE) -> int:
    return int(redis.xlen(names.log(names.audience(session_id, None))))


def test_joining_twice_is_harmless(make: Callable[[str], Consumer], redis: Redis) -> None:
    """The group begins with the oldest result, and a second listener does not begin it anew."""
    publish_result(redis, final(0))
    make("one").consume()
    make("two").consume()
    assert released(redis) == 1


def test_what_a_dead_listener_had_begun_is_finished(
    make: Callable[[str], Consumer], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It read three results and died before it released them; its place in the group is cleared away."""
    consumer = make("alive")
    for segment in range(3):
        publish_result(redis, final(segment))
    redis.xreadgroup(GROUP, "dead", {STREAM: ">"})
    consumer.take_over()
    assert released(redis) == 0, "its results are its own for a while"
    monkeypatch.setattr(module, "ABANDONED_MS", 0)
    monkeypatch.setattr(module, "BATCH", 2)
    consumer.take_over()
    assert released(redis) == 3
    assert redis.xlen(STREAM) == 0
    monkeypatch.setattr(module, "FORGET_CONSUMER_MS", 1)

    def consumers() -> list[str]:
        consumer.take_over()
        return [known["name"] for known in redis.xinfo_consumers(STREAM, GROUP)]

    eventually(lambda: consumers() == ["alive"])


def test_a_listener_that_is_only_slow_releases_nothing_twice(
    make: Callable[[str], Consumer], redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its results were taken over while it was busy with them."""
    slow, quick = make("slow"), make("quick")
    publish_result(redis, final(0))
    ((_, entries),) = redis.xreadgroup(GROUP, "slow", {STREAM: ">"})
    monkeypatch.setattr(module, "ABANDONED_MS", 0)
    quick.take_over()
    slow._apply_all(entries)
    assert released(redis) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {FIELD: "no json"},
        {FIELD: '{"type": "final"}'},
        {FIELD: f'{{"type": "final", "text": ["{SECRET}"]}}'},
        {"other": "field"},
    ],
)
def test_a_broken_result_is_dropped_and_reported(
    make: Callable[[str], Consumer], redis: Redis, fields: dict[str, str]
) -> None:
    """What follows it is released; the log says that something was dropped, and not what."""
    consumer = make("one")
    redis.xadd(STREAM, fields)
    publish_result(redis, final(0))
    with capture_logs() as logs:
        consumer.consume()
    assert released(redis) == 1
    assert redis.xlen(STREAM) == 0
    assert redis.xpending(STREAM, GROUP)["pending"] == 0
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["unreadable result dropped"]
    assert SECRET not in str(logs)


def test_each_release_is_one_line_without_text(make: Callable[[str], Consumer], redis: Redis) -> None:
    """With session, segment and latencies."""
    consumer = make("one")
    publish_result(redis, final(0, text=SECRET))
    with capture_logs() as logs:
        consumer.consume()
    (line,) = logs
    assert (line["event"], line["session"], line["segment"], line["endpointing_ms"]) == ("final", ALICE, 0, 500)
    assert SECRET not in str(line)


def test_waiting_for_results_does_not_spin(make: Callable[[str], Consumer]) -> None:
    """Without results, ``consume`` blocks for a second."""
    consumer = make("one")
    started = time.monotonic()
    consumer.consume()
    assert 0.8 < time.monotonic() - started < 3


def test_a_listener_survives_an_emptied_redis(processes: Processes, redis: Redis) -> None:
    """FLUSHALL takes its group away; the running process creates it again and goes on."""
    processes.python("-m", "listener_service.listener_service")
    eventually(lambda: redis.exists(STREAM), timeout=15)
    publish_result(redis, final(0))
    eventually(lambda: released(redis) == 1)
    redis.flushall()
    publish_result(redis, final(0, BOB))
    eventually(lambda: released(redis, BOB) == 1, timeout=10)


def test_one_state_that_is_broken_does_not_stop_the_others(processes: Processes, redis: Redis) -> None:
    """A session whose record in Redis is damaged costs that session only."""
    redis.hset(names.order(ALICE), mapping={"version": "1", "data": "no json"})
    publish_result(redis, final(0, ALICE))
    processes.python("-m", "listener_service.listener_service")
    eventually(lambda: redis.exists(STREAM), timeout=15)
    publish_result(redis, final(0, BOB))
    eventually(lambda: released(redis, BOB) == 1, timeout=15)
    publish_result(redis, final(1, BOB))
    eventually(lambda: released(redis, BOB) == 2, timeout=15)
