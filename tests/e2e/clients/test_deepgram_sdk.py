"""Deepgram's SDK, unmodified, against the whole system: words, order, times, commands and errors."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infra.sound.g711 import encode_alaw, encode_mulaw
from local.testing import Stack
from tests.e2e.clients.listening import (
    CLOSE,
    DATA,
    LINEAR,
    LOBSTER,
    SILENCE,
    SILLY,
    Stream,
    best,
    check_times,
    errors_in,
    say,
    stereo,
    write_wav,
)
from tests.e2e.clients.program import ClientFailed, Program, running
from tests.e2e.speech import SLOWLY, Clip
from wire.audio import decode_pcm

AT_ONCE = 0.0
LOBSTER_S = len(LOBSTER.pcm) / 2 / LOBSTER.rate
MOST_ERRORS = 0.15
"""Words of the clips that the small model may get wrong."""
MOST_ERRORS_BY_TELEPHONE = 0.2
"""At 8 kHz it gets half as many again wrong: ``bench.telephone``."""
OPEN_S = 2.0
"""Seconds of the clip ``silly.wav`` up to the middle of a word."""
CLASSES = ["ListenV1Metadata", "ListenV1Results"]


@pytest.fixture(scope="module")
def sdk(stack: Stack) -> Iterator[Program]:
    with running("deepgram_sdk", stack.url) as program:
        yield program


async def talk(sdk: Program, *steps: dict[str, Any], speed: float = 1.0, **options: Any) -> Stream:
    """Take steps in a stream that ends well."""
    found = await sdk.run("talk", steps=list(steps), options=LINEAR | options, speed=speed)
    assert found["events"] == ["open", "close"]
    assert set(found["classes"]) <= {*CLASSES, "ListenV1SpeechStarted", "ListenV1UtteranceEnd"}
    return Stream(found["messages"])


def telephone(clip: Clip, file: Path, law: str) -> str:
    """Write a clip as telephone speech."""
    slow = decode_pcm(clip.pcm).astype(np.int32).reshape(-1, 2).mean(axis=1).astype(np.int16)
    file.write_bytes((encode_mulaw if law == "mulaw" else encode_alaw)(slow))
    return str(file)


async def test_sentence_is_transcribed_while_it_is_spoken(sdk: Program) -> None:
    """Interim texts grow, then the final one comes with words, times, confidence, and sentiment as an extra field."""
    found = await talk(sdk, say("silly.wav"), SILENCE, CLOSE, speed=SLOWLY, interim_results=True, language="en-US")
    assert errors_in(SILLY.text, found.text()) <= MOST_ERRORS
    check_times(found)
    assert found.interims
    assert found.messages.index(found.interims[0]) < found.messages.index(found.finals()[0])
    first = found.interims[0]
    assert 0 < first["duration"] <= found.finals()[0]["duration"]
    assert [word["punctuated_word"] for word in found.words()] == found.text().split()
    sentiment = found.finals()[0]["sentiment"]
    assert (sentiment["label"], sum(sentiment["probabilities"].values())) == ("negative", pytest.approx(1))


async def test_confidence_is_the_models(sdk: Program) -> None:
    """Each word has its own, and a text has their mean."""
    found = await talk(sdk, say("jfk.wav"), SILENCE, CLOSE, speed=AT_ONCE)
    confidences = [word["confidence"] for word in found.words()]
    assert len(set(confidences)) > len(confidences) / 2
    assert all(0 < confidence <= 1 for confidence in confidences)
    for final in found.finals():
        mean = np.mean([word["confidence"] for word in best(final)["words"]])
        assert best(final)["confidence"] == pytest.approx(mean, abs=0.001)


async def test_file_at_once_has_the_words_of_its_speaker(sdk: Program) -> None:
    """In order; there are no interim texts then. The summary has its length."""
    found = await talk(sdk, say("jfk.wav"), SILENCE, CLOSE, speed=AT_ONCE, interim_results=True)
    text = "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
    assert errors_in(text, found.text()) <= MOST_ERRORS
    check_times(found)
    assert found.interims == []
    assert found.summary["duration"] == pytest.approx(12.5, abs=0.01)


async def test_finalize_ends_the_open_utterance_at_once(sdk: Program, tmp_path: Path) -> None:
    """Its result says that it comes from there; one in silence has no text."""
    file = tmp_path / "open.raw"
    file.write_bytes(SILLY.pcm[: round(OPEN_S * SILLY.rate) * 2])  # it ends within a word
    finalize, wait = {"finalize": True}, {"wait_s": 2}
    said = {"bytes": str(file), "byte_rate": SILLY.rate * 2}
    found = await talk(sdk, said, finalize, wait, finalize, {"wait_s": 0.5}, CLOSE)
    *before, first, second = found.finals()
    assert not any(final["from_finalize"] for final in before)  # the clip has a pause
    assert best(first)["transcript"]
    assert (first["from_finalize"], first["speech_final"]) == (True, True)
    assert (second["from_finalize"], best(second)["transcript"]) == (True, "")


async def test_keep_alive_holds_a_silent_stream_open(sdk: Program) -> None:
    """For longer than a stream may be silent; times count audio, not the wait."""
    alive: list[dict[str, Any]] = [{"wait_s": 6}, {"keep_alive": True}]
    found = await talk(sdk, *alive, *alive, say("silly.wav"), SILENCE, CLOSE)
    assert errors_in(SILLY.text, found.text()) <= MOST_ERRORS
    assert found.words()[0]["start"] < 1.0


async def test_silent_stream_is_closed_after_ten_seconds(sdk: Program) -> None:
    """With an error, and Deepgram's close code."""
    found = await sdk.run("talk", steps=[say("silly.wav")], options=LINEAR)
    assert found["events"][0] == "open"
    assert "1011" in found["events"][1]
    error = found["messages"][-1]
    assert (error["type"], error["variant"]) == ("Error", "NET-0001")
    assert errors_in(SILLY.text, Stream(found["messages"]).text()) <= MOST_ERRORS


