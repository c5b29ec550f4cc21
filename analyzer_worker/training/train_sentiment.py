"""Train ``minilm-sentiment-en``: a LoRA adapter (arXiv:2106.09685) and a head on all-MiniLM-L6-v2.

    python -m analyzer_worker.training.train_sentiment --data DATA --out analyzer_worker/models/minilm-sentiment-en

``DATA`` holds JSON lines with ``text`` and ``label`` (negative, neutral, positive): ``goemotions_*.jsonl`` and
``meld_*.jsonl`` for train, dev and test; ``sst3_test`` and ``tweeteval_test``, where present, are evaluated only. The
model card beside the adapter states the sources of the sentences and the mapping of their labels.
"""

import copy
import math
import random
import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from peft import LoraConfig, get_peft_model
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from tokenizers import Tokenizer
from torch import Tensor, nn

from analyzer_worker.engines.minilm_net import SentimentNet, load_encoder
from analyzer_worker.engines.pooled_net import merge_adapter
from analyzer_worker.training.adapter_writer import Identity, adapter_tensors, write_adapter
from analyzer_worker.training.metrics import Scores, score
from analyzer_worker.training.recipe import Recipe
from analyzer_worker.training.schedule import optimizer_for
from analyzer_worker.training.sentences import Sentences, batches, calmed, read_sentences, replace_exclamation_marks
from analyzer_worker.training.tables import print_scores
from analyzer_worker.weights.adapter import MINILM
from analyzer_worker.weights.base_weights import PACKAGE, PACKAGE_VERSION, WEIGHTS_SHA256, ensure_base_weights
from infra.settings import WireSettings
from wire.messages.results import LABELS

TRAIN_SETS = ("goemotions", "meld")
OUT_OF_DOMAIN_TESTS = ("sst3_test", "tweeteval_test")
IDENTITY = Identity(MINILM, ("en",), PACKAGE, PACKAGE_VERSION, WEIGHTS_SHA256)
console = Console()
app = typer.Typer(add_completion=False)


@app.command()
def main(
    data: Annotated[Path, typer.Option(help="Folder with the labelled sentences.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder to write adapter.safetensors and config.json to.")],
    cache: Annotated[Path | None, typer.Option(help="Model cache that receives the base weights.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads.", min=1)] = 1,
    epochs: Annotated[int, typer.Option(help="Passes over the training sentences.", min=1)] = Recipe.epochs,
    seed: Annotated[int, typer.Option(help="Order, dropout and initial values.")] = Recipe.seed,
    bf16: Annotated[bool, typer.Option(help="Multiply in bfloat16: faster where the CPU has AMX.")] = Recipe.bf16,
) -> None:
    """Train the adapter, keep the epoch with the best dev macro-F1, write it, and evaluate the written file."""
    torch.set_num_threads(threads)
    recipe = Recipe(epochs=epochs, seed=seed, bf16=bf16)
    base = ensure_base_weights(cache or WireSettings().model_cache)
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(recipe.train_tokens)
    started = time.monotonic()
    adapter = train(recipe, data, base, tokenizer)
    minutes = (time.monotonic() - started) / 60

    net = SentimentNet(load_encoder(base), recipe.hidden)
    merge_adapter(net, {name: tensor.half() for name, tensor in adapter.items()}, recipe.scale)
    measured = {each.name: evaluate(net, each, tokenizer) for each in test_sets(data)}
    write_adapter(out, adapter, IDENTITY, recipe, measured)
    print_scores(console, measured, f"{out}, trained in {minutes:.1f} minutes")


def train(recipe: Recipe, data: Path, base: Path, tokenizer: Tokenizer) -> dict[str, Tensor]:
    """Train and return the adapter tensors of the epoch with the best mean dev macro-F1."""
    torch.manual_seed(recipe.seed)
    sentences = training_sentences(recipe, data)
    dev = [read_sentences(data, f"{name}_dev") for name in TRAIN_SETS]
    encoder = get_peft_model(
        load_encoder(base),
        LoraConfig(
            r=recipe.rank, lora_alpha=recipe.alpha, target_modules=list(recipe.target_modules), lora_dropout=0.0
        ),
    )
    net = SentimentNet(encoder, recipe.hidden, recipe.dropout)
    steps_per_epoch = math.ceil(len(sentences.texts) / recipe.batch)
    optimizer, schedule = optimizer_for(net, recipe, recipe.epochs * steps_per_epoch)
    loss = nn.CrossEntropyLoss(class_weights(sentences, recipe), label_smoothing=recipe.label_smoothing)
    order = random.Random(recipe.seed)
    best, adapter = -1.0, {}
    with progress_bar() as progress:
        for epoch in range(1, recipe.epochs + 1):
            net.train()
            todo = list(batches(sentences, tokenizer, recipe.batch, order))
            for batch in progress.track(todo, description=f"epoch {epoch}"):
                with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16):
                    logits = net(batch.ids, batch.mask)
                loss(logits.float(), batch.targets).backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
            f1 = {each.name: evaluate(net, each, tokenizer).macro_f1 for each in dev}
            mean = sum(f1.values()) / len(f1)
            progress.console.print(f"epoch {epoch}: macro-F1 {mean:.4f}", f1)
            if mean > best:
                best, adapter = mean, copy.deepcopy(adapter_tensors(net))
    return adapter


def training_sentences(recipe: Recipe, data: Path) -> Sentences:
    """Return GoEmotions once and MELD, a quarter of its size, ``meld_repeats`` times.

    Each repeat of MELD loses another random half of its exclamation marks.
    """
    sentences = read_sentences(data, "goemotions_train")
    for repeat in range(recipe.meld_repeats):
        sentences += replace_exclamation_marks(read_sentences(data, "meld_train"), recipe.seed + repeat)
    return sentences


def test_sets(data: Path) -> list[Sentences]:
    """Return the sets that the written file is evaluated on: both corpora, MELD without ``!``, and other domains."""
    meld = read_sentences(data, "meld_test")
    out_of_domain = [read_sentences(data, name) for name in OUT_OF_DOMAIN_TESTS if (data / f"{name}.jsonl").exists()]
    return [read_sentences(data, "goemotions_test"), meld, calmed(meld), *out_of_domain]


def class_weights(sentences: Sentences, recipe: Recipe) -> Tensor:
    """Return the loss weights, (3,): label frequency ** -``balance``, scaled to a mean of 1."""
    weights = torch.bincount(torch.tensor(sentences.targets), minlength=len(LABELS)).float() ** -recipe.balance
    return weights / weights.mean()


@torch.inference_mode()
def evaluate(net: SentimentNet, sentences: Sentences, tokenizer: Tokenizer) -> Scores:
    """Compute accuracy and macro-F1 of ``net`` in float32, without dropout."""
    net.eval()
    predicted, targets = [], []
    for batch in batches(sentences, tokenizer, 64, None):
        predicted.append(net(batch.ids, batch.mask).argmax(1))
        targets.append(batch.targets)
    return score(torch.cat(predicted), torch.cat(targets))


def progress_bar() -> Progress:
    """Make the progress bar of one epoch."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )


if __name__ == "__main__":
    app()
