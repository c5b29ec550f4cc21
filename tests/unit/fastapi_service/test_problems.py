"""Refusals as ``application/problem+json``, whoever refuses: a route, a dependency, the framework or a failure."""

from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from fastapi_service import errors
from fastapi_service.api.acceptor import Acceptor
from fastapi_service.api.grants import access_of
from fastapi_service.api.problems import Problem, status_of
from fastapi_service.app import create_app
from fastapi_service.security.body import LARGEST_BODY
from fastapi_service.settings import Settings
from infra.ledger.admission import SessionUnknown
from tests.support.connections import FakeLog, FakeRegistry, open_access

SECRET = "what somebody said"


@pytest.fixture
def client() -> TestClient:
    """Not started: nothing reads Redis."""
    app = create_app(Settings(access="closed"))
    app.state.access = open_access()
    app.state.acceptor = Acceptor(FakeRegistry(), FakeLog(), Settings(), app.state.access)
    return TestClient(app, raise_server_exceptions=False, base_url="http://localhost")


def check(answer: Response, status: int, code: str) -> dict[str, Any]:
    """Return a problem, which has all members."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == f"urn:whisper-text-analyzer:problem:{code}"
    assert body["detail"] == f"{body['message']} {body['remedy']}"
    assert set(body) == set(Problem.model_fields)
    return body


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/sessions", "GET"),
        ("POST", f"/v1/sessions/{'0' * 32}", "DELETE, GET"),
        ("GET", "/login", "DELETE, POST"),
        ("DELETE", "/healthz", "GET"),
    ],
)
def test_a_wrong_method_is_refused_with_those_that_there_are(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    """Of all routes of the path."""
    answer = client.request(method, path)
    check(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/nowhere", "/v1", "/v1/sessions/x/y/z", "/static/none.js"])
def test_an_unknown_path_is_refused(client: TestClient, path: str) -> None:
    """Also below the page's files."""
    check(client.get(path), 404, "not_found")


def test_a_large_body_is_refused(client: TestClient) -> None:
    """Before it is in memory."""
    answer = client.post("/login", content=b" " * (LARGEST_BODY + 1))
    check(answer, 413, "body_too_large")


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]", b'{"passphrase": 1}', b"{}"])
def test_an_invalid_body_is_refused_without_what_was_sent(client: TestClient, body: bytes) -> None:
    """A body that is no text is a bad request; others name the field."""
    answer = client.post("/login", content=body, headers={"Content-Type": "application/json"})
    code = "bad_request" if body == b"\xff" else "bad_message"
    check(answer, 400 if body == b"\xff" else 422, code)


def test_a_failure_is_a_problem_without_its_cause(client: TestClient) -> None:
    """The log has it."""

    def fail() -> None:
        raise RuntimeError(SECRET)

    app: Any = client.app
    app.dependency_overrides = {access_of: fail}
    answer = client.post("/login", json={"passphrase": "a"})
    check(answer, 500, "internal_error")
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.redis_unavailable(), 503),
        (SessionUnknown(), 503),
        (errors.slow_down(8), 429),
        (errors.nothing_to_export(), 404),
        (errors.no_token(), 401),
        (errors.unknown_language("none"), 400),
    ],
)
def test_an_error_has_a_status(error: Any, status: int) -> None:
    """By its kind, or by its code."""
    assert status_of(error) == status
