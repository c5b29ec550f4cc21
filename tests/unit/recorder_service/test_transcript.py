"""What a client knows of its session."""

from recorder_service.client.transcript import Conversation
from tests.unit.recorder_service.fake_gateway import SESSION, final
from wire.messages.results import SegmentFailed
from wire.messages.server import Ready, SpeechEnded, Stopped
from wire.messages.statistics import Statistics


def ready(token: str | None) -> Ready:
    return Ready(
        session_id=SESSION, token=token, resumed=not token, samples=0, sample_rate=16_000, language=None, room=None
    )


def begun() -> Conversation:
    conversation = Conversation()
    conversation.hear(ready("secret"))
    return conversation


def test_the_token_survives_a_resume() -> None:
    """It is told once only, when the session begins."""
    conversation = begun()
    conversation.hear(ready(None))
    assert (conversation.session_id, conversation.token) == (SESSION, "secret")


def test_a_result_that_comes_twice_counts_once() -> None:
    """After a resume the gateway may send again what was received already."""
    conversation = begun()
    assert conversation.hear(final(0, seq=1))
    assert conversation.hear(final(1, seq=2))
    assert not conversation.hear(final(0, seq=1))
    assert [result.segment for result in conversation.results] == [0, 1]
    assert conversation.last_seq == 2


def test_old_statistics_are_not_shown() -> None:
    """Of two, the higher version is the newer; each scope has its own."""
    conversation = begun()
    assert conversation.hear(Statistics(scope="session", version=2, utterances=2, trend_window=20))
    assert not conversation.hear(Statistics(scope="session", version=1, utterances=1, trend_window=20))
    assert conversation.hear(Statistics(scope="room", version=1, utterances=7, trend_window=20))
    assert {scope: known.utterances for scope, known in conversation.statistics.items()} == {"session": 2, "room": 7}


def test_an_announced_utterance_without_result_is_missing() -> None:
    """Until its final, or the word that it was given up."""
    conversation = begun()
    for segment in (0, 1):
        conversation.hear(SpeechEnded(segment=segment, start_ms=0, end_ms=1, reason="silence"))
    conversation.hear(final(0, seq=1))
    assert conversation.missing == 1
    result_fields = final(1, seq=2).model_dump(include={"session_id", "segment", "start_ms", "end_ms", "clock", "seq"})
    conversation.hear(SegmentFailed(**result_fields, code="c", message="m", remedy="r", attempts=3))
    assert conversation.missing == 0


def test_the_gateway_has_the_last_word_on_how_many_there_were() -> None:
    """An utterance that was announced before a break may have been found differently after it."""
    conversation = begun()
    conversation.hear(SpeechEnded(segment=1, start_ms=0, end_ms=1, reason="silence"))
    conversation.hear(final(0, seq=1))
    conversation.hear(Stopped(segments=1, pending=0))
    assert conversation.missing == 0


def test_other_peoples_results_in_a_room_are_not_this_sessions() -> None:
    """They are shown, but neither their number nor their latency is counted here."""
    conversation = begun()
    assert conversation.hear(final(0, seq=1, session_id="f" * 32))
    assert len(conversation.results) == 1
    assert conversation.own_results == []
    assert conversation.latencies_ms == []
