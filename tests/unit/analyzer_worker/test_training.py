import json
import random
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel
from typer.testing import CliRunner

from analyzer_worker.engines.base import most_probable
from analyzer_worker.engines.minilm_lora import load_minilm
from analyzer_worker.engines.minilm_net import SentimentNet
from analyzer_worker.engines.pooled_net import merge_adapter
from analyzer_worker.training.adapter_writer import adapter_tensors
from analyzer_worker.training.metrics import score
from analyzer_worker.training.recipe import Recipe
from analyzer_worker.training.sentences import Sentences, batches, replace_exclamation_marks
from analyzer_worker.training.train_sentiment import app, class_weights

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # from peft

LINES = {
    "negative": ["I hate it.", "This is awful.", "What a terrible day!", "You are disgusting."],
    "neutral": ["The bus is here.", "It is ten o'clock.", "He sits at the table.", "They live in Rome."],
    "positive": ["I love it!", "This is wonderful.", "What a great day!", "You are amazing."],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve sentences in the place of each corpus."""
    rows = [json.dumps({"text": text, "label": label}) for label, texts in LINES.items() for text in texts]
    folder = tmp_path / "data"
    folder.mkdir()
    for corpus in ("goemotions", "meld"):
        for part in ("train", "dev", "test"):
            (folder / f"{corpus}_{part}.jsonl").write_text("\n".join(rows * (20 if part == "train" else 1)))
    return folder


@pytest.mark.slow
def test_training_writes_an_adapter_that_the_engine_loads(data: Path, tmp_path: Path, cache: Path, base: Path) -> None:
    """Labelled lines become a working model, and the stored scores are those of the written file."""
    out = tmp_path / "out"
    options = ["--data", str(data), "--out", str(out), "--cache", str(cache), "--epochs", "1", "--no-bf16"]
    result = CliRunner().invoke(app, options)
    assert result.exit_code == 0, result.output
    analyzer = load_minilm(None, cache, threads=1, base=base, adapter=out)
    right = [most_probable(analyzer.analyze(text, "en")) == label for label, texts in LINES.items() for text in texts]
    measured = json.loads((out / "config.json").read_text())["measured"]
    assert measured["goemotions_test"]["accuracy"] == pytest.approx(sum(right) / len(right))
    assert sum(right) >= 11
    assert set(measured) == {"goemotions_test", "meld_test", "meld_test_calmed"}


def test_extracted_adapter_reproduces_the_trained_network() -> None:
    """peft's network and the one merged from its tensors give the same logits."""
    torch.manual_seed(0)
    config = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)
    encoder, merged = (BertModel(config, add_pooling_layer=False) for _ in range(2))
    merged.load_state_dict(encoder.state_dict())
    lora = LoraConfig(r=2, lora_alpha=4, target_modules=["query", "key", "value", "dense"], init_lora_weights=False)
    trained, fresh = SentimentNet(get_peft_model(encoder, lora), 8).eval(), SentimentNet(merged, 8).eval()
    ids, mask = torch.tensor([[2, 3, 4]]), torch.ones(1, 3, dtype=torch.int64)
    assert not torch.allclose(trained(ids, mask), fresh(ids, mask), atol=1e-2)
    merge_adapter(fresh, adapter_tensors(trained), scale=2.0)
    torch.testing.assert_close(trained(ids, mask), fresh(ids, mask), atol=1e-5, rtol=0)


def test_macro_f1_weighs_each_label_equally() -> None:
    """Worked by hand: F1 of 4/5, 1 and 0; three of four right."""
    scores = score(torch.tensor([0, 0, 1, 0]), torch.tensor([0, 0, 1, 2]))
    assert scores.macro_f1 == pytest.approx((4 / 5 + 1 + 0) / 3)
    assert (scores.accuracy, scores.sentences) == (0.75, 4)


def test_replace_exclamation_marks_changes_half_of_the_texts() -> None:
    """The same seed changes the same half."""
    sentences = Sentences("set", ["Hey!"] * 1000, [0] * 1000)
    texts, again, others = (replace_exclamation_marks(sentences, seed).texts for seed in (1, 1, 2))
    assert 400 < texts.count("Hey.") < 600
    assert texts.count("Hey.") + texts.count("Hey!") == 1000
    assert texts == again != others


@pytest.mark.parametrize("shuffle", [None, random.Random(0)])
def test_batches_hold_every_sentence_once(base: Path, shuffle: random.Random | None) -> None:
    """Sorting and shuffling lose nothing, and a target stays with its sentence."""
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_padding()
    sentences = Sentences("set", ["yes " * (1 + number % 7) for number in range(500)], [n % 7 % 3 for n in range(500)])
    seen = list(batches(sentences, tokenizer, 8, shuffle))
    lengths = torch.cat([batch.mask.sum(1) for batch in seen])
    targets = torch.cat([batch.targets for batch in seen])
    assert len(lengths) == 500
    assert torch.equal((lengths - 3) % 3, targets)  # [CLS], [SEP] and 1…7 words
    assert all(torch.equal(batch.ids != 0, batch.mask == 1) for batch in seen)


def test_class_weights_of_rare_labels_are_higher() -> None:
    """With balance 1 the weights compensate for the frequencies."""
    weights = class_weights(Sentences("set", [""] * 7, [0, 0, 0, 0, 1, 1, 2]), Recipe(balance=1.0))
    assert torch.allclose(weights * torch.tensor([4.0, 2.0, 1.0]), weights[2].expand(3))
    assert weights.mean() == pytest.approx(1)
