"""The default engine, ``e5-sentiment-multilingual``: multilingual-e5-small with the adapter of this repository."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load

from analyzer_worker.engines.base import Probabilities, SentimentAnalyzer, Support, encodable
from analyzer_worker.engines.e5_languages import ENCODER
from analyzer_worker.engines.e5_net import LINEARS, E5Encoder, E5SentimentNet
from analyzer_worker.engines.int8 import quantize_layers
from analyzer_worker.engines.pooled_net import merge_adapter, pad
from analyzer_worker.engines.spoken_form import spoken_form
from analyzer_worker.engines.unigram import UnigramTokenizer
from analyzer_worker.settings import ANY_LANGUAGE
from analyzer_worker.weights.adapter import E5, adapter_folder, fitting, read_adapter
from analyzer_worker.weights.e5_file import read_e5_file
from analyzer_worker.weights.e5_package import SHA256, find_e5_file
from wire.errors import ModelError
from wire.messages.results import LABELS
from wire.sentence_ends import BETWEEN_SENTENCES

MAX_PARTS = 16
"""Parts of a text that are classified: enough for ``MAX_CHARACTERS`` of one token each."""
PASS_TOKENS = 26
"""A pass through the network costs about as much as this number of tokens in it: 5 ms and 0.19 ms per token."""
MAX_PASS_TOKENS = 1_024
"""Most tokens of a pass, padding included: it takes 0.2 s then, and no utterance waits longer for it."""
TYPICAL = (
    "The meeting starts at ten o'clock.",
    "I love this so much, thank you!",
    "No, that is not what I meant.",
    "what a terrible day it was",
    "회의는 다섯 시에 시작합니다.",
    "정말 최악이에요, 다시는 안 갈 거예요.",
    "이거 진짜 맛있다",
    "Der Zug fährt um acht Uhr ab.",
    "C'était vraiment magnifique.",
    "電車は三番線から出ます。",
)
"""Sentences for the range of the activations; more of them change the labels of no more sentences."""


class E5Analyzer(SentimentAnalyzer):
    """A merged network and its tokenizer."""

    name = E5
    max_batch = 8  # 12 tokens, one form: 7.4 ms alone, 2.9 ms among 8 and 2.6 ms among 16

    def __init__(
        self,
        net: E5SentimentNet,
        tokenizer: UnigramTokenizer,
        revision: str,
        languages: frozenset[str],
        temperatures: Mapping[str, float],
        only: frozenset[str] | None = None,
    ) -> None:
        """Take over ``net`` and freeze it.

        Args:
            net: with the adapter merged.
            tokenizer: cuts at the most tokens of a part.
            revision: of the adapter.
            languages: ISO 639-1 codes with training sentences.
            temperatures: divisor of the logits by language, ``*`` for any other (arXiv:1706.04599).
            only: languages to support; None for all that the encoder reads.
        """
        self._net = net.eval().requires_grad_(False)
        self._tokenizer = tokenizer
        self.revision = revision
        self._trained = languages
        self._read = ENCODER if only is None else only & ENCODER
        self.languages = self._trained & self._read
        self._temperatures = temperatures

    def support(self, language: str) -> Support | None:
        """See ``SentimentAnalyzer``."""
        if language not in self._read:
            return None
        return "trained" if language in self._trained else "zero-shot"

    def quantize(self) -> None:
        """Put the encoder's linear layers into 8 bits, which takes half of the time of float32."""

        def run() -> None:
            for text in TYPICAL:
                self.analyze(text, "en")

        quantize_layers(list(self._net.encoder.get_submodule("layers").children()), LINEARS, run)
        self.revision += " int8"

    def analyze(self, text: str, language: str) -> Probabilities:
        """Classify ``text`` as it is written and in its spoken form, a long one by sentences.

        The probabilities are averaged by the number of tokens.
        """
        return self.analyze_all([(text, language)])[0]

    @torch.inference_mode()
    def analyze_all(self, utterances: Sequence[tuple[str, str]]) -> list[Probabilities]:
        """Classify texts together; as ``analyze`` does each, but for roundings."""
        parts = [(place, ids) for place, (text, _) in enumerate(utterances) for ids in self._forms(encodable(text))]
        totals = torch.zeros(len(utterances), len(LABELS))
        for group in groups_for_passes([len(ids) for _, ids in parts]):
            chosen = [parts[index] for index in group]
            logits = self._net(*pad([ids for _, ids in chosen], self._tokenizer.padding))
            for (place, ids), row in zip(chosen, logits, strict=True):
                totals[place] += len(ids) * (row / self.temperature(utterances[place][1])).softmax(0)
        return [dict(zip(LABELS, (total / total.sum()).tolist(), strict=True)) for total in totals]

    def temperature(self, language: str) -> float:
        """Return the divisor of the logits."""
        return self._temperatures.get(language, self._temperatures[ANY_LANGUAGE])

    def _forms(self, text: str) -> list[list[int]]:
        """Return the parts of the text as it is written, and in its spoken form where that differs."""
        written, spoken = self._parts(text), self._parts(text, spoken_form)
        return written if written == spoken else written + spoken

    def _parts(self, text: str, form: Callable[[str], str] = str) -> list[list[int]]:
        """Return the token ids of ``form`` of the text, or of groups of its sentences if they are too many."""
        limit = self._tokenizer.max_tokens
        whole = self._tokenizer.encode(form(text))
        if len(whole) < limit:
            return [whole]
        parts: list[list[int]] = []
        group = ""
        for sentence in map(form, BETWEEN_SENTENCES.split(text)):
            longer = f"{group} {sentence}".strip()
            if group and len(self._tokenizer.encode(longer)) >= limit:
                parts += self._tokenizer.encode_parts(group)
                longer = sentence
            group = longer
        return [*parts, *self._tokenizer.encode_parts(group)][:MAX_PARTS]


