"""Measure the multilingual model on the dev sets, from a checkpoint of its training or from the written adapter.

    python -m analyzer_worker.training.evaluate_e5 --data DATA --adapter FOLDER
    python -m analyzer_worker.training.evaluate_e5 --data DATA --checkpoint RUN --sentences 500

It is for choices between runs, in training's float32 and token limit. ``bench.sentiment`` measures the written adapter
on the test sets, as workers run it. Sets without neutral sentences are scored on negative against positive alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from safetensors.torch import load
from torch import Tensor

from analyzer_worker.engines.base import NEUTRAL
from analyzer_worker.engines.e5_net import E5Encoder, E5SentimentNet
from analyzer_worker.engines.pooled_net import PooledNet, merge_adapter
from analyzer_worker.engines.unigram import UnigramTokenizer
from analyzer_worker.training.checkpoint import read_checkpoint
from analyzer_worker.training.metrics import Scores, score
from analyzer_worker.training.mixture import read_training_set
from analyzer_worker.training.recipe import E5Recipe
from analyzer_worker.training.sentences import Sentences, calmed, logits_in_batches, read_sentences
from analyzer_worker.training.tables import print_scores
from analyzer_worker.weights.e5_file import E5File, read_e5_file
from analyzer_worker.weights.e5_package import find_e5_file
from wire.messages.results import LABELS

DEV_SETS = ("goemotions_dev", "goemotions_ko_dev", "meld_dev")
HELD_OUT_SETS = ("nsmc_train", "kote_val")
BINARY_PREFIXES = ("nsmc", "kote", "xed")
"""Beginnings of the names of sets that are scored without the neutral label."""
BATCH = 64
console = Console()
app = typer.Typer(add_completion=False)


@app.command()
def main(
    data: Annotated[Path, typer.Option(help="Folder with the labelled sentences.", exists=True, file_okay=False)],
    adapter: Annotated[Path | None, typer.Option(help="Folder with a written adapter.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Folder of a training run.")] = None,
    base: Annotated[Path | None, typer.Option(help="Base weights; without it, those of the package.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads.", min=1)] = 1,
    sentences: Annotated[int | None, typer.Option(help="At most this many of each set.", min=1)] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file to write the scores to.")] = None,
) -> None:
    """Print the scores in a table, and write them to ``out``."""
    torch.set_num_threads(threads)
    if (adapter is None) == (checkpoint is None):
        raise typer.BadParameter("give either --adapter or --checkpoint")
    recipe = E5Recipe()
    file = read_e5_file(find_e5_file(base))
    net = E5SentimentNet(E5Encoder(file), recipe.hidden)
    merge_adapter(net, _tensors(adapter, checkpoint), recipe.scale)
    evaluator = Evaluator(file, recipe.train_tokens)
    measured = {}
    for each in dev_sets(data, sentences):
        measured[each.name] = evaluator.scores(net, each)
        console.print(each.name, asdict(measured[each.name]))
    print_scores(console, measured, str(adapter or checkpoint))
    if out:
        out.write_text(json.dumps({name: asdict(each) for name, each in measured.items()}, indent=2) + "\n", "utf-8")


class Evaluator:
    """Tokenizes each set once."""

    def __init__(self, file: E5File, max_tokens: int) -> None:
        """Take the vocabulary from ``file``; longer sentences are cut at ``max_tokens``."""
        self._tokenizer = UnigramTokenizer(file.vocabulary, max_tokens, cached_words=500_000)
        self._padding = file.vocabulary.padding
        self._encoded: dict[str, list[list[int]]] = {}

    def scores(self, net: PooledNet, sentences: Sentences) -> Scores:
        """Compute macro-F1 and accuracy of ``net``, without dropout; binary sets are scored without neutral."""
        logits = self.logits(net, sentences)
        if sentences.name.startswith(BINARY_PREFIXES):
            logits = logits.index_fill(1, torch.tensor(LABELS.index(NEUTRAL)), float("-inf"))
        return score(logits.argmax(1), torch.tensor(sentences.targets))

    def logits(self, net: PooledNet, sentences: Sentences) -> Tensor:
        """Compute the logits of a set, (sentences, 3) float32, in its order."""
        net.eval()
        if sentences.name not in self._encoded:
            self._encoded[sentences.name] = [self._tokenizer.encode(text) for text in sentences.texts]
        return logits_in_batches(net, self._encoded[sentences.name], BATCH, self._padding)


def score_all(net: PooledNet, sets: Sequence[Sentences], evaluator: Evaluator) -> str:
    """Return the scores of all sets in one line: accuracy of the binary ones, macro-F1 of the others."""
    scores = {each.name: evaluator.scores(net, each) for each in sets}
    return " ".join(
        f"{name} {each.accuracy if name.startswith(BINARY_PREFIXES) else each.macro_f1:.3f}"
        for name, each in scores.items()
    )


def dev_sets(data: Path, limit: int | None = None) -> list[Sentences]:
    """Return what a run is watched with: dev sets, MELD without ``!``, and the held-out parts of the binary sets."""
    sets = [read_sentences(data, name) for name in DEV_SETS]
    sets[-1] = calmed(sets[-1])
    sets += [replace(read_training_set(data, name)[1], name=f"{name}_held_out") for name in HELD_OUT_SETS]
    return [first_of(each, limit) for each in sets]


def first_of(sentences: Sentences, limit: int | None) -> Sentences:
    """Return the first ``limit`` sentences of a set, all without a limit."""
    return replace(sentences, texts=sentences.texts[:limit], targets=sentences.targets[:limit])


def _tensors(adapter: Path | None, checkpoint: Path | None) -> Mapping[str, Tensor]:
    if adapter:
        return load((adapter / "adapter.safetensors").read_bytes())
    assert checkpoint
    state = read_checkpoint(checkpoint)
    if state is None:
        raise typer.BadParameter(f"there is no checkpoint in {checkpoint}")
    tensors: Mapping[str, Tensor] = state["adapter"]
    return tensors


if __name__ == "__main__":
    app()
