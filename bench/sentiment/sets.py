"""The labelled sentences that sentiment is measured on."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analyzer_worker.training.evaluate_e5 import BINARY_PREFIXES, DEV_SETS
from analyzer_worker.training.mixture import without_neutral
from analyzer_worker.training.sentences import Sentences, calmed, language_of, read_sentences
from wire.messages.results import LABELS

DATA = Path("sentiment-data")
TEST_SETS = (
    "goemotions_test",
    "goemotions_ko_test",
    "meld_test",
    "tweeteval_test",
    "sst3_test",
    "nsmc_test",
    "kote_test",
    "xed_de_test",
    "xed_fr_test",
    "xed_es_test",
)
BEHAVIOUR = Path("tests/data/sentiment/behaviour.jsonl")
SOURCES = """\
Each set is a file SET.jsonl with "text" and "label" (negative, neutral
or positive) in each line. They are made from these repositories on GitHub:
  goemotions_{dev,test}: google-research/google-research, goemotions
  goemotions_ko_{dev,test}: monologg/GoEmotions-Korean
  meld_{dev,test}: declare-lab/MELD
  tweeteval_test: cardiffnlp/tweeteval (for evaluation only)
  sst3_test: prrao87/fine-grained-sentiment (for evaluation only)
  nsmc_test: e9t/nsmc, up to 4 is negative, from 9 on positive
  kote_test: searle-j/KOTE
  xed_{de,fr,es}_test: Helsinki-NLP/XED
Sets that are missing are left out."""


@dataclass(frozen=True)
class LabelledSet:
    """Sentences of one language; ``targets`` are indices into ``LABELS``."""

    name: str
    language: str
    """ISO 639-1 code."""
    texts: list[str]
    targets: list[int]
    binary: bool = False
    """Its sentences are negative or positive, and models choose between these two."""


@dataclass(frozen=True)
class BehaviourList:
    """The behaviour list of one language."""

    sentences: LabelledSet
    categories: list[str]
    """Category of each sentence."""


def has_test_set(data: Path) -> bool:
    """Return True if at least one of the test sets is present."""
    return any((data / f"{name}.jsonl").exists() for name in TEST_SETS)


def read_test_sets(data: Path, limit: int | None = None) -> list[LabelledSet]:
    """Return the test sets that are present, binary ones without neutral sentences, MELD also without ``!``."""
    sets = []
    for name in TEST_SETS:
        for sentences in _read(data, name):
            sets.append(sentences)
            if name.startswith("meld"):
                sets.append(calmed(sentences))
    return [_sample(each, limit) for each in sets]


def read_dev_sets(data: Path, limit: int | None = None) -> list[LabelledSet]:
    """Return the dev sets that are present; MELD without ``!``, as transcripts have it."""
    sets = [sentences for name in DEV_SETS for sentences in _read(data, name)]
    return [_sample(calmed(each) if each.name.startswith("meld") else each, limit) for each in sets]


def behaviour_lists(file: Path = BEHAVIOUR) -> list[BehaviourList]:
    """Read the behaviour lists, one for each language."""
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    lists = []
    for language in dict.fromkeys(line["lang"] for line in lines):
        these = [line for line in lines if line["lang"] == language]
        targets = [LABELS.index(line["label"]) for line in these]
        sentences = LabelledSet("behaviour", language, [line["text"] for line in these], targets)
        lists.append(BehaviourList(sentences, [line["category"] for line in these]))
    return lists


def _read(data: Path, name: str) -> Sequence[Sentences]:
    """Return the set in a list, or an empty one if it is missing."""
    if not (data / f"{name}.jsonl").exists():
        return []
    sentences = read_sentences(data, name)
    return [without_neutral(sentences) if name.startswith(BINARY_PREFIXES) else sentences]


def _sample(sentences: Sentences, limit: int | None) -> LabelledSet:
    """Return ``limit`` sentences by chance, always the same ones; all without a limit or if there are fewer."""
    chosen = list(range(len(sentences.texts)))
    if limit is not None and limit < len(chosen):
        chosen = sorted(random.Random(0).sample(chosen, limit))
    return LabelledSet(
        sentences.name,
        language_of(sentences.name),
        [sentences.texts[index] for index in chosen],
        [sentences.targets[index] for index in chosen],
        sentences.name.startswith(BINARY_PREFIXES),
    )
