"""The behaviour lists of the sentiment model: enough sentences of every kind in every language, none of them twice."""

import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Literal, get_args

import pytest
from pydantic import BaseModel, ConfigDict

FILE = Path(__file__).parents[1] / "data" / "sentiment" / "behaviour.jsonl"

Language = Literal["en", "ko", "de", "fr", "es", "ja", "zh"]
Label = Literal["negative", "neutral", "positive"]

ALL: set[Label] = {"negative", "neutral", "positive"}
LABELS: dict[str, set[Label]] = {
    "request": {"neutral"},
    "fact": {"neutral"},
    "number": {"neutral"},
    "question": {"neutral"},
    "praise": {"positive"},
    "quiet_praise": {"positive"},
    "complaint": {"negative"},
    "quiet_complaint": {"negative"},
    "negation": ALL,
    "mixed": {"negative", "positive"},
    "filler": ALL,
    "politeness": {"neutral"},
}
"""Category → labels that its sentences may have."""

SENTENCES = {"en": 100, "ko": 100}
"""Language → fewest sentences; the others have 30."""
SHARES: dict[Label, tuple[float, float]] = {
    "negative": (0.25, 0.35),
    "neutral": (0.35, 0.45),
    "positive": (0.25, 0.35),
}
"""Label → smallest and largest share among the sentences of a language."""


class Line(BaseModel):
    """One sentence and the label that a careful listener would give."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lang: Language
    category: str
    text: str
    label: Label


LINES = [Line.model_validate_json(line) for line in FILE.read_text("utf-8").splitlines()]


def key(text: str) -> str:
    """The letters and digits of a sentence, which capitals, spaces and punctuation do not change."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


@pytest.mark.parametrize("lang", get_args(Language))
def test_each_language_has_enough_sentences(lang: Language) -> None:
    """A share of right answers means something only among many."""
    assert sum(line.lang == lang for line in LINES) >= SENTENCES.get(lang, 30)


@pytest.mark.parametrize("lang", get_args(Language))
def test_each_category_has_enough_sentences(lang: Language) -> None:
    """A tenth of the fewest sentences: 10 in English and Korean, 3 elsewhere."""
    counts = Counter(line.category for line in LINES if line.lang == lang)
    assert counts.keys() == LABELS.keys()
    assert min(counts.values()) >= SENTENCES.get(lang, 30) // 10


@pytest.mark.parametrize("lang", get_args(Language))
def test_labels_are_balanced(lang: Language) -> None:
    """Always saying neutral earns little."""
    labels = Counter(line.label for line in LINES if line.lang == lang)
    for label, (smallest, largest) in SHARES.items():
        assert smallest <= labels[label] / labels.total() <= largest


def test_labels_fit_their_categories() -> None:
    """A request is neutral, praise is positive; what is mixed has a side that wins."""
    assert [line for line in LINES if line.label not in LABELS[line.category]] == []


def test_no_sentence_is_there_twice() -> None:
    """Nor in other capitals or with other punctuation."""
    counts = Counter(key(line.text) for line in LINES)
    assert [text for text, count in counts.items() if count > 1] == []


def test_sentences_are_clean() -> None:
    """One line of composed characters with no spaces around it and single ones inside."""
    for line in LINES:
        assert line.text == " ".join(line.text.split()) == unicodedata.normalize("NFC", line.text)
        assert key(line.text)


@pytest.mark.parametrize("lang", get_args(Language))
def test_some_sentences_have_no_punctuation(lang: Language) -> None:
    """Speech recognisers often leave it out."""
    texts = [line.text for line in LINES if line.lang == lang]
    assert sum(text[-1].isalnum() for text in texts) >= len(texts) // 10
