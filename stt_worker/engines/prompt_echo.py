"""Recognizes a prompt that comes back as text: Whisper continues it, and repeats it where nothing was said clearly."""

import unicodedata
from collections.abc import Set
from difflib import SequenceMatcher

from stt_worker.engines.base import Hypothesis
from stt_worker.engines.text_key import text_key

NEARLY_ALIKE = 0.6
"""Common letters of two spellings, per mean length: "왓챠" and "와차", by their parts, have 0.67."""


def is_prompt_echo(text: str, prompt: str) -> bool:
    """True if a text consists of words of the prompt only, in any order and spelling.

    People also say such texts: a name as an answer is one.
    """
    words, known = _words(text), _words(prompt)
    return bool(words) and all(_consists_of(word, known) for word in words)


def is_confirmed(echo: Hypothesis, without_prompt: Hypothesis) -> bool:
    """True if a text of the prompt's words was spoken, by what the same audio gives without the prompt.

    The probabilities of the echo do not show that: of reversed speech they were −0.51 and 0.02 (log-probability, no
    speech), of the spoken words "Friday" −0.48 and 0.01. Without the prompt the first became another text with −1.39.
    Spoken words are spelled the same or nearly so then. A quite different text does not confirm them, however certain
    it is, since the prompt also comes back in place of other words: of 19 last words of recordings with a prompt that
    contained them, 12 are confirmed (13 by any certain text); of the same sounds reversed, only "Bob" of 6 (3). So
    "Friday" is lost where it becomes "Fly, mate." (−0.90).
    """
    first, second = (unicodedata.normalize("NFD", text_key(each.text)) for each in (echo, without_prompt))
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= NEARLY_ALIKE


def _words(text: str) -> Set[str]:
    """Return the keys of a text's words."""
    spaced = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in text)
    return {key for word in spaced.split() if (key := text_key(word))}


def _consists_of(word: str, parts: Set[str]) -> bool:
    """True if a word is one of the parts, or several of them: not all languages put spaces between words."""
    ends = {0}
    for end in range(1, len(word) + 1):
        if any(word[start:end] in parts for start in ends):
            ends.add(end)
    return len(word) in ends
