"""Sentences of several kinds as people say them, made by the rules in this folder and in ``contrast``.

Neutral are facts (also those with words of feeling: "the complaints office is upstairs"), times, places, prices,
numbers, questions, requests, plans, and politeness that is no praise. Praise and complaints have no strong words:
"everything is running fine", "this is the third time I have called". Mixed ones have a clause of either feeling, and
the last one decides; negated ones say the opposite of their words: "not bad at all", "I can't recommend it".
"""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from analyzer_worker.engines.base import NEGATIVE, NEUTRAL, POSITIVE
from analyzer_worker.training.rules.grammar import fill
from wire.messages.results import Label

RULES = Path(__file__).parent
LANGUAGES = ("ko", "en", "de", "fr", "es", "ja", "zh")
KINDS: dict[str, Label] = {
    "neutral": NEUTRAL,
    "fact": NEUTRAL,
    "polite": NEUTRAL,
    "praise": POSITIVE,
    "complaint": NEGATIVE,
    "mixed_praise": POSITIVE,
    "mixed_complaint": NEGATIVE,
    "negated_praise": POSITIVE,
    "negated_complaint": NEGATIVE,
}
"""Name of templates → what their sentences mean."""
FILLED_SHARE = 0.08
"""Share of the sentences that begin with a filler word."""
UNENDED_SHARE = 0.15
"""Share of the sentences that lack their full stop."""
ATTEMPTS = 20
"""Tries per wanted sentence before the rules of a small language are taken to be used up."""


def spoken_sentences(language: str, kind: str, count: int, seed: int) -> list[str]:
    """Return up to ``count`` different sentences in random order; less if the rules give no more.

    Args:
        language: one of ``LANGUAGES``.
        kind: one of ``KINDS``.
        count: wanted number.
        seed: the same seed gives the same sentences.
    """
    random = Random(f"{language} {kind} {seed}")
    rules = _rules(language)
    seen: dict[str, None] = {}
    for sentence in _endless(rules, kind, count * ATTEMPTS, random):
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
        if random.random() < UNENDED_SHARE:
            sentence = sentence.rstrip(".。")
        yield sentence[0].upper() + sentence[1:]


def _uncapitalized(sentence: str) -> str:
    first_word = sentence.split(maxsplit=1)[0]
    return sentence if first_word == "I" or first_word.startswith("I'") else sentence[0].lower() + sentence[1:]


@cache
def _rules(language: str) -> dict[str, Any]:
    """Return the templates of both files by kind, and what else the files hold."""
    rules, contrast = _read(RULES / f"{language}.toml"), _read(RULES / "contrast" / f"{language}.toml")
    templates = {kind: [*rules.get(kind, []), *contrast.get(kind, [])] for kind in KINDS}
    return {**rules, **templates, "slots": {**rules["slots"], **contrast["slots"]}}


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
