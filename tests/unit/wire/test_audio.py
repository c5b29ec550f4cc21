"""Samples keep their value through every conversion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.audio import decode_pcm, encode_pcm, ms_to_samples, samples_to_ms, to_float, to_int16


@given(st.lists(st.integers(-32_768, 32_767), max_size=200))
def test_samples_come_back_as_they_were(values: list[int]) -> None:
    """Bytes → Int16 → float → Int16 → bytes loses nothing, at the extremes neither."""
    data = np.array(values, dtype="<i2").tobytes()
    floats = to_float(decode_pcm(data))
    assert encode_pcm(to_int16(floats)) == data
    assert floats.dtype == np.float32
    assert np.all((floats >= -1) & (floats < 1))


def test_bytes_are_little_endian() -> None:
    """0x0102 is sent as 02 01."""
    assert decode_pcm(b"\x02\x01").tolist() == [0x0102]
    assert encode_pcm(np.array([0x0102], dtype=">i2")) == b"\x02\x01"


def test_loud_floats_are_clipped() -> None:
    """Values over full scale do not wrap around."""
    loud = np.array([2.0, 1.0, -1.0, -2.0], dtype=np.float32)
    assert to_int16(loud).tolist() == [32_767, 32_767, -32_768, -32_768]


def test_half_a_sample_is_refused() -> None:
    """An odd number of bytes is no Int16 PCM."""
    with pytest.raises(ValueError, match="multiple"):
        decode_pcm(b"\x00\x00\x00")


@given(st.integers(0, 10**9))
def test_milliseconds_are_whole_samples(ms: int) -> None:
    """16 samples are a millisecond, for days."""
    assert ms_to_samples(ms) == 16 * ms
    assert samples_to_ms(ms_to_samples(ms)) == ms