async def test_close_stream_waits_for_the_last_words(sdk: Program) -> None:
    """Sent in the middle of speech; the summary is the last message."""
    found = await talk(sdk, say("lobster.wav"), CLOSE)
    assert errors_in(LOBSTER.text, found.text()) <= MOST_ERRORS
    assert found.summary["channels"] == 1


async def test_stream_without_audio_ends_with_its_summary(sdk: Program) -> None:
    """With the digest of nothing."""
    found = await talk(sdk, CLOSE)
    assert (found.summary["duration"], found.summary["sha256"][:8]) == (0.0, "e3b0c442")


async def test_wrong_key_is_refused_in_the_handshake(sdk: Program, closed: tuple[str, str]) -> None:
    """Where access is closed, the SDK raises its error with the status."""
    with pytest.raises(ClientFailed) as refused:
        await sdk.run("talk", url=closed[0], steps=[CLOSE], options=LINEAR, key="wta_00000000_" + "x" * 43)
    assert (refused.value.name, refused.value.status) == ("ApiError", 401)


@pytest.mark.parametrize(
    "options",
    [
        {"encoding": "amr-nb", "sample_rate": 8_000},
        LINEAR | {"sample_rate": 96_000},
        LINEAR | {"channels": 6},
        LINEAR | {"language": "tlh"},
        LINEAR | {"redact": "pci"},
        {"encoding": "linear16"},
    ],
    ids=["encoding", "rate", "channels", "language", "redact", "no rate"],
)
async def test_bad_parameter_is_refused_in_the_handshake(sdk: Program, options: dict[str, Any]) -> None:
    """With 400."""
    with pytest.raises(ClientFailed) as refused:
        await sdk.run("talk", steps=[CLOSE], options=options)
    assert (refused.value.name, refused.value.status) == ("ApiError", 400)


