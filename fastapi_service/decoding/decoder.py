"""Runs decoders, one for each client and a few in all, and reads their frames."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import structlog

from fastapi_service import errors
from fastapi_service.decoding import pipe
from fastapi_service.decoding.pipe import BrokenFrame
from fastapi_service.monitoring import metrics
from fastapi_service.tasks import TaskSet
from wire.audio import SAMPLE_RATE

AT_MOST = 6
"""Files at once, most of which wait for their clients' lines. ``GATEWAY_MEMORY`` has 80 MB for each."""
CORES = 2
"""Decoders that compute at once."""
SHORT = 5_000_000
"""Bytes up to which a file is short: an answer to one must not wait for files of hours."""
SHORT_AT_ONCE, LONG_AT_ONCE = 3, 2
"""Files of programs at once, beside those of pages; further ones wait. ``GATEWAY_MEMORY`` has 80 MB for each, too."""
END_S = 1.0
"""Seconds that decoders may take to end with the gateway, after they were killed."""
STEP_S = 30.0
"""Seconds of a decoder, on a core, for the next second of audio, or the next part of its file."""

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ("PATH", "LANG", "SYSTEMROOT", "LOCAL_RUN_DIR")
"""Variables that a decoder gets: no secret is among them. By the last one ``local`` finds processes that were left."""

ReadPart = Callable[[int, int], Awaitable[bytes]]
"""Offset and length → that part of the file."""
log = structlog.get_logger()


class Decoders:
    """Bounds how many files are decoded at once in this process. Pages do not wait here: they come again."""

    def __init__(self) -> None:
        self._cores = asyncio.Semaphore(CORES)
        self._clients: set[str] = set()
        self._short = asyncio.Semaphore(SHORT_AT_ONCE)
        self._long = asyncio.Semaphore(LONG_AT_ONCE)
        self._ends = TaskSet()

    async def stop(self) -> None:
        """Wait until the processes of files that were cancelled have ended."""
        await asyncio.sleep(0)  # the cancelled ones begin to end
        await self._ends.wait(END_S)

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """Hold the place for a file of a client, which has one at a time; ``client`` is its address.

        Raises:
            StoreError: it has one already, or all are taken.
        """
        if client in self._clients or len(self._clients) >= AT_MOST:
            raise errors.decoders_busy()
        self._clients.add(client)
        metrics.DECODERS.set(len(self._clients))
        try:
            yield
        finally:
            self._clients.discard(client)
            metrics.DECODERS.set(len(self._clients))

    @asynccontextmanager
    async def turn(self, size: int) -> AsyncIterator[None]:
        """Hold a place for the file of a program, of so many bytes, and wait for it while all are taken."""
        async with self._short if size <= SHORT else self._long:
            yield

    async def decode(
        self, size: int, read_part: ReadPart, on_length: Callable[[float], None] = lambda _: None
    ) -> AsyncGenerator[bytes]:
        """Yield the PCM of a file, about a second at a time. When this is closed, its process has ended.

        Args:
            size: of the file in bytes.
            read_part: called once at a time.
            on_length: called before the first PCM with the seconds that the file says it has, if it does.

        Raises:
            AudioError: the file cannot be decoded, breaks off, is too long, or its decoder hangs.
        """
        process = await _start(size)
        assert process.stdin is not None
        left = pipe.MOST_S * SAMPLE_RATE
        try:
            while (frame := await self._next(process))[0] != pipe.END:
                kind, content = frame
                if kind == pipe.PCM:
                    left -= pipe.samples_of(content)
                    if left < 0:
                        raise BrokenFrame
                    yield content
                elif kind == pipe.TOTAL:
                    on_length(pipe.seconds_of(content))
                elif kind == pipe.ERROR:
                    code, message, remedy, cause = pipe.refusal_of(content)
                    if cause:
                        log.warning("decoder failed", cause=cause, bytes=size)
                    raise errors.decoder_says(code, message, remedy)
                else:
                    process.stdin.write(await read_part(*pipe.part_of(content, size)))
                    await process.stdin.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            log.warning("decoder failed", cause="process ended", returncode=await process.wait(), bytes=size)
            raise errors.decoder_crashed() from None
        except BrokenFrame:
            log.error("decoder failed", cause="frame that no decoder writes", bytes=size)
            raise errors.decoder_crashed() from None
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            # in a task: who is cancelled a second time, by another limit or at a shutdown, leaves it to end there
            await asyncio.shield(self._ends.start(_end(process), "end of a decoder"))

    async def _next(self, process: Process) -> tuple[bytes, bytes]:
        """Return the next frame of a decoder, which takes a core meanwhile."""
        assert process.stdout is not None
        async with self._cores:
            try:
                async with asyncio.timeout(STEP_S):
                    kind, length = pipe.length_of(await process.stdout.readexactly(pipe.HEAD.size))
                    return kind, await process.stdout.readexactly(length)
            except TimeoutError:
                raise errors.decoder_hangs() from None


async def _end(process: Process) -> None:
    await process.communicate()  # not wait(), which never returns while frames are left in the pipe


async def _start(size: int) -> Process:
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    try:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "fastapi_service.decoding.child", str(size),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            cwd=ROOT, env=environment | {"OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
    except OSError as error:  # no memory, or no more processes
        log.warning("decoder failed", cause=f"{type(error).__name__} at its start", bytes=size)
        raise errors.decoder_crashed() from None
