"""Several channels become one: without cancelling each other out, and without a switch that is heard."""

import numpy as np
import pytest

from infra.sound.mono import ADDED_S, Downmix, MonoStream
from wire.audio import SAMPLE_RATE, Samples, to_float

RATE = SAMPLE_RATE


def voice(seconds: float, seed: int = 1) -> Samples:
    """Noise that changes its loudness, as speech does."""
    chance = np.random.default_rng(seed)
    count = round(seconds * RATE)
    level = np.repeat(chance.uniform(0.05, 0.3, -(-count // 1_000)), 1_000)[:count]
    return np.clip(chance.normal(0, 1, count) * level, -1, 1).astype(np.float32)


def stereo(*seconds: tuple[float, float], noise: float = 0.0) -> Samples:
    """A voice for so many seconds, with the gains of its two channels in each."""
    count = len(seconds) * RATE
    gains = np.repeat(np.array(seconds, dtype=np.float32), RATE, axis=0)
    noises = np.random.default_rng(7).normal(0, noise, (count, 2)) if noise else np.zeros((count, 2))
    mixed: Samples = (voice(len(seconds))[:, None] * gains + noises).astype(np.float32)
    return mixed


def mixed(samples: Samples, block: int = RATE) -> Samples:
    downmix = Downmix(RATE, samples.shape[1])
    return np.concatenate([downmix.mix(samples[at : at + block]) for at in range(0, len(samples), block)])


def power(samples: Samples) -> float:
    return float(np.square(samples).mean())


FLUCTUATING = [
    pytest.param([(1, -0.95), (0.95, -1)] * 5, id="either is louder in turn"),
    pytest.param([(1, -0.7), (0.7, -1), (0.9, -1), (1, -1)] * 3, id="by more"),
    pytest.param([(1, -0.7), (1, -0.58), (1, -0.7), (1, -0.5)] * 3, id="about the limit"),
    pytest.param([(1, -1), (1, -0.35), (1, -1), (0.8, -1)] * 3, id="above it for a second"),
]


@pytest.mark.parametrize("gains", FLUCTUATING)
@pytest.mark.parametrize("block", [RATE, RATE // 10, RATE // 2 + 77])
def test_the_choice_of_an_inverted_recording_stays(gains: list[tuple[float, float]], block: int) -> None:
    """One channel all along, of the first block's."""
    samples = stereo(*gains, noise=0.001)
    assert np.array_equal(mixed(samples, block), samples[:, 0])


@pytest.mark.parametrize("pause", [1, 3, 4])
@pytest.mark.parametrize("noise", [0.0, 0.001, 0.003])
def test_pauses_do_not_switch(pause: int, noise: float) -> None:
    """Their noise is different in the channels, and does not cancel out."""
    talk: list[tuple[float, float]] = [(1, -0.9), (0.9, -1)]
    samples = stereo(*talk, *[(0.0, 0.0)] * pause, *talk, *[(0.0, 0.0)] * pause, *talk, noise=noise)
    assert np.array_equal(mixed(samples), samples[:, 0])


def test_after_a_long_pause_the_same_channel_is_chosen() -> None:
    """The pause itself may be averaged; the voice has the side and the sign that it had."""
    talk: list[tuple[float, float]] = [(1, -0.9), (0.9, -1)]
    samples = stereo(*talk, *[(0.0, 0.0)] * 9, *reversed(talk), noise=0.001)
    again = 11 * RATE + RATE // 10
    assert np.array_equal(mixed(samples)[again:], samples[again:, 0])


VOICES = [
    pytest.param([(1, -1)] * 4 + [(0, 1)] * 4, id="goes to the other side"),
    pytest.param([(1, -1)] * 4 + [(0.1, -1)] * 4, id="fades on one side"),
    pytest.param([(1, -1)] * 4 + [(0, 1), (1, 0)] * 3, id="two people, one on each side"),
    pytest.param([(1, -1), (0, 1), (1, -1), (1, 1)] * 3, id="all in turn"),
]


@pytest.mark.parametrize("gains", VOICES)
def test_no_second_of_a_voice_is_lost(gains: list[tuple[float, float]]) -> None:
    """Each has at least a seventh of the power of its louder side; the mean of a voice and silence has a quarter."""
    samples = stereo(*gains)
    mono = mixed(samples)
    for second in range(len(gains)):
        part = slice(second * RATE, (second + 1) * RATE)
        assert power(mono[part]) > max(power(samples[part, channel]) for channel in (0, 1)) / 7, second


def test_channels_that_no_longer_cancel_are_averaged_again() -> None:
    """After five seconds."""
    samples = stereo((1, -1), *[(1, 0.8)] * 8)
    mono = mixed(samples)
    assert np.array_equal(mono[: 5 * RATE], samples[: 5 * RATE, 0])
    after = round((ADDED_S + 1) * RATE)
    assert np.allclose(mono[after:], samples[after:].mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("gains", [(1.0, 1.0), (1.0, 0.0), (1.0, -0.4), (0.2, 1.0)])
def test_other_recordings_are_averaged_throughout(gains: tuple[float, float]) -> None:
    samples = stereo(*[gains] * 4)
    assert np.allclose(mixed(samples), samples.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("block", [RATE, RATE // 10])
def test_a_switch_makes_no_jump(block: int) -> None:
    """A slow tone, of which one side turns into its opposite, and back, in two seconds each."""
    tone = np.sin(np.arange(20 * RATE) * 0.02).astype(np.float32) * 0.5
    gains = np.interp(np.arange(len(tone)) / RATE, [2, 4, 9, 11], [1, -1, -1, 1]).astype(np.float32)
    mono = mixed(np.stack([tone, tone * gains], axis=1), block)
    assert np.abs(np.diff(mono)).max() < 0.015
    assert np.allclose(mono[:RATE], tone[:RATE], atol=1e-6)
    assert np.array_equal(mono[5 * RATE : 9 * RATE], tone[5 * RATE : 9 * RATE])
    assert np.allclose(mono[-RATE:], tone[-RATE:], atol=1e-6)


def test_digital_silence_changes_nothing() -> None:
    samples = stereo((1, -1), *[(0, 0)] * 30, (0.9, -1))
    assert np.array_equal(mixed(samples), samples[:, 0])


@pytest.mark.parametrize("channels", [1, 3, 4, 6])
def test_any_number_of_channels(channels: int) -> None:
    """Pairs that cancel out, beside silent channels."""
    said = voice(3)
    samples = np.zeros((len(said), channels), dtype=np.float32)
    samples[:, 0] = said
    if channels > 1:
        samples[:, channels - 1] = -0.99 * said
    assert np.array_equal(mixed(samples), said)


def test_a_stream_keeps_its_choice() -> None:
    """Also where it is resampled."""
    samples = stereo(*[(1, -0.95), (0.95, -1)] * 3)
    stream = MonoStream(RATE, 2)
    pcm = np.concatenate([stream.push(samples[at : at + RATE]) for at in range(0, len(samples), RATE)])
    assert np.abs(to_float(pcm) - samples[:, 0]).max() < 1e-4