async def test_two_channels_are_two_talkers(sdk: Program, tmp_path: Path) -> None:
    """Each with the text and the times of its own channel, also while both speak."""
    file = write_wav(tmp_path / "call.wav", stereo(SILLY, LOBSTER, 1.0), 2)
    found = await talk(sdk, {"say": file}, CLOSE, channels=2, multichannel=True, vad_events=True)
    assert errors_in(SILLY.text, found.text(0)) <= MOST_ERRORS
    assert errors_in(LOBSTER.text, found.text(1)) <= MOST_ERRORS
    for channel in (0, 1):
        check_times(found, channel)
        assert found.finals(channel)[0]["channel_index"] == [channel, 2]
    assert found.words(1)[0]["start"] >= 0.6  # 0.3 s before its first sound an utterance begins
    assert {tuple(event["channel"]) for event in found.of("SpeechStarted")} == {(0, 2), (1, 2)}
    assert found.summary["channels"] == 2


async def test_two_channels_without_multichannel_are_mixed(sdk: Program, tmp_path: Path) -> None:
    """One after the other here, so that both can be understood."""
    file = write_wav(tmp_path / "call.wav", stereo(SILLY, LOBSTER, 4.0), 2)
    found = await talk(sdk, {"say": file}, CLOSE, channels=2, speed=AT_ONCE)
    assert errors_in(f"{SILLY.text} {LOBSTER.text}", found.text()) <= MOST_ERRORS
    assert found.summary["channels"] == 1


@pytest.mark.parametrize("law", ["mulaw", "alaw"])
async def test_telephone_speech_is_understood(sdk: Program, tmp_path: Path, law: str) -> None:
    """8 kHz, 8 bits, with a pause coded as silence."""
    file = telephone(LOBSTER, tmp_path / "call.raw", law)
    silence = {"silence_s": 1.5, "byte_rate": 8_000, "byte": 0xFF if law == "mulaw" else 0xD5}
    call = {"bytes": file, "byte_rate": 8_000}
    found = await talk(sdk, call, silence, CLOSE, encoding=law, sample_rate=8_000)
    assert errors_in(LOBSTER.text, found.text()) <= MOST_ERRORS_BY_TELEPHONE
    check_times(found)
    assert found.summary["duration"] == pytest.approx(5.88, abs=0.05)


async def test_opus_is_understood(sdk: Program) -> None:
    """In Ogg, in pieces that end anywhere, at the rate of the codec."""
    found = await talk(sdk, {"opus": str(DATA / "lobster.wav")}, CLOSE, encoding="ogg-opus", sample_rate=48_000)
    assert errors_in(LOBSTER.text, found.text()) <= MOST_ERRORS
    assert found.summary["duration"] == pytest.approx(LOBSTER_S, abs=0.1)


async def test_utterance_end_follows_the_last_word(sdk: Program) -> None:
    """After its text, with the end of its last word; once."""
    pause = SILENCE | {"silence_s": 2.0}
    options: dict[str, Any] = {"utterance_end_ms": 1_000, "interim_results": True, "vad_events": True}
    found = await talk(sdk, say("silly.wav"), pause, say("known-her.wav"), pause, CLOSE, **options)
    ends = found.of("UtteranceEnd")
    last_words = [best(final)["words"][-1]["end"] for final in found.finals() if best(final)["words"]]
    assert len(ends) == 2
    assert {end["last_word_end"] for end in ends} <= set(last_words)
    for end in ends:
        after = found.messages[: found.messages.index(end)]
        assert any(each["type"] == "Results" and each["is_final"] for each in after)


