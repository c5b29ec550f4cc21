"""MP3 files whose length libsndfile only estimates: without a header of it, or several joined in one file."""

from typing import BinaryIO

from infra.sound.view import View

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


class EndlessFile(View):
    """A view of a file from an offset on, which says that it is very long: reading it ends where the file ends."""

    def __init__(self, file: BinaryIO, offset: int) -> None:
        super().__init__()
        self._file = file
        self._offset = offset

    def size(self) -> int:
        """Return a length that no file has."""
        return _ENDLESS

    def read_at(self, offset: int, length: int) -> bytes:
        """Return bytes of the file, zeros at the end of the view."""
        if offset >= _ENDLESS - _ID3V1:
            return bytes(max(0, min(length, _ENDLESS - offset)))
        self._file.seek(self._offset + offset)
        return self._file.read(length)
