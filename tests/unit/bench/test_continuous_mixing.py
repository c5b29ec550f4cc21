"""Noise of ``make bench-continuous``: at its level, always the same, without the voice that is measured."""

from pathlib import Path

import numpy as np
import pytest

from bench.clips import Clip
from bench.continuous.mixing import ROOM_DB, SNR_DB, Noise, Noises, in_room, with_noise
from bench.continuous.streams import Span, Stream, join
from tests.support.voices import find_tone, voiced_clip
from wire.audio import Samples


def decibels(audio: Samples, spans: list[Span] | None = None) -> float:
    """Return the root mean square in dBFS."""
    parts = [audio[begin:end] for begin, end in spans or [(0, len(audio))]]
    return float(10 * np.log10(np.mean(np.square(np.concatenate(parts), dtype=np.float64))))


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    return [
        voiced_clip(tmp_path, f"{speaker}-{number}", 2 + number, speaker)
        for speaker in ("ann", "bob", "cem", "dan")
        for number in range(3)
    ]


@pytest.fixture
def stream(clips: list[Clip]) -> Stream:
    return join(clips[:3], "ann", find_tone, 1)


@pytest.mark.parametrize("kind", Noise)
@pytest.mark.parametrize("snr_db", [SNR_DB, 5.0])
def test_noise_is_below_the_voice_by_the_ratio(clips: list[Clip], stream: Stream, kind: Noise, snr_db: float) -> None:
    """Within 0.1 dB: the voice where there is some, the noise over the whole stream."""
    mixed = with_noise(stream, Noises(clips).of(kind, stream, 7), snr_db)
    noise = mixed.audio - stream.audio
    assert decibels(stream.audio, list(stream.voice)) - decibels(noise) == pytest.approx(snr_db, abs=0.1)
    assert len(mixed.audio) == len(stream.audio)
    assert mixed.sentences == stream.sentences


@pytest.mark.parametrize("kind", Noise)
def test_noise_is_always_the_same(clips: list[Clip], stream: Stream, kind: Noise) -> None:
    one, same, other = (Noises(clips).of(kind, stream, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert np.sqrt(np.mean(np.square(one))) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("kind", Noise)
def test_a_room_has_its_level_and_each_sentence_its_own(clips: list[Clip], stream: Stream, kind: Noise) -> None:
    """Within 0.1 dB, also if the sentences were recorded at different levels."""
    begin, end = stream.sentences[1].begin, stream.sentences[1].end
    stream.audio[begin:end] *= 0.25
    noise = Noises(clips).of(kind, stream, 3)
    mixed = in_room(stream, noise)
    level = np.float32(10 ** (ROOM_DB / 20))
    assert decibels(level * noise) == pytest.approx(ROOM_DB, abs=0.1)
    voice = mixed.audio - level * noise
    for sentence in stream.sentences:
        assert decibels(voice[sentence.begin : sentence.end]) == pytest.approx(ROOM_DB + SNR_DB, abs=0.1)


@pytest.mark.parametrize("speaker", ["ann", "ann + bob"])
def test_babble_has_no_voice_of_the_stream(clips: list[Clip], speaker: str) -> None:
    """Clips of the stream's speakers are as good as absent."""
    stream = join(clips[:3], speaker, find_tone, 1)
    others = [clip for clip in clips if clip.speaker not in speaker.split(" + ")]
    assert np.array_equal(Noises(clips).of(Noise.BABBLE, stream, 1), Noises(others).of(Noise.BABBLE, stream, 1))


def test_babble_without_others_is_refused(clips: list[Clip], stream: Stream) -> None:
    with pytest.raises(ValueError, match="another speaker"):
        Noises(clips[:3]).of(Noise.BABBLE, stream, 1)
