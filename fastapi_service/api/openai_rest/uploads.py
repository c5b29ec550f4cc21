"""Files on their way to the gateway: in temporary files without a name, so many at once, and of so many bytes."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect, Request

from fastapi_service import errors
from fastapi_service.api.openai_rest.parts import Upload
from fastapi_service.security.body import Body

AT_ONCE = 20
"""Files that are sent, wait or are transcribed at once."""
OF_ONE_CLIENT = 10
IN_ALL = 2
"""Largest files that there is room for: several small ones may be there at once."""
FIELDS, FIELD_BYTES = 32, 262_144
"""Most fields of a form, and bytes of each, beside the file."""
FORM_BYTES = FIELDS * FIELD_BYTES
GRACE_S = 60.0
"""Seconds that a file may take in any case."""
SLOWEST = 100_000
"""Bytes per second that a line must carry beyond that, on average."""
AGAIN_S = 5


class Uploads:
    """The files that one gateway holds."""

    def __init__(self, largest: int) -> None:
        """``largest``: most bytes of a file."""
        self._largest = largest
        self._clients: Counter[str] = Counter()
        self._bytes = 0

    @contextmanager
    def place(self, request: Request, client: str) -> Iterator[None]:
        """Hold the place for a file of a client until it is closed; ``client`` is its grant, or its address.

        Raises:
            AccessError: the client has too many, or there is no room.
            AudioError: the file is too large by what its request says.
        """
        size = self._announced(request)
        is_full = self._clients.total() >= AT_ONCE or self._bytes + size > IN_ALL * self._largest
        if is_full or self._clients[client] >= OF_ONE_CLIENT:
            raise errors.too_many_uploads(AGAIN_S)
        self._clients[client] += 1
        self._bytes += size
        try:
            yield
        finally:
            self._clients[client] -= 1
            self._clients = +self._clients
            self._bytes -= size

    async def form(self, request: Request) -> FormData:
        """Read a form; whoever gets it closes it, and its files are gone then.

        Raises:
            ProtocolError: it is no form, or none that can be read.
            AccessError: it comes too slowly.
        """
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
            raise errors.no_form()
        try:
            async with asyncio.timeout(GRACE_S + self._announced(request) / SLOWEST):
                bounded = Request(request.scope, Body(request.receive, self._largest + FORM_BYTES).receive)
                return await bounded.form(max_files=1, max_fields=FIELDS, max_part_size=FIELD_BYTES)
        except (TimeoutError, ClientDisconnect):
            raise errors.upload_too_slow() from None

    def _announced(self, request: Request) -> int:
        """Return the bytes that a request says it has; the most that it may have if it does not."""
        length = request.headers.get("content-length", "")
        size = max(0, int(length) - FORM_BYTES) if length.isascii() and length.isdigit() else self._largest
        if size > self._largest:
            raise errors.upload_too_large()
        return size


def upload_of(form: FormData) -> Upload:
    """Return the file of a form.

    Raises:
        FieldError: it has none.
        AudioError: it is empty.
    """
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise errors.no_upload()
    if not file.size:
        raise errors.empty_upload()
    return Upload(file.file, file.size)


def close(form: FormData) -> None:
    """Remove the files of a form."""
    for _, value in form.multi_items():
        if isinstance(value, UploadFile):
            value.file.close()
