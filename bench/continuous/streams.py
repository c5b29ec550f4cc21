"""Streams of continuous speech and the places of their sentences: joined clips, and long recordings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.clips import Clip
from bench.noise import coloured
from wire.audio import SAMPLE_RATE, Samples

PAUSES_S = (0.15, 0.7)
"""Shortest and longest pause between two joined sentences, from voice to voice."""
MARGIN_S = 0.05
"""Audio around the voice of a clip that stays with it in a joined stream."""
LEAD_S, TAIL_S = 0.5, 2.0
"""Quiet before and behind the speech of a stream."""
QUIET_DB = -40.0
"""Loudest quiet, relative to the voice of the clip before it."""
SEPARATOR = " + "
"""Between the names of several speakers of one stream."""

Span = tuple[int, int]
"""First sample, and the one after the last."""
FindVoice = Callable[[Samples], list[Span]]
"""Returns the stretches of voice in a clip."""


@dataclass(frozen=True)
class Sentence:
    """One clip of a stream; ``begin`` and ``end`` of its voice are samples of the stream."""

    text: str
    begin: int
    end: int


@dataclass(frozen=True)
class Stream:
    """Audio of one session."""

    language: str
    speaker: str
    audio: Samples
    sentences: tuple[Sentence, ...]
    voice: tuple[Span, ...]
    """All stretches of voice, in order."""

    @property
    def text(self) -> str:
        """Return the reference of the whole stream."""
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def speech_s(self) -> float:
        """Return the seconds of voice."""
        return sum(end - begin for begin, end in self.voice) / SAMPLE_RATE

    def last_voice(self, position: int) -> int:
        """Return the newest position, up to ``position``, at which there is voice; that one if there is none before."""
        ends = [min(end, position) for begin, end in self.voice if begin < position]
        return ends[-1] if ends else position


def join(
    clips: Sequence[Clip], speaker: str, find_voice: FindVoice, seed: int, pauses_s: tuple[float, float] = PAUSES_S
) -> Stream:
    """Join clips at pauses of random length; the same seed gives the same stream.

    Args:
        clips: of one language, at least one.
        speaker: name of the stream.
        find_voice: finds the voice in each of them; a clip without is taken as voice as a whole.
        seed: of the pauses.
        pauses_s: shortest and longest pause, from voice to voice, at least twice ``MARGIN_S``.
    """
    random = np.random.default_rng(seed)
    margin = round(MARGIN_S * SAMPLE_RATE)
    parts: list[Samples] = []
    sentences, voice, position = [], list[Span](), 0
    for number, clip in enumerate(clips):
        audio = clip.audio()
        spans = find_voice(audio) or [(0, len(audio))]
        first, last = max(0, spans[0][0] - margin), min(len(audio), spans[-1][1] + margin)
        length = round(random.uniform(*pauses_s) * SAMPLE_RATE) if number else round(LEAD_S * SAMPLE_RATE)
        behind = position - voice[-1][1] if voice else 0
        gap = length - behind - (spans[0][0] - first)
        parts += [coloured(1, gap / SAMPLE_RATE, _quiet(audio, spans), seed + number), audio[first:last]]
        offset = position + gap - first
        voice += [(offset + begin, offset + end) for begin, end in spans]
        sentences.append(Sentence(clip.text, offset + spans[0][0], offset + spans[-1][1]))
        position += gap + last - first
    tail = coloured(1, TAIL_S, _quiet(audio, spans), seed + len(clips))
    return Stream(clips[0].language, speaker, np.concatenate([*parts, tail]), tuple(sentences), tuple(voice))


def whole(clip: Clip, find_voice: FindVoice) -> Stream:
    """Return a long recording as it is, with quiet around it."""
    audio = clip.audio()
    spans = find_voice(audio) or [(0, len(audio))]
    lead, tail = (coloured(1, seconds, _quiet(audio, spans), 0) for seconds in (LEAD_S, TAIL_S))
    voice = tuple((len(lead) + begin, len(lead) + end) for begin, end in spans)
    sentence = Sentence(clip.text, voice[0][0], voice[-1][1])
    return Stream(clip.language, clip.speaker, np.concatenate([lead, audio, tail]), (sentence,), voice)


def voice_rms(audio: Samples, spans: Sequence[Span]) -> float:
    """Return the root mean square over stretches of voice."""
    return float(np.sqrt(np.mean(np.concatenate([np.square(audio[begin:end]) for begin, end in spans]))))


def _quiet(audio: Samples, spans: Sequence[Span]) -> float:
    """Return the level of a clip's own quiet as root mean square: that of its quietest tenth, limited by its voice."""
    frame = SAMPLE_RATE // 33
    frames = audio[: len(audio) // frame * frame].reshape(-1, frame)
    floor = float(np.sqrt(np.percentile(np.mean(np.square(frames), axis=1), 10))) if len(frames) else 0.0
    return min(floor, voice_rms(audio, spans) * 10 ** (QUIET_DB / 20))
