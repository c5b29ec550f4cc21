"""OpenAI's SDK, unmodified, in Realtime sessions against the whole system: words, order, times, commands, errors."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jiwer
import pytest
import soxr

from infra.sound import g711
from local.testing import Stack
from tests.e2e.clients.program import ClientFailed, Program, running
from tests.e2e.speech import SLOWLY, Clip, clip, normalized
from wire.audio import SAMPLE_BYTES, Pcm, decode_pcm, encode_pcm

RATE = 24_000
AT_ONCE = 0.0
MOST_ERRORS = 0.15
"""Words of the clips that the small model may get wrong."""
SILLY, LOBSTER, JFK, SURPASSED = (clip(f"{name}.wav") for name in ("silly", "lobster", "jfk", "surpassed"))
TRANSCRIPTION = "conversation.item.input_audio_transcription"
BUFFER = "input_audio_buffer"
COMPLETED = f"{TRANSCRIPTION}.completed"
Step = dict[str, Any]
SILENCE: Step = {"silence_s": 1.5}
TURNS = {"type": "server_vad", "silence_duration_ms": 1_000}
"""Longer than the pauses in the clips: each is one item."""
ONE: Step = {"update": {"turn_detection": TURNS}}
MANUAL: Step = {"update": {"turn_detection": None}}
COMMIT: Step = {"commit": "commit"}
WRONG = "wta_00000000_" + "x" * 43


@pytest.fixture(scope="module")
def sdk(stack: Stack) -> Iterator[Program]:
    with running("openai_realtime", stack.url) as program:
        yield program


def resampled(spoken: Clip, rate: int) -> Pcm:
    pcm: Pcm = soxr.resample(decode_pcm(spoken.pcm), spoken.rate, rate)
    return pcm


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The clips as 24 kHz PCM without a header, and one as telephone speech."""
    folder: Path = tmp_path_factory.mktemp("clips")
    clips = {"silly": SILLY, "lobster": LOBSTER, "jfk": JFK, "surpassed": SURPASSED}
    audio = {name: encode_pcm(resampled(spoken, RATE)) for name, spoken in clips.items()}
    slow = resampled(LOBSTER, g711.RATE)
    audio |= {"mulaw": g711.encode_mulaw(slow), "alaw": g711.encode_alaw(slow)}
    for name, data in audio.items():
        (folder / name).write_bytes(data)
    return {name: str(folder / name) for name in audio}


