"""The buffer keeps exactly what the gateway may ask for again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wta.client.replay_buffer import ReplayBuffer


def pcm(first: int, count: int) -> bytes:
    """Samples that say their own position."""
    return b"".join((first + i).to_bytes(2, "little") for i in range(count))


def filled(count: int, capacity: int = 100) -> ReplayBuffer:
    buffer = ReplayBuffer(capacity)
    buffer.append(pcm(0, count))
    return buffer


def test_an_acknowledgement_frees_what_is_safe() -> None:
    """What lies before the acknowledged sample is forgotten, the rest keeps its position."""
    buffer = filled(10)
    buffer.trim(4)
    assert (buffer.start, buffer.end) == (4, 10)
    assert buffer.read(4, 100) == pcm(4, 6)


def test_an_old_acknowledgement_changes_nothing() -> None:
    """Acknowledgements that come late or twice do no harm."""
    buffer = filled(10)
    buffer.trim(6)
    buffer.trim(4)
    assert (buffer.start, buffer.end) == (6, 10)


def test_an_acknowledgement_of_the_future_stops_at_the_end() -> None:
    """The buffer's own count of samples stays right, whatever the gateway says."""
    buffer = filled(10)
    buffer.trim(50)
    assert (buffer.start, buffer.end) == (10, 10)
    buffer.append(pcm(10, 2))
    assert buffer.read(10, 100) == pcm(10, 2)


def test_audio_is_read_in_pieces() -> None:
    """A long stretch goes out in messages of a size that the gateway takes."""
    buffer = filled(10)
    assert [buffer.read(at, 4) for at in (0, 4, 8, 10)] == [pcm(0, 4), pcm(4, 4), pcm(8, 2), b""]


def test_sending_goes_on_where_the_gateway_stands() -> None:
    """After a break, what the gateway has is freed and the rest is sent again."""
    buffer = filled(10)
    assert buffer.resume(3) == 3
    assert buffer.start == 3


def test_what_was_dropped_shows_as_a_position_before_the_start() -> None:
    """The sender sees how much is missing, and can say so."""
    buffer = filled(10, capacity=6)
    assert buffer.drop_oldest() == 4
    assert buffer.resume(1) == 1
    assert buffer.start == 4


def test_a_new_client_takes_over_the_position_of_a_session() -> None:
    """Who resumes somebody's session counts on from where it stands."""
    buffer = ReplayBuffer(100)
    assert buffer.resume(480) == 480
    buffer.append(pcm(0, 2))
    assert (buffer.start, buffer.end) == (480, 482)


def test_a_full_buffer_takes_no_more() -> None:
    """Until something is acknowledged."""
    buffer = filled(10, capacity=12)
    assert buffer.has_room_for(pcm(10, 2))
    assert not buffer.has_room_for(pcm(10, 3))
    buffer.trim(1)
    assert buffer.has_room_for(pcm(10, 3))


def test_an_empty_buffer_takes_anything() -> None:
    """A piece that is longer than the whole buffer does not wait forever."""
    assert ReplayBuffer(1).has_room_for(pcm(0, 5))


def test_half_a_sample_is_refused() -> None:
    """Otherwise everything after it would be noise."""
    with pytest.raises(ValueError, match="whole Int16 samples"):
        ReplayBuffer(10).append(b"\0\0\0")


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 60)), max_size=20))
def test_every_position_holds_its_own_sample(steps: list[tuple[int, int]]) -> None:
    """However audio and acknowledgements alternate, a position always means the same sample."""
    buffer, recorded = ReplayBuffer(1_000), 0
    for count, acknowledged in steps:
        buffer.append(pcm(recorded, count))
        recorded += count
        buffer.trim(acknowledged)
        assert buffer.end == recorded
        assert buffer.read(buffer.start, 1_000) == pcm(buffer.start, recorded - buffer.start)
