"""Items of a conversation, whatever the client and the session do: each commit has one outcome, in order."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_service.api.realtime.conversation import Conversation
from tests.support.speakers import final
from wire.messages.results import NoSpeech, SegmentEnd, SegmentFailed
from wire.messages.server import Interim, SpeechEnded, SpeechStarted

DELTA, COMPLETED, FAILED = (
    f"conversation.item.input_audio_transcription.{kind}" for kind in ("delta", "completed", "failed")
)
COMMITTED = "input_audio_buffer.committed"
WORDS = ["when", "is", "a", "lobster", "not"]
actions = st.lists(
    st.sampled_from(["voice", "text", "silence", "cut", "result", "commit", "clear", "mode"]), max_size=60
)
outcomes = st.lists(st.sampled_from(["same", "other", "nothing", "failure"]), min_size=60, max_size=60)


class Session:
    """Sends what a session sends: utterances in order, each with one result, and flushes with a commit."""

    def __init__(self, kinds: list[str]) -> None:
        numbers = count(1)
        self.conversation = Conversation(lambda prefix: f"{prefix}{next(numbers)}")
        self.events: list[dict[str, Any]] = []
        self.cleared: list[int] = []
        """Events at each clear."""
        self._kinds = iter(kinds)
        self._segment = 0
        self._is_speaking = False
        self._words = 0
        self._waiting: list[int] = []
        """Segments without a result."""

    def voice(self) -> None:
        if not self._is_speaking:
            self._is_speaking, self._words = True, 0
            self._take(SpeechStarted(segment=self._segment, at_ms=1_000 * self._segment))

    def text(self) -> None:
        if self._is_speaking:
            self._words += self._words < len(WORDS)
            stable = " ".join(WORDS[: self._words])
            self._take(Interim(segment=self._segment, revision=1, stable=stable, unstable="", language="en"))

    def silence(self) -> None:
        if not self.conversation.manual:
            self._end("silence")

    def cut(self) -> None:
        self._end("too_long")
        self.voice()

    def result(self) -> None:
        if self._waiting:
            self._take(self._outcome(self._waiting.pop(0)))

    def commit(self) -> None:
        self._end("flush")
        self.events += self.conversation.commit(1.0)

    def clear(self) -> None:
        self._is_speaking = False
        self.cleared.append(len(self.events))
        self.events += self.conversation.clear()

    def mode(self) -> None:
        self.conversation.manual = not self.conversation.manual

    def _end(self, reason: Any) -> None:
        if self._is_speaking:
            self._is_speaking = False
            begin = 1_000 * self._segment
            self._take(SpeechEnded(segment=self._segment, start_ms=begin, end_ms=begin + 900, reason=reason))
            self._waiting.append(self._segment)
            self._segment += 1

    def _outcome(self, segment: int) -> SegmentEnd:
        kind = next(self._kinds, "same")
        said = final(1).model_copy(update={"segment": segment, "text": " ".join([*WORDS, str(segment)])})
        if kind == "other":
            return said.model_copy(update={"text": f"Otherwise {segment}."})
        fields = {name: getattr(said, name) for name in NoSpeech.model_fields if hasattr(said, name) and name != "type"}
        if kind == "nothing":
            return NoSpeech(**fields)
        if kind == "failure":
            return SegmentFailed(**fields, code="attempts_used", message="-", remedy="-", attempts=3)
        return said

    def _take(self, message: Any) -> None:
        self.events += self.conversation.take(message)


def of(events: list[dict[str, Any]], *kinds: str) -> Iterator[dict[str, Any]]:
    return (event for event in events if event["type"] in kinds)


@settings(max_examples=300, deadline=None)
@given(actions, outcomes)
def test_each_commit_has_one_outcome_in_order(taken: list[str], kinds: list[str]) -> None:
    """And a place behind the one before."""
    session = Session(kinds)
    for action in [*taken, "commit", *["result"] * 60]:
        getattr(session, action)()
    committed = [event["item_id"] for event in of(session.events, COMMITTED)]
    assert [event["item_id"] for event in of(session.events, COMPLETED, FAILED)] == committed
    assert [event["previous_item_id"] for event in of(session.events, COMMITTED)] == [None, *committed[:-1]]
    assert len(set(committed)) == len(committed)


@settings(max_examples=300, deadline=None)
@given(actions, outcomes)
def test_deltas_come_before_the_end_of_their_item_and_only_append(taken: list[str], kinds: list[str]) -> None:
    """Joined they are the transcript, or a part of its beginning if it was left for another text."""
    session = Session(kinds)
    for action in [*taken, "commit", *["result"] * 60]:
        getattr(session, action)()
    texts: dict[str, str] = {}
    ended: set[str] = set()
    for event in of(session.events, DELTA, COMPLETED, FAILED):
        item = event["item_id"]
        assert item not in ended
        if event["type"] == DELTA:
            assert event["delta"]
            texts[item] = texts.get(item, "") + event["delta"]
        else:
            ended.add(item)
        if event["type"] == COMPLETED:
            joined, transcript = texts.get(item, ""), event["transcript"]
            assert joined == transcript or not transcript.startswith(joined) or "Otherwise" in transcript


@settings(max_examples=300, deadline=None)
@given(actions, outcomes)
def test_cleared_items_have_no_outcome(taken: list[str], kinds: list[str]) -> None:
    """What was announced before a clear, and not committed, is never named again."""
    session = Session(kinds)
    for action in [*taken, "commit", *["result"] * 60]:
        getattr(session, action)()
    for at in session.cleared:
        before, after = session.events[:at], session.events[at:]
        named = {event["item_id"] for event in before if "item_id" in event}
        dropped = named - {event["item_id"] for event in of(before, COMMITTED)}
        assert not dropped & {event["item_id"] for event in after if "item_id" in event}


@pytest.mark.parametrize(("language", "space"), [("ja", ""), ("zh", ""), ("th", ""), ("ko", " ")])
def test_utterances_of_a_commit_are_joined_as_their_language_has_it(language: str, space: str) -> None:
    """Deltas and transcript alike; also where one of them has no text."""
    session = Session([])
    session.mode()
    for segment, text in enumerate(("はい。", "", "そうです。")):
        session.voice()
        if text:
            session._take(Interim(segment=segment, revision=1, stable=text[:2], unstable="", language=language))
        session._end("silence")
        said = final(1).model_copy(update={"segment": segment, "text": text, "language": language})
        session._take(said)
    session.events += session.conversation.commit(3.0)
    (completed,) = of(session.events, COMPLETED)
    assert completed["transcript"] == f"はい。{space}そうです。"
    assert "".join(event["delta"] for event in of(session.events, DELTA)) == completed["transcript"]