async def test_voice_events_say_when_speech_begins(sdk: Program) -> None:
    """Before its text, and only on request."""
    found = await talk(sdk, SILENCE, say("silly.wav"), SILENCE, CLOSE, vad_events=True)
    (event,) = found.of("SpeechStarted")
    assert event["timestamp"] == pytest.approx(found.words()[0]["start"], abs=0.5)
    assert found.messages[0] == event
    assert (await talk(sdk, say("silly.wav"), CLOSE, speed=AT_ONCE)).of("SpeechStarted") == []


async def test_endpointing_false_never_says_that_speech_is_over(sdk: Program) -> None:
    """Texts are final all the same."""
    found = await talk(sdk, say("silly.wav"), SILENCE, CLOSE, endpointing="false")
    assert {final["speech_final"] for final in found.finals()} == {False}
    said = await talk(sdk, say("silly.wav"), SILENCE, CLOSE, endpointing=500)
    assert found.finals()
    assert {final["speech_final"] for final in said.finals()} == {True}


async def test_language_that_is_left_open_is_in_the_result(sdk: Program) -> None:
    """For each text and each word; with one language it is left out."""
    steps = [say("silly.wav"), SILENCE, CLOSE]
    found = await talk(sdk, *steps, speed=AT_ONCE, language="multi", language_hint=["en", "ko"])
    assert best(found.finals()[0])["languages"] == ["en"]
    assert {word["language"] for word in found.words()} == {"en"}
    fixed = await talk(sdk, *steps, speed=AT_ONCE, language="en")
    assert best(fixed.finals()[0]).get("languages") is None


async def test_text_without_punctuation_has_words_only(sdk: Program) -> None:
    """In lower case."""
    found = await talk(sdk, say("silly.wav"), SILENCE, CLOSE, speed=AT_ONCE, punctuate=False)
    assert found.text().split() == [word["word"] for word in found.words()]
    assert found.text() == "you don't mean that you thought me so silly"


async def test_wav_stream_needs_no_encoding(sdk: Program) -> None:
    """Its header says it; and before samples whose encoding is said, a header does no harm."""
    raw = {"bytes": str(DATA / "silly.wav"), "byte_rate": 32_000}
    for options in ({}, LINEAR):
        found = await sdk.run("talk", steps=[raw, CLOSE], options=options, speed=AT_ONCE)
        assert errors_in(SILLY.text, Stream(found["messages"]).text()) <= MOST_ERRORS


async def test_terms_are_replaced_in_mid_stream(sdk: Program) -> None:
    """The SDK parses the answers, which come in the order of the commands."""
    messages = [{"type": "Configure", "keyterms": ["silly"]}, {"type": "Configure", "keyterms": ["x" * 401]}]
    steps = [*({"configure": message} for message in messages), {"wait_s": 0.5}, CLOSE]
    found = await sdk.run("talk", steps=steps, options=LINEAR | {"keyterm": ["lobster"]})
    assert [answer["type"] for answer in found["messages"]] == ["ConfigureSuccess", "ConfigureFailure", "Metadata"]
    assert "ListenV1ConfigureSuccess" in found["classes"]


async def test_parameters_without_effect_are_named_at_the_end(sdk: Program) -> None:
    """And what was to be sent back, is."""
    options: dict[str, Any] = {
        "numerals": True,
        "diarize": True,
        "tag": ["a", "b"],
        "extra": "call:7",
        "mip_opt_out": True,
    }
    found = await talk(sdk, CLOSE, **options)
    assert {warning.split()[0] for warning in found.summary["warnings"]} == {"model", "numerals", "diarize"}
    assert (found.summary["tags"], found.summary["extra"]) == (["a", "b"], {"call": "7"})


async def test_client_that_blocks_gets_the_same(sdk: Program) -> None:
    """The SDK's other half, with threads."""
    messages = await sdk.run("talk_in_threads", file=str(DATA / "silly.wav"), options=LINEAR)
    found = Stream(messages)
    assert errors_in(SILLY.text, found.text()) <= MOST_ERRORS
    assert found.summary["channels"] == 1
