"""The places of files on their way to the gateway, and bodies that are read to their end."""

from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import Any

import pytest
from starlette import formparsers
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

from fastapi_service.api.openai_rest.uploads import (
    AT_ONCE,
    FORM_BYTES,
    IN_ALL,
    OF_ONE_CLIENT,
    Uploads,
    close,
    upload_of,
)
from fastapi_service.errors.rest import FieldError
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


async def form_of(content: bytes, *, breaks_off: bool = False) -> FormData:
    """Read the form with one file, as a client sends it in two parts, or in one and a half."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="talk.wav"\r\n\r\n'
    parts = [{"type": "http.request", "body": head + content, "more_body": True},
             {"type": "http.request", "body": b"\r\n--x--\r\n"}]  # fmt: skip
    if breaks_off:
        parts[1] = {"type": "http.disconnect"}

    async def receive() -> Any:
        return parts.pop(0)

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    return await Uploads(10 * LARGEST).form(Request({"type": "http", "method": "POST", "headers": headers}, receive))


async def test_form_without_a_file_or_with_an_empty_one_is_refused() -> None:
    """With what is missing; no decoder is started for it."""
    for form in (FormData(file="a text"), FormData()):
        with pytest.raises(FieldError, match="has no file") as missing:
            upload_of(form)
        assert (missing.value.code, missing.value.field) == ("no_file", "file")
    empty = await form_of(b"")
    with pytest.raises(AudioError, match="is empty") as refused:
        upload_of(empty)
    assert refused.value.code == "not_wav"
    close(empty)
    sent = await form_of(b"sound")
    assert await upload_of(sent).read_part(1, 3) == b"oun"
    close(sent)


async def test_upload_that_breaks_off_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one so large that it is on the disk: it is closed at once, not by the garbage collector."""
    made: list[SpooledTemporaryFile[bytes]] = []

    class Noted(SpooledTemporaryFile[bytes]):
        def __init__(self, max_size: int) -> None:
            super().__init__(max_size)
            made.append(self)

    monkeypatch.setattr(formparsers, "SpooledTemporaryFile", Noted)
    with pytest.raises(AccessError) as refused:
        await form_of(bytes(3 << 20), breaks_off=True)
    assert refused.value.code == "upload_slow"
    assert [file.closed for file in made] == [True]


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
