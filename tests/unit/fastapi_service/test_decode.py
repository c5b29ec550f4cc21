"""Files over ``/decode``: a real decoder in a process of its own, whose parts a client sends."""

import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from prometheus_client import REGISTRY
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from fastapi_service.app import create_app
from fastapi_service.decoding import pipe
from fastapi_service.decoding.decoder import Decoders
from fastapi_service.settings import Settings
from tests.support.containers import packed
from tests.support.machines import ROOT
from wire.audio import SAMPLE_RATE, Pcm, decode_pcm, encode_pcm, to_int16
from wire.errors import WireError
from wire.messages.decoding import MAX_FILE

SECONDS = 3


def tone(rate: int = SAMPLE_RATE, channels: int = 1, seconds: float = SECONDS) -> Any:
    """Return a tone of 440 Hz, shape (samples, channels)."""
    wave = 0.25 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)
    return np.repeat(wave[:, None], channels, axis=1).astype(np.float32)


def encoded(samples: Any, rate: int = SAMPLE_RATE, **format: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **format)
    return file.getvalue()


def inverted(rate: int = 44_100) -> Any:
    return tone(rate, 2) * np.array([1, -1], dtype=np.float32)


def with_length_zero(wav: bytes) -> bytes:
    at = wav.index(b"data") + 4
    return wav[:4] + bytes(4) + wav[8:at] + bytes(4) + wav[at + 4 :]


def with_odd_chunk(wav: bytes) -> bytes:
    """Return the file with a chunk of odd length, without its padding, before the samples."""
    return wav[:12] + b"note\x05\x00\x00\x00hello" + wav[12:]


FILES: dict[str, Callable[[], bytes]] = {
    "wav": lambda: encoded(tone(), format="WAV"),
    "wav of length 0": lambda: with_length_zero(encoded(tone(), format="WAV")),
    "wav with an odd chunk": lambda: with_odd_chunk(encoded(tone(), format="WAV")),
    "RF64": lambda: encoded(tone(48_000, 2), 48_000, format="RF64", subtype="PCM_24"),
    "G.711": lambda: encoded(tone(8_000), 8_000, format="WAV", subtype="ULAW"),
    "floating-point wav": lambda: encoded(tone(44_100, 2), 44_100, format="WAV", subtype="FLOAT"),
    "inverted stereo": lambda: encoded(inverted(), 44_100, format="WAV"),
    "FLAC": lambda: encoded(tone(48_000, 2), 48_000, format="FLAC"),
    "MP3": lambda: encoded(tone(44_100), 44_100, format="MP3"),
    "Ogg": lambda: encoded(tone(48_000, 2), 48_000, format="OGG", subtype="VORBIS"),
    "AIFF": lambda: encoded(tone(22_050), 22_050, format="AIFF"),
}


async def decoded(file: bytes) -> Pcm:
    async def read_part(offset: int, length: int) -> bytes:
        assert 0 < length <= 131_072
        return file[offset : offset + length]

    return decode_pcm(b"".join([pcm async for pcm in Decoders().decode(len(file), read_part)]))


@pytest.mark.parametrize("name", FILES)
async def test_files_of_many_kinds_are_decoded(name: str) -> None:
    """The tone is there in its length, whatever the file's format, rate and channels."""
    pcm = await decoded(FILES[name]())
    assert len(pcm) / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.1)
    spectrum = np.abs(np.fft.rfft(pcm.astype(float)))
    assert spectrum.argmax() * SAMPLE_RATE / len(pcm) == pytest.approx(440, abs=2)
    assert np.abs(pcm).max() == pytest.approx(0.25 * 32_768, rel=0.15)


@pytest.mark.parametrize(
    ("file", "code", "word"),
    [
        (b"", "not_wav", "empty"),
        (b"not audio at all", "not_wav", "text file"),
        (b"\x00\x00\x00\x20ftypM4A " + bytes(100), "not_wav", "MP4 or M4A"),
        (bytes(1000), "not_wav", "no sound file"),
        (encoded(tone(seconds=0), format="WAV"), "wav_empty", "no audio"),
        (encoded(tone(), format="FLAC")[:2000], "file_truncated", "breaks off"),
    ],
)
async def test_what_cannot_be_decoded_is_named(file: bytes, code: str, word: str) -> None:
    """By its kind, its lack of sound, or where it breaks off."""
    with pytest.raises(WireError, match=word) as refused:
        await decoded(file)
    assert refused.value.code == code


async def test_a_recording_over_three_hours_is_refused_before_it_is_decoded() -> None:
    """By its header, of which only the first parts are read."""
    silence = encoded(np.zeros((1_000 * (pipe.MOST_S + 1), 1), dtype=np.int16), 1_000, format="FLAC")
    parts = []

    async def read_part(offset: int, length: int) -> bytes:
        parts.append(length)
        return silence[offset : offset + length]

    with pytest.raises(WireError, match="longer than 3 hours"):
        await anext(Decoders().decode(len(silence), read_part))
    assert sum(parts) < 1_000_000


