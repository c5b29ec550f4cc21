"""WAV headers that libsndfile takes for the end of the file: a length of 0, chunks without their padding."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from infra.sound.view import View

_HEADERS = 1 << 20
"""Bytes at the beginning of a file, among which the data begins."""
_PCM = 0x0001


@dataclass(frozen=True)
class WavHeader:
    """Content of the chunks of a WAV file."""

    form: bytes
    """Content of the chunk ``fmt``."""
    data_at: int
    """Offset of the first sample in the file."""
    size: int
    """Bytes of samples as the file says; 0 if that was not known when it was written."""

    @property
    def is_consistent(self) -> bool:
        """False if the samples cannot be of that size."""
        tag, channels, _, _, align, bits = struct.unpack_from("<HHIIHH", self.form)
        return bool(tag != _PCM or bits % 8 == 0 or align == channels * -(-bits // 8))


def is_wav(head: bytes) -> bool:
    """Return True for a file that begins as a WAV file."""
    return head[:4] in {b"RIFF", b"RF64"} and head[8:12] == b"WAVE"


def read_header(file: BinaryIO) -> WavHeader | None:
    """Find the format and the samples; None if one of them is missing."""
    file.seek(0)
    head = file.read(_HEADERS)
    form = b""
    for name, at, size in _chunks(head):
        if name == b"fmt ":
            form = head[at : at + size]
        elif name == b"data":
            return WavHeader(form, at, size) if len(form) >= 16 else None
    return None


def samples_only(file: BinaryIO, header: WavHeader) -> "SamplesOnly | None":
    """Return the file with a header of its format and all bytes that follow; None if nothing follows but chunks."""
    length = file.seek(0, io.SEEK_END) - header.data_at
    file.seek(header.data_at)
    rest = file.read(_HEADERS)
    ends = [at + size + size % 2 for _, at, size in _chunks(rest, 0)]
    if length <= 0 or (ends and ends[-1] == length):
        return None
    chunk = struct.pack("<4sI", b"fmt ", len(header.form)) + header.form + bytes(len(header.form) % 2)
    size = min(length, 0xFFFF_FFFF)
    riff = struct.pack("<4sI4s", b"RIFF", min(length + len(chunk) + 12, 0xFFFF_FFFF), b"WAVE")
    return SamplesOnly(file, riff + chunk + struct.pack("<4sI", b"data", size), header.data_at)


class SamplesOnly(View):
    """A view of a file: another header, then everything from an offset on."""

    def __init__(self, file: BinaryIO, header: bytes, offset: int) -> None:
        super().__init__()
        self._file = file
        self._header = header
        self._offset = offset

    def size(self) -> int:
        """Return the length of both."""
        return self._file.seek(0, io.SEEK_END) - self._offset + len(self._header)

    def read_at(self, offset: int, length: int) -> bytes:
        """Return bytes of the header, or after it those of the file."""
        if part := self._header[offset : offset + length]:
            return part
        self._file.seek(self._offset + offset - len(self._header))
        return self._file.read(length)


def _chunks(content: bytes, at: int = 12) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, offset and size of each chunk; an odd one may be without its padding."""
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        if not name.isascii() or not name.decode("ascii").isprintable():
            return
        yield name, at + 8, size
        at += 8 + size
        if size % 2 and not content[at : at + 1].isalpha():
            at += 1
