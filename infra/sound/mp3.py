"""MP3 files whose length libsndfile only estimates: without a header of it, or several joined in one file."""

import io
from typing import Any, BinaryIO

_LENGTHS = (b"Xing", b"Info", b"VBRI")
"""Names of the headers in the first frame that say how long a file is."""
_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN")
"""Beginnings of what may follow the sound."""
_ENDLESS = 1 << 40
"""Bytes of a view: the length that is estimated from it ends no reading early, since no file is as long."""
_ID3V1 = 128
"""Bytes at the end of each view in which a tag is looked for."""


def says_its_length(file: BinaryIO) -> bool:
    """Return True for an MP3 file with a header of its length, which is that of its first recording."""
    file.seek(0)
    head = file.read(10)
    if head[:3] == b"ID3":
        file.seek(10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=False)))
    else:
        file.seek(0)
    first = file.read(4096)
    return any(name in first for name in _LENGTHS)


def is_sound(rest: bytes) -> bool:
    """Return True if what follows a recording may be another one, and no tag or padding."""
    return bool(rest.strip(b"\0")) and not rest.startswith(_TAGS)


class EndlessFile(io.RawIOBase):
    """A view of a file from an offset on, which says that it is very long: reading it ends where the file ends."""

    def __init__(self, file: BinaryIO, offset: int) -> None:
        self._file = file
        self._offset = offset
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in the view."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position in the view, and return it."""
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: _ENDLESS}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with the next bytes; return their number."""
        if self._at >= _ENDLESS - _ID3V1:
            part = bytes(max(0, min(len(buffer), _ENDLESS - self._at)))
        else:
            self._file.seek(self._offset + self._at)
            part = self._file.read(len(buffer))
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)
