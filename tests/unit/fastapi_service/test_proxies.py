"""Headers of proxies in front of the gateway."""

from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from fastapi_service.app import create_app
from fastapi_service.security.proxies import ForwardedHost, parse_networks
from fastapi_service.settings import Settings

NETWORKS = "10.0.0.0/8, 192.168.1.7, 2001:db8::/32"


async def seen(peer: tuple[str, int] | None, networks: str = NETWORKS, **headers: str) -> list[tuple[str, str]]:
    """Return the headers that the application gets, in order."""
    scopes: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        scopes.append(scope)

    async def nothing(*_: object) -> Any:
        raise AssertionError

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "websocket", "client": peer, "headers": raw}
    await ForwardedHost(app, parse_networks(networks))(scope, nothing, nothing)
    assert scope["headers"] == raw  # the server's own scope is unchanged
    return [(name.decode(), value.decode()) for name, value in scopes[0]["headers"]]


async def host(
    peer: tuple[str, int] | None, forwarded: str, own: str = "gateway:8000", networks: str = NETWORKS
) -> str:
    headers = dict(await seen(peer, networks, host=own, x_forwarded_host=forwarded))
    return headers["host"]


@pytest.mark.parametrize("peer", ["10.1.2.3", "192.168.1.7", "2001:db8::5"])
async def test_forwarded_host_of_a_trusted_proxy_counts(peer: str) -> None:
    """Any of several networks; of a chain of proxies the first, which the client called."""
    assert await host((peer, 5), "talk.example.org") == "talk.example.org"
    assert await host((peer, 5), "talk.example.org:8443, inner:80") == "talk.example.org:8443"


@pytest.mark.parametrize("peer", [("192.168.1.8", 5), ("11.0.0.1", 5), ("::1", 5), ("testclient", 5), None])
async def test_forwarded_host_of_others_is_ignored(peer: tuple[str, int] | None) -> None:
    """A client cannot choose the host that its page is compared with."""
    assert await host(peer, "talk.example.org") == "gateway:8000"


async def test_any_proxy_is_trusted_with_a_star() -> None:
    """Where only proxies reach the gateway."""
    assert await host(("203.0.113.1", 5), "talk.example.org", networks="127.0.0.1, *") == "talk.example.org"


@pytest.mark.parametrize(
    ("own", "forwarded", "expected"),
    [
        ("talk.example.org:8443", "talk.example.org", "talk.example.org:8443"),
        ("Talk.example.org", "talk.example.org", "Talk.example.org"),
        ("gateway:8000", "", "gateway:8000"),
        ("gateway:8000", " ,inner", "gateway:8000"),
        ("[::1]:8000", "[::2]", "[::2]"),
    ],
)
async def test_host_stays_where_the_proxy_passed_it_on(own: str, forwarded: str, expected: str) -> None:
    """It has the port, which some proxies leave out of the other header."""
    assert await host(("10.0.0.1", 5), forwarded, own) == expected


async def test_a_host_replaces_only_the_host() -> None:
    """Other headers keep their order; there is one host."""
    headers = await seen(("10.0.0.1", 5), accept="a", host="gateway", x_forwarded_host="talk", origin="b")
    assert headers == [("host", "talk"), ("accept", "a"), ("x-forwarded-host", "talk"), ("origin", "b")]


@pytest.mark.parametrize(("peer", "location"), [("10.0.0.1", "https://talk.example.org/healthz"), ("10.0.0.2", None)])
def test_the_application_answers_at_the_address_that_the_client_has(peer: str, location: str | None) -> None:
    """Scheme and host of a redirect are those of the proxy, if it is trusted."""
    client = TestClient(create_app(Settings(trusted_proxies="10.0.0.1/32")), client=(peer, 5), follow_redirects=False)
    headers = {"X-Forwarded-Host": "talk.example.org", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    answer = client.get("/healthz/", headers=headers)
    assert answer.status_code == 307
    assert answer.headers["location"] == (location or "http://testserver/healthz")
