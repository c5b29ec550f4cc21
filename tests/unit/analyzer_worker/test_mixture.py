import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch

from analyzer_worker.engines.unigram import UnigramTokenizer
from analyzer_worker.training.mixture import (
    HELD_OUT,
    Mixture,
    label_weights,
    read_training_set,
    split_held_out,
    training_batches,
    without_neutral,
)
from analyzer_worker.training.recipe import E5Recipe
from analyzer_worker.training.sentences import Sentences
from analyzer_worker.weights.e5_file import read_e5_file
from tests.unit.analyzer_worker.tiny_e5 import write_tiny_e5
from wire.messages.results import LABELS

RECIPE = replace(
    E5Recipe(),
    mixture=(("meld_train", 8), ("nsmc_train", 4)),
    spoken=(("ko", "neutral", 3), ("en", "praise", 2), ("en", "mixed_complaint", 2)),
    noise=0.0,
)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six lines of MELD; NSMC has eight and a neutral one, of which two are held out."""
    monkeypatch.setitem(HELD_OUT, "nsmc_train", 2)
    rows = {
        "meld_train": [(f"hey {number}!", LABELS[number % 3]) for number in range(6)],
        "nsmc_train": [(f"film {number}", LABELS[number % 2 * 2]) for number in range(8)] + [("film so so", "neutral")],
    }
    for name, pairs in rows.items():
        lines = [json.dumps({"text": text, "label": label}) for text, label in pairs]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines))
    return tmp_path


def test_epoch_has_the_wanted_numbers_of_each_kind(data: Path) -> None:
    epoch = Mixture(data, RECIPE, {}).epoch(0)
    assert len(epoch) == 8 + 4 + 3 + 2 * 2
    assert [LABELS[example.target] for example in epoch[12:]] == ["neutral"] * 3 + ["positive"] * 2 + ["negative"] * 2
    assert sum(example.binary for example in epoch) == 4
    assert [example.language for example in epoch].count("ko") == 4 + 3
    assert sum(example.text.startswith("hey") for example in epoch) == 8


def test_epochs_are_determined_by_seed_and_number(data: Path) -> None:
    mixture = Mixture(data, replace(RECIPE, noise=0.5), {})
    assert mixture.epoch(1) == Mixture(data, replace(RECIPE, noise=0.5), {}).epoch(1)
    assert mixture.epoch(1) != mixture.epoch(2)


def test_cycle_comes_to_every_sentence(data: Path) -> None:
    """Four of six a time: after three epochs each was seen twice."""
    mixture = Mixture(data, replace(RECIPE, mixture=(("nsmc_train", 4),), spoken=()), {})
    seen = [example.text for number in range(3) for example in mixture.epoch(number)]
    assert {seen.count(text) for text in seen} == {2}
    assert len(set(seen)) == 6


def test_teachers_come_with_the_sentence_that_they_read(data: Path) -> None:
    """Also where its text is changed; a sentence without teachers has its label."""
    taught = {"meld_train": {"hey 0!": [0.2, 0.3, 0.5]}}
    epoch = Mixture(data, replace(RECIPE, calmed=1.0), taught).epoch(0)
    assert {tuple(example.taught) for example in epoch if example.text == "hey 0."} == {(0.2, 0.3, 0.5)}
    others = [example for example in epoch if example.text != "hey 0."]
    assert all(example.taught == [float(label == example.target) for label in range(3)] for example in others)


def test_sets_with_natural_labels_are_not_weighted(data: Path) -> None:
    recipe = replace(RECIPE, mixture=(("meld_train", 5), ("nsmc_train", 5)), spoken=())
    epoch = Mixture(data, recipe, {}).epoch(0)
    assert {example.weight for example in epoch if "film" in example.text} == {1.0}
    assert len({round(example.weight, 6) for example in epoch}) > 1


def test_noise_changes_its_share(data: Path) -> None:
    recipe = replace(RECIPE, mixture=(("meld_train", 1000),), calmed=0.0, noise=0.3)
    shouted = sum(
        "!" in example.text for example in Mixture(data, recipe, {}).epoch(0) if example.text.startswith("hey")
    )
    assert 620 < shouted < 780


def test_exclamation_marks_of_meld_are_calmed(data: Path) -> None:
    recipe = replace(RECIPE, mixture=(("meld_train", 1000),), calmed=0.5)
    calm = sum(example.text.endswith(".") for example in Mixture(data, recipe, {}).epoch(0) if "hey" in example.text)
    assert 420 < calm < 580


def test_held_out_sentences_are_not_trained_on(data: Path) -> None:
    training, held_out = read_training_set(data, "nsmc_train")
    assert (len(training.texts), len(held_out.texts)) == (6, 2)
    assert not set(training.texts) & set(held_out.texts)
    assert "film so so" not in training.texts + held_out.texts


def test_set_without_held_out_part_is_kept_whole() -> None:
    sentences = Sentences("meld_train", ["a", "b"], [0, 1])
    assert split_held_out(sentences) == (sentences, Sentences("meld_train", [], []))


def test_neutral_sentences_are_dropped_with_their_targets() -> None:
    assert without_neutral(Sentences("kote_val", ["a", "b", "c"], [0, 1, 2])) == Sentences(
        "kote_val", ["a", "c"], [0, 2]
    )


def test_weights_of_rare_labels_are_higher_and_one_on_average() -> None:
    weights = label_weights([0, 0, 0, 0, 2], balance=0.5)
    assert weights[2] / weights[0] == pytest.approx(2)
    assert (4 * weights[0] + weights[2]) / 5 == pytest.approx(1)


def test_batches_hold_every_example_once(data: Path, tmp_path: Path) -> None:
    """Each with its own label, weight and kind."""
    tokenizer = UnigramTokenizer(read_e5_file(write_tiny_e5(tmp_path / "tiny.bin")).vocabulary, 16)
    examples = Mixture(data, RECIPE, {}).epoch(0)
    batches = list(training_batches(examples, tokenizer, 1, 4, Random(0)))
    found = sorted(
        (ids[mask.bool()].tolist(), int(target), float(weight), bool(binary))
        for batch in batches
        for ids, mask, target, weight, binary in zip(
            batch.ids, batch.mask, batch.targets, batch.weights, batch.binary, strict=True
        )
    )
    expected = sorted((tokenizer.encode(e.text), e.target, e.weight, e.binary) for e in examples)
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    assert [row[2] for row in found] == pytest.approx([row[2] for row in expected])
    assert [row[3] for row in found] == [row[3] for row in expected]
    assert all(torch.equal(batch.ids != 1, batch.mask == 1) for batch in batches)