@dataclass(frozen=True)
class Talk:
    """The events of one connection, as the SDK parsed them."""

    events: list[dict[str, Any]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    @property
    def text(self) -> str:
        return " ".join(event["transcript"] for event in self.of(COMPLETED))

    def deltas(self, item_id: str) -> list[str]:
        return [event["delta"] for event in self.of(f"{TRANSCRIPTION}.delta") if event["item_id"] == item_id]

    def order(self) -> list[str]:
        """Types of the events of the buffer and of texts, without deltas."""
        kinds = [event["type"] for event in self.events]
        return [kind for kind in kinds if kind.startswith(BUFFER) or kind == COMPLETED]


async def talk(sdk: Program, *steps: Step, **arguments: Any) -> Talk:
    """Take steps in a conversation without errors, all of whose events the SDK has types for."""
    found = await sdk.run("talk", steps=list(steps), **arguments)
    assert all(name.endswith(("Event", "Added", "Done")) for name in found["classes"]), found["classes"]
    made = Talk(found["events"])
    assert made.of("error") == []
    return made


def errors_in(spoken: str, text: str) -> float:
    return float(jiwer.wer(normalized(spoken), normalized(text)))


def until(count: int) -> Step:
    return {"until": COMPLETED, "count": count}


async def test_sentences_are_transcribed_while_they_are_spoken(sdk: Program, files: dict[str, str]) -> None:
    """Two with a pause between: the words, OpenAI's order of events, and sentiment beside."""
    found = await talk(sdk, ONE, {"say": files["lobster"]}, SILENCE, {"say": files["silly"]}, SILENCE, until(2))
    assert errors_in(f"{LOBSTER.text} {SILLY.text}", found.text) <= MOST_ERRORS
    one = [f"{BUFFER}.speech_started", f"{BUFFER}.speech_stopped", f"{BUFFER}.committed"]
    assert [kind for kind in found.order() if kind != COMPLETED] == [*one, *one]
    first, second = found.of(COMPLETED)
    assert second["sentiments"][0]["sentiment"]["label"] == "negative"
    assert [each["item_id"] for each in found.of(f"{BUFFER}.committed")] == [first["item_id"], second["item_id"]]


async def test_deltas_only_append(sdk: Program, files: dict[str, str]) -> None:
    """During speech. Joined, they are the transcript, unless that begins otherwise than the text that was stable."""
    found = await talk(sdk, ONE, {"say": files["jfk"]}, SILENCE, until(1), speed=SLOWLY)
    (event,) = found.of(COMPLETED)
    joined = "".join(found.deltas(event["item_id"]))
    assert event["transcript"] == joined or not event["transcript"].startswith(joined)
    assert errors_in(JFK.text, found.text) <= MOST_ERRORS
    kinds = [event["type"] for event in found.events]
    assert kinds.index(f"{TRANSCRIPTION}.delta") < kinds.index(f"{BUFFER}.speech_stopped")


async def test_a_commit_ends_an_item_where_the_client_says(sdk: Program, files: dict[str, str]) -> None:
    """Without turn detection: one item for two sentences with a pause, another one for the third."""
    said: list[Step] = [{"say": files["lobster"]}, SILENCE, {"say": files["silly"]}]
    found = await talk(sdk, MANUAL, *said, COMMIT, {"say": files["jfk"]}, COMMIT, until(2), speed=AT_ONCE)
    first, second = found.of(COMPLETED)
    assert errors_in(f"{LOBSTER.text} {SILLY.text}", first["transcript"]) <= MOST_ERRORS
    assert errors_in(JFK.text, second["transcript"]) <= MOST_ERRORS
    assert found.of(f"{BUFFER}.speech_started") + found.of(f"{BUFFER}.speech_stopped") == []
    spoken_s = (len(LOBSTER.pcm) + len(SILLY.pcm)) / LOBSTER.rate / SAMPLE_BYTES + SILENCE["silence_s"]
    assert first["usage"] == {"type": "duration", "seconds": pytest.approx(spoken_s, abs=0.05)}
    previous = [event["previous_item_id"] for event in found.of(f"{BUFFER}.committed")]
    assert previous == [None, first["item_id"]]


async def test_a_long_commit_is_one_transcript(sdk: Program, files: dict[str, str]) -> None:
    """Half a minute is more than the model takes at once."""
    said: list[Step] = [{"say": files["jfk"]}, {"silence_s": 0.6}] * 3
    found = await talk(sdk, MANUAL, *said, COMMIT, until(1), speed=AT_ONCE)
    assert errors_in(" ".join([JFK.text] * 3), found.text) <= MOST_ERRORS
    assert len(found.of(COMPLETED)[0]["sentiments"]) >= 2


async def test_cleared_speech_is_not_transcribed(sdk: Program, files: dict[str, str]) -> None:
    """What follows is."""
    steps: list[Step] = [MANUAL, {"say": files["jfk"]}, {"clear": "clear"}, {"say": files["silly"]}, COMMIT, until(1)]
    found = await talk(sdk, *steps, speed=AT_ONCE)
    assert errors_in(SILLY.text, found.text) <= MOST_ERRORS
    assert len(found.of(f"{BUFFER}.cleared")) == 1


async def test_silence_that_is_committed_has_an_empty_transcript(sdk: Program) -> None:
    """It is no error: the client gets an answer to its commit."""
    found = await talk(sdk, MANUAL, {"silence_s": 1.0}, COMMIT, until(1), speed=AT_ONCE)
    (event,) = found.of(COMPLETED)
    assert (event["transcript"], event["usage"]["seconds"]) == ("", 1.0)


@pytest.mark.parametrize(("silence_ms", "items"), [(300, 2), (2_500, 1)], ids=["impatient", "patient"])
async def test_the_silence_of_turn_detection_counts(
    sdk: Program, files: dict[str, str], silence_ms: int, items: int
) -> None:
    """A pause of a second and a half ends an utterance, or not; the session shows what applies."""
    turns = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 200, "silence_duration_ms": silence_ms}
    said: list[Step] = [{"say": files["surpassed"]}, SILENCE, {"say": files["silly"]}, {"silence_s": 3.0}]
    found = await talk(sdk, {"update": {"turn_detection": turns}}, *said, until(items))
    assert len(found.of(COMPLETED)) == items
    (updated,) = found.of("session.updated")
    assert updated["session"]["audio"]["input"]["turn_detection"] == turns
    assert errors_in(f"{SURPASSED.text} {SILLY.text}", found.text) <= MOST_ERRORS


async def test_semantic_turn_detection_ends_sentences_by_their_text(sdk: Program, files: dict[str, str]) -> None:
    """Eager: one that is over needs no long silence."""
    turns = {"update": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}}
    found = await talk(sdk, turns, {"say": files["silly"]}, SILENCE, until(1))
    assert errors_in(SILLY.text, found.text) <= MOST_ERRORS


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
async def test_telephone_speech_is_transcribed(sdk: Program, files: dict[str, str], law: str) -> None:
    """G.711 at 8 kHz, in both laws."""
    coding = {"type": "audio/pcmu" if law == "mulaw" else "audio/pcma"}
    telephone = {"update": {"format": coding, "turn_detection": TURNS}, "byte_rate": 8_000}
    quiet = {"silence_s": 1.5, "byte": 0xFF if law == "mulaw" else 0xD5}
    found = await talk(sdk, telephone, {"say": files[law]}, quiet, until(1))
    assert errors_in(LOBSTER.text, found.text) <= 2 * MOST_ERRORS


