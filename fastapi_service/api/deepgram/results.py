"""Texts of this system as Deepgram's results."""

import math
import unicodedata
import uuid
from collections.abc import Iterable, Sequence

from fastapi_service.api.deepgram.messages import Alternative, ModelInfo, Word
from fastapi_service.api.deepgram.query import ListenQuery
from wire.messages.results import Final
from wire.messages.server import Interim
from wire.messages.transcript import Word as TimedWord
from wire.sentence_ends import in_a_row

_KEPT_INSIDE = frozenset("'’-‐‑&@.")
"""Punctuation that is part of a word if letters or digits are on both sides of it."""


def interim_alternative(interim: Interim, query: ListenQuery) -> Alternative:
    """Return the text so far, with the words that its newest hypothesis has."""
    text = in_a_row(interim.stable, interim.unstable, interim.language)
    return _alternative(text, words_of(interim.words, query, interim.language, None), 0.0, query, interim.language)


def final_alternative(final: Final, query: ListenQuery, speaker: int | None) -> Alternative:
    """Return the text of an utterance.

    Args:
        final: the result.
        query: of its stream.
        speaker: number of the voice, from 0; None if it is not known, or not wanted.
    """
    words = words_of(final.words, query, final.language, speaker)
    return _alternative(final.text, words, math.exp(final.avg_logprob), query, final.language)


def words_of(words: Iterable[TimedWord], query: ListenQuery, language: str, speaker: int | None) -> tuple[Word, ...]:
    """Return the words that have letters or digits, each with the times and the probability of its tokens."""
    return tuple(
        Word(
            word=bare(word.text),
            start=word.start_ms / 1000,
            end=word.end_ms / 1000,
            confidence=round(word.probability, 4),
            punctuated_word=word.text.strip() if query.punctuated else None,
            language=language if query.leaves_language_open else None,
            speaker=speaker,
        )
        for word in words
        if bare(word.text)
    )


def _alternative(
    text: str, words: tuple[Word, ...], otherwise: float, query: ListenQuery, language: str
) -> Alternative:
    confidence = sum(word.confidence for word in words) / len(words) if words else otherwise
    return Alternative(
        transcript=text.strip() if query.punctuated else bare_text(text),
        confidence=round(min(1.0, confidence), 4),
        words=words,
        languages=(language,) if query.leaves_language_open else None,
    )


def bare(word: str) -> str:
    """Return a word in lower case, without the punctuation around it; empty if it is nothing else."""
    inside = [at for at, character in enumerate(word) if _is_spoken(character)]
    return word[inside[0] : inside[-1] + 1].lower() if inside else ""


def bare_text(text: str) -> str:
    """Return a text in lower case and without punctuation, but for that inside of words."""
    kept = [
        character if _is_spoken(character) or character.isspace() or _is_inside(text, at) else " "
        for at, character in enumerate(text)
    ]
    return " ".join("".join(kept).lower().split())


def _is_spoken(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN" or character in "%$€£"


def _is_inside(text: str, at: int) -> bool:
    return text[at] in _KEPT_INSIDE and text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isalnum()


def model_uuid(name: str) -> str:
    """Return an id that is the same for a model's name on every server."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"whisper:{name}"))


def model_infos(names: Sequence[str], version: str) -> dict[str, ModelInfo]:
    """Return the models by id."""
    return {model_uuid(name): ModelInfo(name=name, version=version) for name in names}
