"""Cookies, tickets and limits of one gateway with closed access, in this process."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from fastapi_service.security import tokens
from fastapi_service.storage.logins import LOGIN_TTL_S, TICKET_TTL_S
from tests.support.closed import (
    EVIL,
    PHRASE,
    Visitor,
    begin,
    closed_gateway,
    converse,
    make_key,
    outcome,
    revoke,
    sign_in,
    with_key,
)  # fmt: skip
from tests.support.redis import Redis
from wire import names

LISTED = "https://listed.example"
START = {"type": "start"}


@pytest.fixture
def client(redis_url: str) -> Iterator[TestClient]:
    with closed_gateway(redis_url, allowed_origins=f"{LISTED},*", max_connections_per_room=1) as client:
        yield client


def attributes(cookie: str) -> dict[str, str]:
    """Return the attributes of a cookie, in lower case."""
    parts = [part.strip().partition("=") for part in cookie.lower().split(";")[1:]]
    return {name: value for name, _, value in parts}


def test_cookie_over_https_is_bound_to_this_host(client: TestClient, redis: Redis) -> None:
    """By its prefix; scripts and other sites do not get it, and Redis has its digest, for a week."""
    answer = client.post("https://talk.example.org/login", json={"passphrase": PHRASE})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-wta=")
    assert attributes(cookie).keys() == {"httponly", "max-age", "path", "samesite", "secure"}
    assert (attributes(cookie)["samesite"], attributes(cookie)["path"]) == ("strict", "/")
    token = cookie.split("=", 1)[1].split(";")[0]
    assert 0 < redis.ttl(names.login(tokens.digest(token))) <= LOGIN_TTL_S
    state = client.get("https://talk.example.org/access", headers={"Cookie": f"__Host-wta={token}"})
    assert state.json()["rights"] == ["read", "talk", "files"]
    assert attributes(state.headers["set-cookie"])["max-age"] == str(LOGIN_TTL_S)


def test_passphrase_over_plain_http_is_taken_from_this_machine_only(client: TestClient) -> None:
    """Elsewhere it could be read on its way; a wrong one is not even looked at."""
    answer = client.post("http://talk.example.org/login", json={"passphrase": PHRASE})
    assert (answer.status_code, answer.json()["code"]) == (403, "insecure")
    assert client.post("http://127.0.0.1/login", json={"passphrase": PHRASE}).status_code == 204


def test_cookie_counts_on_own_and_listed_pages_only(client: TestClient) -> None:
    """``*`` lets programs of all pages in that have a ticket, not the browser of whoever visits them."""
    visitor = sign_in(client)
    for origin, expected in ((None, "yes"), ("http://localhost", "yes"), (LISTED, "yes"), (EVIL, "no_grant")):
        headers = visitor.headers | ({"Origin": origin} if origin else {})
        assert outcome(converse(client, Visitor(headers), START)) == expected
        assert (client.post("/rooms", headers=headers).status_code == 201) == (expected == "yes")


def test_ticket_opens_one_websocket_within_its_time(client: TestClient, redis: Redis) -> None:
    """As a sub-protocol or in the first message; also of a page that is not ours."""
    key_id, key = make_key(client, "files")
    headers = with_key(key).headers
    tickets = [client.post("/tickets", headers=headers).json() for _ in range(3)]
    assert [ticket["expires_in_s"] for ticket in tickets] == [TICKET_TTL_S] * 3
    one, two, late = [ticket["ticket"] for ticket in tickets]
    assert 0 < redis.ttl(names.ticket(tokens.digest(one))) <= TICKET_TTL_S
    offered = Visitor({"Sec-WebSocket-Protocol": f"wta, wta.ticket.{one}", "Origin": EVIL})
    assert outcome(converse(client, offered, START)) == "yes"
    assert outcome(converse(client, offered, START)) == "grant_refused"
    assert outcome(converse(client, Visitor({"Origin": EVIL}), START | {"ticket": two})) == "yes"
    assert outcome(converse(client, Visitor(), START | {"ticket": two})) == "grant_refused"
    revoke(client, key_id)
    assert outcome(converse(client, Visitor(), START | {"ticket": late})) == "grant_refused"


@pytest.mark.parametrize("how", ["header", "sub-protocol", "message"])
def test_key_is_taken_in_each_of_its_places_and_never_sent_back(client: TestClient, how: str) -> None:
    """The gateway accepts its own sub-protocol."""
    _, key = make_key(client, "talk")
    visitor = {
        "header": with_key(key),
        "sub-protocol": Visitor({"Sec-WebSocket-Protocol": f"wta, wta.key.{key}"}),
        "message": Visitor(),
    }[how]
    start: dict[str, Any] = START | ({"key": key} if how == "message" else {})
    with client.websocket_connect("/ws", headers={**visitor.headers}) as line:
        line.send_text(json.dumps(start))
        ready = line.receive_text()
        assert line.accepted_subprotocol == ("wta" if how == "sub-protocol" else None)
    assert json.loads(ready)["rights"] == ["read", "talk"]
    assert key not in ready


def test_room_with_a_limit_takes_no_more_connections(client: TestClient) -> None:
    """The place is free again when the connection has ended."""
    owner = sign_in(client)
    made = client.post("/rooms", headers=owner.headers).json()
    link = {"room": made["room"], "invite": made["read"]}
    with client.websocket_connect("/ws", headers={**owner.headers}) as line:
        line.send_text(json.dumps(START | {"room": made["room"]}))
        assert json.loads(line.receive_text())["type"] == "ready"
        assert outcome(converse(client, Visitor(), START | link)) == "too_many_connections"


def test_session_that_began_while_access_was_open_needs_a_grant(client: TestClient, redis: Redis) -> None:
    """Its token alone resumes nothing any more; with a sign-in it does."""
    owner = sign_in(client)
    ready = begin(client, owner)
    redis.hdel(names.session(ready["session_id"]), "grant")
    resume = START | {"session_id": ready["session_id"], "token": ready["token"]}
    assert outcome(converse(client, Visitor(), resume)) == "no_grant"
    assert outcome(converse(client, owner, resume)) == "yes"


def test_open_access_has_nothing_to_sign_in_to(redis_url: str) -> None:
    """The page sees that; what is for grants says so."""
    with closed_gateway(redis_url, access="open") as gateway:
        assert gateway.get("/access").json() == {
            "access": "open", "rights": ["read", "talk", "files", "admin"], "name": None, "login": None,
        }  # fmt: skip
        for method, path in (("POST", "/login"), ("POST", "/tickets"), ("POST", "/rooms"), ("DELETE", "/rooms/x")):
            answer = gateway.request(method, path, json={"passphrase": PHRASE} if path == "/login" else None)
            assert (answer.status_code, answer.json()["code"]) == (404, "access_open")
