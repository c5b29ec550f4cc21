"""Audio faster than spoken, of clients that may only talk: who connects again has no second allowance."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.closed import Visitor, begin, closed_gateway, converse, make_key, outcome, sign_in, with_key
from tests.support.eventually import eventually
from tests.support.redis import Redis
from wire import names

START = {"type": "start"}
RATE = 16_000
MINUTES = [bytes(64_000)] * 55
"""110 s of silence as audio, in pieces of 2 s: what a page keeps during an outage."""
HOUR = {"type": "gap", "samples": 3_600 * RATE}


@pytest.fixture
def clients(redis_url: str) -> Iterator[tuple[TestClient, TestClient]]:
    """Two gateways."""
    with closed_gateway(redis_url) as one, closed_gateway(redis_url) as two:
        yield one, two


def leads(redis: Redis) -> int:
    """Number of leads that connections have left."""
    return sum(redis.zcard(key) for key in redis.scan_iter(names.audio_leads("*")))


def guest_of(client: TestClient) -> dict[str, str]:
    made = client.post("/rooms", headers=sign_in(client).headers).json()
    return {"room": made["room"], "invite": made["talk"]}


@pytest.mark.parametrize("who", ["key", "guest"])
def test_allowance_is_used_up_also_after_a_new_connection(
    clients: tuple[TestClient, TestClient], redis: Redis, who: str
) -> None:
    """On another gateway, too, and with another session; of another key it is not."""
    one, two = clients
    visitor, start = Visitor(), START
    if who == "key":
        visitor = with_key(make_key(one, "talk")[1])
    else:
        start = START | guest_of(one)
    assert outcome(converse(one, visitor, start, *MINUTES)) == "yes"
    eventually(lambda: leads(redis) == 1)
    received = converse(two, visitor, start, *MINUTES)
    assert outcome(received) == "too_fast"
    eventually(lambda: leads(redis) == 1)
    assert outcome(converse(one, visitor, start, *MINUTES[:10])) == "too_fast"
    other = with_key(make_key(one, "talk")[1])
    assert outcome(converse(two, other, START, *MINUTES)) == "yes"


def test_who_talks_in_time_leaves_no_lead(clients: tuple[TestClient, TestClient], redis: Redis) -> None:
    """Nor does whoever may send files. A lead is over with the time that it took."""
    key_id, key = make_key(clients[0], "talk")
    assert outcome(converse(clients[0], with_key(make_key(clients[0], "files")[1]), START, *MINUTES)) == "yes"
    assert outcome(converse(clients[0], with_key(key), START)) == "yes"
    assert leads(redis) == 0
    assert outcome(converse(clients[0], with_key(key), START, *MINUTES)) == "yes"
    eventually(lambda: leads(redis) == 1)
    stored = names.audio_leads(f"key:{key_id}")
    assert 0 < redis.ttl(stored) < 200
    redis.zincrby(stored, -110, redis.zrange(stored, 0, -1)[0])  # so much later
    assert outcome(converse(clients[1], with_key(key), START, *MINUTES)) == "yes"


def test_silence_is_no_faster_than_time(clients: tuple[TestClient, TestClient]) -> None:
    """But for an hour, which a client may report of the time before its session; a file's silence is free."""
    client, visitor = clients[0], with_key(make_key(clients[0], "talk")[1])
    assert outcome(converse(client, visitor, START, HOUR)) == "yes"
    received = converse(client, visitor, START, HOUR, HOUR)
    assert received[-1]["code"] == "too_fast"
    (again_s,) = re.findall(r"from (\d+) s on", received[-1]["remedy"])
    assert 2_500 < int(again_s) < 3_000
    assert outcome(converse(client, with_key(make_key(client, "files")[1]), START, HOUR, HOUR)) == "yes"


def test_silence_of_a_session_that_began_long_ago_is_in_time(
    clients: tuple[TestClient, TestClient], redis: Redis
) -> None:
    """A page that was suspended reports all of it as one gap, also after a resume."""
    client = clients[0]
    ready = begin(client, with_key(make_key(client, "talk")[1]))
    resume = START | {"session_id": ready["session_id"], "token": ready["token"]}
    session = names.session(ready["session_id"])
    grant: dict[str, Any] = json.loads(redis.hget(session, "grant") or "")
    redis.hset(session, mapping={"grant": json.dumps(grant | {"began_at": grant["began_at"] - 2 * 3_600})})
    assert outcome(converse(client, Visitor(), resume, HOUR, HOUR, HOUR)) == "yes"
    del grant["began_at"]  # of a gateway older than the field: it is not known
    redis.hset(session, mapping={"grant": json.dumps(grant)})
    assert outcome(converse(client, Visitor(), resume, HOUR)) == "yes"
