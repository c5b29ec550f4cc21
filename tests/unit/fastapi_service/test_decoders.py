"""Decoders are processes with limits, a few at once: one that fails costs its file only."""

import asyncio
import io
import json
import math
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from functools import partial

import numpy as np
import psutil
import pytest
import soundfile
from structlog.testing import capture_logs

from fastapi_service.decoding import child, decoder, pipe
from fastapi_service.decoding.decoder import Decoders
from fastapi_service.decoding.pipe import END, ERROR, HEAD, LONGEST, PART, PCM, READ, SECONDS, TOTAL
from tests.support.eventually import soon
from tests.support.machines import ROOT
from wire.audio import SAMPLE_RATE
from wire.errors import WireError


def wav(seconds: int = 3) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(seconds * SAMPLE_RATE, dtype=np.int16), SAMPLE_RATE, format="WAV")
    return file.getvalue()


def processes() -> list[psutil.Process]:
    """Return the decoders that run."""
    return [each for each in psutil.Process().children() if "fastapi_service.decoding.child" in each.cmdline()]


async def samples(decoders: Decoders, file: bytes) -> int:
    async def read_part(offset: int, length: int) -> bytes:
        return file[offset : offset + length]

    async with aclosing(decoders.decode(len(file), read_part)) as pieces:
        return sum([len(pcm) // 2 async for pcm in pieces])


async def test_length_of_a_file_is_there_before_its_samples() -> None:
    """As the file says it."""
    file, found = wav(), list[float]()

    async def read_part(offset: int, length: int) -> bytes:
        return file[offset : offset + length]

    async with aclosing(Decoders().decode(len(file), read_part, found.append)) as pieces:
        assert await anext(pieces)
    assert found == [3.0]


async def stall(_offset: int, _length: int) -> bytes:
    """Never send the part."""
    await asyncio.Event().wait()
    return b""


async def send_nothing(_offset: int, _length: int) -> bytes:
    """Let the decoder wait for bytes, which looks as if it computed."""
    return b""


async def test_a_decoder_that_is_killed_costs_its_file_only() -> None:
    """The log has its exit code, and nothing of the file; the next file is decoded."""
    decoders = Decoders()

    async def kill(_offset: int, length: int) -> bytes:
        processes()[0].kill()
        return b"secret words"[:length]

    with capture_logs() as logs, pytest.raises(WireError) as refused:
        await anext(decoders.decode(1_000, kill))
    assert refused.value.code == "decoder_failed"
    assert [(line["event"], line["returncode"], line["bytes"]) for line in logs] == [("decoder failed", -9, 1_000)]
    assert "secret" not in str(logs)
    assert await samples(decoders, wav()) == 3 * SAMPLE_RATE
    assert processes() == []


async def test_a_decoder_that_does_not_start_costs_its_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when there is no memory for a process."""
    monkeypatch.setattr(sys, "executable", "/there/is/no/python")
    with capture_logs() as logs, pytest.raises(WireError) as refused:
        await anext(Decoders().decode(1_000, stall))
    assert (refused.value.code, logs[0]["cause"]) == ("decoder_failed", "FileNotFoundError at its start")


async def test_a_decoder_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its core is free again."""
    monkeypatch.setattr(decoder, "STEP_S", 1.0)
    decoders = Decoders()
    for _ in range(decoder.CORES + 1):
        with pytest.raises(WireError) as refused:
            await anext(decoders.decode(1_000, send_nothing))
        assert refused.value.code == "decoder_slow"
    assert processes() == []
    monkeypatch.undo()
    assert await samples(decoders, wav()) == 3 * SAMPLE_RATE


def ended(body: str) -> tuple[bytes, bytes]:
    """Run a decoder whose ``decode`` is replaced; return kind and content of its last frame."""
    replaced = f"def decode(_):\n    {body}\nchild.decode = decode"
    script = f"from fastapi_service.decoding import child\n{replaced}\nchild.main()"
    output = subprocess.run([sys.executable, "-c", script, "0"], cwd=ROOT, capture_output=True, check=True).stdout
    kind, length = HEAD.unpack(output[: HEAD.size])
    assert len(output) == HEAD.size + length
    return kind, output[HEAD.size :]


@pytest.mark.parametrize(
    ("body", "code", "cause"),
    [
        (f"bytearray({child.MEMORY})", "decoder_memory", None),
        ("import numpy; numpy.zeros(1 << 29)", "decoder_memory", None),
        ("1 / 0", "decoder_failed", "ZeroDivisionError in <string>:3"),
        ("raise LookupError('secret words')", "decoder_failed", "LookupError in <string>:3"),
    ],
)
def test_a_decoder_names_what_ended_it(body: str, code: str, cause: str | None) -> None:
    """The cause is for the log."""
    kind, content = ended(body)
    *error, shown = json.loads(content)
    assert (kind, error[0], shown) == (ERROR, code, cause)


@pytest.mark.parametrize(
    "written",
    [
        HEAD.pack(PCM, 0xFFFFFFFF) + bytes(100),
        HEAD.pack(PCM, 3) + bytes(3),
        HEAD.pack(PCM, 0),
        HEAD.pack(b"?", 4) + bytes(4),
        *(HEAD.pack(TOTAL, SECONDS.size) + SECONDS.pack(seconds) for seconds in (-1, math.nan, math.inf, 10_801)),
        HEAD.pack(TOTAL, 1) + b"1",
        HEAD.pack(ERROR, 5) + b"[1,2]",
        HEAD.pack(ERROR, LONGEST) + b"[" * LONGEST,
        HEAD.pack(ERROR, 22) + b'["Two Words","","",""]',
        HEAD.pack(READ, 4) + bytes(4),
        *(HEAD.pack(READ, PART.size) + PART.pack(*part) for part in ((0, 1_001), (2**63, 1), (999, 2), (0, 0))),
        HEAD.pack(READ, PART.size) + PART.pack(0, 0xFFFFFFFF),
    ],
)
async def test_a_frame_that_no_decoder_writes_ends_the_file(written: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """No byte beyond the limit is read, and no part is taken from the client; the process is ended."""
    monkeypatch.setattr(decoder, "_start", partial(writing, written))
    with capture_logs() as logs, pytest.raises(WireError) as refused:
        await anext(Decoders().decode(1_000, stall))
    assert (refused.value.code, logs[0]["cause"]) == ("decoder_failed", "frame that no decoder writes")


async def test_a_decoder_that_writes_on_and_on_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file has three hours at most, whatever its decoder says."""
    monkeypatch.setattr(pipe, "MOST_S", 3)
    frame = HEAD.pack(PCM, LONGEST) + bytes(LONGEST)
    monkeypatch.setattr(decoder, "_start", partial(writing, frame * 4))
    pieces = Decoders().decode(1_000, stall)
    assert len(await anext(pieces)) == LONGEST
    with pytest.raises(WireError) as refused:
        await anext(pieces)
    assert refused.value.code == "decoder_failed"


def test_a_decoder_writes_long_packets_in_frames_that_are_allowed() -> None:
    """Some containers have minutes in a packet."""
    body = "import numpy; child._write_samples(numpy.zeros(100_000, numpy.int16))"
    replaced = f"def decode(_):\n    {body}\nchild.decode = decode"
    script = f"from fastapi_service.decoding import child\n{replaced}\nchild.main()"
    output = subprocess.run([sys.executable, "-c", script, "0"], cwd=ROOT, capture_output=True, check=True).stdout
    lengths = []
    while output:
        kind, length = HEAD.unpack(output[: HEAD.size])
        lengths.append((kind, length))
        output = output[HEAD.size + length :]
    assert lengths == [(PCM, LONGEST)] * 3 + [(PCM, 200_000 - 3 * LONGEST), (END, 0)]


async def writing(content: bytes, _size: int) -> asyncio.subprocess.Process:
    """Start a process in place of a decoder, which writes these bytes and waits."""
    write = "sys.stdout.buffer.write(bytes.fromhex(sys.stdin.readline())); sys.stdout.flush()"
    script = f"import sys, time; {write}; time.sleep(60)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(content.hex().encode() + b"\n")
    return process


def test_a_decoder_limits_itself() -> None:
    """Memory, processor time, no core dump; the container's memory ends it before the gateway."""
    limits = [f"resource.RLIMIT_{name}" for name in ("AS", "CPU", "CORE")]
    body = (
        f"import resource; values = [resource.getrlimit(each)[0] for each in ({', '.join(limits)})]; "
        f"assert values == [{child.MEMORY}, {child.PROCESSOR_S}, 0], values; "
        "assert open('/proc/self/oom_score_adj').read().strip() == '1000'; import os; assert os.nice(0) >= 10"
    )
    assert ended(body) == (END, b"")


async def test_a_decoder_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the gateway's environment it has a few names, by which ``local`` finds it too."""
    monkeypatch.setenv("REDIS_URL", "redis://:password@store")
    monkeypatch.setenv("LOCAL_RUN_DIR", "/run/dir")
    pieces = Decoders().decode(1_000, stall)
    first = asyncio.create_task(anext(pieces))
    process = (await soon(processes))[0]
    environment = await soon(process.environ)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert environment.keys() <= {*decoder.ENVIRONMENT, "OPENBLAS_NUM_THREADS"}
    assert environment["LOCAL_RUN_DIR"] == "/run/dir"
    assert processes() == []


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_decoder_ends_however_often_its_file_is_cancelled(times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its client, by the limit of its line, and by the gateway's shutdown."""
    started: list[asyncio.subprocess.Process] = []
    start = decoder._start

    async def noted(size: int) -> asyncio.subprocess.Process:
        started.append(await start(size))
        return started[0]

    monkeypatch.setattr(decoder, "_start", noted)
    decoders = Decoders()
    _, file = await begun(decoders, stall)
    await soon(lambda: started)
    assert len(processes()) == 1
    for _ in range(times):
        file.cancel()
        await asyncio.sleep(0)
    await decoders.stop()
    assert started[0].returncode == -9
    assert (await asyncio.gather(file, return_exceptions=True))[0].__class__ is asyncio.CancelledError


def test_a_client_has_one_place_and_all_have_a_few() -> None:
    """A place is free again however its file ends."""
    decoders = Decoders()
    for _ in range(2):
        with ExitStack() as held:
            for number in range(decoder.AT_MOST):
                held.enter_context(decoders.place(f"client {number}"))
                with pytest.raises(WireError, match="from this address"), decoders.place("client 0"):
                    pass
            with pytest.raises(WireError) as refused, decoders.place("another client"):
                pass
            assert refused.value.code == "decoders_busy"
        with pytest.raises(ValueError, match="broken"), decoders.place("client 0"):
            raise ValueError("broken")


async def begun(decoders: Decoders, read_part: decoder.ReadPart) -> tuple[AsyncGenerator[bytes], asyncio.Task[bytes]]:
    pieces = decoders.decode(1_000, read_part)
    return pieces, asyncio.create_task(anext(pieces))


async def test_slow_uploads_take_no_core() -> None:
    """Files whose parts do not come leave the others their turns."""
    decoders = Decoders()
    stalled = [(await begun(decoders, stall))[1] for _ in range(decoder.AT_MOST - 1)]
    await soon(lambda: len(processes()) == len(stalled))
    assert await samples(decoders, wav()) == 3 * SAMPLE_RATE
    for task in stalled:
        task.cancel()
    await asyncio.gather(*stalled, return_exceptions=True)
    assert processes() == []


async def test_a_few_decoders_compute_at_once() -> None:
    """The next one goes on when a core is free."""
    decoders, parts = Decoders(), []

    async def note(offset: int, length: int) -> bytes:
        parts.append(offset)
        return bytes(length)

    busy = [(await begun(decoders, send_nothing))[1] for _ in range(decoder.CORES)]
    await asyncio.sleep(2)
    _, last = await begun(decoders, note)
    await asyncio.sleep(1)
    assert parts == []
    busy[0].cancel()
    await soon(lambda: parts)
    with pytest.raises(WireError, match="no sound file"):
        await last
    busy[1].cancel()
    await asyncio.gather(*busy, return_exceptions=True)
    assert processes() == []


def test_a_decoder_ends_with_its_gateway() -> None:
    """Its pipe ends then."""
    command = [sys.executable, "-m", "fastapi_service.decoding.child", "1000"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.read(1) == READ
    process.stdin.close()
    assert process.wait(10) == 1
    process.stdout.close()
