"""Files of strangers: each is refused with a reason, in bounded memory, and leaves nothing behind."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
import soundfile

from tests.integration.test_rest_files import TRANSCRIPTIONS, post, wav
from tests.support.eventually import eventually
from tests.support.gateways import START_S, Gateway
from tests.support.hostile import files, with_sound_elsewhere
from tests.support.machines import Processes, RedisServer
from tests.support.redis import Redis, connect
from tests.support.sounds import quiet
from wire.audio import SAMPLE_RATE

MB = 1_000_000
MEMORY = 64 * MB
"""Bytes by which a gateway may grow."""
FILES = dict(files())
LIMIT_MB = 20


class Door:
    """A gateway whose temporary folder is watched, and a client of it."""

    def __init__(self, gateway: Gateway, client: httpx.Client, folder: Path) -> None:
        self.client = client
        self.folder = folder
        self.process = psutil.Process(gateway._process.pid)
        self.began_with = self.process.memory_info().rss

    @property
    def growth(self) -> int:
        return int(self.process.memory_info().rss) - self.began_with

    def written(self) -> list[Path]:
        """What lies in the folder of temporary files, and beside it."""
        return [path for path in self.folder.parent.rglob("*") if path != self.folder and "processes" not in path.parts]


@pytest.fixture(scope="module")
def door(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One for all: a file that harms it harms those that follow."""
    with connect(redis_server.url) as redis:
        redis.flushall()
    root = tmp_path_factory.mktemp("hostile")
    for name in ("processes", "temporary"):
        (root / name).mkdir()
    processes = Processes(redis_server.url, root / "processes")
    settings = {"TMPDIR": str(root / "temporary"), "GATEWAY_MAX_FILE_MB": str(LIMIT_MB)}
    gateway = Gateway(processes, **settings)
    eventually(gateway.answers, START_S)
    with httpx.Client(base_url=gateway.http, timeout=60) as client:
        yield Door(gateway, client, root / "temporary")
    processes.end()


