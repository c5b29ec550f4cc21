"""Streams in noise: a fan, the babble of other people, music."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby, pairwise

import numpy as np

from bench.clips import Clip
from bench.continuous.streams import SEPARATOR, Stream, voice_rms
from bench.noise import at_rms, fan, music
from wire.audio import SAMPLE_RATE, Samples

SNR_DB = 15.0
"""Level of the voice, where there is some, over that of the noise."""
ROOM_DB = -30.0
"""Level of a loud room, dBFS."""
TALKERS = 6
"""Voices of the babble, or as many as there are."""
CLIPS_OF_TALKER = 4


class Noise(StrEnum):
    """A kind of noise."""

    FAN = "fan"
    BABBLE = "babble"
    MUSIC = "music"


@dataclass(frozen=True)
class Noises:
    """Makes noise, always the same for the same stream."""

    clips: Sequence[Clip]
    """Recordings of people, for the babble."""

    def of(self, kind: Noise, stream: Stream, seed: int) -> Samples:
        """Return noise of RMS 1, as long as the stream; its babble has no voice of the stream."""
        seconds = len(stream.audio) / SAMPLE_RATE
        if kind is Noise.FAN:
            return fan(seconds, seed)
        if kind is Noise.MUSIC:
            return music(seconds, seed)
        return self._babble(stream, seed)

    def _babble(self, stream: Stream, seed: int) -> Samples:
        """Mix the voices of others at one level, each in an endless loop from a random place on.

        Raises:
            ValueError: there is no recording of another speaker.
        """
        random = np.random.default_rng(seed)
        own = set(stream.speaker.split(SEPARATOR))
        others = sorted(
            (each for each in self.clips if each.text and each.speaker not in own), key=lambda each: each.speaker
        )
        by_speaker = [list(clips) for _, clips in groupby(others, key=lambda each: each.speaker)]
        if not by_speaker:
            raise ValueError("Babble needs recordings of another speaker.")
        chosen = random.permutation(len(by_speaker))[:TALKERS]
        total = np.zeros(len(stream.audio))
        for index in chosen:
            loop = np.concatenate([clip.audio() for clip in by_speaker[index][:CLIPS_OF_TALKER]])
            total += np.roll(np.resize(at_rms(loop), len(total)), random.integers(len(total)))
        return at_rms(total)


def with_noise(stream: Stream, noise: Samples, snr_db: float = SNR_DB) -> Stream:
    """Add noise of RMS 1 at a level that is ``snr_db`` below that of the voice. Int16 clips what is too loud."""
    level = voice_rms(stream.audio, stream.voice) * 10 ** (-snr_db / 20)
    return replace(stream, audio=(stream.audio + level * noise).astype(np.float32))


def in_room(stream: Stream, noise: Samples, room_db: float = ROOM_DB, snr_db: float = SNR_DB) -> Stream:
    """Add noise of RMS 1 at ``room_db`` dBFS, and bring each sentence's voice to ``snr_db`` above it."""
    audio = stream.audio.copy()
    borders = [0, *((one.end + other.begin) // 2 for one, other in pairwise(stream.sentences)), len(audio)]
    level = 10 ** (room_db / 20)
    for sentence, (begin, end) in zip(stream.sentences, pairwise(borders), strict=True):
        spans = [each for each in stream.voice if sentence.begin <= each[0] < sentence.end]
        audio[begin:end] *= level * 10 ** (snr_db / 20) / voice_rms(stream.audio, spans)
    return replace(stream, audio=(audio + level * noise).astype(np.float32))
