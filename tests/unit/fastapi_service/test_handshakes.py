"""Handshakes that a proxy has changed: `/readyz` has the reason for the page, to which its browser shows none."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from structlog.testing import capture_logs

from fastapi_service.app import create_app
from fastapi_service.monitoring import handshakes
from fastapi_service.monitoring.handshakes import LostUpgrades
from fastapi_service.settings import Settings

PAGE = "https://talk.example.org"
KEY = {"Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==", "Sec-WebSocket-Version": "13"}


@pytest.fixture
def client() -> Iterator[TestClient]:
    """Behind a proxy on the network 10.0.0.0/8; Redis is not there."""
    settings = Settings(
        redis_url="redis://127.0.0.1:1", trusted_proxies="10.0.0.0/8", allowed_origins="https://page.example"
    )
    with TestClient(create_app(settings), base_url="http://gateway:8000", client=("10.0.0.1", 5)) as started:
        yield started


def connection(client: TestClient, origin: str = PAGE, **headers: str) -> dict[str, Any]:
    """Return the check of the way between page and gateway."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    check: dict[str, Any] = client.get("/readyz", params={"origin": origin}, headers=sent).json()["checks"][
        "connection"
    ]
    return check


def opens(client: TestClient, **headers: str) -> bool:
    """Return False if the handshake of the page is refused."""
    sent = {"Origin": PAGE} | {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with client.websocket_connect("/ws", headers=sent):
            return True
    except WebSocketDisconnect:
        return False


def test_a_page_of_another_host_gets_the_cause_and_two_remedies(client: TestClient) -> None:
    """The origin, the host that arrived, and the settings."""
    assert not opens(client)
    check = connection(client)
    assert not check["ready"]
    for part in (PAGE, "gateway:8000", f"GATEWAY_ALLOWED_ORIGINS={PAGE}", "GATEWAY_TRUSTED_PROXIES", "docs/proxies.md"):
        assert part in check["reason"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "talk.example.org"},
        {"Host": "talk.example.org:443"},
        {"X_Forwarded_Host": "talk.example.org", "X_Forwarded_Proto": "https"},
        {"X_Forwarded_Host": "talk.example.org:443, inner:80"},
    ],
)
def test_a_page_whose_proxy_passes_its_host_on_is_not_refused(client: TestClient, headers: dict[str, str]) -> None:
    """Either header does."""
    assert connection(client, **headers) == {"ready": True, "reason": None, "instances": []}
    assert opens(client, **headers)


def test_a_listed_page_is_not_refused(client: TestClient) -> None:
    """Whatever the host is."""
    assert connection(client, "https://page.example")["ready"]
    assert not connection(client, "https://page.example:8443")["ready"]


def test_without_an_origin_readiness_is_that_of_the_service(client: TestClient) -> None:
    """Operators and load balancers send none."""
    assert "connection" not in client.get("/readyz").json()["checks"]


def test_a_handshake_without_upgrade_is_named_until_one_arrives_complete(client: TestClient) -> None:
    """It is a plain request then: 426, and the page of its origin gets the reason."""
    host = {"Host": "talk.example.org"}
    answer = client.get("/ws", headers=host | KEY | {"Origin": PAGE})
    assert (answer.status_code, answer.headers["upgrade"], answer.json()["code"]) == (426, "websocket", "upgrade_lost")
    check = connection(client, **host)
    assert not check["ready"]
    assert "Upgrade and Connection" in check["reason"]
    assert connection(client, "http://talk.example.org", **host)["ready"]
    assert opens(client, **host)
    assert connection(client, **host)["ready"]


def test_an_address_that_a_person_opened_is_no_lost_handshake(client: TestClient) -> None:
    """The answer is the same; nothing is remembered."""
    assert client.get("/ws", headers={"Host": "talk.example.org", "Origin": PAGE}).status_code == 426
    assert connection(client, Host="talk.example.org")["ready"]


def test_a_refused_handshake_is_in_the_log_with_the_address_of_the_client(client: TestClient) -> None:
    """For operators, who do not see the page."""
    with capture_logs() as logs:
        assert not opens(client, Host="gateway:8000", X_Forwarded_For="203.0.113.9")
    (line,) = [line for line in logs if line["event"] == "handshake refused"]
    assert (line["origin"], line["host"], line["client"]) == (PAGE, "gateway:8000", "203.0.113.9")


async def test_a_lost_upgrade_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, and the oldest first when there are too many origins."""
    lost = LostUpgrades()
    for number in range(handshakes.MOST + 1):
        lost.add(f"https://{number}.example")
    assert "https://0.example" not in lost
    assert "https://1.example" in lost
    monkeypatch.setattr(handshakes, "REMEMBER_S", 0.01)
    await asyncio.sleep(0.02)
    assert "https://1.example" not in lost


HOST = {"Host": "talk.example.org"}


@pytest.mark.parametrize("victim", ["203.0.113.9", "2001:db8::9", "198.51.100.1"])
def test_a_client_cannot_plant_a_lost_handshake_of_another(client: TestClient, victim: str) -> None:
    """Only the browser whose handshake lost its header gets the reason."""
    client.get("/ws", headers=HOST | KEY | {"Origin": PAGE, "X-Forwarded-For": "203.0.113.66"})
    assert connection(client, **HOST, X_Forwarded_For=victim)["ready"]
    assert not connection(client, **HOST, X_Forwarded_For="203.0.113.66")["ready"]


def test_a_complete_handshake_of_another_client_takes_no_reason_away(client: TestClient) -> None:
    """It may have come by another way."""
    client.get("/ws", headers=HOST | KEY | {"Origin": PAGE, "X-Forwarded-For": "203.0.113.9"})
    assert opens(client, **HOST, X_Forwarded_For="203.0.113.66")
    assert not connection(client, **HOST, X_Forwarded_For="203.0.113.9")["ready"]


NO_ORIGINS = [
    "",
    "talk.example.org",
    "https://talk.example.org/path?query",
    "https://user:secret@talk.example.org",
    "https://talk.example.org:port",
    "<script>alert(1)</script>",
    "https://talk.example.org Your session has expired, call 555",
    "https://" + "a" * 300,
    "https://talk.example.org\n\n",
    "https://talk.example.org,https://evil.example",
    "*",
]


@pytest.mark.parametrize("text", NO_ORIGINS)
def test_what_is_no_origin_is_refused_and_not_repeated(client: TestClient, text: str) -> None:
    """Whoever sends a link could otherwise put words into the gateway's mouth."""
    answer = client.get("/readyz", params={"origin": text})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_origin")
    assert not text or text not in answer.text


@pytest.mark.parametrize(
    "origin",
    [PAGE, "http://localhost:8000", "http://[2001:db8::1]:8000", "https://xn--e1afmkfd.example", "null", "tauri://localhost",
     "chrome-extension://abcdefghijklmnop", "http://my_host:80", "HTTPS://Talk.Example.org/"],
)  # fmt: skip
def test_what_browsers_send_is_an_origin(client: TestClient, origin: str) -> None:
    assert "connection" in client.get("/readyz", params={"origin": origin}).json()["checks"]


@pytest.mark.parametrize("origin", ["x" * 5_000, "https://" + "a" * 5_000, "https://a.example/" + "b" * 5_000])
def test_a_long_origin_does_not_fill_the_log(client: TestClient, origin: str) -> None:
    with capture_logs() as logs:
        assert not opens(client, **HOST, Origin=origin)
    (line,) = [line for line in logs if line["event"] == "handshake refused"]
    assert len(line["origin"]) <= 300
