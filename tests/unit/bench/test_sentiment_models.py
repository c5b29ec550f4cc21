"""Models in batches give the engine's own numbers, and labels as clients get them."""

from pathlib import Path

import pytest
import torch

from analyzer_worker.engines.base import Probabilities, SentimentAnalyzer, Support
from analyzer_worker.engines.e5_lora import E5Analyzer
from analyzer_worker.engines.e5_net import E5Encoder, E5SentimentNet
from analyzer_worker.engines.unigram import UnigramTokenizer
from analyzer_worker.weights.e5_file import read_e5_file
from bench.sentiment.baselines import Majority, label_of
from bench.sentiment.models import Model
from bench.sentiment.sets import LabelledSet
from tests.unit.analyzer_worker.tiny_e5 import HIDDEN, write_tiny_e5

TEXTS = ["i love the bus", "it is awful", "ten at ten", "good", "i hate it. it is bad. " * 5]
NEGATIVE, NEUTRAL, POSITIVE = range(3)


class Fixed(SentimentAnalyzer):
    """Gives every text the same probabilities."""

    name = "fixed"
    revision = "1"
    languages = frozenset({"en"})

    def __init__(self, *probabilities: float) -> None:
        self.probabilities = probabilities

    def support(self, language: str) -> Support | None:
        return "trained" if language == "en" else None

    def analyze(self, text: str, language: str) -> Probabilities:  # noqa: ARG002
        negative, neutral, positive = self.probabilities
        return {"negative": negative, "neutral": neutral, "positive": positive}


@pytest.fixture
def analyzer(tmp_path: Path) -> E5Analyzer:
    """The multilingual engine, small and with random weights; the last of ``TEXTS`` is too long for it."""
    torch.manual_seed(1)
    file = read_e5_file(write_tiny_e5(tmp_path / "tiny.bin"))
    net = E5SentimentNet(E5Encoder(file), HIDDEN)
    tokenizer = UnigramTokenizer(file.vocabulary, 24)
    return E5Analyzer(net, tokenizer, "1", frozenset({"en"}), {"en": 0.5, "*": 2.0})


@pytest.mark.parametrize("language", ["en", "de"])
def test_batches_give_the_engines_numbers(analyzer: E5Analyzer, language: str) -> None:
    """With the temperature of the language, and for a text that is split too."""
    model = Model(analyzer, 0.0)
    probabilities = model.probabilities(TEXTS, language)
    for text, row in zip(TEXTS, probabilities.tolist(), strict=True):
        assert row == pytest.approx(list(analyzer.analyze(text, language).values()), abs=1e-5)


def test_numbers_are_those_of_the_engine(analyzer: E5Analyzer) -> None:
    assert Model(analyzer, 0.0).numbers == "float32"
    analyzer.quantize()
    assert Model(analyzer, 0.0).numbers == "int8"


def test_logits_give_the_probabilities_at_the_temperature(analyzer: E5Analyzer) -> None:
    model = Model(analyzer, 0.0)
    logits = model.logits(["good"], "en")
    assert (logits / 0.5).softmax(1)[0].tolist() == pytest.approx(list(analyzer.analyze("good", "en").values()))


@pytest.mark.parametrize(("margin", "shown"), [(0.05, POSITIVE), (0.2, NEUTRAL)])
def test_a_narrow_choice_is_shown_as_neutral(margin: float, shown: int) -> None:
    model = Model(Fixed(0.4, 0.1, 0.5), margin)
    predictions = model.classify(LabelledSet("some", "en", ["good"], [POSITIVE]))
    assert (predictions.most_probable, predictions.shown) == ([POSITIVE], [shown])


def test_a_binary_set_is_never_neutral() -> None:
    model = Model(Fixed(0.2, 0.7, 0.1), 0.9)
    predictions = model.classify(LabelledSet("some", "en", ["good"], [POSITIVE], binary=True))
    assert (predictions.most_probable, predictions.shown) == ([NEGATIVE], [NEGATIVE])


def test_languages_are_those_of_the_engine() -> None:
    model = Model(Fixed(0.2, 0.7, 0.1), 0.1)
    assert (model.supports("en"), model.supports("ko")) == (True, False)


def test_the_majority_is_that_of_the_set() -> None:
    predictions = Majority().classify(LabelledSet("some", "ko", ["a", "b", "c"], [NEUTRAL, NEGATIVE, NEUTRAL]))
    assert predictions.most_probable == [NEUTRAL] * 3


@pytest.mark.parametrize(
    ("compound", "label"),
    [(-1.0, NEGATIVE), (-0.05, NEGATIVE), (-0.049, NEUTRAL), (0.049, NEUTRAL), (0.05, POSITIVE), (1.0, POSITIVE)],
)
def test_vaders_scores_have_the_labels_of_its_authors(compound: float, label: int) -> None:
    assert label_of(compound) == label
