"""Chooses the clips of each stream: those of one speaker, or of several who have too few for one of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from bench.clips import Clip
from bench.continuous.streams import SEPARATOR

RECORDING_S = 25.0
"""Clips from this length on are long recordings, streams of their own."""
ALONE_S = 30.0
"""A speaker with clips of this length together has a stream alone."""
TOGETHER_S = 60.0
"""Length that the clips of several speakers have together."""


@dataclass(frozen=True)
class Plan:
    """The clips of one stream, all of one language; one long recording, or several sentences."""

    speaker: str
    """Their names, with ``SEPARATOR`` between them."""
    clips: tuple[Clip, ...]

    @property
    def language(self) -> str:
        """Return the language of all clips."""
        return self.clips[0].language


def recordings(clips: Sequence[Clip], language: str) -> list[Plan]:
    """Return the long recordings of a language."""
    return [Plan(clip.speaker, (clip,)) for clip in _spoken(clips, language) if clip.seconds >= RECORDING_S]


def sentences(clips: Sequence[Clip], language: str, minutes: float) -> list[Plan]:
    """Return one plan for each speaker of a language, those with the most clips first; then speakers together.

    What is left of a language with less than ``ALONE_S`` in all gives no stream.

    Args:
        clips: of all languages.
        language: of the plans.
        minutes: of clips, at most, in each stream.
    """
    short = sorted(
        (clip for clip in _spoken(clips, language) if clip.seconds < RECORDING_S), key=lambda clip: clip.speaker
    )
    speakers = [(name, list(these)) for name, these in groupby(short, key=lambda clip: clip.speaker)]
    alone = [each for each in speakers if _seconds(each[1]) >= ALONE_S]
    alone.sort(key=lambda each: -_seconds(each[1]))
    rest = _together([each for each in speakers if _seconds(each[1]) < ALONE_S], min(TOGETHER_S, minutes * 60))
    return [Plan(name, _limited(these, minutes * 60)) for name, these in [*alone, *rest]]


def _together(speakers: Sequence[tuple[str, list[Clip]]], seconds: float) -> list[tuple[str, list[Clip]]]:
    """Join neighbours until they have some seconds; the last ones join those before them."""
    groups: list[list[tuple[str, list[Clip]]]] = []
    for speaker in speakers:
        if not groups or _seconds(_clips(groups[-1])) >= seconds:
            groups.append([])
        groups[-1].append(speaker)
    if len(groups) > 1 and _seconds(_clips(groups[-1])) < ALONE_S:
        last = groups.pop()
        groups[-1] += last
    named = [(SEPARATOR.join(name for name, _ in group), _clips(group)) for group in groups]
    return [each for each in named if _seconds(each[1]) >= min(ALONE_S, seconds)]


def _clips(speakers: Sequence[tuple[str, list[Clip]]]) -> list[Clip]:
    return [clip for _, clips in speakers for clip in clips]


def _seconds(clips: Sequence[Clip]) -> float:
    return sum(clip.seconds for clip in clips)


def _limited(clips: Sequence[Clip], seconds: float) -> tuple[Clip, ...]:
    """Return the first clips that have so many seconds together, at least one."""
    chosen = list(clips[:1])
    for clip in clips[1:]:
        if _seconds(chosen) + clip.seconds > seconds:
            break
        chosen.append(clip)
    return tuple(chosen)


def _spoken(clips: Sequence[Clip], language: str) -> list[Clip]:
    return [clip for clip in clips if clip.text and clip.language == language]
