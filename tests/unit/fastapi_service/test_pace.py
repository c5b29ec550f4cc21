"""Who sends faster than real time: files do; live speech never, however it is cut, delayed or drifting."""

import random
from collections.abc import Iterable, Iterator

import pytest

from fastapi_service.recognition.pace import CHUNK_S, LIVE_S, OUTAGE_S, QUIET_S, SETTLED_S, Pace

Piece = tuple[float, float]
"""Seconds at which audio arrives, and its length in seconds."""


def feed(pieces: Iterable[Piece], pace: Pace | None = None) -> list[bool]:
    """Whether the session is ahead after each piece; nothing ever waits."""
    pace = pace or Pace(0.0)
    found = []
    for at, seconds in pieces:
        pace.update(at, seconds, waiting=False)
        found.append(pace.ahead)
    return found


def live(seconds: float, step: float, start: float = 0.0, drift: float = 0.0) -> Iterator[Piece]:
    """Pieces of ``step`` seconds, each sent when it was recorded; the sound card is too fast by ``drift``."""
    for number in range(1, round(seconds / step) + 1):
        yield start + number * step, step * (1 + drift)


def test_live_speech_in_small_frames_is_never_ahead() -> None:
    """20 ms each, for five minutes."""
    assert not any(feed(live(300, 0.02)))


@pytest.mark.parametrize("step", [0.5, 1, 2, 4, CHUNK_S])
def test_live_speech_in_chunks_is_never_ahead(step: float) -> None:
    """A recorder that gives its audio every few seconds sends each chunk at once, in frames that are shorter."""
    pieces = [(at, length / 4) for at, length in live(300, step) for _ in range(4)]
    assert not any(feed(pieces))


@pytest.mark.parametrize("late", [0.1, 1, 3])
def test_live_speech_with_jitter_is_never_ahead(late: float) -> None:
    """Frames come up to ``late`` seconds later than they were recorded, in their order."""
    chance, arrived, pieces = random.Random(1), 0.0, []
    for at, length in live(300, 0.1):
        arrived = max(arrived, at + late * chance.random())
        pieces.append((arrived, length))
    assert not any(feed(pieces))


@pytest.mark.parametrize("drift", [-0.001, 0.0002, 0.001, 0.01])
def test_live_speech_of_a_sound_card_that_drifts_is_never_ahead(drift: float) -> None:
    """For six hours: the lead would be 22 s with a thousandth."""
    assert not any(feed(live(6 * 3_600, 1, drift=drift)))


def test_live_speech_after_a_pause_is_never_ahead() -> None:
    """Push-to-talk: nothing is sent between two sentences."""
    pieces = [piece for start in range(0, 600, 30) for piece in live(8, 0.1, start=start)]
    assert not any(feed(pieces))


@pytest.mark.parametrize("outage", [2, 20, OUTAGE_S - 1])
def test_live_speech_that_was_buffered_during_an_outage_is_not_ahead(outage: float) -> None:
    """A client resumes, sends what it has at once, and goes on."""
    buffered = [(0.01, 0.5)] * int(2 * outage)
    assert not any(feed([*buffered, *live(60, 0.1)], Pace(0.0, resumed=True)))


@pytest.mark.parametrize("burst", [3, 10, 110])
def test_live_speech_after_any_burst_is_live_again(burst: float) -> None:
    """A new session begins with what was said while its connection was opened; only its first seconds are ahead."""
    found = feed([(0.01, burst), *live(60, 0.1)])
    assert found[0]
    assert not any(found[280:])


@pytest.mark.parametrize("frame", [0.02, 0.1, 1, 2])
def test_file_is_ahead_before_its_first_utterance_ends(frame: float) -> None:
    """Also after its client has waited a little with its first audio, and after an outage."""

    def first_ahead(pace: Pace, start: float) -> float:
        pieces = [(start + number * 0.001, frame) for number in range(round(200 / frame))]
        return (feed(pieces, pace).index(True) + 1) * frame

    assert first_ahead(Pace(0.0), 0.0) <= 1.7 + frame
    assert first_ahead(Pace(0.0), 60.0) <= 1.1 * (CHUNK_S + 1.7) + frame
    assert first_ahead(Pace(0.0, resumed=True), 0.0) <= 1.1 * (OUTAGE_S + 1.7) + frame


@pytest.mark.parametrize("speed", [1.5, 3, 10])
def test_file_that_is_sent_a_little_faster_than_real_time_stays_ahead(speed: float) -> None:
    """By a slow network."""
    found = feed((number * 0.1 / speed, 0.1) for number in range(3_000))
    assert all(found[found.index(True) :])
    assert found.index(True) < 200


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_file_that_falls_behind_real_time_stays_ahead(share: float) -> None:
    """Its utterances wait for the ledger, which takes ``share`` of real time; each makes room for more of the file."""
    pace, at = Pace(0.0), 0.0
    for _ in range(6):
        pace.update(at, 5.0, waiting=True)
    for _ in range(200):
        at += 5 / share
        pace.update(at, waiting=False)  # the last one that waited is in the ledger
        assert pace.ahead
        at += 0.05  # the client reads that, and sends more
        pace.update(at, 5.0, waiting=False)
        pace.update(at, waiting=True)
        assert pace.ahead


@pytest.mark.parametrize("pause", [QUIET_S + 0.1, 5, 60])
def test_live_speech_after_a_file_is_live(pause: float) -> None:
    """The same session: the file waits for the ledger for a minute, then the microphone begins."""
    pace = Pace(0.0)
    assert feed([(0.1, 300.0)], pace) == [True]
    pace.update(0.1, waiting=True)
    pace.update(60.0, waiting=False)
    assert pace.ahead
    assert not any(feed(live(60, 0.1, start=60 + pause), pace))


