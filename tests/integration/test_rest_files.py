"""Files over HTTP, as OpenAI's clients send them: real gateway, queues, workers and listener, the instant engine."""

import asyncio
import io
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest
import soundfile

from infra.celery_app import AHEAD, queue_key
from tests.support.containers import CODECS, packed
from tests.support.eventually import eventually, soon
from tests.support.gateways import START_S, Gateway
from tests.support.heartbeats import ready
from tests.support.machines import Processes
from tests.support.redis import Redis
from tests.support.sounds import quiet, speech
from wire import names
from wire.audio import SAMPLE_RATE, decode_pcm

TRANSCRIPTIONS, TRANSLATIONS = "/v1/audio/transcriptions", "/v1/audio/translations"
SENTENCE = speech(SAMPLE_RATE) + quiet(4 * SAMPLE_RATE)
"""The pause is so long that what follows is another sentence."""
WAIT_S = 30


def wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, decode_pcm(pcm), SAMPLE_RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


@pytest.fixture
def gateway(processes: Processes, redis: Redis) -> Gateway:
    """A system with instant engines."""
    gateway = Gateway(processes)
    processes.python("-m", "listener_service.listener_service")
    processes.worker("analyzer_worker", names.ANALYZER_QUEUE)
    processes.worker("stt_worker", names.STT_QUEUE)
    for service in (names.LISTENER, names.ANALYZER_WORKER, names.STT_WORKER):
        eventually(partial(ready, redis, service), START_S)
    eventually(gateway.answers, START_S)
    return gateway


@pytest.fixture
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.http, timeout=WAIT_S) as client:
        yield client


def post(client: httpx.Client, file: bytes, path: str = TRANSCRIPTIONS, **fields: Any) -> httpx.Response:
    return client.post(path, files={"file": ("speech", file)}, data=fields)


def conversations(redis: Redis) -> list[str]:
    """Keys that hold something of a session."""
    return [
        key for key in redis.keys("wta:*") if any(f":{kind}:" in key for kind in ("session", "log", "ledger", "audio"))
    ]


def test_file_is_answered_in_every_format(client: httpx.Client, redis: Redis) -> None:
    """Three utterances in order, with times; nothing of them is kept."""
    file = wav(SENTENCE * 3)
    plain = post(client, file).json()
    assert plain["text"].count("samples of speech") == 3
    assert plain["usage"] == {"type": "duration", "seconds": 15.0}
    assert plain["languages"] == [{"code": "en"}]
    assert post(client, file, response_format="text").text == f"{plain['text']}\n"
    verbose = post(client, file, response_format="verbose_json", sentiment="true").json()
    assert (verbose["task"], verbose["language"], verbose["duration"]) == ("transcribe", "en", 15.0)
    starts = [segment["start"] for segment in verbose["segments"]]
    assert starts == sorted(starts)
    assert len(starts) == 3
    assert all(segment["sentiment"]["label"] for segment in verbose["segments"])
    assert verbose["sentiment"]["sentences"] == 3
    srt = post(client, file, response_format="srt")
    assert srt.text.startswith("1\n00:00:0")
    assert srt.text.count("-->") == 3
    assert "[" not in srt.text
    vtt = post(client, file, response_format="vtt", sentiment="true")
    assert vtt.text.startswith("WEBVTT\n")
    assert vtt.text.count("<c.") == 3
    diarized = post(client, file, response_format="diarized_json").json()
    assert [segment["speaker"] for segment in diarized["segments"]] == ["A", "A", "A"]
    eventually(lambda: not conversations(redis), 10)


def test_stream_has_the_text_in_pieces_that_make_it_up(client: httpx.Client) -> None:
    """Then the whole of it, with usage."""
    with client.stream("POST", TRANSCRIPTIONS, files={"file": ("speech", wav(SENTENCE * 3))},
                       data={"stream": "true", "sentiment": "true"}) as answer:  # fmt: skip
        assert answer.headers["content-type"].startswith("text/event-stream")
        all_lines = [*answer.iter_lines()]
    assert any(line.startswith(": progress decoded_s=") and line.endswith(" total_s=15.0") for line in all_lines)
    lines = [line for line in all_lines if line.startswith("data: ")]
    events = [json.loads(line.removeprefix("data: ")) for line in lines]
    pieces = [event["delta"] for event in events if event["type"] == "transcript.text.delta"]
    turns = [event for event in events if event["type"] == "transcript.text.segment"]
    done = events[-1]
    assert done["type"] == "transcript.text.done"
    assert "".join(pieces) == done["text"]
    assert done["usage"] == {"type": "duration", "seconds": 15.0}
    assert len(pieces) >= 3
    assert [turn["text"] for turn in turns] == done["text"].replace("speech ", "speech\n").split("\n")


