"""The HTTP routes and their description, without a server and without Redis."""

import tomllib
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisUnreachable
from starlette.testclient import TestClient

from fastapi_service import errors
from fastapi_service.api.sessions import deletion_of, results_of, store_of
from fastapi_service.app import create_app
from fastapi_service.export.formats import FORMATS
from fastapi_service.settings import Settings
from tests.support.machines import ROOT
from tests.support.speakers import ALICE

EXPORT = "/sessions/{session_id}/export"
DELETION = "/sessions/{session_id}"
LIST = "/v1/sessions"
REFUSED = {"401", "403", "404", "429", "503"}
FILE = {"200", "202", "400", "401", "403", "408", "413", "415", "429", "503"}
BODY = {"400", "413"}
STATUSES = {
    ("delete", DELETION): {"204", "401", "403", "404", "503"},
    ("get", EXPORT): {"200", "400", "401", "403", "404", "503"},
    ("get", LIST): {"200", "401", "403", "429", "503"},
    ("get", f"{LIST}/{{session_id}}"): {"200"} | REFUSED,
    ("delete", f"{LIST}/{{session_id}}"): {"204"} | REFUSED,
    ("get", f"{LIST}/{{session_id}}/transcript"): {"200", "400"} | REFUSED,
    ("get", "/healthz"): {"200"},
    ("get", "/readyz"): {"200", "503"},
    ("get", "/metrics"): {"200", "401", "403", "429", "503"},
    ("get", "/access"): {"200", "401", "403", "429", "503"},
    ("post", "/login"): {"204"} | REFUSED | BODY,
    ("delete", "/login"): {"204"} | REFUSED,
    ("post", "/tickets"): {"201"} | REFUSED | BODY,
    ("post", "/rooms"): {"201", "409"} | REFUSED | BODY,
    ("post", "/rooms/{room}/links"): {"200"} | REFUSED,
    ("delete", "/rooms/{room}"): {"204"} | REFUSED,
    ("delete", "/rooms/{room}/people/{person}"): {"200"} | REFUSED,
    ("post", "/v1/audio/transcriptions"): FILE,
    ("post", "/v1/audio/translations"): FILE,
    ("get", "/v1/models"): {"200", "401", "403", "429", "503"},
    ("get", "/v1/models/{model}"): {"200"} | REFUSED,
    ("get", "/v1/jobs/{job_id}"): {"200", "400"} | REFUSED,
    ("delete", "/v1/jobs/{job_id}"): {"200", "400"} | REFUSED,
}


@pytest.fixture(scope="module")
def client() -> TestClient:
    """Used without ``with``: the application is not started, and no route that is called reads Redis."""
    app = create_app(Settings())
    app.dependency_overrides = {store_of: lambda: None, results_of: lambda: None, deletion_of: lambda: None}
    return TestClient(app)


def test_an_application_can_be_started_again() -> None:
    """Each start has a gateway of its own; Redis need not be there."""
    app = create_app(Settings(redis_url="redis://127.0.0.1:1"))
    acceptors = []
    for _ in range(2):
        with TestClient(app) as started:
            assert started.get("/healthz").text == "ok\n"
            acceptors.append(app.state.acceptor)
    assert acceptors[0] is not acceptors[1]


@pytest.fixture(scope="module")
def schema(client: TestClient) -> dict[str, Any]:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    schema: dict[str, Any] = answer.json()
    return schema


def test_openapi_describes_every_route_for_programs(schema: dict[str, Any]) -> None:
    """The page is for people and is left out."""
    described = {(method, path) for path, operations in schema["paths"].items() for method in operations}
    assert described == set(STATUSES)