def refusal(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"], error
    assert error["message"], error
    assert error["type"] == "invalid_request_error", error
    assert os.sep + "work" not in error["message"]
    return error


@pytest.mark.parametrize("name", FILES)
def test_hostile_file_is_refused_with_a_reason(door: Door, redis_server: RedisServer, name: str) -> None:
    """No session begins that stays, nothing is written, and the gateway does not grow."""
    answer = post(door.client, FILES[name])
    assert answer.status_code == 400, answer.text
    assert refusal(answer)["param"] == "file"
    assert door.written() == []
    assert door.growth < MEMORY
    with connect(redis_server.url) as redis:
        assert redis.keys("wta:session:*") == []
    assert not [child for child in door.process.children() if "fastapi_service.decoding.child" in child.cmdline()]


@pytest.mark.parametrize(
    "name", ["../../evil.wav", "/etc/evil.wav", "..\\evil.wav", "a" * 4_000, "evil\r\nX-Header: 1.wav", "%00.wav", "🎤"]
)
def test_name_of_a_file_means_nothing(door: Door, name: str) -> None:
    """It is neither a path nor a kind of file."""
    files = {"file": (name, b"no sound", "audio/wav")}
    answer = door.client.post(TRANSCRIPTIONS, files=files)
    assert answer.status_code == 400, answer.text
    assert "evil" not in answer.text
    assert door.written() == []


def test_file_beyond_the_limit_is_refused_unread(door: Door) -> None:
    """By what its request says, or by what comes."""

    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'

    def parts() -> Iterator[bytes]:
        yield head
        for _ in range(300):
            yield bytes(MB)

    says = {"Content-Type": "multipart/form-data; boundary=x"}
    for headers in (says, says | {"Content-Length": str(300 * MB + len(head))}):
        try:
            answer = door.client.post(TRANSCRIPTIONS, content=parts(), headers=headers)
        except httpx.TransportError:  # the line was closed while the client was still sending
            continue
        assert answer.status_code == 413, answer.text
        assert refusal(answer)["code"] == "too_large"
    assert door.growth < MEMORY
    assert door.written() == []


_PART = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("{}", "application/json", 415, "no_form"),
        ("a=b", "application/x-www-form-urlencoded", 415, "no_form"),
        ("", "", 415, "no_form"),
        ("--x--\r\n", "multipart/form-data", 400, "bad_form"),
        ("no parts", "multipart/form-data; boundary=x", 400, "bad_form"),
        ("--x--\r\n", "multipart/form-data; boundary=x", 400, "no_file"),
        (_PART.format("file", "text") + "--x--\r\n", "multipart/form-data; boundary=x", 400, "no_file"),
        (_PART.format("model", "a") * 1_000 + "--x--\r\n", "multipart/form-data; boundary=x", 400, "bad_form"),
        (_PART.format("model", "a" * MB) + "--x--\r\n", "multipart/form-data; boundary=x", 400, "bad_form"),
        (_PART.format("file", "a")[:-20], "multipart/form-data; boundary=x", 400, "no_file"),
        ("--x\r\n" + "A: b\r\n" * 10_000, "multipart/form-data; boundary=x", 400, "bad_form"),
    ],
    ids=["json", "urlencoded", "nothing", "no boundary", "no parts", "no fields", "file as text", "1,000 fields",
         "field of 1 MB", "broken off", "10,000 headers"],
)  # fmt: skip
def test_hostile_form_is_refused_with_a_reason(
    door: Door, body: str, content_type: str, status: int, code: str
) -> None:
    """Before anything is decoded."""
    answer = door.client.post(
        TRANSCRIPTIONS, content=body, headers={"Content-Type": content_type} if content_type else {}
    )
    assert (answer.status_code, refusal(answer)["code"]) == (status, code), answer.text
    assert door.written() == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"language": "klingon"}, "language"),
        ({"response_format": "pdf"}, "response_format"),
        ({"temperature": "7"}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"timestamp_granularities[]": "word"}, "timestamp_granularities"),
        ({"response_format": "verbose_json", "timestamp_granularities[]": "phoneme"}, "timestamp_granularities"),
        ({"stream": "perhaps"}, "stream"),
        ({"stream": "true", "response_format": "srt"}, "stream"),
        ({"stream": "true", "background": "true"}, "background"),
        ({"keep": "true", "background": "true"}, "keep"),
    ],
)
def test_field_that_is_not_allowed_is_named(door: Door, fields: dict[str, str], param: str) -> None:
    """As OpenAI does it."""
    answer = post(door.client, wav(quiet(SAMPLE_RATE)), **fields)
    assert answer.status_code == 400
    assert refusal(answer)["param"] == param


def test_sound_in_another_file_is_not_read(door: Door) -> None:
    """What is played is the file itself, however short; no file of the machine, nor an address."""
    answer = post(door.client, with_sound_elsewhere())
    assert answer.status_code in {200, 400}
    assert answer.status_code == 400 or answer.json()["usage"]["seconds"] < 0.1


@pytest.mark.parametrize(("channels", "rate"), [(8, 48_000), (2, 384_000), (6, 44_100)])
def test_many_channels_and_high_rates_are_decoded(door: Door, channels: int, rate: int) -> None:
    """They are rare, and no fault."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros((rate, channels), dtype=np.int16), rate, format="WAV")
    answer = post(door.client, file.getvalue())
    assert answer.status_code == 200, answer.text
    assert answer.json()["usage"]["seconds"] == pytest.approx(1.0, abs=0.01)


def test_door_is_open_after_all_of_that(door: Door, redis_server: RedisServer) -> None:
    """The places are free, and nothing is left in Redis but marks of deleted sessions."""
    assert post(door.client, wav(quiet(SAMPLE_RATE))).status_code == 200
    with connect(redis_server.url) as redis:
        left: Redis = redis
        assert not [key for key in left.keys("wta:*") if "session:" in key]
    assert door.written() == []
