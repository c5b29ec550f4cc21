"""Any client rate becomes 16 kHz, as one stream: no drift, no clicks between chunks, exact after a gap."""

import numpy as np
import pytest

from fastapi_service.endpointing.energy_vad import DIGITAL_SILENCE
from fastapi_service.endpointing.resampler import StreamResampler
from wire.audio import SAMPLE_RATE, Pcm, to_float

RATES = [8_000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000]
CHUNK = 128
"""Samples in the smallest chunk that a browser's AudioWorklet gives."""


def tone(rate: int, seconds: float, hertz: float = 440.0) -> Pcm:
    time = np.arange(round(rate * seconds)) / rate
    wave: Pcm = np.rint(10_000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)
    return wave


def resample(rate: int, pcm: Pcm, chunk: int) -> Pcm:
    resampler = StreamResampler(rate)
    pieces = [resampler.feed(pcm[offset : offset + chunk]) for offset in range(0, len(pcm), chunk)]
    return np.concatenate([*pieces, resampler.flush()])


@pytest.mark.parametrize("rate", RATES)
def test_a_stream_keeps_its_length(rate: int) -> None:
    """A minute in small chunks stays a minute to the sample."""
    assert len(resample(rate, np.zeros(60 * rate, dtype=np.int16), 1_024)) == 60 * SAMPLE_RATE


@pytest.mark.parametrize("rate", RATES)
def test_frequency_of_a_tone_is_kept(rate: int) -> None:
    """A tone in the tiniest chunks comes out with its pitch and level, without clicks."""
    out = resample(rate, tone(rate, 1.0), CHUNK)[1_600:-1_600]
    expected = tone(SAMPLE_RATE, 1.0)[1_600:-1_600]
    assert np.abs(out.astype(int) - expected.astype(int)).max() < 60


@pytest.mark.parametrize("rate", RATES)
def test_output_does_not_depend_on_chunks(rate: int) -> None:
    """The same samples come out, in whatever pieces they came in, up to the dither of the last bits."""
    pcm = tone(rate, 0.5)
    np.testing.assert_allclose(resample(rate, pcm, CHUNK), resample(rate, pcm, len(pcm)), rtol=0, atol=3)


def test_flush_returns_the_rest_and_begins_a_new_stream() -> None:
    """Before and after a gap the counts are exact; the second part has no sound of the first: it is silent."""
    resampler = StreamResampler(48_000)
    for part in (tone(48_000, 1.0), np.zeros(48_000, dtype=np.int16)):
        out = np.concatenate([resampler.feed(part), resampler.flush()])
        assert len(out) == SAMPLE_RATE
    assert np.mean(np.square(to_float(out))) <= DIGITAL_SILENCE


def test_sixteen_kilohertz_pass_through() -> None:
    """The system's own rate is not touched or delayed."""
    pcm = tone(SAMPLE_RATE, 0.1)
    resampler = StreamResampler(SAMPLE_RATE)
    np.testing.assert_array_equal(resampler.feed(pcm), pcm)
    assert len(resampler.flush()) == 0
