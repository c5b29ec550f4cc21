"""Wrong credentials: how long their answers wait. Redis is replaced by a counter."""

import asyncio
from collections import Counter
from typing import Any, cast

import pytest
import structlog

from fastapi_service.access.throttle import FREE, LONGEST_S, MOST_WAITING, Throttle, network_of, pause_after
from infra.redis_client import AsyncRedis
from wire.errors import AccessError


class Counting:
    """Counts what ``incr`` is called with; a pipeline of itself."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._answers: list[int] = []

    def pipeline(self) -> "Counting":
        return self

    def incr(self, name: str, amount: int = 1) -> None:
        self.counts[name] += amount
        self._answers = [self.counts[name]]

    def expire(self, _name: str, _time: int) -> None:
        self._answers.append(1)

    async def execute(self) -> list[Any]:
        return self._answers


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def throttle(pauses: list[float]) -> Throttle:
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    return Throttle(cast(AsyncRedis, Counting()), sleep)


def test_pause_grows_to_its_longest() -> None:
    """The first ones cost nothing."""
    assert [pause_after(count) for count in range(1, FREE + 4)] == [0.0] * FREE + [0.25, 0.5, 1.0]
    assert pause_after(10_000) == LONGEST_S


async def test_a_hundred_wrong_keys_are_slowed_and_logged_without_the_key(
    throttle: Throttle, pauses: list[float]
) -> None:
    """One after the other they take more than twelve minutes; the log has address and id."""
    with structlog.testing.capture_logs() as logs:
        for _ in range(100):
            assert (await throttle.wrong("192.0.2.1", "key", "0a1b2c3d")).code == "grant_refused"
    assert sum(pauses) > 12 * 60
    assert len(logs) == 100
    assert {(line["client"], line["key"], line["event"]) for line in logs} == {
        ("192.0.2.1", "0a1b2c3d", "credential refused")
    }
    assert await throttle.wrong("192.0.2.2", "key") is not None
    assert pauses[-1] == 0.0  # another address begins by itself


async def test_too_many_waiting_answers_refuse_at_once(throttle: Throttle) -> None:
    """Many connections at once do not help who guesses, and cost the gateway no more."""
    go_on = asyncio.Event()

    async def sleep(_: float) -> None:
        await go_on.wait()

    throttle._sleep = sleep
    waiting = [asyncio.create_task(throttle.wrong("192.0.2.1", "key")) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(AccessError) as refused:
        await throttle.wrong("192.0.2.1", "key")
    assert (refused.value.code, refused.value.status, refused.value.again_s) == ("slow_down", 429, LONGEST_S)
    go_on.set()
    await asyncio.gather(*waiting)
    assert (await throttle.wrong("192.0.2.1", "key")).code == "grant_refused"


async def test_passphrases_of_a_network_are_tried_one_at_a_time(throttle: Throttle) -> None:
    """A second one meanwhile is refused; afterwards it is not, and elsewhere never."""
    async with throttle.one_at_a_time("2001:db8::1"):
        with pytest.raises(AccessError) as refused:
            async with throttle.one_at_a_time("2001:db8::2"):
                raise AssertionError
        async with throttle.one_at_a_time("2001:db8:0:1::1"):
            pass
    assert refused.value.code == "slow_down"
    async with throttle.one_at_a_time("2001:db8::2"):
        pass


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8::1:2", "2001:db8::/64"), (None, ""),
     ("testclient", "testclient")],
)  # fmt: skip
def test_network_of_an_address(address: str | None, network: str) -> None:
    """Of IPv6, one client has a /64."""
    assert network_of(address) == network
