"""The places of files on their way to the gateway, and bodies that are read to their end."""

from contextlib import ExitStack
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from fastapi_service.api.openai_rest.uploads import AT_ONCE, FORM_BYTES, IN_ALL, OF_ONE_CLIENT, Uploads
from fastapi_service.security.body import LARGEST_BODY, Body, BoundedBody
from wire.errors import AccessError, AudioError

LARGEST = 1_000_000


def request(size: int | None = 0) -> Request:
    """A request that says so many bytes; None: it does not say."""
    headers = [] if size is None else [(b"content-length", str(size).encode())]
    return Request({"type": "http", "headers": headers})


def test_a_client_has_half_of_the_places() -> None:
    """Which are free again however its files end."""
    uploads = Uploads(LARGEST)
    for _ in range(2):
        with ExitStack() as held:
            for number in range(AT_ONCE):
                held.enter_context(uploads.place(request(), f"client {number // OF_ONE_CLIENT}"))
                if number == OF_ONE_CLIENT - 1:
                    assert refusal(uploads, "client 0") == (429, "too_many_files")
            assert refusal(uploads, "another client") == (429, "too_many_files")


def refusal(uploads: Uploads, client: str) -> tuple[int, str]:
    """Status and code of the error for one file more."""
    with pytest.raises(AccessError) as refused, uploads.place(request(), client):
        pass
    return refused.value.status, refused.value.code


def test_files_have_so_many_bytes_in_all() -> None:
    """One that does not say its size may be as large as any."""
    uploads = Uploads(LARGEST)
    with ExitStack() as held:
        for number in range(IN_ALL):
            held.enter_context(uploads.place(request(None), f"client {number}"))
        held.enter_context(uploads.place(request(FORM_BYTES), "small"))  # the form's own fields are not counted
        with pytest.raises(AccessError), uploads.place(request(FORM_BYTES + 1), "client 9"):
            pass


@pytest.mark.parametrize("size", [LARGEST + FORM_BYTES + 1, 10**30])
def test_file_that_says_it_is_too_large_is_not_read(size: int) -> None:
    """It has no place."""
    with pytest.raises(AudioError) as refused, Uploads(LARGEST).place(request(size), "a"):
        pass
    assert refused.value.code == "too_large"


class Client:
    """Sends a body in parts, then waits."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)

    async def receive(self) -> dict[str, Any]:
        part = self.parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self.parts)}


async def test_rest_of_a_refused_body_is_read() -> None:
    """However large; one that has come already is not waited for."""
    client = Client(b"1", b"2" * 100, b"3")
    body = Body(client.receive, 10)
    await body.receive()
    with pytest.raises(HTTPException):
        await body.receive()
    await body.discard()
    assert client.parts == []
    await body.discard()


@pytest.mark.parametrize(("path", "is_read"), [("/login", False), ("/file", True)])
async def test_bodies_are_small_but_for_routes_that_bound_them(path: str, is_read: bool) -> None:
    """Which do it by themselves."""
    received = 0

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        nonlocal received
        received = len((await receive())["body"])

    async def send(_message: Any) -> None:
        pass

    bounded = BoundedBody(app, others={"/file"})
    scope = {"type": "http", "path": path}
    if is_read:
        await bounded(scope, Client(bytes(LARGEST_BODY + 1)).receive, send)
        assert received == LARGEST_BODY + 1
    else:
        with pytest.raises(HTTPException):
            await bounded(scope, Client(bytes(LARGEST_BODY + 1)).receive, send)
