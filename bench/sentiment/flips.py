"""Labels that differ between the reference of a recording and its transcript."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from whisper.normalizers import BasicTextNormalizer

from analyzer_worker.engines.base import NEGATIVE, NEUTRAL, POSITIVE
from bench.clips import Clip, error_rate
from bench.sentiment.models import Model
from bench.sentiment.transcripts import transcripts
from wire.messages.results import Label

LONGEST_S = 30.0
"""Longer recordings are several utterances."""


@dataclass(frozen=True)
class Spoken:
    """A recording's reference and the text that clients would get."""

    language: str
    reference: str
    transcript: str


@dataclass(frozen=True)
class Flips:
    """Labels as clients get them; shares are 0–1."""

    clips: int
    neutral: float
    """Share of clips whose reference is neutral."""
    errors: float
    """Error rate of the transcripts, in words or characters."""
    flips: float
    """Share of clips whose reference and transcript have different labels, both texts as they are."""
    normalised: float
    """The same with both texts in lower case and without punctuation."""
    swaps: float
    """Share of clips with a negative and a positive label, both texts as they are."""


def spoken_clips(clips: Sequence[Clip], manifest: Path) -> list[Spoken]:
    """Transcribe the clips of one utterance that have a reference; those without a transcript are left out."""
    clips = [clip for clip in clips if clip.text and clip.seconds <= LONGEST_S]
    texts = transcripts(clips, manifest)
    return [Spoken(clip.language, clip.text, texts[clip.file]) for clip in clips if clip.file in texts]


def measure_flips(model: Model, spoken: Sequence[Spoken]) -> dict[str, Flips]:
    """Return the flips by language, for the languages that the model supports."""
    languages = sorted({each.language for each in spoken if model.supports(each.language)})
    return {code: _flips(model, [each for each in spoken if each.language == code], code) for code in languages}


def by_language(flips: Mapping[str, Flips], share: Callable[[Flips], float]) -> dict[str, float]:
    """Return a share for each language, and for the clips of all languages as ``all``."""
    total = sum(each.clips * share(each) for each in flips.values()) / sum(each.clips for each in flips.values())
    return {code: share(each) for code, each in flips.items()} | {"all": total}


def _flips(model: Model, spoken: Sequence[Spoken], language: str) -> Flips:
    normalise = BasicTextNormalizer()
    references, texts = [each.reference for each in spoken], [each.transcript for each in spoken]
    pairs = list(zip(model.shown(references, language), model.shown(texts, language), strict=True))
    plain = (model.shown([normalise(text) for text in several], language) for several in (references, texts))
    return Flips(
        clips=len(spoken),
        neutral=sum(label == NEUTRAL for label, _ in pairs) / len(pairs),
        errors=error_rate(language, references, texts),
        flips=share_different(pairs),
        normalised=share_different(list(zip(*plain, strict=True))),
        swaps=sum(set(pair) == {NEGATIVE, POSITIVE} for pair in pairs) / len(pairs),
    )


def share_different(pairs: Sequence[tuple[Label, Label]]) -> float:
    """Return the share of pairs with two different labels, 0–1."""
    return sum(one != other for one, other in pairs) / len(pairs)
