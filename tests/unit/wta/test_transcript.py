"""The state of a client's session."""

import pytest

from tests.unit.wta.fake_gateway import SESSION, final
from wire.messages.base import Clock
from wire.messages.results import SegmentFailed
from wire.messages.server import Ready, SpeechEnded, Stopped
from wire.messages.statistics import PersonStatistics, Statistics
from wta.client.transcript import Transcript


def ready(token: str | None) -> Ready:
    return Ready(
        session_id=SESSION, token=token, resumed=not token, samples=0, sample_rate=16_000, language=None, room=None
    )


def begun() -> Transcript:
    transcript = Transcript()
    transcript.add(ready("secret"))
    return transcript


def test_the_token_survives_a_resume() -> None:
    """It is reported once only, when the session begins."""
    transcript = begun()
    transcript.add(ready(None))
    assert (transcript.session_id, transcript.token) == (SESSION, "secret")


def test_a_result_that_comes_twice_counts_once() -> None:
    """After a resume the gateway may send again what was received already."""
    transcript = begun()
    assert transcript.add(final(0, seq=1))
    assert transcript.add(final(1, seq=2))
    assert not transcript.add(final(0, seq=1))
    assert [result.segment for result in transcript.results] == [0, 1]
    assert transcript.last_seq == 2


def test_old_statistics_are_not_shown() -> None:
    """Of two, the higher version is the newer; each scope has its own."""
    transcript = begun()
    assert transcript.add(Statistics(scope="session", version=2, utterances=2, trend_window=20))
    assert not transcript.add(Statistics(scope="session", version=1, utterances=1, trend_window=20))
    assert transcript.add(Statistics(scope="room", version=1, utterances=7, trend_window=20))
    assert {scope: known.utterances for scope, known in transcript.statistics.items()} == {"session": 2, "room": 7}


def test_an_announced_utterance_without_result_is_missing() -> None:
    """Until its final, or the word that it was given up."""
    transcript = begun()
    for segment in (0, 1):
        transcript.add(SpeechEnded(segment=segment, start_ms=0, end_ms=1, reason="silence"))
    transcript.add(final(0, seq=1))
    assert transcript.missing == 1
    position = final(1, seq=2).model_dump(include={"session_id", "segment", "start_ms", "end_ms", "clock", "seq"})
    transcript.add(SegmentFailed(**position, code="c", message="m", remedy="r", attempts=3))
    assert transcript.missing == 0


def test_the_gateway_has_the_last_word_on_how_many_there_were() -> None:
    """An utterance that was announced before a break may have been found differently after it."""
    transcript = begun()
    transcript.add(SpeechEnded(segment=1, start_ms=0, end_ms=1, reason="silence"))
    transcript.add(final(0, seq=1))
    transcript.add(Stopped(segments=1, pending=0))
    assert transcript.missing == 0


def test_other_peoples_results_in_a_room_are_not_this_sessions() -> None:
    """They are shown, but neither their number nor their latency is counted here."""
    transcript = begun()
    assert transcript.add(final(0, seq=1, session_id="f" * 32))
    assert len(transcript.results) == 1
    assert transcript.own_results == []
    assert transcript.latencies_ms == []


@pytest.mark.parametrize("spoken_at", [1_000.0, 1_790_000_000.0, 9_000_000_000.0])
def test_a_latency_is_measured_by_the_gateways_clock(spoken_at: float) -> None:
    """Whatever this host's clock shows; a result that was released before the connection began has none."""
    transcript = begun()
    clock = Clock(speech_end=spoken_at, endpointed=spoken_at + 0.5, delivered=spoken_at + 0.75)
    transcript.add(final(0, seq=1).model_copy(update={"clock": clock}))
    transcript.add(final(1, seq=2).model_copy(update={"clock": clock.at(delivered=None)}))
    assert transcript.latencies_ms == [pytest.approx(750, abs=0.01)]


def test_statistics_of_each_person_are_the_newest() -> None:
    """They do not replace those of the room, and older ones are dropped."""
    transcript = begun()
    for person, version, is_new in (("a", 1, True), ("b", 1, True), ("a", 3, True), ("a", 2, False)):
        message = PersonStatistics(room="kitchen", person=person * 16, version=version, trend_window=20)
        assert transcript.add(message) == is_new
    assert {person: known.version for person, known in transcript.people.items()} == {"a" * 16: 3, "b" * 16: 1}
    assert transcript.statistics == {}
