"""Files as a decoder sees them: parts of other files, or files elsewhere, that can be read and searched."""

import io
from abc import ABC, abstractmethod
from typing import Any


class View(io.RawIOBase, ABC):
    """A file with a position, of which a subclass has the bytes."""

    def __init__(self) -> None:
        self._at = 0

    @abstractmethod
    def size(self) -> int:
        """Return the length in bytes."""

    @abstractmethod
    def read_at(self, offset: int, length: int) -> bytes:
        """Return at most ``length`` bytes from ``offset`` on; none at the end."""

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position, and return it."""
        start = self.size() if whence == io.SEEK_END else self._at if whence == io.SEEK_CUR else 0
        self._at = max(0, offset + start)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with the next bytes; return their number."""
        part = self.read_at(self._at, len(buffer))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)