def test_live_speech_right_after_a_file_is_live_after_a_while() -> None:
    """Without a second of quiet, it takes a few more."""
    pace = Pace(0.0)
    feed([(0.1, 300.0)], pace)
    assert not any(feed(live(60, 0.1, start=0.1), pace)[330:])


def test_file_after_live_speech_is_ahead() -> None:
    """And stays so to its end."""
    pace = Pace(0.0)
    assert not any(feed(live(30, 0.02), pace))
    found = feed([(30 + number * 0.001, 0.1) for number in range(3_000)], pace)
    assert all(found[int(10 * CHUNK_S) + 20 :])


@pytest.mark.parametrize("step", [0.02, 0.1, 0.5])
def test_live_speech_after_a_long_outage_is_live_although_something_always_waits(step: float) -> None:
    """More was buffered than a resumed connection may bring, and the ledger is behind for minutes."""
    pace = Pace(0.0, resumed=True)
    assert feed([(0.01, 100.0)], pace) == [True]
    found = []
    for at, seconds in live(60, step):
        pace.update(at, seconds, waiting=True)
        found.append(pace.ahead)
    assert not any(found[int((LIVE_S + 1) / step) :])


@pytest.mark.parametrize("frame", [0.02, 0.1, 1.0])
def test_file_that_comes_in_bursts_is_not_taken_for_live(frame: float) -> None:
    """Each burst begins after a wait, which is longer than its first frame."""
    pace, at = Pace(0.0), 0.0
    for _ in range(100):
        for _ in range(int(5 / frame)):
            pace.update(at, frame, waiting=True)
            at += 0.001
        at += 30.0
        assert pace.ahead


def settled(pieces: Iterable[Piece], pace: Pace) -> list[bool]:
    found = []
    for at, seconds in pieces:
        pace.update(at, seconds, waiting=False)
        found.append(pace.settled)
    return found


@pytest.mark.parametrize("stall", [7, 12, 30])
def test_live_speech_after_a_stall_is_settled_soon_after_it_is_live(stall: float) -> None:
    """Not while it is ahead, and then for good."""
    pace = Pace(0.0)
    assert all(settled(live(10, 0.1), pace)[int(SETTLED_S / 0.1) + 1 :])
    assert not settled([(10.0 + stall, 0.1)] * round(10 * stall), pace)[-1]
    found = settled(live(60, 0.1, start=10.0 + stall), pace)
    first = found.index(True)
    assert first * 0.1 < 15
    assert all(found[first:])


@pytest.mark.parametrize("pause", [QUIET_S + 0.1, 5, 60])
@pytest.mark.parametrize("burst", [9, 30, 120])
def test_file_in_bursts_is_never_settled(burst: float, pause: float) -> None:
    """Also after it was, in its first moment."""
    pace, at = Pace(0.0), 0.0
    for _ in range(20):
        assert not any(settled([(at + number * 0.001, 0.1) for number in range(round(burst * 10))], pace))
        at += pause + burst * 0.01


@pytest.mark.parametrize("pieces", [1, 3, 20])
@pytest.mark.parametrize("pause", [1.2, 2, 3])
@pytest.mark.parametrize("burst", [4.9, 5.1, 9.0, 60.0])
def test_file_in_bursts_is_never_settled_however_it_is_cut(burst: float, pause: float, pieces: int) -> None:
    """Also while a resumed connection may bring a minute at once, and with time passing in between."""
    for resumed in (False, True):
        pace = Pace(0.0, resumed=resumed)
        for number in range(1, 20):
            at = number * pause
            assert not any(settled([(at + piece * 0.001, burst / pieces) for piece in range(pieces)], pace))
            pace.update(at + 0.9 * pause, waiting=False)
            assert not pace.settled


@pytest.mark.parametrize("wait", [0, 1.5, 60])
def test_time_without_audio_settles_nothing(wait: float) -> None:
    """A connection is opened, and its first audio comes later."""
    pace = Pace(0.0, resumed=True)
    pace.update(wait, waiting=False)
    assert not pace.settled
    assert not settled([(wait, 0.1)] * 50, pace)[-1]


@pytest.mark.parametrize("step", [0.1, 1.0, 3.0])
def test_gaps_in_real_time_settle_and_reported_suspensions_do_not(step: float) -> None:
    """A page sends only gaps while nothing is said."""
    pace = Pace(0.0)
    feed([(0.1, 20.0)], pace)
    pace.update(3.0, waiting=False)
    pace.update(3.1, gap_s=3_600.0, waiting=False)
    for number in range(1, 4):
        pace.update(3.1 + number * 0.01, gap_s=5.0, waiting=False)
        assert not pace.settled
    for number in range(1, round(6 / step) + 1):
        pace.update(4.0 + number * step, gap_s=step, waiting=False)
        assert not pace.ahead
    assert pace.settled


@pytest.mark.parametrize("step", [1, 2, 4, CHUNK_S])
def test_live_speech_in_chunks_is_settled(step: float) -> None:
    """Each chunk in four frames."""
    pieces = [(at, length / 4) for at, length in live(60, step) for _ in range(4)]
    assert settled(pieces, Pace(0.0))[-1]
    buffered = [(0.01, 0.5)] * 80
    assert settled([*buffered, *live(30, 0.1)], Pace(0.0, resumed=True))[-1]
