"""Entry point of a decoder: ``python -m fastapi_service.decoding.child SIZE``. Reads a sound file through its pipes.

A process of its own, because libraries that read files of strangers may crash, hang or take memory: that costs the file
and nothing else.
"""

import io
import json
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from fastapi_service import errors
from fastapi_service.decoding.pipe import END, ERROR, HEAD, LONGEST, MOST_S, PART, PCM, READ, SECONDS, TOTAL
from infra.sound.container_kinds import demuxer
from infra.sound.sound_file import SoundFile
from infra.sound.view import View
from wire.audio import SAMPLE_RATE, Pcm, encode_pcm
from wire.errors import AudioError
from wire.messages.decoding import MAX_READ

if TYPE_CHECKING:
    from infra.sound.container import ContainerFile

ANY_S = 60
"""Seconds that a file may have however small it is."""
LEAST_RATE = 25
"""Bytes of a file for each second beyond that: FLAC and Opus need more for digital silence."""
BLOCK = SAMPLE_RATE // 2
"""Samples that are written at once, or more: packets of containers are short."""
MEMORY = 512 << 20
"""Bytes of address space: libraries reserve some that they do not use."""
PROCESSOR_S = 600
NICENESS = 10
"""People who talk come first."""


class RemoteFile(View):
    """A file of which each part is requested from the gateway."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def size(self) -> int:
        """Return the length that the client names."""
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        """Request at most ``MAX_READ`` bytes."""
        length = max(0, min(length, MAX_READ, self._size - offset))
        if not length:
            return b""
        write(READ, PART.pack(offset, length))
        part = sys.stdin.buffer.read(length)
        if len(part) < length:
            raise SystemExit(1)  # the gateway has gone
        return part


def write(kind: bytes, content: bytes = b"") -> None:
    """Write a frame."""
    sys.stdout.buffer.write(HEAD.pack(kind, len(content)) + content)
    sys.stdout.buffer.flush()


def decode(size: int) -> None:
    """Write the length of the file, if it says one, and its samples, block by block.

    Raises:
        AudioError: the file cannot be read, breaks off, or is too long.
    """
    sound = _opened(size)
    if sound.seconds:
        _check_length(sound.seconds, size)
        write(TOTAL, SECONDS.pack(sound.seconds))
    samples = 0
    block = np.zeros(0, dtype=np.int16)
    for piece in sound.blocks():
        samples += len(piece)
        _check_length(samples / SAMPLE_RATE, size)
        block = np.concatenate((block, piece))
        if len(block) >= BLOCK:
            _write_samples(block)
            block = block[:0]
    _write_samples(block)


def _write_samples(block: Pcm) -> None:
    """Write samples: a packet of some containers has minutes of them."""
    data = encode_pcm(block)
    for at in range(0, len(data), LONGEST):
        write(PCM, data[at : at + LONGEST])


def _opened(size: int) -> "SoundFile | ContainerFile":
    """Open the file with libsndfile, or with FFmpeg if it is of a kind that only that reads."""

    def opener() -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(RemoteFile(size), MAX_READ))

    try:
        return SoundFile(Path("This file"), opener)
    except AudioError as refused:
        from infra.sound.container import ContainerFile  # takes 30 MB that most files need not

        kind = demuxer(opener())
        if kind is None or refused.code in {"wav_empty", "file_truncated"}:
            raise
        return ContainerFile(opener(), kind)


def _check_length(seconds: float, size: int) -> None:
    """Refuse what is too long, also for its size: sound is not squeezed into almost nothing, but a trap is."""
    if seconds > MOST_S:
        raise errors.recording_too_long(MOST_S)
    if seconds > ANY_S + size / LEAST_RATE:
        raise errors.recording_squeezed()


def _limit() -> None:
    os.nice(NICENESS)
    with suppress(ImportError, ValueError, OSError):  # not every system has these limits
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold the recording
    with suppress(OSError):  # if the container's memory runs out, the gateway stays
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def main() -> None:
    """Decode one file, then end."""
    _limit()
    try:
        decode(int(sys.argv[1]))
    except AudioError as error:
        _refuse(error)
    except MemoryError:
        _refuse(errors.decoder_memory())
    except Exception as error:  # the boundary: without this only an exit code would be left of it
        at = traceback.extract_tb(error.__traceback__)[-1]
        _refuse(errors.decoder_crashed(), f"{type(error).__name__} in {Path(at.filename).name}:{at.lineno}")
    else:
        write(END)


def _refuse(error: AudioError, cause: str | None = None) -> None:
    write(ERROR, json.dumps([error.code, error.message, error.remedy, cause]).encode())


if __name__ == "__main__":
    main()
