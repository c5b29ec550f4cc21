"""The legs of a call become one stream."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastapi_service.api.twilio.legs import LATE, LOST, Legs
from infra.sound.g711 import RATE
from wire.audio import Pcm

MS = 20
CHUNK = RATE * MS // 1000
BOTH = ("inbound", "outbound")


def chunk(value: int) -> Pcm:
    return np.full(CHUNK, value, dtype=np.int16)


def test_one_leg_is_passed_on_at_once() -> None:
    """There is nothing to wait for."""
    assert np.array_equal(Legs(["inbound"]).feed("inbound", 0, chunk(5)), chunk(5))


def test_two_legs_are_left_and_right() -> None:
    """In the order of the tracks; audio waits for that of the other leg."""
    legs = Legs(BOTH)
    assert len(legs.feed("outbound", 0, chunk(2))) == 0
    stereo = legs.feed("inbound", 0, chunk(1)).reshape(-1, 2)
    assert stereo.shape == (CHUNK, 2)
    assert np.unique(stereo, axis=0).tolist() == [[1, 2]]


def test_rounded_timestamps_make_no_holes() -> None:
    """They jitter by a few milliseconds."""
    legs = Legs(["inbound"])
    parts = [legs.feed("inbound", ms, chunk(1)) for ms in (3, 24, 42, 63)]
    assert np.concatenate(parts).tolist() == [1] * (4 * CHUNK)


def test_lost_audio_is_silence() -> None:
    """So that what follows has its time."""
    legs = Legs(["inbound"])
    legs.feed("inbound", 0, chunk(1))
    after = legs.feed("inbound", 1_000, chunk(2))
    assert (len(after), after.max()) == (RATE, 2)
    assert np.count_nonzero(after) == CHUNK


def test_leg_that_is_silent_for_long_holds_nothing_back() -> None:
    """Silence takes its place; what then comes too late is left out, and what comes in time has its time again."""
    legs = Legs(BOTH)
    out = [legs.feed("inbound", at, chunk(1)) for at in range(0, 2_000, MS)]
    stereo = np.concatenate(out).reshape(-1, 2)
    assert len(stereo) == 2 * RATE - LATE
    assert not stereo[:, 1].any()
    assert len(legs.feed("outbound", 0, chunk(2))) == 0
    out += [legs.feed("outbound", at, chunk(2)) for at in range(1_500, 2_000, MS)]
    both = np.concatenate(out).reshape(-1, 2)
    assert len(both) == 2 * RATE
    assert np.count_nonzero(both[:, 1]) == LATE


def test_rest_of_both_legs_comes_at_the_end() -> None:
    """Neither is cut off."""
    legs = Legs(BOTH)
    legs.feed("inbound", 0, chunk(1))
    assert legs.rest().reshape(-1, 2).tolist() == [[1, 0]] * CHUNK
    assert len(legs.rest()) == 0


def test_unknown_leg_is_left_out() -> None:
    """Twilio names two."""
    assert len(Legs(["inbound"]).feed("outbound", 0, chunk(1))) == 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(BOTH), st.integers(0, 5_000), st.integers(0, 400)), max_size=20))
def test_any_order_gives_whole_moments_in_bounded_number(events: list[tuple[str, int, int]]) -> None:
    """No more than the latest timestamp and its audio says, but for what was rounded."""
    legs = Legs(BOTH)
    out = [legs.feed(track, at, np.ones(size, dtype=np.int16)) for track, at, size in events]
    total = sum(map(len, [*out, legs.rest()]))
    assert total % 2 == 0
    latest = max((at * 8 + size for _, at, size in events), default=0)
    spoken = sum(size for *_, size in events)
    assert total // 2 <= latest + min(spoken, LOST * len(events)) + LOST


@pytest.mark.parametrize("tracks", [("inbound",), BOTH])
def test_rest_without_audio_is_empty(tracks: tuple[str, ...]) -> None:
    """A call that ends before anybody speaks."""
    assert len(Legs(tracks).rest()) == 0
