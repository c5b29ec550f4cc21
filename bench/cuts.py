"""Short answers and repetitions, cut from recordings at the times of their words."""

from dataclasses import dataclass

import numpy as np

from bench.clips import Clip, normalised_units
from bench.noise import coloured
from stt_worker.engines.base import Hypothesis
from stt_worker.engines.level import speech_level
from wire.audio import SAMPLE_RATE, Samples

MIN_PROBABILITY = 0.5
"""Smallest probability of a word at a cut; the time of an improbable word is a guess."""
ANSWER_S = (0.2, 1.2)
"""Shortest and longest answer."""
QUIET_S = 0.6
"""Quiet behind an answer: more than the endpointer waits for."""
QUIET = 0.00025
"""RMS of the quiet around an answer, −72 dBFS at all levels of the answer: a quiet room and a good microphone."""
COUNTS = range(2, 13)
"""Sayings of a repetition."""


@dataclass(frozen=True)
class ShortAnswer:
    """The last one or two words of a recording."""

    clip: Clip
    text: str
    """The words of the reference."""
    voice: Samples
    """From the first sample of its first word to the end of the recording."""

    def at(self, level_db: float | None, lead_s: float, seed: int) -> Samples:
        """Return a stream with the answer at a level (see ``speech_level``; None: as recorded) after some quiet."""
        gain = 1.0 if level_db is None else 10 ** ((level_db - speech_level(self.voice)) / 20)
        before, after = coloured(1, lead_s, QUIET, seed), coloured(1, QUIET_S, QUIET, seed + 1)
        return np.concatenate([before, (gain * self.voice).astype(np.float32), after])


def cut_answer(clip: Clip, audio: Samples, hypothesis: Hypothesis, count: int) -> ShortAnswer | None:
    """Cut the last ``count`` words; None if they were not recognized, or are too long or too short.

    Args:
        clip: with the reference.
        audio: its samples.
        hypothesis: the transcription, with the times of the words.
        count: number of words.
    """
    words = hypothesis.words[-count:]
    if len(hypothesis.words) <= count or min(word.probability for word in words) < MIN_PROBABILITY:
        return None
    said = clip.text.split()[-count:]
    text = "".join(word.text for word in words)
    if normalised_units(clip.language, text) != normalised_units(clip.language, " ".join(said)):
        return None
    voice = audio[round(words[0].start_s * SAMPLE_RATE) :]
    return ShortAnswer(clip, " ".join(said), voice) if ANSWER_S[0] <= len(voice) / SAMPLE_RATE <= ANSWER_S[1] else None


@dataclass(frozen=True)
class RepeatedWords:
    """The first words of a recording several times, then its rest."""

    clip: Clip
    phrase: str
    count: int
    rest: str
    """Text after the repetition, as it was transcribed without it."""
    audio: Samples


def repeat_beginning(clip: Clip, audio: Samples, hypothesis: Hypothesis, number: int) -> RepeatedWords | None:
    """Say the first one to three words 2 to 12 times; None if they were not recognized or all is too long.

    Each second stream varies as a speaker would: up to 3 dB louder or softer, with a pause of up to 0.2 s.

    Args:
        clip: with the reference.
        audio: its samples.
        hypothesis: the transcription, with the times of the words.
        number: that of the clip; it chooses how many words are said how many times.
    """
    length, count = 1 + number % 3, COUNTS[number * 5 % len(COUNTS)]
    words = hypothesis.words
    if len(words) < length + 3 or min(word.probability for word in words[: length + 1]) < MIN_PROBABILITY:
        return None
    begin = round(words[0].start_s * SAMPLE_RATE)
    end = round((words[length - 1].end_s + words[length].start_s) / 2 * SAMPLE_RATE)
    phrase, rest = audio[begin:end], audio[end:]
    if len(phrase) < 0.25 * SAMPLE_RATE or count * len(phrase) + len(rest) > 29 * SAMPLE_RATE:
        return None
    random = np.random.default_rng(number)
    sayings = []
    for _ in range(count):
        if number % 2:
            gain, pause_s = 10 ** (random.uniform(-3, 3) / 20), random.uniform(0, 0.2)
            sayings += [(gain * phrase).astype(np.float32), coloured(1, pause_s, QUIET, number)]
        else:
            sayings.append(phrase)
    texts = ("".join(word.text for word in part) for part in (words[:length], words[length:]))
    return RepeatedWords(clip, next(texts), count, next(texts), np.concatenate([audio[:begin], *sayings, rest]))
