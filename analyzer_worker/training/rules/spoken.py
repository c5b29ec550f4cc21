"""Neutral sentences, quiet praise and quiet complaints as people say them, made by the rules in this folder.

Neutral are facts, times, places, prices, numbers, questions, requests, plans, and politeness that is no praise. Praise
and complaints have no strong words: "everything is running fine", "this is the third time I have called".
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from analyzer_worker.engines.base import NEGATIVE, NEUTRAL, POSITIVE
from analyzer_worker.training.rules.grammar import fill
from wire.messages.results import Label

LANGUAGES = ("ko", "en", "de", "fr", "es", "ja", "zh")
KINDS: dict[Label, str] = {NEGATIVE: "complaint", NEUTRAL: "neutral", POSITIVE: "praise"}
"""Label → name of its templates."""
FILLED_SHARE = 0.08
"""Share of the sentences that begin with a filler word."""
ATTEMPTS = 20
"""Tries per wanted sentence before the rules of a small language are taken to be used up."""


def spoken_sentences(language: str, label: Label, count: int, seed: int) -> list[str]:
    """Return up to ``count`` different sentences in random order; less if the rules give no more.

    Args:
        language: one of ``LANGUAGES``.
        label: what the sentences mean.
        count: wanted number.
        seed: the same seed gives the same sentences.
    """
    random = Random(f"{language} {label} {seed}")
    rules = _rules(language)
    seen: dict[str, None] = {}
    for sentence in _endless(rules, KINDS[label], count * ATTEMPTS, random):
        seen[sentence] = None
        if len(seen) == count:
            break
    return list(seen)


def _endless(rules: dict[str, Any], kind: str, limit: int, random: Random) -> Iterator[str]:
    """Yield sentences, each template as often as the others."""
    templates = list(rules[kind])
    for number in range(limit):
        if number % len(templates) == 0:
            random.shuffle(templates)
        sentence = " ".join(fill(templates[number % len(templates)], rules["slots"], random).split())
        if random.random() < FILLED_SHARE:
            sentence = f"{random.choice(rules['fillers'])}{rules['comma']}{_uncapitalized(sentence)}"
        yield sentence[0].upper() + sentence[1:]


def _uncapitalized(sentence: str) -> str:
    first_word = sentence.split(maxsplit=1)[0]
    return sentence if first_word == "I" or first_word.startswith("I'") else sentence[0].lower() + sentence[1:]


def _rules(language: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / f"{language}.toml").read_text("utf-8"))
