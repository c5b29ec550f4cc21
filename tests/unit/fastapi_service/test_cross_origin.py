"""HTTP requests of pages of other origins: which answers their browsers let them read."""

from collections.abc import Mapping

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from fastapi_service.api.acceptor import Acceptor
from fastapi_service.app import create_app
from fastapi_service.settings import Settings
from tests.support.connections import FakeLog, FakeRegistry, open_access

PAGE = "https://page.example"
OTHER = "https://other.example"
TRANSCRIPTIONS = "/v1/audio/transcriptions"


def gateway(origins: str) -> TestClient:
    """One that is not started: nothing reads Redis."""
    settings = Settings(allowed_origins=origins)
    app = create_app(settings)
    app.state.access = open_access()
    app.state.acceptor = Acceptor(FakeRegistry(), FakeLog(), settings, app.state.access)
    return TestClient(app, raise_server_exceptions=False, base_url="http://gateway:8000")


def preflight(client: TestClient, origin: str, method: str = "POST", path: str = TRANSCRIPTIONS) -> Response:
    """Return the answer to what a browser sends before a request with a key."""
    wanted = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,x-stainless-os"}
    return client.options(path, headers={"Origin": origin} | wanted)


def shares(headers: Mapping[str, str], prefix: str = "access-control-") -> dict[str, str]:
    """Headers that let a page read something."""
    return {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}


@pytest.mark.parametrize("path", [TRANSCRIPTIONS, "/v1/sessions", "/access", "/readyz"])
def test_without_a_list_no_page_of_another_origin_reads_anything(path: str) -> None:
    """The default."""
    client = gateway("")
    assert shares(preflight(client, PAGE, path=path).headers) == {}
    assert shares(client.get(path, headers={"Origin": PAGE}).headers) == {}


@pytest.mark.parametrize(
    ("path", "method"), [(TRANSCRIPTIONS, "POST"), ("/v1/sessions", "GET"), ("/v1/jobs/1", "DELETE")]
)
def test_a_listed_page_may_request_with_a_key(path: str, method: str) -> None:
    """With the headers of OpenAI's client, too; also a refusal can be read."""
    client = gateway(f"{PAGE}, https://page.example:8443")
    answer = preflight(client, PAGE, method, path)
    assert answer.status_code == 200
    shared = shares(answer.headers)
    assert (shared["allow-origin"], shared["allow-credentials"]) == (PAGE, "true")
    assert method in shared["allow-methods"]
    assert shared["allow-headers"] == "authorization,x-stainless-os"
    refused = client.get("/v1/nowhere", headers={"Origin": PAGE})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert shares(refused.headers)["allow-origin"] == PAGE
    assert {"Retry-After", "X-Session-Id"} <= set(shares(refused.headers)["expose-headers"].split(", "))
    assert "Origin" in refused.headers["vary"]


def test_a_page_that_is_not_listed_reads_nothing() -> None:
    """Neither the answer to its preflight nor that to a request, which is refused as before."""
    client = gateway(PAGE)
    answer = preflight(client, OTHER)
    assert answer.status_code == 400
    assert "allow-origin" not in shares(answer.headers)
    request = client.post(TRANSCRIPTIONS, headers={"Origin": OTHER})
    assert (request.status_code, request.json()["error"]["code"]) == (403, "origin_refused")
    assert "allow-origin" not in shares(request.headers)


def test_any_origin_is_allowed_without_the_cookie() -> None:
    """``*`` never goes together with credentials: the cookie does not count for it."""
    client = gateway(f"*,{PAGE}")
    for origin in (PAGE, OTHER):
        for answer in (preflight(client, origin), client.get("/access", headers={"Origin": origin, "Cookie": "wta=1"})):
            shared = shares(answer.headers)
            assert shared["allow-origin"] == "*"
            assert "allow-credentials" not in shared


@pytest.mark.parametrize("origins", ["", PAGE, "*"])
def test_every_page_may_see_that_the_gateway_runs(origins: str) -> None:
    """And so that it is the origin which is refused, when nothing else can be read."""
    answer = gateway(origins).get("/healthz", headers={"Origin": OTHER})
    assert (answer.text, shares(answer.headers)["allow-origin"]) == ("ok\n", "*")


def test_programs_get_the_answers_of_before() -> None:
    """They send no origin."""
    answer = gateway(PAGE).get("/access")
    assert answer.status_code == 200
    assert shares(answer.headers) == {}


def test_a_preflight_has_the_security_headers() -> None:
    assert preflight(gateway(PAGE), PAGE).headers["x-content-type-options"] == "nosniff"
