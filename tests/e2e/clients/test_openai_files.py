"""OpenAI's client, as it is published, with files: every format, streams, errors, time-outs, jobs."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import jiwer
import pytest

from local.testing import Stack
from tests.e2e.clients.program import ClientFailed, Program, running
from tests.e2e.speech import DATA, clip
from tests.e2e.speech import _normalize as normalize
from tests.support.containers import packed
from tests.support.eventually import soon
from tests.support.redis import connect
from wire import names

JFK = str((DATA / "jfk.wav").resolve())
TALK = str((DATA / "conversation.wav").resolve())
KOREAN = str((DATA / "korean.wav").resolve())
FRENCH = str((DATA / "fr-course.wav").resolve())
WORST = 0.2
"""Word error rate of clear speech."""


@pytest.fixture(scope="module")
def program(stack: Stack) -> Iterator[Program]:
    with running("openai_files", stack.url) as started:
        yield started


def wer(name: str, text: str) -> float:
    return float(jiwer.wer(normalize(clip(name).text), normalize(text)))


async def test_json_has_the_words_and_the_usage(program: Program) -> None:
    """As an object of the client's class."""
    found = await program.run("transcribe", file=JFK)
    assert found["class"] == "Transcription"
    assert wer("jfk.wav", found["text"]) <= WORST
    assert found["usage"] == {"type": "duration", "seconds": 11.0}
    assert found["languages"] == [{"code": "en"}]


async def test_text_is_a_string(program: Program) -> None:
    """With the client's own type for it."""
    text = await program.run("transcribe", file=JFK, response_format="text")
    assert wer("jfk.wav", text) <= WORST


@pytest.mark.parametrize("form", ["srt", "vtt"])
async def test_subtitles_are_strings_in_order_of_time(program: Program, form: str) -> None:
    """With all words."""
    text = await program.run("transcribe", file=TALK, response_format=form)
    times = [line.split(" --> ")[0].replace(",", ".") for line in text.splitlines() if "-->" in line]
    assert len(times) >= 4
    assert times == sorted(times)
    spoken = " ".join(
        line for line in text.splitlines() if "-->" not in line and not line.isdigit() and line != "WEBVTT"
    )
    assert wer("conversation.wav", spoken) <= WORST


async def test_verbose_json_has_segments_and_words_with_times(program: Program) -> None:
    """In order, within the file, and words within their segments' text."""
    both = ["word", "segment"]
    found = await program.run("transcribe", file=TALK, response_format="verbose_json", timestamp_granularities=both)
    assert found["class"] == "TranscriptionVerbose"
    assert found["language"] == "en"
    segments, words = found["segments"], found["words"]
    assert all(before["end"] <= after["start"] for before, after in pairwise(segments))
    assert all(before["start"] <= after["start"] for before, after in pairwise(words))
    assert all(word["end"] <= found["duration"] for word in words)
    assert wer("conversation.wav", " ".join(word["word"] for word in words)) <= WORST
    assert normalize("".join(segment["text"] for segment in segments)) == normalize(found["text"])


async def test_words_alone_have_no_segments(program: Program) -> None:
    """As OpenAI answers."""
    found = await program.run("transcribe", file=JFK, response_format="verbose_json", timestamp_granularities=["word"])
    assert found["segments"] is None
    assert len(found["words"]) > 15


async def test_diarized_json_has_speakers(program: Program) -> None:
    """One, without a model for voices."""
    found = await program.run("transcribe", file=JFK, response_format="diarized_json")
    assert found["class"] == "TranscriptionDiarized"
    assert {segment["speaker"] for segment in found["segments"]} == {"A"}


async def test_logprobs_of_words(program: Program) -> None:
    """In the place of tokens; together they are the text."""
    found = await program.run("transcribe", file=JFK, include=["logprobs"])
    assert "".join(each["token"] for each in found["logprobs"]).strip() == found["text"]
    assert all(each["logprob"] <= 0 for each in found["logprobs"])


async def test_language_and_prompt_are_used(program: Program) -> None:
    """Korean, with its language, and detected."""
    named = await program.run("transcribe", file=KOREAN, language="ko", prompt="서울", temperature=0)
    found = await program.run("transcribe", file=KOREAN)
    assert found["languages"] == named["languages"] == [{"code": "ko"}]
    assert named["text"]


async def test_translation_is_english(program: Program) -> None:
    """From French: a driver lost control, and ended the race."""
    found = await program.run("translate", file=FRENCH)
    assert found["class"] == "Translation"
    assert {"control", "race"} & set(normalize(found["text"]).split()), found["text"]
    verbose = await program.run("translate", file=FRENCH, response_format="verbose_json")
    assert verbose["language"] == "en"


async def test_sentiment_is_an_extra_field(program: Program) -> None:
    """Which the client keeps, though it has no name for it."""
    found = await program.run("transcribe", file=TALK, extra_body={"sentiment": True}, response_format="verbose_json")
    labels = {segment["sentiment"]["label"] for segment in found["segments"]}
    assert labels <= {"negative", "neutral", "positive"}
    assert found["sentiment"]["sentences"] == len(found["segments"])


