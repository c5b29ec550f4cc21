import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from analyzer_worker.engines.e5_net import LINEARS, E5Encoder, E5SentimentNet
from analyzer_worker.engines.pooled_net import merge_adapter
from analyzer_worker.training import evaluate_e5, train_e5
from analyzer_worker.training.adapter_writer import adapter_tensors
from analyzer_worker.training.checkpoint import FILE, read_checkpoint
from analyzer_worker.training.lora import LoraLinear, add_lora
from analyzer_worker.training.mixture import TrainingBatch
from analyzer_worker.training.recipe import E5Recipe
from analyzer_worker.training.train_e5 import data_hashes, sentiment_loss, train
from analyzer_worker.weights.e5_file import E5File, read_e5_file
from tests.unit.analyzer_worker.tiny_e5 import HIDDEN, write_tiny_e5

RECIPE = replace(
    E5Recipe(),
    mixture=(("meld_train", 60),),
    spoken=(("en", "neutral", 8),),
    steps=30,
    hidden=HIDDEN,
    rank=4,
    batch=4,
    noise=0.2,
    bf16=False,
)
LINES = {"negative": "i hate it", "neutral": "the bus is here", "positive": "you love it"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The same three sentences in the place of each set."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [json.dumps({"text": text, "label": label}) for label, text in LINES.items()]
    names = [*evaluate_e5.DEV_SETS, *evaluate_e5.HELD_OUT_SETS]
    for name in [*names, *(name for name, _ in E5Recipe.mixture)]:
        (folder / f"{name}.jsonl").write_text("\n".join(rows * 10))
    return folder


@pytest.fixture
def file(tmp_path: Path) -> E5File:
    return read_e5_file(write_tiny_e5(tmp_path / "tiny.bin"))


def batch(targets: list[int], weights: list[float], binary: list[bool]) -> TrainingBatch:
    empty = torch.empty(0)
    taught = torch.tensor([[0.2, 0.3, 0.5]] * len(targets))
    return TrainingBatch(empty, empty, torch.tensor(targets), torch.tensor(weights), torch.tensor(binary), taught)


def test_loss_is_that_of_torch() -> None:
    """With smoothing and equal weights."""
    logits = torch.tensor([[1.0, 2.0, 0.5], [0.1, -1.0, 3.0]])
    expected = nn.CrossEntropyLoss(label_smoothing=0.05)(logits, torch.tensor([0, 2]))
    torch.testing.assert_close(sentiment_loss(logits, batch([0, 2], [1, 1], [False, False]), 0.05, 0.0), expected)


def test_loss_of_a_binary_example_ignores_the_neutral_logit() -> None:
    """Neither its value nor its gradient matters."""
    logits = torch.tensor([[1.0, 50.0, 0.5]], requires_grad=True)
    loss = sentiment_loss(logits, batch([2], [1], [True]), 0.0, 0.0)
    torch.testing.assert_close(loss, nn.functional.cross_entropy(torch.tensor([[1.0, 0.5]]), torch.tensor([1])))
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad[0, 1] == 0
    assert logits.grad.isfinite().all()


def test_loss_is_the_weighted_mean() -> None:
    logits = torch.tensor([[1.0, 2.0, 0.5], [0.1, -1.0, 3.0]])
    one, other = (sentiment_loss(logits[[at]], batch([0], [1], [False]), 0.05, 0.0) for at in (0, 1))
    both = sentiment_loss(logits, batch([0, 0], [3, 1], [False, False]), 0.05, 0.0)
    torch.testing.assert_close(both, (3 * one + other) / 4)


def test_loss_with_teachers_is_that_of_the_mean_of_both_targets() -> None:
    logits = torch.tensor([[1.0, 2.0, 0.5]])
    loss = sentiment_loss(logits, batch([0], [1], [False]), 0.0, 0.5)
    torch.testing.assert_close(loss, nn.functional.cross_entropy(logits, torch.tensor([[0.6, 0.15, 0.25]])))


def test_update_starts_at_zero_and_only_it_is_trained(file: E5File) -> None:
    plain, adapted = E5Encoder(file), E5Encoder(file)
    add_lora(adapted, LINEARS, 4, 2.0, torch.float32)
    ids = torch.tensor([[0, 5, 6, 2]])
    torch.testing.assert_close(plain(ids, None), adapted(ids, None))
    trained = [name for name, weight in adapted.named_parameters() if weight.requires_grad]
    assert len(trained) == 2 * len(LINEARS) * file.shape.layers
    assert all(".lora_" in name for name in trained)


def test_written_tensors_reproduce_the_trained_network(file: E5File) -> None:
    """The merged network gives the logits of the one with separate updates."""
    torch.manual_seed(0)
    encoder = E5Encoder(file)
    add_lora(encoder, LINEARS, 4, 2.0, torch.float32)
    trained = E5SentimentNet(encoder, HIDDEN).eval()
    for module in trained.modules():
        if isinstance(module, LoraLinear):
            nn.init.normal_(module.lora_B, std=0.1)
    merged = E5SentimentNet(E5Encoder(file), HIDDEN).eval()
    ids, mask = torch.tensor([[0, 5, 6, 2]]), torch.ones(1, 4, dtype=torch.int64)
    assert not torch.allclose(trained(ids, mask), merged(ids, mask), atol=1e-2)
    merge_adapter(merged, adapter_tensors(trained), 2.0)
    torch.testing.assert_close(trained(ids, mask), merged(ids, mask), atol=1e-4, rtol=1e-4)


def test_interrupted_run_ends_like_an_uninterrupted_one(
    data: Path, file: E5File, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Order, noise, dropout, optimizer and learning rates go on as if nothing had happened."""
    monkeypatch.setattr(train_e5, "CHECKPOINT_STEPS", 10)
    hashes = data_hashes(data, RECIPE)
    whole = train(RECIPE, data, file, tmp_path / "whole", hashes, {})

    class Interrupted(Exception):
        """Raised in the 17th step."""

    def interrupt(logits: torch.Tensor, *arguments: object) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 17:
            raise Interrupted
        return sentiment_loss(logits, *arguments)  # type: ignore[arg-type]

    calls: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(train_e5, "sentiment_loss", interrupt)
        with pytest.raises(Interrupted):
            train(RECIPE, data, file, tmp_path / "run", hashes, {})
    state = read_checkpoint(tmp_path / "run")
    assert state is not None
    assert state["step"] == 10
    resumed = train(RECIPE, data, file, tmp_path / "run", hashes, {})
    for name, tensor in whole.items():
        torch.testing.assert_close(resumed[name], tensor)


def test_checkpoint_of_another_run_is_refused(data: Path, file: E5File, tmp_path: Path) -> None:
    recipe = replace(RECIPE, steps=2)
    hashes = data_hashes(data, recipe)
    train(recipe, data, file, tmp_path, hashes, {})
    with pytest.raises(ValueError, match="another recipe"):
        train(replace(recipe, lora_rate=1.0), data, file, tmp_path, hashes, {})
    with pytest.raises(ValueError, match="other sentences"):
        train(recipe, data, file, tmp_path, hashes | {"meld_train.jsonl": "0"}, {})


def test_commands_train_and_evaluate(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the labelled lines to a table, by checkpoint and by written adapter."""
    monkeypatch.setattr(train_e5, "E5Recipe", lambda **given: replace(RECIPE, lora_rate=1e-2, **given))
    monkeypatch.setattr(evaluate_e5, "E5Recipe", lambda: RECIPE)
    base = write_tiny_e5(tmp_path / "tiny.bin")
    for module in (train_e5, evaluate_e5):
        monkeypatch.setattr(module, "find_e5_file", lambda given: given)
    out, run = tmp_path / "out", tmp_path / "run"
    options = ["--data", str(data), "--base", str(base)]
    command = [*options, "--out", str(out), "--checkpoint", str(run), "--steps", "60", "--no-bf16"]
    result = CliRunner().invoke(train_e5.app, command)
    assert result.exit_code == 0, result.output
    config = json.loads((out / "config.json").read_text())
    assert config["languages"] == ["en", "ko"]
    assert config["data"] == data_hashes(data, RECIPE)
    assert config["recipe"]["seed"] == E5Recipe.seed

    scores = tmp_path / "scores.json"
    for source in (["--adapter", str(out)], ["--checkpoint", str(run), "--sentences", "9"]):
        result = CliRunner().invoke(evaluate_e5.app, [*options, *source, "--out", str(scores)])
        assert result.exit_code == 0, result.output
        measured = json.loads(scores.read_text())
        assert all(each["accuracy"] > 0.6 for each in measured.values()), measured
        assert set(measured) == {
            "goemotions_dev",
            "goemotions_ko_dev",
            "meld_dev_calmed",
            "nsmc_train_held_out",
            "kote_val_held_out",
        }
    assert (run / FILE).exists()


@pytest.mark.parametrize("source", [[], ["--adapter", "a", "--checkpoint", "b"]])
def test_evaluation_needs_one_source(data: Path, source: list[str]) -> None:
    result = CliRunner().invoke(evaluate_e5.app, ["--data", str(data), *source])
    assert result.exit_code == 2