def test_every_common_container_is_decoded(client: httpx.Client) -> None:
    """Also with a picture, which is passed over."""
    for kind in CODECS:
        file = packed(SENTENCE * 2, kind, video=kind in {"mp4", "mov", "mkv", "avi", "ts"})
        answer = post(client, file)
        assert answer.status_code == 200, (kind, answer.text)
        assert answer.json()["text"].count("samples of speech") == 2, kind
        assert answer.json()["usage"]["seconds"] == pytest.approx(10, abs=0.2), kind


def test_translation_and_the_models(client: httpx.Client) -> None:
    """The models that run, and OpenAI's name for them."""
    assert "samples of speech" in post(client, wav(SENTENCE), TRANSLATIONS, model="whisper-1").json()["text"]
    listed = client.get("/v1/models").json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == ["whisper-1", "instant"]
    assert client.get("/v1/models/instant").json()["object"] == "model"
    missing = client.get("/v1/models/gpt-9")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")


def test_kept_session_can_be_exported(client: httpx.Client) -> None:
    """Only with the field; its id and token are in the answer."""
    kept = post(client, wav(SENTENCE), keep="true")
    session = kept.json()["session"]
    assert kept.headers["x-session-token"] == session["token"]
    export = client.get(f"/sessions/{session['id']}/export?format=txt",
                        headers={"Authorization": f"Bearer {session['token']}"})  # fmt: skip
    assert "samples of speech" in export.text


def test_job_is_done_in_the_background(client: httpx.Client, redis: Redis) -> None:
    """Its client looks when it likes; the answer is that of a request that waits."""
    begun = post(client, wav(SENTENCE * 3), background="true", response_format="srt")
    assert begun.status_code == 202
    url = f"/v1/jobs/{begun.json()['id']}"
    eventually(lambda: client.get(url).json()["status"] == "completed", WAIT_S)
    job = client.get(url).json()
    assert job["result"].count("-->") == 3
    assert job["progress"] == {"decoded_s": 15.0, "transcribed_s": 15.0, "total_s": 15.0}
    assert client.delete(url).json()["deleted"]
    assert client.get(url).status_code == 404
    eventually(lambda: not conversations(redis), 10)


@pytest.fixture
def stuck(processes: Processes, redis: Redis) -> Gateway:
    """A system without a speech-to-text worker."""
    gateway = Gateway(processes)
    processes.python("-m", "listener_service.listener_service")
    eventually(partial(ready, redis, names.LISTENER), START_S)
    eventually(gateway.answers, START_S)
    return gateway


def waiting(redis: Redis) -> int:
    """Jobs of files that wait."""
    return redis.llen(queue_key(names.STT_QUEUE, AHEAD))


@pytest.mark.parametrize("stream", ["true", "false"])
async def test_nothing_is_begun_two_seconds_after_the_client_has_gone(
    stuck: Gateway, redis: Redis, stream: str
) -> None:
    """Its jobs leave the queue, and nothing of it stays."""
    async with httpx.AsyncClient(base_url=stuck.http, timeout=WAIT_S) as client:
        files = {"file": ("speech", wav(SENTENCE * 60))}
        request = asyncio.create_task(client.post(TRANSCRIPTIONS, files=files, data={"stream": stream}))
        await soon(lambda: waiting(redis) == 8)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
    await soon(lambda: waiting(redis) == 0, 2)
    await soon(lambda: not conversations(redis), 2)


async def test_nothing_is_begun_two_seconds_after_a_job_was_deleted(stuck: Gateway, redis: Redis) -> None:
    """By its client; in between it can see how far it is."""
    async with httpx.AsyncClient(base_url=stuck.http, timeout=WAIT_S) as client:
        files = {"file": ("speech", wav(SENTENCE * 60))}
        begun = (await client.post(TRANSCRIPTIONS, files=files, data={"background": "true"})).json()
        await soon(lambda: waiting(redis) == 8)
        url = f"/v1/jobs/{begun['id']}"
        progress = (await client.get(url)).json()
        assert progress["status"] == "in_progress"
        await client.delete(url)
        await soon(lambda: waiting(redis) == 0, 2)
        await soon(lambda: not conversations(redis), 2)
