"""Streams of people who speak in turn at one microphone, and how much of them is ascribed to the wrong person."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.session import new_endpointer
from fastapi_service.endpointing.events import Utterance
from infra.voiceprints import Voiceprint
from listener_service.voices import Voices
from stt_worker.engines.voices.encoder import VoiceEncoder
from wire.audio import SAMPLE_RATE, Samples, decode_pcm, to_float, to_int16

QUIET_S = 1.5
"""Quiet before and after a recording."""
GOES_ON = 0.3
"""Probability that the same person says the next utterance, too."""


@dataclass(frozen=True)
class Spoken:
    """One utterance of a known person."""

    speaker: str
    language: str
    clip: str
    seconds: float
    voiceprint: Voiceprint | None


@dataclass(frozen=True)
class Score:
    """Voices that were found in one stream, beside its people."""

    speakers: int
    voices: int
    """Numbers that stand for at least 2 % of the speech."""
    wrong: float
    """Share of the speech with the wrong voice or none, 0–1: the diarization error rate, where all speech is found."""
    revised: int
    """Voices that became another one."""


def utterances(recording: Samples) -> Iterator[Samples]:
    """Yield the utterances of a recording, as the gateway cuts it."""
    quiet = np.random.default_rng(0).normal(scale=1e-4, size=int(QUIET_S * SAMPLE_RATE)).astype(np.float32)
    endpointer = new_endpointer()
    audio = to_int16(np.concatenate((quiet, recording, quiet)))
    for event in [*endpointer.feed(audio, 0.0), *endpointer.flush(0.0)]:
        if isinstance(event, Utterance):
            yield to_float(decode_pcm(event.pcm))


def voice_of(audio: Samples, seconds: float, encoder: VoiceEncoder) -> Voiceprint | None:
    """Return the voice of audio that has some seconds of speech; None if there is too little of it."""
    vector = encoder(audio)
    return None if vector is None else Voiceprint.of(encoder.model, seconds, vector)


def turns(people: Mapping[str, Sequence[Spoken]], length: int, random: np.random.Generator) -> list[Spoken]:
    """Return a stream of ``length`` utterances, each drawn from one of the people."""
    names = list(people)
    name, stream = names[0], []
    for _ in range(length):
        if random.random() >= GOES_ON:
            name = str(random.choice([each for each in names if each != name] or names))
        stream.append(people[name][int(random.integers(len(people[name])))])
    return stream


def score(stream: Iterable[Spoken]) -> Score:
    """Number the voices of a stream as the listener does, and compare them with the people.

    Voices that became another one count as that: a reader sees the revised transcript.
    """
    found: list[tuple[str, float, int | None]] = []
    voices, revised = Voices(), 0
    for spoken in stream:
        voices, heard = voices.hear(spoken.voiceprint)
        found = [(person, seconds, heard.merged.get(voice or 0, voice)) for person, seconds, voice in found]
        found.append((spoken.speaker, spoken.seconds, heard.voice))
        revised += len(heard.merged)
    shares: dict[tuple[str, int], float] = defaultdict(float)
    for person, seconds, voice in found:
        if voice is not None:
            shares[person, voice] += seconds
    total = sum(seconds for _, seconds, _ in found)
    by_voice: dict[int, float] = defaultdict(float)
    for (_, number), seconds in shares.items():
        by_voice[number] += seconds
    large = sum(seconds >= 0.02 * total for seconds in by_voice.values())
    return Score(len({person for person, *_ in found}), large, 1 - right_s(shares) / total, revised)


def right_s(shares: Mapping[tuple[str, int], float]) -> float:
    """Return the seconds with the right voice, if each person is given the voice that fits best, and each voice once.

    Args:
        shares: seconds by person and voice; at most some ten voices.
    """
    numbers = sorted({voice for _, voice in shares})
    best = {0: 0.0}  # voices given so far, as bits → most seconds
    for person in sorted({person for person, _ in shares}):
        following = dict(best)
        for given, seconds in best.items():
            for bit, number in enumerate(numbers):
                if not given >> bit & 1:
                    more = seconds + shares.get((person, number), 0.0)
                    following[given | 1 << bit] = max(following.get(given | 1 << bit, 0.0), more)
        best = following
    return max(best.values())


def equal_error_rate(spoken: Sequence[Spoken]) -> tuple[float, int]:
    """Return the equal error rate of pairs, and the number of pairs of one person.

    At that rate, as many pairs of one person are refused as pairs of two people are accepted. Pairs are of one language
    and of two recordings.
    """
    same: list[float] = []
    different: list[float] = []
    vectors = [each.voiceprint.vector for each in spoken if each.voiceprint]
    for place, one in enumerate(spoken):
        for before, other in enumerate(spoken[:place]):
            if one.language == other.language and one.clip != other.clip:
                (same if one.speaker == other.speaker else different).append(float(vectors[place] @ vectors[before]))
    if not same or not different:
        return float("nan"), len(same)
    edges = np.sort(np.array(same + different))
    refused = np.searchsorted(np.sort(same), edges) / len(same)
    accepted = 1 - np.searchsorted(np.sort(different), edges) / len(different)
    nearest = int(np.abs(refused - accepted).argmin())
    return float(refused[nearest] + accepted[nearest]) / 2, len(same)
