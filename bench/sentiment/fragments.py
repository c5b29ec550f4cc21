"""Sentences cut at their commas, as speakers pause: labels of the fragments beside that of the whole sentence."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from analyzer_worker.tasks.sentence import Sentence, continued, to_keep
from bench.sentiment.models import Model
from wire.messages.base import Clock
from wire.messages.jobs import AnalyzeText
from wire.messages.transcript import Transcript
from wire.sentence_ends import BETWEEN_SENTENCES

COMMA = re.compile(r"(?<=,)\s+|(?<=[，、])\s*")
SHORTEST = 8
"""Characters of a fragment: "oh," is none."""


@dataclass(frozen=True)
class Fragments:
    """Share of fragments with the label of the whole sentence, 0–1."""

    fragments: int
    alone: float
    joined: float
    """With the beginning of the sentence before it, as a worker joins them."""
    joined_unfinished: float
    """The same without each sentence's last fragment, which makes it whole."""


def cut(text: str) -> list[str]:
    """Cut a sentence behind its commas; an empty list if it is several, has none, or if a fragment is too short."""
    if len(list(filter(None, BETWEEN_SENTENCES.split(text)))) > 1:
        return []
    fragments = [fragment for fragment in COMMA.split(text) if fragment]
    return fragments if len(fragments) > 1 and min(map(len, fragments)) >= SHORTEST else []


def sentences_so_far(fragments: Iterable[str], language: str) -> list[str]:
    """Return the text that a worker classifies for each fragment."""
    so_far: Sentence | None = None
    clock = Clock(speech_end=0, endpointed=0)
    texts = []
    for segment, fragment in enumerate(fragments):
        transcript = Transcript.model_construct(text=fragment, language=language)
        job = AnalyzeText.model_construct(segment=segment, transcript=transcript, start_ms=0, end_ms=0, clock=clock)
        sentence = continued(so_far, job)
        texts.append(sentence.text)
        so_far = to_keep(sentence)
    return texts


def measure_fragments(model: Model, texts: Sequence[str], language: str) -> Fragments | None:
    """Cut the texts that can be cut and compare labels as clients get them; None if there is none."""
    sentences = [(text, fragments) for text in dict.fromkeys(texts) if (fragments := cut(text))]
    if not sentences:
        return None
    wholes = [text for text, fragments in sentences for _ in fragments]
    last = [index == len(fragments) for _, fragments in sentences for index in range(1, len(fragments) + 1)]
    alone = [fragment for _, fragments in sentences for fragment in fragments]
    joined = [text for _, fragments in sentences for text in sentences_so_far(fragments, language)]
    whole_labels, alone_labels, joined_labels = (model.shown(several, language) for several in (wholes, alone, joined))
    same = [one == whole for one, whole in zip(joined_labels, whole_labels, strict=True)]
    unfinished = [each for each, is_last in zip(same, last, strict=True) if not is_last]
    return Fragments(
        fragments=len(alone),
        alone=sum(one == whole for one, whole in zip(alone_labels, whole_labels, strict=True)) / len(alone),
        joined=sum(same) / len(same),
        joined_unfinished=sum(unfinished) / len(unfinished),
    )
