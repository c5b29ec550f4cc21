"""``wta transcribe`` of files that the gateway decodes: a real gateway and all behind it, with the instant engine."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.containers import packed
from tests.support.eventually import soon
from tests.support.gateways import Gateway
from tests.support.redis import Redis
from tests.support.sounds import quiet, speech
from wire.audio import SAMPLE_RATE

ROOT = Path(__file__).parents[2]
SENTENCE = speech(SAMPLE_RATE) + quiet(4 * SAMPLE_RATE)
pytestmark = pytest.mark.usefixtures("workers")


async def start(*arguments: object) -> Process:
    command = [sys.executable, "-m", "wta", "transcribe", *map(str, arguments)]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=dict(os.environ), stdout=PIPE, stderr=PIPE)


async def test_a_container_gives_what_its_sound_gives(
    start_gateway: Callable[..., Gateway], redis: Redis, tmp_path: Path
) -> None:
    """The same exports, and counts for programs; with --delete nothing of it is left."""
    gateway = start_gateway()
    for kind in ("m4a", "webm", "wma"):
        (tmp_path / f"talk.{kind}").write_bytes(packed(SENTENCE * 3, kind))
        process = await start(tmp_path / f"talk.{kind}", "--json", "--format", "srt", "--url", gateway.http, "--delete")
        out, err = await process.communicate()
        assert (process.returncode, err) == (0, b"")
        line = json.loads(out)
        assert (line["utterances"], line["failures"], line["missing"]) == (3, 0, 0)
        assert line["transcript"].count("samples of speech") == 3
        assert not list(redis.scan_iter("wta:log:*"))


async def test_a_file_that_is_interrupted_leaves_nothing(
    start_gateway: Callable[..., Gateway], redis: Redis, tmp_path: Path
) -> None:
    """Its session is deleted, once the command is gone."""
    gateway = start_gateway()
    (tmp_path / "long.m4a").write_bytes(packed(SENTENCE * 200, "m4a"))
    process = await start(tmp_path / "long.m4a", "--url", gateway.http)
    await soon(lambda: any(redis.scan_iter("wta:log:*")), 30)
    process.send_signal(signal.SIGINT)
    out, _ = await process.communicate()
    assert (process.returncode, out) == (130, b"")
    await soon(lambda: not any(redis.scan_iter("wta:log:*")), 30)
