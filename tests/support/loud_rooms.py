"""Sentences in loud rooms: recordings of near voices, and a fan, music or other people."""

from functools import cache

import numpy as np

from bench.noise import at_rms, fan, music
from tests.support.recordings import recording
from wire.audio import SAMPLE_RATE, Samples

BABBLE = ("jfk.wav", "conversation.wav", "korean.wav", "de-sonderfall.wav", "spiteful.wav")
"""Voices beside."""
ROOM_DB, VOICE_DB = -30.0, -15.0
PAUSE_S = 3.0
"""Time between two sentences."""


@cache
def words(name: str) -> Samples:
    """A recording at the level of a near voice, without the quiet at its ends."""
    audio = at_rms(recording(name)) * 10 ** (VOICE_DB / 20)
    frame = SAMPLE_RATE // 100
    energies = np.square(audio[: len(audio) // frame * frame].reshape(-1, frame)).mean(axis=1)
    loud = np.flatnonzero(energies > 10 ** ((VOICE_DB - 20) / 10))
    return audio[loud[0] * frame : (loud[-1] + 1) * frame]


def noise_of(kind: str, seconds: float) -> Samples:
    if kind == "fan":
        return fan(seconds, seed=3)
    if kind == "music":
        return music(seconds, seed=3)
    random, length = np.random.default_rng(3), round(seconds * SAMPLE_RATE)
    voices = [np.roll(np.resize(at_rms(recording(name)), length), random.integers(length)) for name in BABBLE]
    return at_rms(np.sum(voices, axis=0))


def in_room(kind: str, names: tuple[str, ...]) -> tuple[Samples, list[tuple[int, int]]]:
    """Sentences in a loud room, and where each begins and ends."""
    parts, spans = [np.zeros(round(PAUSE_S * SAMPLE_RATE), dtype=np.float32)], []
    for name in names:
        begin = sum(map(len, parts))
        spans.append((begin, begin + len(words(name))))
        parts += [words(name), parts[0]]
    audio = np.concatenate(parts)
    audio = audio + 10 ** (ROOM_DB / 20) * noise_of(kind, len(audio) / SAMPLE_RATE)[: len(audio)]
    return audio.astype(np.float32), spans
