"""Voice-agent frameworks that speak OpenAI Realtime: LiveKit's plug-in and Pipecat's service, unmodified."""

from collections.abc import Iterator
from typing import Any

import jiwer
import pytest

from local.testing import Stack
from tests.e2e.clients.program import ClientFailed, Program, running
from tests.e2e.speech import DATA, clip, normalized

MOST_ERRORS = 0.15
WRONG = "wta_00000000_" + "x" * 43
SILLY, LOBSTER = clip("silly.wav"), clip("lobster.wav")
FILES = [str((DATA / name).resolve()) for name in ("silly.wav", "lobster.wav")]


@pytest.fixture(scope="module")
def agents(stack: Stack) -> Iterator[Program]:
    with running("openai_agents", stack.url) as program:
        yield program


def errors_in(spoken: str, text: str) -> float:
    return float(jiwer.wer(normalized(spoken), normalized(text)))


def texts(events: list[dict[str, Any]]) -> str:
    return " ".join(event["text"] for event in events if event["type"] == "final_transcript")


async def test_livekit_gets_turns_of_the_service(agents: Program) -> None:
    """Its usual turn detection: speech, interim and final text, end of speech, and the seconds of each utterance."""
    events = await agents.run("livekit", files=FILES, options={"model": "gpt-4o-mini-transcribe"})
    assert errors_in(f"{SILLY.text} {LOBSTER.text}", texts(events)) <= MOST_ERRORS
    kinds = [event["type"] for event in events]
    assert kinds.index("start_of_speech") < kinds.index("interim_transcript") < kinds.index("final_transcript")
    assert kinds.index("end_of_speech") < kinds.index("final_transcript")
    seconds = [event["audio_s"] for event in events if event["type"] == "recognition_usage"]
    assert seconds[0] == pytest.approx(len(SILLY.pcm) / SILLY.rate / 2, abs=1.0)


async def test_livekit_commits_by_its_own_voice_detection(agents: Program) -> None:
    """With a model that has no turn detection at OpenAI."""
    events = await agents.run("livekit", files=FILES, options={"model": "gpt-realtime-whisper"})
    assert errors_in(f"{SILLY.text} {LOBSTER.text}", texts(events)) <= MOST_ERRORS
    assert len({event["request_id"] for event in events if event["type"] == "final_transcript"}) >= 2


async def test_livekit_wrong_key_is_its_error(agents: Program, closed: tuple[str, str]) -> None:
    """Without another try."""
    with pytest.raises(ClientFailed) as refused:
        await agents.run("livekit", url=closed[0], files=FILES[:1], options={}, key=WRONG)
    assert "401" in refused.value.text or refused.value.status == 401


@pytest.mark.parametrize("stops", [False, True], ids=["server", "pipeline"])
async def test_pipecat_gets_the_text(agents: Program, *, stops: bool) -> None:
    """When the service finds the pause, and when the pipeline does."""
    options: dict[str, Any] = {} if stops else {"turn_detection": {"type": "server_vad", "silence_duration_ms": 400}}
    found = await agents.run("pipecat", file=FILES[0], options=options, stops=stops)
    finals = [text["text"] for text in found["texts"] if text["kind"] == "TranscriptionFrame"]
    assert found["errors"] == []
    assert errors_in(SILLY.text, " ".join(finals)) <= MOST_ERRORS
