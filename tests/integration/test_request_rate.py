"""Requests and handshakes with one API key are limited in a minute, over all gateways."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from fastapi_service.storage.keys import REQUESTS_A_MINUTE
from tests.support.closed import Visitor, closed_gateway, code_of, converse, keys_of, make_key, outcome, with_key
from tests.support.redis import Redis
from wire import names

LIMIT = 4
EACH_S = 60 / LIMIT
START = {"type": "start"}


@pytest.fixture
def clients(redis_url: str) -> Iterator[tuple[TestClient, TestClient]]:
    """Two gateways."""
    with closed_gateway(redis_url) as one, closed_gateway(redis_url) as two:
        yield one, two


def get(client: TestClient, visitor: Visitor) -> Any:
    return client.get("/access", headers=visitor.headers)


def test_key_that_has_had_its_requests_is_told_when_to_come_back(
    clients: tuple[TestClient, TestClient], redis: Redis
) -> None:
    """By HTTP, at a handshake and in the first message; then one more comes in. Another key is not concerned."""
    key_id, key = make_key(clients[0], "files", requests_a_minute=LIMIT)
    visitor = with_key(key)
    assert [code_of(get(client, visitor)) for client in clients] == ["yes", "yes"]
    assert outcome(converse(clients[0], visitor, START)) == "yes"
    assert outcome(converse(clients[1], Visitor(), START | {"key": key})) == "yes"
    for client in clients:
        refused = get(client, visitor)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert EACH_S - 5 < int(refused.headers["retry-after"]) <= EACH_S
        assert f"in {refused.headers['retry-after']} s" in refused.json()["remedy"]
        assert outcome(converse(client, visitor, START)) == "too_many_requests"
        with pytest.raises(WebSocketDenialResponse) as denied, client.websocket_connect("/ws", headers=visitor.headers):
            raise AssertionError
        assert (denied.value.status_code, denied.value.headers["retry-after"]) == (429, refused.headers["retry-after"])
        (error,) = converse(client, Visitor(), START | {"key": key})
        assert (error["code"], error["fatal"]) == ("too_many_requests", True)
        assert code_of(get(client, with_key(make_key(client, "files")[1]))) == "yes"
    stored = names.key_requests(key_id)
    assert 0 < redis.ttl(stored) <= 60
    redis.set(stored, float(redis.get(stored) or 0) - EACH_S)  # so much later
    assert [code_of(get(clients[0], visitor)) for _ in range(2)] == ["yes", "too_many_requests"]


@pytest.mark.parametrize(("limits", "limit"), [({}, REQUESTS_A_MINUTE), ({"requests_a_minute": 0}, 0)])
def test_key_without_a_number_of_its_own_has_the_default(
    clients: tuple[TestClient, TestClient], redis: Redis, limits: dict[str, int], limit: int
) -> None:
    """Also one of an older version; 0 is no limit, and leaves nothing in Redis."""
    key_id, key = make_key(clients[0], "read", **limits)
    if not limits:
        redis.hdel(names.api_key(key_id), "requests_a_minute")
    assert clients[0].portal is not None
    record = clients[0].portal.call(keys_of(clients[0]).find, key_id)
    assert record is not None
    assert record.requests_a_minute == limit
    assert code_of(get(clients[0], with_key(key))) == "yes"
    assert bool(redis.exists(names.key_requests(key_id))) == bool(limit)


def test_wrong_key_does_not_use_up_the_requests_of_the_right_one(
    clients: tuple[TestClient, TestClient], redis: Redis
) -> None:
    """Its id may be known: logs show it."""
    key_id, key = make_key(clients[0], "read", requests_a_minute=1)
    for _ in range(3):
        assert code_of(get(clients[0], with_key(key[:-43] + "A" * 43))) == "grant_refused"
    assert not redis.exists(names.key_requests(key_id))
    assert code_of(get(clients[0], with_key(key))) == "yes"
