"""Hub classifiers; the model is a tiny BERT with random weights, saved by transformers itself."""

import json
import os
from pathlib import Path

import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    BertTokenizer,
    XLNetConfig,
    XLNetForSequenceClassification,
)

from analyzer_worker.engines.base import Probabilities, most_probable
from analyzer_worker.engines.hub_classifier import load_hub_classifier
from analyzer_worker.weights.hub import model_folder, revision_of
from wire.errors import ModelError
from wire.messages.results import Label

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "table"]
ENGLISH = frozenset({"en"})
STARS = ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]


def tiny_config(labels: list[str]) -> BertConfig:
    return BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=64,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
    )


def save_model(folder: Path, labels: list[str]) -> torch.nn.Module:
    """A classifier whose last class is always the most probable one."""
    torch.manual_seed(0)
    model = BertForSequenceClassification(tiny_config(labels))
    model.classifier.bias.data[-1] = 3.0
    model.save_pretrained(folder)
    save_tokenizer(folder)
    return model


def save_tokenizer(folder: Path) -> None:
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)


def analyze(folder: Path, text: str) -> Probabilities:
    return load_hub_classifier(str(folder), ENGLISH, folder, threads=1).analyze(text, "en")


def test_hub_classifier_with_five_classes_answers_in_three_labels(tmp_path: Path) -> None:
    """The probabilities of the model's classes are summed by label."""
    model = save_model(tmp_path, STARS).eval()
    ids = torch.tensor([[2, 5, 3]])  # [CLS] good [SEP]
    stars = model(ids).logits.softmax(-1)[0].tolist()
    found = analyze(tmp_path, "good")
    assert most_probable(found) == "positive"
    assert found == pytest.approx(
        {"negative": stars[0] + stars[1], "neutral": stars[2], "positive": stars[3] + stars[4]}, abs=1e-5
    )


def test_hub_classifier_reads_the_order_of_labels_from_the_model(tmp_path: Path) -> None:
    """The last class wins here, and here it means negative."""
    save_model(tmp_path, ["positive", "neutral", "negative"])
    assert most_probable(analyze(tmp_path, "good")) == "negative"


def test_hub_classifier_with_given_languages_supports_these(tmp_path: Path) -> None:
    """The operator's setting replaces the model card."""
    save_model(tmp_path, ["negative", "positive"])
    languages = frozenset({"ko", "en"})
    assert load_hub_classifier(str(tmp_path), languages, tmp_path, threads=1).languages == languages


@pytest.mark.parametrize("text", ["", "\x00", "😀", "\ud800", "good " * 100_000])
def test_hub_classifier_of_any_text_gives_probabilities(tmp_path: Path, text: str) -> None:
    """A text longer than the model's 64 positions is cut instead of failing."""
    save_model(tmp_path, STARS)
    assert sum(analyze(tmp_path, text).values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", ["good", "good " * 1_000])
def test_a_model_without_a_limit_of_positions_analyses_any_text(tmp_path: Path, text: str) -> None:
    """XLNet declares −1 positions."""
    labels = dict(enumerate(["negative", "neutral", "positive"]))
    config = XLNetConfig(vocab_size=len(WORDS), d_model=8, n_layer=1, n_head=2, d_inner=8, id2label=labels)
    assert config.max_position_embeddings == -1
    XLNetForSequenceClassification(config).save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    assert sum(analyze(tmp_path, text).values()) == pytest.approx(1, abs=1e-5)


def test_model_that_fails_on_a_text_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    """Its vocabulary is smaller than its tokenizer's, so that each analysis would fail."""
    config = tiny_config(STARS)
    config.vocab_size = 3
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    with pytest.raises(ModelError, match="cannot be used") as error:
        load_hub_classifier(str(tmp_path), ENGLISH, tmp_path, threads=1)
    assert error.value.code == "model_corrupt"


def test_missing_folder_is_not_looked_up_on_the_hub(tmp_path: Path) -> None:
    """The error for a mistyped path names that path."""
    with pytest.raises(ModelError, match="no model folder") as error:
        load_hub_classifier(str(tmp_path / "typo"), ENGLISH, tmp_path, threads=1)
    assert str(tmp_path / "typo") in error.value.message


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_damaged_model_file_is_an_error_that_names_the_folder(tmp_path: Path, name: str) -> None:
    """An incomplete download ends in a message with a remedy."""
    save_model(tmp_path, STARS)
    (tmp_path / name).write_bytes(b"half")
    with pytest.raises(ModelError) as error:
        analyze(tmp_path, "good")
    assert error.value.code == "model_corrupt"
    assert str(tmp_path) in error.value.message
    assert "elete" not in str(error.value)  # maybe the only copy


def test_model_folder_without_weights_is_an_error(tmp_path: Path) -> None:
    """A configuration alone is no model."""
    save_model(tmp_path, STARS)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="cannot be used"):
        analyze(tmp_path, "good")


