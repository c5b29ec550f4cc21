"""A gateway with closed access in this process, and clients with every kind of grant."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.testclient import TestClient, WebSocketDenialResponse, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from fastapi_service.access.throttle import Throttle
from fastapi_service.app import create_app
from fastapi_service.security import passphrase
from fastapi_service.settings import Settings
from fastapi_service.storage.keys import KeyStore
from fastapi_service.storage.logins import LoginStore
from wire.people import person_id

PHRASE = "kitchen-lamp-river"
EVIL = "https://evil.example"


class Answer(Protocol):
    """A response of any client."""

    @property
    def is_success(self) -> bool: ...

    def json(self) -> Any: ...


@dataclass
class Visitor:
    """A client: the headers of its requests, and what it adds to ``start``."""

    headers: dict[str, str] = field(default_factory=dict)
    link: dict[str, str] = field(default_factory=dict)
    """Room and secret of the link that it has."""


async def no_sleep(_: float) -> None:
    """Refuse at once: no test waits for seconds."""


@contextmanager
def closed_gateway(redis_url: str, **settings: Any) -> Iterator[TestClient]:
    """Run a gateway with closed access and the pass-phrase ``PHRASE``."""
    app = create_app(Settings(**{"access": "closed", "redis_url": redis_url} | settings))
    with TestClient(app, base_url="http://localhost") as client:
        access = app.state.access
        throttle: Throttle = access.entrance._throttle
        throttle._sleep = no_sleep
        logins: LoginStore = access.logins
        assert client.portal is not None
        client.portal.call(logins.replace_passphrase, passphrase.hashed(PHRASE))
        yield client


def keys_of(client: TestClient) -> KeyStore:
    """Return the store of keys of a gateway in this process."""
    store: KeyStore = client.app.state.access.identity._keys  # type: ignore[attr-defined]
    return store


def make_key(client: TestClient, scope: str, **limits: int) -> tuple[str, str]:
    """Return id and key."""
    assert client.portal is not None
    record, key = client.portal.call(lambda: keys_of(client).create("test", [scope], **limits))
    return record.key_id, key


def revoke(client: TestClient, key_id: str) -> None:
    assert client.portal is not None
    assert client.portal.call(keys_of(client).revoke, key_id)


def sign_in(client: TestClient) -> Visitor:
    """Return a browser that has signed in."""
    answer = client.post("/login", json={"passphrase": PHRASE})
    assert answer.status_code == 204, answer.text
    cookie = client.cookies["wta"]
    client.cookies.clear()
    return Visitor({"Cookie": f"wta={cookie}"})


def with_key(key: str) -> Visitor:
    return Visitor({"Authorization": f"Bearer {key}"})


def code_of(answer: Answer) -> str:
    """Return ``yes``, or the code of the error."""
    return "yes" if answer.is_success else str(error_of(answer)["code"])


def error_of(answer: Answer) -> dict[str, Any]:
    """Return the error in an answer: the body, or in the form of OpenAI a part of it."""
    body: dict[str, Any] = answer.json()
    return body.get("error", body)  # type: ignore[no-any-return]


def converse(client: TestClient, visitor: Visitor, *messages: dict[str, Any] | bytes, path: str = "/ws") -> list[Any]:
    """Send messages; returns what came until a ``pong``, or the connection's end. A refused handshake is an error."""
    try:
        with client.websocket_connect(path, headers={"Host": "localhost"} | visitor.headers) as line:
            for message in messages:
                _send(line, message)
            _send(line, {"type": "ping", "id": "last"})
            received: list[Any] = []
            while not received or received[-1] != {"type": "pong", "id": "last"}:
                received.append(json.loads(line.receive_text()))
                if received[-1].get("fatal"):
                    break
            return received
    except WebSocketDenialResponse as denied:
        return [denied.json() | {"type": "error"}]
    except WebSocketDisconnect:
        return [{"type": "error", "code": "origin_refused"}]


def outcome(received: list[Any]) -> str:
    """Return ``yes``, or the code of the first error."""
    return next((str(message["code"]) for message in received if message["type"] == "error"), "yes")


def begin(client: TestClient, visitor: Visitor, **start: Any) -> dict[str, Any]:
    """Begin a session, and leave; returns its ``ready``, with the public id of its person."""
    received = converse(client, visitor, {"type": "start"} | start)
    ready: dict[str, Any] = received[0]
    assert ready["type"] == "ready", received
    return ready | {"person": person_id(ready["session_id"], None, None)}


def _send(line: WebSocketTestSession, message: dict[str, Any] | bytes) -> None:
    if isinstance(message, bytes):
        line.send_bytes(message)
    else:
        line.send_text(json.dumps(message))