def groups_for_passes(lengths: Sequence[int]) -> list[list[int]]:
    """Group texts, given by their tokens, for passes through the network: together where the padding costs less."""
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        padding = sum(lengths[index] - lengths[other] for other in groups[-1]) if groups else PASS_TOKENS
        if padding < PASS_TOKENS and (len(groups[-1]) + 1) * lengths[index] <= MAX_PASS_TOKENS:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def load_e5(
    languages: frozenset[str] | None,
    threads: int,
    base: Path | None = None,
    adapter: Path | None = None,
    *,
    exact: bool = False,
) -> E5Analyzer:
    """Verify and load the files and merge the adapter; arguments as in ``load.load_analyzer``.

    ``languages`` are the only ones then; those without training stay zero-shot. ``exact`` leaves float32.

    Raises:
        ModelError: a file is missing or damaged, or ``languages`` names one that the encoder does not read.
    """
    torch.set_num_threads(threads)
    adapter = adapter or adapter_folder(E5)
    config, content = read_adapter(adapter, SHA256)
    only = None if languages is None or ANY_LANGUAGE in languages else languages
    unread = (only or frozenset()) - ENCODER
    if unread:
        raise ModelError(
            "model_languages",
            f"The encoder of {E5} does not read {', '.join(sorted(unread))}.",
            "Name only languages that it reads, or choose another model from the Hugging Face Hub.",
        )
    file = read_e5_file(find_e5_file(base))
    net = E5SentimentNet(E5Encoder(file), config["hidden"])
    with fitting(adapter):
        merge_adapter(net, load(content), config["alpha"] / config["rank"])
    tokenizer = UnigramTokenizer(file.vocabulary, config["max_tokens"])
    trained, temperatures = frozenset(config["languages"]), config.get("temperatures", {ANY_LANGUAGE: 1.0})
    analyzer = E5Analyzer(net, tokenizer, config["revision"], trained, temperatures, only)
    if not exact:
        analyzer.quantize()
    return analyzer
