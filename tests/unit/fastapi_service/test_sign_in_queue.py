"""Sign-ins from many networks at once: their number is bounded."""

import asyncio
import threading
from typing import Any, cast

import pytest

from fastapi_service.access.identity import MOST_SIGNING_IN, Identity
from fastapi_service.access.limits import Limits
from fastapi_service.access.throttle import MOST_WAITING_IN_ALL, Throttle
from fastapi_service.security import passphrase
from fastapi_service.storage.keys import KeyStore
from fastapi_service.storage.logins import LoginStore
from infra.redis_client import AsyncRedis
from tests.support.eventually import soon
from wire.errors import AccessError


class FakeLogins:
    """A pass-phrase, and browsers that have signed in with it."""

    def __init__(self) -> None:
        self.signed_in = 0

    async def passphrase(self) -> str:
        return "hash"

    async def sign_in(self, _grant: str, _token: str) -> None:
        self.signed_in += 1


class FakeCounts:
    """Each network's first wrong credentials."""

    def pipeline(self) -> "FakeCounts":
        return self

    def incr(self, _name: str) -> None:
        pass

    def expire(self, _name: str, _time: int) -> None:
        pass

    async def execute(self) -> list[Any]:
        return [1, True]


async def test_passphrases_of_many_networks_wait_in_a_queue_with_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """One is hashed, twenty wait, and the next one is refused at once; when they are done, it is let in."""
    hashed = threading.Event()
    monkeypatch.setattr(passphrase, "is_valid", lambda _phrase, _known: hashed.wait(10))
    logins = FakeLogins()
    throttle = Throttle(cast(AsyncRedis, FakeCounts()))
    identity = Identity(cast(KeyStore, None), cast(LoginStore, logins), throttle, cast(Limits, None))
    waiting = [
        asyncio.create_task(identity.sign_in("right", f"192.0.2.{number}")) for number in range(MOST_SIGNING_IN + 1)
    ]
    await soon(lambda: identity._signing_in > MOST_SIGNING_IN)
    with pytest.raises(AccessError) as refused:
        await identity.sign_in("right", "198.51.100.1")
    assert (refused.value.code, refused.value.status) == ("slow_down", 429)
    assert refused.value.again_s
    hashed.set()
    await asyncio.gather(*waiting)
    await identity.sign_in("right", "198.51.100.1")
    assert logins.signed_in == MOST_SIGNING_IN + 2


async def test_wrong_ones_of_many_networks_wait_in_a_bounded_number() -> None:
    """A further network's answer is refused at once, until one of the others has come."""
    go_on = asyncio.Event()

    async def sleep(_: float) -> None:
        await go_on.wait()

    throttle = Throttle(cast(AsyncRedis, FakeCounts()), sleep)
    waiting = [
        asyncio.create_task(throttle.wrong(f"2001:db8:0:{number:x}::1", "key")) for number in range(MOST_WAITING_IN_ALL)
    ]
    await soon(lambda: throttle._waiting.total() == MOST_WAITING_IN_ALL)
    with pytest.raises(AccessError) as refused:
        await throttle.wrong("192.0.2.1", "key")
    assert refused.value.code == "slow_down"
    go_on.set()
    await asyncio.gather(*waiting)
    assert (await throttle.wrong("192.0.2.1", "key")).code == "grant_refused"
