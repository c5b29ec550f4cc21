"""Classifiers that are published with a SentencePiece file and no tokenizer.json, as XLM-R's are."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from transformers import (
    AutoTokenizer,
    CamembertConfig,
    CamembertForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
    XLNetConfig,
    XLNetForSequenceClassification,
)

from analyzer_worker.engines.hub_classifier import load_hub_classifier

WORDS = ["good", "bad", "table", "a", "is", "was", "very", "not", "movie", "day", "sad", "happy", "great", "awful"]
SIZES: dict[str, Any] = {"vocab_size": 80, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
ROBERTA: dict[str, Any] = SIZES | {"intermediate_size": 8, "max_position_embeddings": 66}
XLNET: dict[str, Any] = {"vocab_size": 80, "d_model": 8, "n_layer": 1, "n_head": 2, "d_inner": 8}


@pytest.fixture(scope="module")
def pieces() -> bytes:
    """A unigram model of a few words."""
    written = BytesIO()
    sentences = (" ".join(WORDS[start:] + WORDS[:start]) for start in range(len(WORDS)))
    SentencePieceTrainer.train(
        sentence_iterator=sentences, model_writer=written, vocab_size=60, hard_vocab_limit=False, minloglevel=2
    )
    return written.getvalue()


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize(
    ("network", "config", "file"),
    [
        (XLMRobertaForSequenceClassification, XLMRobertaConfig(**ROBERTA), "sentencepiece.bpe.model"),
        (CamembertForSequenceClassification, CamembertConfig(**ROBERTA), "sentencepiece.bpe.model"),
        (XLNetForSequenceClassification, XLNetConfig(**XLNET), "spiece.model"),
    ],
    ids=["XLM-R", "CamemBERT", "XLNet"],
)
def test_classifier_with_a_sentencepiece_file_analyses_texts(
    tmp_path: Path, pieces: bytes, network: Any, config: Any, file: str, weights: str
) -> None:
    """Its pieces are SentencePiece's own, also in texts with other signs."""
    (tmp_path / file).write_bytes(pieces)
    torch.manual_seed(0)
    config.id2label = dict(enumerate(["negative", "neutral", "positive"]))
    model = network(config)
    model.save_pretrained(tmp_path)
    if weights == "pytorch_model.bin":
        torch.save(model.state_dict(), tmp_path / weights)
        (tmp_path / "model.safetensors").unlink()
    classifier = load_hub_classifier(str(tmp_path), frozenset({"*"}), tmp_path, threads=1)
    for text in ("good table", "네, 좋아요 😀", ""):
        assert sum(classifier.analyze(text, "en").values()) == pytest.approx(1, abs=1e-5)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    expected = SentencePieceProcessor(model_proto=pieces).encode("good sad movie", out_type=str)
    assert tokenizer.tokenize("good sad movie") == expected