def test_openapi_has_the_version_of_the_project(schema: dict[str, Any]) -> None:
    """And says where the WebSocket is described, which OpenAPI cannot."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert schema["info"]["version"] == project["version"]
    assert "docs/protocol.md" in schema["info"]["description"]


@pytest.mark.parametrize(("method", "path"), STATUSES)
def test_openapi_has_summary_tags_and_answers_of_each_route(schema: dict[str, Any], method: str, path: str) -> None:
    """Every status has a description and the schema of its body."""
    operation = schema["paths"][path][method]
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    always = {"422"}  # FastAPI adds it to routes with parameters
    assert set(operation["responses"]) - always == STATUSES[method, path]
    for status, answer in operation["responses"].items():
        assert answer["description"]
        assert status == "204" or answer["content"]
        assert all(content["schema"] for content in answer.get("content", {}).values())


def test_openapi_names_formats_token_and_errors_of_the_export(schema: dict[str, Any]) -> None:
    """So that a client can be generated from it."""
    operation = schema["paths"][EXPORT]["get"]
    session_id, format_name = operation["parameters"]
    assert (session_id["name"], session_id["required"]) == ("session_id", True)
    assert format_name["schema"]["enum"] == [*FORMATS]
    assert operation["security"] == [{"HTTPBearer": []}]
    types = {form.media_type.partition(";")[0] for form in FORMATS.values()}
    assert set(operation["responses"]["200"]["content"]) == types
    for status in STATUSES["get", EXPORT] - {"200"}:
        (content,) = operation["responses"][status]["content"].values()
        assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
    problem = {"type", "title", "status", "detail"} | {"code", "message", "remedy"}
    assert set(schema["components"]["schemas"]["Problem"]["required"]) == problem


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_gateway_has_no_pages_from_other_servers(client: TestClient, path: str) -> None:
    """FastAPI's documentation pages load their scripts from a CDN."""
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/healthz", "/openapi.json", "/nowhere"])
def test_every_answer_has_the_security_headers(client: TestClient, path: str) -> None:
    """Also errors."""
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("format_name", "authorization", "status", "code"),
    [("pdf", "Bearer x", 400, "bad_format"), ("", "Bearer x", 400, "bad_format"), ("txt", "", 401, "no_token"),
     ("txt", "Basic x", 401, "no_token"), ("txt", "Bearer ", 401, "no_token"), ("txt", "Bearer a b", 401, "no_token"),
     ("txt", "Bearer a\tb", 401, "no_token")],
)  # fmt: skip
def test_an_export_is_refused_as_described(
    client: TestClient, format_name: str, authorization: str, status: int, code: str
) -> None:
    """Before Redis is read."""
    url = f"/sessions/{'a' * 32}/export?format={format_name}"
    answer = client.get(url, headers={"Authorization": authorization})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["cache-control"] == "no-store"


class FakeDeletion:
    """Refuses with an error, or notes what is deleted."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.deleted: list[tuple[str, str]] = []

    async def delete(self, session_id: str, token: str, *, owns: bool | None) -> None:
        assert owns is None  # access is open
        if self.error is not None:
            raise self.error
        self.deleted.append((session_id, token))


def delete(client: TestClient, deletion: FakeDeletion, **headers: str) -> tuple[int, str]:
    """Status and code of the answer."""
    app: Any = client.app
    app.dependency_overrides |= {deletion_of: lambda: deletion}
    answer = client.delete(f"/sessions/{ALICE}", headers=headers)
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()["code"] if answer.content else ""


def test_a_deletion_needs_the_token(client: TestClient) -> None:
    """In the header, where no log has it."""
    deletion = FakeDeletion()
    assert delete(client, deletion) == (401, "no_token")
    assert delete(client, deletion, Authorization="Bearer the token") == (401, "no_token")
    assert deletion.deleted == []
    assert delete(client, deletion, Authorization="Bearer token") == (204, "")
    assert deletion.deleted == [(ALICE, "token")]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.nothing_to_delete(), 404, "session_unknown"),
        (errors.not_owner(), 403, "not_owner"),
        (RedisUnreachable(), 503, "redis_unreachable"),
    ],
)
def test_a_deletion_that_is_refused_says_why(client: TestClient, error: Exception, status: int, code: str) -> None:
    """With a code for programs."""
    assert delete(client, FakeDeletion(error), Authorization="Bearer token") == (status, code)
