"""Voice-agent frameworks that speak Deepgram's protocol: LiveKit's plug-in and Pipecat's service, unmodified."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.testing import Stack
from tests.e2e.clients.listening import DATA, LOBSTER, SILLY, errors_in
from tests.e2e.clients.program import ClientFailed, Program, running
from tests.e2e.speech import SLOWLY

MOST_ERRORS = 0.15
WRONG = "wta_00000000_" + "x" * 43


@pytest.fixture(scope="module")
def livekit(stack: Stack) -> Iterator[Program]:
    with running("livekit_deepgram", stack.url) as program:
        yield program


@pytest.fixture(scope="module")
def pipecat(stack: Stack) -> Iterator[Program]:
    with running("pipecat_deepgram", stack.url) as program:
        yield program


def texts(events: list[dict[str, Any]], kind: str = "final_transcript") -> str:
    return " ".join(event["text"] for event in events if event["type"] == kind)


async def test_livekit_gets_speech_texts_and_ends_in_order(livekit: Program) -> None:
    """Interim texts, one final text with the times of its words, and the end of speech."""
    files = [str(DATA / "silly.wav"), str(DATA / "lobster.wav")]
    options = {"sample_rate": 16_000}
    events = await livekit.run("transcribe", files=files, options=options, flush=True, speed=SLOWLY)
    assert errors_in(f"{SILLY.text} {LOBSTER.text}", texts(events)) <= MOST_ERRORS
    kinds = [event["type"] for event in events if event["type"] != "recognition_usage"]
    assert kinds[0] == "start_of_speech"
    assert kinds[-1] == "end_of_speech"
    assert kinds.index("interim_transcript") < kinds.index("final_transcript")
    finals = [event for event in events if event["type"] == "final_transcript"]
    times = [at for final in finals for _, *word in final["words"] for at in word]
    assert times == sorted(times)
    assert all(0 < final["confidence"] <= 1 for final in finals)
    assert [word for word, *_ in finals[0]["words"]] == finals[0]["text"].split()


async def test_livekit_pauses_end_utterances(livekit: Program) -> None:
    """With its usual settings, without a flush."""
    events = await livekit.run("transcribe", files=[str(DATA / "jfk.wav")], options={"endpointing_ms": 25})
    text = "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
    assert errors_in(text, texts(events)) <= MOST_ERRORS
    assert sum(event["type"] == "end_of_speech" for event in events) >= 2


async def test_livekit_wrong_key_is_its_error(livekit: Program, closed: tuple[str, str]) -> None:
    """With the status."""
    with pytest.raises(ClientFailed) as refused:
        await livekit.run("transcribe", url=closed[0], files=[str(DATA / "silly.wav")], options={}, key=WRONG)
    assert (refused.value.name, refused.value.status) == ("APIStatusError", 401)


@pytest.mark.parametrize("stops", [False, True], ids=["endpointing", "finalize"])
async def test_pipecat_gets_the_text(pipecat: Program, *, stops: bool) -> None:
    """When this server finds the pause, and when the pipeline does: then the text is marked as finalized."""
    found = await pipecat.run("transcribe", file=str(DATA / "silly.wav"), settings={}, stops=stops)
    finals = [text for text in found["texts"] if text["kind"] == "TranscriptionFrame"]
    assert errors_in(SILLY.text, " ".join(text["text"] for text in finals)) <= MOST_ERRORS
    assert [text["finalized"] for text in finals] == [stops]
    assert found["texts"][0]["kind"] == "InterimTranscriptionFrame"
    assert found["errors"] == []
    assert found["results"][-1]["sentiment"]["label"] == "negative"


async def test_pipecat_gives_up_after_a_refusal(pipecat: Program, closed: tuple[str, str]) -> None:
    """A key that is wrong stays wrong: it does not try again."""
    found = await pipecat.run(
        "transcribe", url=closed[0], file=str(DATA / "silly.wav"), settings={}, key=WRONG, wait_s=0.2
    )
    assert found["texts"] == []
    assert "401" in found["errors"][0]
