"""Requests to the gateway's HTTP routes."""

import asyncio
from pathlib import Path

import pytest

from fastapi_service.api.problems import Problem
from tests.unit.wta.fake_gateway import SESSION
from tests.unit.wta.fake_service import FakeService
from wire.errors import ConfigurationError, WireError
from wta import GatewayError, GatewayUnavailable, HttpRoutes, Tls
from wta.client.address import http_url

REFUSED = Problem.of(WireError("session_unknown", "There is no such session.", "Begin one."), 404).model_dump_json()
"""As the gateway writes it."""


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://example.org/", "https://example.org"),
        ("ws://127.0.0.1:8000/ws", "http://127.0.0.1:8000"),
        ("wss://example.org/behind/ws", "https://example.org/behind"),
        ("192.168.1.5:8000", "http://192.168.1.5:8000"),
    ],
)
def test_http_url_is_that_of_the_page(written: str, meant: str) -> None:
    """Whichever of its addresses a person has."""
    assert http_url(written) == meant


async def test_a_refusal_has_the_gateway_s_own_words() -> None:
    """And what is no gateway is named so."""
    export = f"/sessions/{SESSION}/export"
    old = '{"code":"session_unknown","message":"It is unknown.","remedy":"Begin one."}'
    for body, code in ((REFUSED, "session_unknown"), (old, "session_unknown"), ("<h1>Not found</h1>", "not_a_gateway")):
        async with FakeService({export: (404, body)}).serving() as service:
            with pytest.raises(GatewayError) as refused:
                await asyncio.to_thread(HttpRoutes(service.http).export, SESSION, "token", "txt")
        assert refused.value.code == code


async def test_redirects_are_not_followed() -> None:
    """A key is for the address that it was given for."""
    async with FakeService().serving() as other, FakeService({"/access": (302, "")}).serving() as service:
        service.headers = {"Location": f"{other.http}/access"}
        answer = await asyncio.to_thread(HttpRoutes(service.http, key="wta_k").request, "/access")
    assert answer.status == 302
    assert service.requests == [("/access", "Bearer wta_k")]
    assert other.requests == []


def test_no_answer_is_an_error_after_which_trying_again_may_help() -> None:
    with pytest.raises(GatewayUnavailable):
        HttpRoutes("127.0.0.1:9").request("/healthz")


def test_an_authority_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, or no certificate."""
    for file in (tmp_path / "missing.pem", Path(__file__)):
        with pytest.raises(ConfigurationError, match=file.name):
            Tls(authority=file).context()
