"""The real model: people who speak in turn at one microphone, from audio to numbers."""

from collections.abc import Iterator

import numpy as np
import pytest

from bench.voice_streams import Spoken, score, utterances, voice_of
from infra.settings import WireSettings, load_settings
from stt_worker.engines.vad import SURROUNDINGS_S
from stt_worker.engines.voices.encoder import VoiceEncoder
from stt_worker.weights.voices import PACKAGED, find_voices
from tests.support.recordings import recording
from wire.audio import SAMPLE_RATE

HER, KERSTIN = "reader 3331", "Kerstin"
ORDER = {
    "known-her": HER,
    "silly": "reader 1688",
    "rainbow": "p225",
    "spiteful": HER,
    "lobster": "reader 367",
    "de-klima": KERSTIN,
    "jfk": "Kennedy",
    "de-sonderfall": KERSTIN,
}
"""Recordings and who speaks in them."""


@pytest.fixture(scope="module")
def encoder() -> VoiceEncoder:
    return VoiceEncoder(find_voices(PACKAGED, load_settings(WireSettings).model_cache))


def voices(name: str, encoder: VoiceEncoder) -> Iterator[Spoken]:
    for audio in utterances(recording(f"{name}.wav")):
        seconds = len(audio) / SAMPLE_RATE - SURROUNDINGS_S
        yield Spoken(ORDER.get(name, name), "", name, seconds, voice_of(audio, seconds, encoder))


def test_six_people_in_turn_get_six_numbers(encoder: VoiceEncoder) -> None:
    """In two languages; nobody's speech has another's number."""
    found = score([each for name in ORDER for each in voices(name, encoder)] * 2)
    assert found.speakers == 6
    assert found.wrong < 0.05
    assert found.voices == 6


def test_two_recordings_of_a_person_are_more_alike_than_those_of_two(encoder: VoiceEncoder) -> None:
    """By a wide margin, also between two women who read for the same corpus."""
    vectors = {name: next(voices(name, encoder)).voiceprint for name in ("known-her", "spiteful", "silly", "pleased")}
    her, again, *others = (each.vector for each in vectors.values() if each is not None)
    assert her @ again > 0.45
    assert max(float(vector @ other) for vector in (her, again) for other in others) < 0.35


def test_noise_beside_a_voice_leaves_it_the_same_voice(encoder: VoiceEncoder) -> None:
    """White noise 20 dB below the speech."""
    audio = recording("rainbow.wav")
    noise = np.random.default_rng(0).normal(scale=0.1 * float(audio.std()), size=len(audio)).astype(np.float32)
    quiet, loud = encoder(audio), encoder(audio + noise)
    assert quiet is not None
    assert loud is not None
    assert quiet @ loud > 0.6