async def test_stream_has_pieces_and_the_whole(program: Program) -> None:
    """As events of the client's classes; what is not in its list passes, too."""
    events = await program.run("stream", file=TALK, extra_body={"sentiment": True})
    pieces = [event["delta"] for event in events if event["class"] == "TranscriptionTextDeltaEvent"]
    assert len(pieces) >= 3
    done = events[-1]
    assert done["class"] == "TranscriptionTextDoneEvent"
    assert "".join(pieces) == done["text"]
    assert wer("conversation.wav", done["text"]) <= WORST
    turns = [event for event in events if event["class"] == "TranscriptionTextSegmentEvent"]
    assert all(turn["sentiment"]["label"] for turn in turns)


async def test_stream_of_the_asynchronous_client(program: Program) -> None:
    """The same events."""
    events = await program.run("stream_asynchronously", file=JFK)
    assert wer("jfk.wav", events[-1]["text"]) <= WORST


async def test_client_that_leaves_a_stream_ends_its_file(program: Program, stack: Stack) -> None:
    """Nothing of it is left in the queues, two seconds later."""
    assert await program.run("leave_a_stream", file=TALK) == "transcript.text.delta"
    with connect(stack.redis_url) as redis:
        await soon(lambda: redis.zcard(names.PENDING) == 0, 2)


async def test_several_files_at_once_are_not_mixed(program: Program) -> None:
    """Each gets its own words."""
    files = ["jfk.wav", "pleased.wav", "silly.wav", "lobster.wav"]
    texts = await program.run("several_at_once", files=[str((DATA / name).resolve()) for name in files])
    for name, text in zip(files, texts, strict=True):
        assert wer(name, text) <= 0.35, name


@pytest.mark.parametrize("kind", ["m4a", "webm", "mkv", "3gp", "amr"])
async def test_containers_have_the_same_words(program: Program, kind: str) -> None:
    """Also that of a telephone, with 8 kHz."""
    spoken = clip("jfk.wav")
    assert spoken.rate == 16_000
    found = await program.run("send_bytes", content=packed(spoken.pcm, kind).hex(), name=f"jfk.{kind}")
    assert wer("jfk.wav", found["text"]) <= WORST


@pytest.mark.parametrize(
    ("content", "options", "code", "param"),
    [
        (b"no sound", {}, "not_wav", "file"),
        (b"", {}, "not_wav", "file"),
        (b"#EXTM3U\nfile:///etc/passwd\n", {}, "not_wav", "file"),
        (b"RIFF", {"language": "klingon"}, "invalid_value", "language"),
        (b"RIFF", {"response_format": "pdf"}, "invalid_value", "response_format"),
    ],
)
async def test_faults_are_bad_requests(
    program: Program, content: bytes, options: dict[str, Any], code: str, param: str
) -> None:
    """With code and field, as the client shows them."""
    with pytest.raises(ClientFailed) as failed:
        await program.run("send_bytes", content=content.hex(), name="x.wav", **options)
    assert (failed.value.name, failed.value.status) == ("BadRequestError", 400)
    assert (failed.value.body["code"], failed.value.body["param"]) == (code, param)


async def test_time_out_of_the_client_ends_the_file(program: Program, stack: Stack) -> None:
    """Its work is taken back."""
    assert await program.run("give_up", file=TALK, timeout_s=0.5) < 2
    with connect(stack.redis_url) as redis:
        await soon(lambda: redis.zcard(names.PENDING) == 0, 3)


async def test_job_in_the_background(program: Program) -> None:
    """Begun, looked at and deleted through the client."""
    found = await program.run("in_the_background", file=JFK)
    assert found["status"] == 202
    assert found["job"]["status"] == "completed"
    assert wer("jfk.wav", found["job"]["result"]["text"]) <= WORST
    assert found["deleted"]["deleted"]


async def test_models_are_those_that_run(program: Program) -> None:
    """Under OpenAI's name, too."""
    listed = await program.run("models")
    assert listed[0] == "whisper-1"
    assert len(listed) == 2
    assert (await program.run("model", name=listed[1]))["object"] == "model"
    with pytest.raises(ClientFailed) as failed:
        await program.run("model", name="gpt-9")
    assert failed.value.name == "NotFoundError"


async def test_wrong_key_is_an_authentication_error(program: Program, closed: tuple[str, str]) -> None:
    """Of a gateway with closed access."""
    url, _ = closed
    with pytest.raises(ClientFailed) as failed:
        await program.run("with_key", url=url, key="wta_0123456789ab_" + "x" * 43, file=JFK)
    assert (failed.value.name, failed.value.status) == ("AuthenticationError", 401)


async def test_client_tries_again_after_503(program: Program, stack: Stack) -> None:
    """By itself: the second answer is the text."""
    answers = 0

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answers
        answers += 1
        if answers == 1:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            await writer.drain()
            writer.close()
            return
        host, port = stack.url.removeprefix("http://").split(":")
        there, back = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_copy(reader, back), _copy(there, writer))

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await program.run("retries", url=f"http://127.0.0.1:{port}", file=JFK)
    assert found["retries"] == 1
    assert found["took_s"] >= 1
    assert wer("jfk.wav", found["text"]) <= WORST


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def test_answers_have_request_ids(program: Program) -> None:
    """For support."""
    assert (await program.run("request_id", file=JFK)).startswith("req_")
