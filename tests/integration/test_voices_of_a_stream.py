"""The real model: people who speak in turn at one microphone, from audio to numbers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.clips import Clip, read_manifest
from bench.voice_streams import Spoken, score
from bench.voices import spoken, utterances
from infra.settings import WireSettings, load_settings
from stt_worker.engines.vad import SURROUNDINGS_S
from stt_worker.engines.voices.encoder import VoiceEncoder
from stt_worker.weights.voices import PACKAGED, find_voices
from tests.support.recordings import DATA
from wire.audio import SAMPLE_RATE

ORDER = (
    "known-her",
    "silly",
    "rainbow",
    "spiteful",
    "lobster",
    "de-klima",
    "silly",
    "jfk",
    "known-her",
    "de-sonderfall",
)
"""Recordings of six people; three of them have two."""


@pytest.fixture(scope="module")
def encoder() -> VoiceEncoder:
    return VoiceEncoder(find_voices(PACKAGED, load_settings(WireSettings).model_cache))


@pytest.fixture(scope="module")
def clips() -> dict[str, Clip]:
    return {Path(clip.file).stem: clip for clip in read_manifest(DATA / "manifest.jsonl")}


def voices(clip: Clip, encoder: VoiceEncoder) -> Iterator[Spoken]:
    for audio in utterances(clip):
        yield spoken(clip, audio, len(audio) / SAMPLE_RATE - SURROUNDINGS_S, encoder)


def test_six_people_in_turn_get_six_numbers(encoder: VoiceEncoder, clips: dict[str, Clip]) -> None:
    """In two languages; nobody's speech has another's number."""
    found = score([each for name in ORDER for each in voices(clips[name], encoder)])
    assert found.speakers == 6
    assert found.wrong < 0.05
    assert found.voices == 6


def test_two_recordings_of_a_person_are_more_alike_than_those_of_two(
    encoder: VoiceEncoder, clips: dict[str, Clip]
) -> None:
    """By a wide margin, also between two women who read for the same corpus."""
    vectors = {
        name: next(voices(clips[name], encoder)).voiceprint for name in ("known-her", "spiteful", "silly", "pleased")
    }
    her, again, *others = (each.vector for each in vectors.values() if each is not None)
    assert her @ again > 0.45
    assert max(float(vector @ other) for vector in (her, again) for other in others) < 0.35


def test_noise_beside_a_voice_leaves_it_the_same_voice(encoder: VoiceEncoder, clips: dict[str, Clip]) -> None:
    """White noise 20 dB below the speech."""
    audio = clips["rainbow"].audio()
    noise = np.random.default_rng(0).normal(scale=0.1 * float(audio.std()), size=len(audio)).astype(np.float32)
    quiet, loud = encoder(audio), encoder(audio + noise)
    assert quiet is not None
    assert loud is not None
    assert quiet @ loud > 0.6
