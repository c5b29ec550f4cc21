"""Runs decoders, a few at once, and reads their frames."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from fastapi_service import errors
from fastapi_service.decoding.pipe import END, ERROR, HEAD, PART, PCM

AT_ONCE = 2
"""Decoders at once: each takes a core, and about 50 MB."""
MOST_WAITING = 20
WAIT_S = 60.0
"""Seconds that a file waits for its turn."""
LONGEST_S = 900.0
"""Seconds for one file, the time for its parts to come included."""

ROOT = Path(__file__).parents[2]

ReadPart = Callable[[int, int], Awaitable[bytes]]
"""Offset and length → that part of the file."""


class Decoders:
    """Bounds how many files are decoded at once in this process."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def decode(self, size: int, read_part: ReadPart) -> AsyncGenerator[bytes]:
        """Yield the PCM of a file, about a second at a time.

        Args:
            size: of the file in bytes.
            read_part: called once at a time.

        Raises:
            AudioError: the file cannot be decoded, breaks off, is too long, or takes too much time.
        """
        await self._take_turn()
        try:
            async with asyncio.timeout(LONGEST_S):
                async for pcm in _run(size, read_part):
                    yield pcm
        except TimeoutError:
            raise errors.decoding_too_slow(LONGEST_S) from None
        finally:
            self._turns.release()

    async def _take_turn(self) -> None:
        if self._waiting >= MOST_WAITING:
            raise errors.decoders_busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_S):
                await self._turns.acquire()
        except TimeoutError:
            raise errors.decoders_busy() from None
        finally:
            self._waiting -= 1


async def _run(size: int, read_part: ReadPart) -> AsyncIterator[bytes]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fastapi_service.decoding.child", str(size),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        while True:
            kind, length = HEAD.unpack(await process.stdout.readexactly(HEAD.size))
            content = await process.stdout.readexactly(length)
            if kind == PCM:
                yield content
            elif kind == ERROR:
                raise errors.decoder_says(*json.loads(content))
            elif kind == END:
                return
            else:
                process.stdin.write(await read_part(*PART.unpack(content)))
                await process.stdin.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        raise errors.decoder_crashed() from None
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
