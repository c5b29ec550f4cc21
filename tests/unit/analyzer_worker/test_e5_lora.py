"""The multilingual engine: real weights for languages and sentences, tiny ones for what happens to odd texts."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from analyzer_worker.engines.base import most_probable
from analyzer_worker.engines.e5_languages import ENCODER
from analyzer_worker.engines.e5_lora import MAX_PARTS, E5Analyzer, groups_for_passes, load_e5
from analyzer_worker.engines.e5_net import E5Encoder, E5SentimentNet
from analyzer_worker.engines.unigram import UnigramTokenizer
from analyzer_worker.weights.adapter import E5, adapter_folder
from analyzer_worker.weights.e5_file import read_e5_file
from tests.unit.analyzer_worker.odd_texts import ODD_TEXTS
from tests.unit.analyzer_worker.tiny_e5 import HIDDEN, write_tiny_e5
from wire.errors import ModelError
from wire.languages import LANGUAGES
from wire.messages.results import LABELS, Label

CLEAR: list[tuple[str, str, Label]] = [
    ("en", "I love this so much, thank you.", "positive"),
    ("en", "This is the worst service I have ever had.", "negative"),
    ("en", "The train leaves from platform four.", "neutral"),
    ("ko", "정말 최고예요, 너무 마음에 들어요.", "positive"),
    ("ko", "음식이 너무 맛없어서 다시는 안 갈 거예요.", "negative"),
    ("ko", "기차는 삼 번 승강장에서 출발합니다.", "neutral"),
    ("de", "Das war ein wunderschöner Abend.", "positive"),
    ("de", "Das Essen war schlecht und viel zu teuer.", "negative"),
    ("fr", "Je suis très contente de ce cadeau.", "positive"),
    ("es", "Odio este lugar, es asqueroso.", "negative"),
    ("ja", "この映画は本当に素晴らしかったです。", "positive"),
    ("zh", "这里的服务太糟糕了。", "negative"),
]


@pytest.fixture(scope="module")
def e5() -> E5Analyzer:
    """The model of this repository, as a worker loads it."""
    return load_e5(None, threads=1)


@pytest.fixture
def tiny(tmp_path: Path) -> E5Analyzer:
    """Random weights, 16 tokens."""
    torch.manual_seed(3)
    file = read_e5_file(write_tiny_e5(tmp_path / "tiny.bin"))
    net = E5SentimentNet(E5Encoder(file), HIDDEN)
    tokenizer = UnigramTokenizer(file.vocabulary, max_tokens=16)
    return E5Analyzer(net, tokenizer, "1", frozenset({"en"}), {"en": 1.0, "ko": 2.0, "*": 4.0})


@pytest.mark.parametrize(("language", "text", "label"), CLEAR)
def test_e5_labels_clear_sentences(e5: E5Analyzer, language: str, text: str, label: Label) -> None:
    assert most_probable(e5.analyze(text, language)) == label


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_e5_of_any_text_gives_probabilities(e5: E5Analyzer, text: str) -> None:
    found = e5.analyze(text, "en")
    assert list(found) == list(LABELS)
    assert sum(found.values()) == pytest.approx(1, abs=1e-5)


def test_support_is_that_of_training_and_encoder(e5: E5Analyzer) -> None:
    """Each language that Whisper writes is trained, zero-shot, or one that the encoder has never read."""
    assert e5.support("ko") == e5.support("en") == "trained"
    assert e5.support("de") == "zero-shot"
    assert e5.support("mi") is None
    assert not ENCODER - set(LANGUAGES)


def test_given_languages_are_the_only_ones() -> None:
    """A language is not trained because an operator names it; ``*`` names all."""
    e5 = load_e5(frozenset({"de", "ko"}), threads=1)
    assert e5.languages == frozenset({"ko"})
    assert [e5.support(code) for code in ("ko", "de", "en", "fr", "mi")] == ["trained", "zero-shot", None, None, None]
    assert load_e5(frozenset({"*"}), threads=1).support("fr") == "zero-shot"
    with pytest.raises(ModelError, match="does not read mi"):
        load_e5(frozenset({"mi", "en"}), threads=1)


def test_8_bits_and_float32_nearly_agree(e5: E5Analyzer) -> None:
    """The labels of clear sentences are the same, and their probabilities differ by less than 0.1."""
    exact = load_e5(None, threads=1, exact=True)
    assert " " not in exact.revision
    assert e5.revision == f"{exact.revision} int8"
    for language, text, _ in CLEAR:
        one, other = e5.analyze(text, language), exact.analyze(text, language)
        assert list(one.values()) == pytest.approx(list(other.values()), abs=0.1)


def test_texts_together_get_what_each_gets_alone(e5: E5Analyzer) -> None:
    """Of any lengths and languages, long ones included, in 8 bits."""
    utterances = [(text, language) for language, text, _ in CLEAR] + [("ok", "en"), ("so. " * 200, "de"), ("", "ko")]
    together = e5.analyze_all(utterances)
    for (text, language), answer in zip(utterances, together, strict=True):
        alone = e5.analyze(text, language)
        assert list(answer) == list(alone)
        assert list(answer.values()) == pytest.approx(list(alone.values()), abs=0.02)
    assert e5.analyze_all([]) == []


@pytest.mark.parametrize(
    ("lengths", "groups"),
    [
        ([], []),
        ([12], [[0]]),
        ([12, 12, 12], [[0, 1, 2]]),
        ([20, 5, 20, 6], [[1, 3], [0, 2]]),
        ([10, 128, 11], [[0, 2], [1]]),
        ([3, 16, 29], [[0, 1], [2]]),
    ],
)
def test_texts_are_padded_only_where_that_costs_less_than_a_pass(lengths: list[int], groups: list[list[int]]) -> None:
    assert groups_for_passes(lengths) == groups


def test_a_long_text_is_the_mean_of_its_sentences(tiny: E5Analyzer) -> None:
    """Each counts by its tokens, its first and last one included."""
    good, bad = "i love it the bus is good.", "you hate the awful bus at ten."
    sentences = [tiny.analyze(good, "en"), tiny.analyze(bad, "en")]
    weights = [len(tiny._tokenizer.encode(text)) for text in (good, bad)]
    assert sum(weights) > 16
    mean = [
        sum(weight * each[label] for weight, each in zip(weights, sentences, strict=True)) / sum(weights)
        for label in LABELS
    ]
    assert list(tiny.analyze(f"{good} {bad}", "en").values()) == pytest.approx(mean, abs=1e-5)


def test_short_sentences_of_a_long_text_are_grouped(tiny: E5Analyzer) -> None:
    assert len(tiny._parts("i love it. " * 5)) == 2
    assert len(tiny._parts("i love it. " * 500)) == MAX_PARTS
    assert all(len(part) <= 16 for part in tiny._parts("love " * 100))


def test_temperature_is_that_of_the_language(tiny: E5Analyzer) -> None:
    """A higher one makes the same label less certain."""
    by_language = [tiny.analyze("i love it", language) for language in ("en", "ko", "de")]
    certainties = [max(each.values()) for each in by_language]
    assert certainties == sorted(certainties, reverse=True)
    assert len({most_probable(each) for each in by_language}) == 1


@pytest.mark.parametrize("name", ["adapter.safetensors", "config.json"])
def test_damaged_adapter_file_is_named(tmp_path: Path, name: str) -> None:
    adapter = tmp_path / "adapter"
    shutil.copytree(adapter_folder(E5), adapter)
    (adapter / name).write_bytes((adapter / name).read_bytes()[:100])
    with pytest.raises(ModelError) as error:
        load_e5(None, threads=1, adapter=adapter)
    assert str(adapter / name) in error.value.message


def test_committed_adapter_is_small_and_has_its_results() -> None:
    folder = adapter_folder(E5)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert (folder / "adapter.safetensors").stat().st_size < 3_000_000
    assert config["adapter_sha256"].startswith(config["revision"])
    assert config["languages"] == ["en", "ko"]
    assert {"goemotions_test", "goemotions_ko_test", "nsmc_test"} <= config["measured"].keys()
    assert len(config["data"]) > 6
