"""The consumer takes over from dead listeners and survives broken results and an emptied Redis."""

import time
from typing import Protocol

import pytest
from structlog.testing import capture_logs

from infra.results import FIELD, publish_result
from listener_service.consumer import GROUP, STREAM, Consumer
from listener_service.release import Releaser
from listener_service.settings import Settings
from tests.support.eventually import eventually
from tests.support.machines import Processes
from tests.support.redis import Redis
from tests.support.speakers import ALICE, BOB, final
from wire import names

SECRET = "only between the two of us"


class Make(Protocol):
    """Makes a listener with a name, joined to the group; further arguments as for ``Consumer``."""

    def __call__(self, name: str, **limits: int) -> Consumer: ...


@pytest.fixture
def make(redis: Redis) -> Make:
    """Return the factory of listeners on the test's server."""

    def make(name: str, **limits: int) -> Consumer:
        consumer = Consumer(redis, name, Releaser(redis, Settings()), **limits)
        consumer.join()
        return consumer

    return make


def released(redis: Redis, session_id: str = ALICE) -> int:
    return int(redis.xlen(names.log(names.audience(session_id, None))))


def test_join_of_an_existing_group_keeps_it(make: Make, redis: Redis) -> None:
    """The group starts at the oldest result; a second listener does not start it again."""
    publish_result(redis, final(0))
    make("one").consume()
    make("two").consume()
    assert released(redis) == 1


def test_take_over_releases_the_results_of_a_dead_listener(make: Make, redis: Redis) -> None:
    """It read three results and died before it released them; afterwards it is removed from the group."""
    consumer = make("alive")
    for segment in range(3):
        publish_result(redis, final(segment))
    redis.xreadgroup(GROUP, "dead", {STREAM: ">"})
    consumer.take_over()
    assert released(redis) == 0, "results are not taken over at once"
    make("alive", abandoned_ms=0, batch=2).take_over()
    assert released(redis) == 3
    assert redis.xlen(STREAM) == 0
    forgetful = make("alive", abandoned_ms=0, forget_consumer_ms=1)

    def consumers() -> list[str]:
        forgetful.take_over()
        return [known["name"] for known in redis.xinfo_consumers(STREAM, GROUP)]

    eventually(lambda: consumers() == ["alive"])


def test_slow_listener_releases_nothing_twice(make: Make, redis: Redis) -> None:
    """Its results were taken over while it was busy with them."""
    slow, quick = make("slow"), make("quick", abandoned_ms=0)
    publish_result(redis, final(0))
    ((_, entries),) = redis.xreadgroup(GROUP, "slow", {STREAM: ">"})
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
def test_unreadable_result_is_dropped_and_logged(make: Make, redis: Redis, fields: dict[str, str]) -> None:
    """The next result is released; the log does not repeat the dropped text."""
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


def test_release_is_logged_in_one_line_without_text(make: Make, redis: Redis) -> None:
    """The line has session, segment and latencies."""
    consumer = make("one")
    publish_result(redis, final(0, text=SECRET))
    with capture_logs() as logs:
        consumer.consume()
    (line,) = logs
    assert (line["event"], line["type"]) == ("result released", "final")
    assert (line["session"], line["segment"], line["endpointing_ms"]) == (ALICE, 0, 500)
    assert SECRET not in str(line)


def test_consume_without_results_blocks_for_a_second(make: Make) -> None:
    """An idle listener does not spin."""
    consumer = make("one")
    started = time.monotonic()
    consumer.consume()
    assert 0.8 < time.monotonic() - started < 3


def test_listener_survives_an_emptied_redis(processes: Processes, redis: Redis) -> None:
    """FLUSHALL deletes its group; the running process creates it again and continues."""
    processes.python("-m", "listener_service.listener_service")
    eventually(lambda: redis.exists(STREAM), timeout=15)
    publish_result(redis, final(0))
    eventually(lambda: released(redis) == 1)
    redis.flushall()
    publish_result(redis, final(0, BOB))
    eventually(lambda: released(redis, BOB) == 1, timeout=10)


def test_broken_state_of_one_session_does_not_stop_the_others(processes: Processes, redis: Redis) -> None:
    """A damaged record in Redis affects its own session only."""
    redis.hset(names.order(ALICE), mapping={"version": "1", "data": "no json"})
    publish_result(redis, final(0, ALICE))
    processes.python("-m", "listener_service.listener_service")
    eventually(lambda: redis.exists(STREAM), timeout=15)
    publish_result(redis, final(0, BOB))
    eventually(lambda: released(redis, BOB) == 1, timeout=15)
    publish_result(redis, final(1, BOB))
    eventually(lambda: released(redis, BOB) == 2, timeout=15)
