"""The parts of a gateway that a file goes through, and the file itself."""

import asyncio
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from fastapi_service.api.ports import Registry
from fastapi_service.decoding.decoder import Decoders
from fastapi_service.delivery.ports import Log
from fastapi_service.tasks import TaskSet


class Sessions(Protocol):
    """Deletes sessions; see ``storage/deletion.py``."""

    async def delete(self, session_id: str, token: str, /) -> None:
        """Delete a session with all that was said in it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Shared by all files of a gateway."""

    registry: Registry
    decoders: Decoders
    results: Log
    deletion: Sessions
    endings: TaskSet
    max_session_s: int


@dataclass(frozen=True, slots=True)
class Upload:
    """The bytes of a file, in a temporary file that has no name."""

    file: BinaryIO
    size: int

    async def read_part(self, offset: int, length: int) -> bytes:
        """Return a part of the file."""
        return await asyncio.to_thread(self._read, offset, length)

    def _read(self, offset: int, length: int) -> bytes:
        self.file.seek(offset)
        return self.file.read(length)
