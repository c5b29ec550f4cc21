"""``/v1/listen`` as a route: what a refused handshake is answered with."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient, WebSocketDenialResponse

from fastapi_service.api.acceptor import Acceptor
from fastapi_service.api.deepgram import route
from fastapi_service.settings import Settings
from tests.support.connections import FakeLog, FakeRegistry, open_access

LINEAR = "/v1/listen?encoding=linear16&sample_rate=16000"


def client(registry: FakeRegistry, access: str = "open") -> TestClient:
    app = FastAPI()
    app.state.acceptor = Acceptor(registry, FakeLog(), Settings.model_validate({"access": access}), open_access())
    app.include_router(route.router)
    return TestClient(app)


@pytest.mark.parametrize(
    ("path", "access", "status", "code", "words"),
    [
        ("/v1/listen?encoding=mp3", "open", 400, "Bad Request", "Invalid query string: encoding"),
        (LINEAR, "closed", 401, "INVALID_AUTH", "Invalid credentials."),
    ],
)
def test_refused_handshake_has_the_body_of_deepgram(path: str, access: str, status: int, code: str, words: str) -> None:
    """And its headers, from which its JavaScript client reads the reason."""
    registry = FakeRegistry()
    with pytest.raises(WebSocketDenialResponse) as denied, client(registry, access).websocket_connect(path):
        pass
    body = denied.value.json()
    assert (denied.value.status_code, body["err_code"], set(body)) == (
        status,
        code,
        {"err_code", "err_msg", "request_id"},
    )
    assert words in body["err_msg"]
    assert denied.value.headers["dg-request-id"] == body["request_id"]
    assert denied.value.headers["dg-error"] == body["err_msg"]
    assert registry.starts == []


def test_stream_over_the_route_ends_with_its_summary() -> None:
    """With the sub-protocol of pages, whose key is not sent back."""
    registry = FakeRegistry()
    with client(registry).websocket_connect(LINEAR, subprotocols=["token", "a key"]) as socket:
        assert socket.accepted_subprotocol == "token"
        socket.send_bytes(bytes(3_200))
        socket.send_text('{"type":"CloseStream"}')
        assert socket.receive_json()["type"] == "Metadata"
    assert registry.session.heard == bytes(3_200)


def test_plain_request_is_answered_with_how_to_connect() -> None:
    """As at the other WebSockets."""
    assert client(FakeRegistry()).get(LINEAR).status_code == 426
