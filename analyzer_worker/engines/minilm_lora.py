"""The English engine, ``minilm-sentiment-en``: base weights with the adapter of this repository merged in."""

from pathlib import Path

import torch
from safetensors.torch import load
from tokenizers import Tokenizer

from analyzer_worker.engines.base import Probabilities, SentimentAnalyzer, encodable
from analyzer_worker.engines.minilm_net import SentimentNet, load_encoder
from analyzer_worker.engines.pooled_net import merge_adapter
from analyzer_worker.settings import ANY_LANGUAGE
from analyzer_worker.weights.adapter import MINILM, adapter_folder, fitting, read_adapter
from analyzer_worker.weights.base_weights import WEIGHTS_SHA256, ensure_base_weights
from wire.errors import ModelError
from wire.messages.results import LABELS


class MinilmAnalyzer(SentimentAnalyzer):
    """A merged network and its tokenizer; float32, one text at a time."""

    name = MINILM

    def __init__(self, net: SentimentNet, tokenizer: Tokenizer, revision: str, languages: frozenset[str]) -> None:
        """Take over ``net`` and freeze it; ``tokenizer`` truncates and does not pad."""
        self._net = net.eval().requires_grad_(False)
        self._tokenizer = tokenizer
        self.revision = revision
        self.languages = languages

    @torch.inference_mode()
    def analyze(self, text: str, language: str) -> Probabilities:  # noqa: ARG002 - it is English
        """Classify ``text``, cut at the model's 128 tokens."""
        encoding = self._tokenizer.encode(encodable(text))
        logits = self._net(torch.tensor([encoding.ids]), torch.tensor([encoding.attention_mask]))
        return dict(zip(LABELS, logits.softmax(1)[0].tolist(), strict=True))


def load_minilm(
    languages: frozenset[str] | None,
    cache: Path,
    threads: int,
    base: Path | None = None,
    adapter: Path | None = None,
) -> MinilmAnalyzer:
    """Verify and load the files and merge the adapter; arguments as in ``load.load_analyzer``.

    Raises:
        ModelError: a file is missing or damaged, or ``languages`` names one that the model does not support.
    """
    torch.set_num_threads(threads)
    adapter = adapter or adapter_folder(MINILM)
    config, content = read_adapter(adapter, WEIGHTS_SHA256)
    known = frozenset(config["languages"])
    languages = None if languages and ANY_LANGUAGE in languages else languages
    if languages is not None and not languages <= known:
        raise ModelError(
            "model_languages",
            f"{MINILM} supports {', '.join(sorted(known))}, not {', '.join(sorted(languages - known))}.",
            "Name only languages that it supports, or choose a multilingual model from the Hugging Face Hub.",
        )
    folder = ensure_base_weights(cache, base)
    with fitting(adapter):
        net = SentimentNet(load_encoder(folder), config["hidden"])
        merge_adapter(net, load(content), config["alpha"] / config["rank"])
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(config["max_tokens"])
    return MinilmAnalyzer(net, tokenizer, config["revision"], languages or known)