async def test_language_and_prompt_are_taken(sdk: Program, files: dict[str, str]) -> None:
    """The language is that of the client; names of models are OpenAI's, and accepted."""
    transcription = {"model": "gpt-4o-transcribe", "language": "en", "prompt": "lobster, crayfish"}
    more = {"include": ["item.input_audio_transcription.logprobs"]}
    fields = {"transcription": transcription, "noise_reduction": {"type": "near_field"}, "turn_detection": TURNS}
    update = {"update": fields, "more": more}
    found = await talk(sdk, update, {"say": files["lobster"]}, SILENCE, until(1), speed=AT_ONCE)
    (event,) = found.of(COMPLETED)
    assert errors_in(LOBSTER.text, event["transcript"]) <= MOST_ERRORS
    assert event["languages"] == [{"code": "en"}]
    assert "".join(word["token"] for word in event["logprobs"]).strip() == event["transcript"]
    assert all(word["logprob"] <= 0 for word in event["logprobs"])


async def test_errors_name_the_event_and_the_field(sdk: Program, files: dict[str, str]) -> None:
    """Each of five; then the session goes on."""
    steps = [
        {"commit": "too early"},
        {"update": {"transcription": {"language": "klingon"}}, "event_id": "language"},
        {"update": {"turn_detection": {"type": "server_vad", "threshold": 7}}, "event_id": "threshold"},
        {"raw": {"type": "response.create", "event_id": "answer"}},
        {"raw": {"type": f"{BUFFER}.append", "audio": "#", "event_id": "audio"}},
        {"until": "error", "count": 5},
        ONE,
        {"say": files["silly"]},
        SILENCE,
        until(1),
    ]
    found = Talk((await sdk.run("talk", steps=steps, speed=AT_ONCE))["events"])
    errors = [event["error"] for event in found.of("error")]
    assert {error["type"] for error in errors} == {"invalid_request_error"}
    assert [(error["event_id"], error["code"], error["param"]) for error in errors] == [
        ("too early", "input_audio_buffer_commit_empty", None),
        ("language", "invalid_value", "session.audio.input.transcription.language"),
        ("threshold", "invalid_value", "session.audio.input.turn_detection.threshold"),
        ("answer", "unsupported_event", "type"),
        ("audio", "invalid_base64", "audio"),
    ]
    assert errors_in(SILLY.text, found.text) <= MOST_ERRORS


async def test_two_connections_do_not_see_each_other(sdk: Program, files: dict[str, str]) -> None:
    """At the same time, in one process of the client."""
    talks = [[ONE, {"say": files[name]}, SILENCE, until(1)] for name in ("silly", "lobster")]
    one, other = (Talk(found["events"]) for found in await sdk.run("talk_at_once", talks=talks))
    assert errors_in(SILLY.text, one.text) <= MOST_ERRORS
    assert errors_in(LOBSTER.text, other.text) <= MOST_ERRORS
    assert one.events[0]["session"]["id"] != other.events[0]["session"]["id"]


async def test_events_are_the_sdks_own_types(sdk: Program, files: dict[str, str]) -> None:
    """Attributes are there as the SDK documents them, and it keeps the sentiment, which its types do not have."""
    found = await sdk.run("attributes", file=files["silly"])
    assert (found["format"], found["role"], found["languages"]) == ("audio/pcm", "user", ["en"])
    assert found["began"] < 1_000
    assert found["seconds"] == pytest.approx(len(SILLY.pcm) / SILLY.rate / SAMPLE_BYTES, abs=1.0)
    assert errors_in(SILLY.text, found["text"]) <= MOST_ERRORS
    (sentiment,) = found["extra"]["sentiments"]
    assert (sentiment["text"], sentiment["sentiment"]["label"]) == (found["text"], "negative")


async def test_the_client_that_blocks_gets_its_text(sdk: Program, files: dict[str, str]) -> None:
    """A clip in one event, and a commit."""
    assert errors_in(JFK.text, await sdk.run("talk_in_threads", file=files["jfk"])) <= MOST_ERRORS


async def test_a_wrong_key_is_refused_with_the_handshake(sdk: Program, closed: tuple[str, str]) -> None:
    """One in the form of ours, and one of OpenAI's."""
    for key in (WRONG, "sk-proj-elsewhere"):
        with pytest.raises(ClientFailed) as refused:
            await sdk.run("talk", url=closed[0], steps=[], key=key)
        assert refused.value.name == "InvalidStatus"
        assert "401" in refused.value.text