def test_model_without_a_trained_head_is_refused(tmp_path: Path) -> None:
    """transformers would fill the head with random numbers."""
    BertModel(tiny_config(["negative", "neutral", "positive"])).save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    with pytest.raises(ModelError, match=r"classifier\.bias"):
        analyze(tmp_path, "good")


def test_model_with_unknown_labels_is_refused(tmp_path: Path) -> None:
    """A spam filter is not a sentiment model."""
    save_model(tmp_path, ["ham", "spam"])
    with pytest.raises(ModelError, match="ham, spam"):
        analyze(tmp_path, "good")


def test_classes_without_names_are_refused_until_they_are_given(tmp_path: Path) -> None:
    """By its card 0 is neutral, 1 positive, 2 negative; the last class always wins."""
    save_model(tmp_path, ["LABEL_0", "LABEL_1", "LABEL_2"])
    with pytest.raises(ModelError, match=r"LABEL_0, LABEL_1, LABEL_2.*ANALYZER_LABELS"):
        analyze(tmp_path, "good")
    given: list[Label] = ["neutral", "positive", "negative"]
    classifier = load_hub_classifier(str(tmp_path), ENGLISH, tmp_path, threads=1, labels=given)
    assert most_probable(classifier.analyze("good", "en")) == "negative"


def test_model_whose_configuration_has_two_orders_is_refused(tmp_path: Path) -> None:
    save_model(tmp_path, ["negative", "neutral", "positive"])
    config = json.loads((tmp_path / "config.json").read_text())
    config["label2id"] = {"neutral": 0, "positive": 1, "negative": 2}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="contradicts itself"):
        analyze(tmp_path, "good")


def test_hub_id_missing_from_the_cache_without_download_is_an_error(tmp_path: Path) -> None:
    """The error names the model and the command that fetches it."""
    with pytest.raises(ModelError, match=r"python -m analyzer_worker\.prefetch") as error:
        model_folder("owner/name", tmp_path, download=False)
    assert "owner/name" in error.value.message


def test_hub_id_complete_in_the_cache_needs_no_network(tmp_path: Path) -> None:
    """The Hub's own cache layout is read, and the commit is the revision."""
    repository = tmp_path / "hub" / "models--owner--name"
    snapshot = repository / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    save_model(snapshot, STARS)
    analyzer = load_hub_classifier("owner/name", ENGLISH, tmp_path, threads=1, download=False)
    assert (analyzer.name, analyzer.revision) == ("owner/name", "a" * 40)
    assert most_probable(analyzer.analyze("good", "en")) == "positive"


def test_revision_of_a_changed_folder_changes(tmp_path: Path) -> None:
    """A retrained local model has another revision."""
    save_model(tmp_path, STARS)
    before = revision_of(tmp_path)
    os.utime(tmp_path / "model.safetensors", (2_000_000_000, 2_000_000_000))
    assert revision_of(tmp_path) != before


@pytest.mark.parametrize(
    ("card", "languages"),
    [
        ("---\nlanguage: en\n---\n", frozenset({"en"})),
        ("---\nlanguage:\n- ko\n- en\n- multilingual\n---\n", frozenset({"ko", "en"})),
    ],
)
def test_model_card_declares_the_languages(tmp_path: Path, card: str, languages: frozenset[str]) -> None:
    """The operator's setting takes precedence."""
    save_model(tmp_path, STARS)
    (tmp_path / "README.md").write_text(card)
    assert load_hub_classifier(str(tmp_path), None, tmp_path, threads=1).languages == languages
    assert load_hub_classifier(str(tmp_path), ENGLISH, tmp_path, threads=1).languages == ENGLISH


@pytest.mark.parametrize("card", [None, "no front matter", "---\nlanguage: multilingual\n---\n", "---\n: [\n---\n"])
def test_model_without_declared_languages_is_refused(tmp_path: Path, card: str | None) -> None:
    """An English model would label Korean text; the operator has to set the languages, ``*`` for any."""
    save_model(tmp_path, STARS)
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    with pytest.raises(ModelError, match="ANALYZER_LANGUAGES"):
        load_hub_classifier(str(tmp_path), None, tmp_path, threads=1)
    assert load_hub_classifier(str(tmp_path), frozenset({"*"}), tmp_path, threads=1).languages is None
