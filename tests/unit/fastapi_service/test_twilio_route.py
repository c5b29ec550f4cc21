"""``/twilio`` as a route: signatures of Twilio's, made with its own library (twilio 9.13, auth token 12345)."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from fastapi_service.api.acceptor import Acceptor
from fastapi_service.api.twilio import route
from fastapi_service.settings import Settings
from tests.support.connections import FakeLog, FakeRegistry, open_access

SIGNED = {
    "wss://talk.example.org": "fRaIeL2rebmE2wXPRIHkncI9v6o=",
    "wss://talk.example.org:8443": "Jfs6gBjIaeopK2tbeGKRy0SZ5MA=",
}
"""Address of a gateway → signature of its ``/twilio``."""
AS_HTTPS = "vxY5pcRlks4jkXQPGWgE1vIXwpI="
"""That of https://talk.example.org/twilio."""


def client(address: str, token: str) -> TestClient:
    app = FastAPI()
    app.state.settings = settings = Settings(twilio_token=token)
    app.state.acceptor = Acceptor(FakeRegistry(), FakeLog(), settings, open_access())
    app.include_router(route.router)
    return TestClient(app, base_url=address.replace("wss", "https"))


def call(address: str, token: str, signature: str | None) -> int:
    """Return the code with which a call ends that hangs up at once."""
    headers = {"X-Twilio-Signature": signature} if signature is not None else {}
    with client(address, token).websocket_connect(f"{address}/twilio", headers=headers) as line:
        line.send_json({"event": "stop"})
        with pytest.raises(WebSocketDisconnect) as closed:
            line.receive_text()
    return closed.value.code


@pytest.mark.parametrize(("address", "signature"), [*SIGNED.items(), ("wss://talk.example.org", AS_HTTPS)])
def test_call_with_the_signature_of_the_account_comes_in(address: str, signature: str) -> None:
    """Of the address as the TwiML has it."""
    assert call(address, "12345", signature) == 1000


@pytest.mark.parametrize("signature", [None, "", "x" * 28, SIGNED["wss://talk.example.org:8443"]])
def test_call_without_it_is_refused(signature: str | None) -> None:
    """In the handshake, with 403."""
    with pytest.raises(WebSocketDenialResponse) as denied:
        call("wss://talk.example.org", "12345", signature)
    assert (denied.value.status_code, denied.value.json()["code"]) == (403, "bad_signature")


def test_signatures_do_not_count_without_a_token() -> None:
    """The key in the parameters decides alone."""
    assert call("wss://talk.example.org", "", None) == 1000
