"""Sentences of several kinds as people say them, made by the rules in this folder, in ``contrast`` and in ``strong``.

Neutral are facts (also those with words of feeling: "the complaints office is upstairs"), times, places, prices,
numbers, questions, requests, plans, and politeness that is no praise. Praise and complaints have no strong words:
"everything is running fine", "this is the third time I have called". Mixed ones have a clause of either feeling, and
the last one decides; negated ones say the opposite of their words: "not bad at all", "I can't recommend it". Strong
ones have strong words: "I hate it here", "wonderful". Both ones have two or three clauses or adjectives of the same
feeling, strong or quiet: "it's slow, unreliable and expensive", also behind "but": "but the service was even worse".
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
FOLDERS = (RULES, RULES / "contrast", RULES / "strong")
"""Folders with one file per language each; a later file may use the slots of an earlier one."""
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
    "strong_praise": POSITIVE,
    "strong_complaint": NEGATIVE,
    "both_praise": POSITIVE,
    "both_complaint": NEGATIVE,
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
    """Return the templates of all files by kind, and what else the files hold."""
    files = [_read(folder / f"{language}.toml") for folder in FOLDERS]
    templates = {kind: [template for file in files for template in file.get(kind, [])] for kind in KINDS}
    slots = {name: fillings for file in files for name, fillings in file["slots"].items()}
    return {**files[0], **templates, "slots": slots}


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))