@pytest.mark.slow
async def test_two_hours_of_stereo_take_no_gigabytes() -> None:
    """A FLAC file of a few megabytes, gigabytes when it is decoded as a whole: the decoder holds a second of it."""
    rate, seconds = 48_000, 7_200
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, 2, format="FLAC") as flac:
        for _ in range(seconds // 60):
            flac.write(np.zeros((rate * 60, 2), dtype=np.int16))
    content, samples, peak_kb = file.getvalue(), 0, 0

    async def read_part(offset: int, length: int) -> bytes:
        return content[offset : offset + length]

    async for pcm in Decoders().decode(len(content), read_part):
        samples += len(pcm) // 2
        if samples % (600 * SAMPLE_RATE) < SAMPLE_RATE:
            peak_kb = max(peak_kb, *(int(kb) for kb in children_kb()))
    assert samples == seconds * SAMPLE_RATE
    assert 0 < peak_kb < 120_000


def children_kb() -> list[str]:
    """Return the resident size of each decoder that runs."""
    listed = subprocess.run(["ps", "-eo", "rss,args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[0] for line in listed if "fastapi_service.decoding.child" in line]


@pytest.fixture
def client() -> Any:
    with TestClient(create_app(Settings(redis_url="redis://127.0.0.1:1"))) as started:
        yield started


def answered(client: TestClient, file: bytes) -> tuple[bytes, dict[str, Any]]:
    """Send the parts that are requested; return the PCM, and the last message."""
    pcm = b""
    with client.websocket_connect("/decode") as socket:
        socket.send_json({"type": "open", "size": len(file)})
        while True:
            message = socket.receive()
            if message.get("bytes") is not None:
                pcm += message["bytes"]
                continue
            said = json.loads(message["text"])
            if said["type"] != "read":
                break
            socket.send_bytes(file[said["offset"] : said["offset"] + said["length"]])
    return pcm, said


def test_a_client_sends_the_parts_that_are_requested(client: TestClient) -> None:
    """Then it gets the PCM, and the number of samples."""
    file = (ROOT / "tests" / "data" / "surpassed-44k1-stereo.wav").read_bytes()
    pcm, said = answered(client, file)
    assert said == {"type": "decoded", "samples": len(pcm) // 2}
    assert len(pcm) // 2 / SAMPLE_RATE == pytest.approx(len(soundfile.read(io.BytesIO(file))[0]) / 44_100, abs=0.01)


@pytest.mark.parametrize("kind", ["amr", "3gp", "mkv"])
def test_what_browsers_cannot_read_is_decoded(client: TestClient, kind: str) -> None:
    """Containers of telephones and video recorders give their sound, also beside a picture."""
    file = packed(encode_pcm(to_int16(tone()[:, 0])), kind, video=kind == "mkv")
    pcm, said = answered(client, file)
    assert said == {"type": "decoded", "samples": len(pcm) // 2}
    samples = decode_pcm(pcm)
    assert len(samples) / SAMPLE_RATE == pytest.approx(SECONDS, abs=0.15)
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    assert spectrum.argmax() * SAMPLE_RATE / len(samples) == pytest.approx(440, abs=2)


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (['{"type":"open"}'], "bad_message"),
        (['{"type":"open","size":-1}'], "bad_message"),
        (["RIFF"], "bad_message"),
        (['{"type":"open","size":200000001}'], "too_large"),
        (['{"type":"open","size":100}', b"short"], "wrong_part"),
        (['{"type":"open","size":100}', "text"], "wrong_part"),
        (['{"type":"open","size":16}', b"not audio at all"], "not_wav"),
    ],
)
def test_what_is_wrong_is_answered_with_an_error(client: TestClient, messages: list[str | bytes], code: str) -> None:
    """It costs this connection only."""
    with client.websocket_connect("/decode") as socket:
        said: dict[str, Any] = {"type": ""}
        for message in messages:
            socket.send_bytes(message) if isinstance(message, bytes) else socket.send_text(message)
            said = socket.receive_json()
        while said["type"] == "read":
            socket.send_bytes(b"not audio at all"[said["offset"] : said["offset"] + said["length"]])
            said = socket.receive_json()
    assert (said["type"], said["code"], said["fatal"]) == ("error", code, True)


def refused_handshakes() -> float:
    return REGISTRY.get_sample_value("wta_refused_total", {"reason": "origin"}) or 0


def test_a_foreign_page_is_refused(client: TestClient) -> None:
    """As on ``/ws``, and counted with those."""
    headers, before = {"origin": "https://elsewhere.example"}, refused_handshakes()
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/decode", headers=headers):
        pass
    assert refused_handshakes() == before + 1


def test_a_plain_request_is_answered_as_on_ws(client: TestClient) -> None:
    """A proxy that drops the upgrade's headers is named."""
    for path in ("/ws", "/decode"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (426, "upgrade_lost")


def test_the_page_and_the_decoder_have_the_same_limits() -> None:
    """Three hours, and 200 MB."""
    page = Path(ROOT / "fastapi_service" / "static" / "audio" / "audio-file.js").read_text(encoding="utf-8")
    assert f"MAX_SECONDS = {pipe.MOST_S:_};" in page
    assert f"MAX_BYTES = {MAX_FILE / 1e6:g}e6;" in page
