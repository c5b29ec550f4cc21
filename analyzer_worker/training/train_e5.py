"""Train the multilingual model: a LoRA adapter (arXiv:2106.09685) and a head on multilingual-e5-small.

    python -m analyzer_worker.training.train_e5 --data DATA --out FOLDER --checkpoint RUN

``DATA`` holds JSON lines with ``text`` and ``label`` (negative, neutral, positive), one file for each set that
``E5Recipe.mixture`` and ``evaluate_e5.DEV_SETS`` name. The same command continues an interrupted run from ``RUN``.
"""

import itertools
import random
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from analyzer_worker.engines.base import NEUTRAL
from analyzer_worker.engines.e5_net import E5Encoder, E5SentimentNet
from analyzer_worker.engines.unigram import UnigramTokenizer
from analyzer_worker.training import rules
from analyzer_worker.training.adapter_writer import Identity, adapter_tensors, write_adapter
from analyzer_worker.training.checkpoint import Run, fingerprint, read_checkpoint, restore, save_checkpoint
from analyzer_worker.training.evaluate_e5 import Evaluator, dev_sets, score_all
from analyzer_worker.training.lora import add_lora
from analyzer_worker.training.mixture import Mixture, TrainingBatch, training_batches
from analyzer_worker.training.recipe import E5Recipe
from analyzer_worker.training.schedule import optimizer_for
from analyzer_worker.training.teachers import Taught, read_taught
from analyzer_worker.weights.e5_file import E5File, read_e5_file
from analyzer_worker.weights.e5_package import PACKAGE, PACKAGE_VERSION, SHA256, find_e5_file
from analyzer_worker.weights.pinned import sha256_of
from wire.messages.results import LABELS

IDENTITY = Identity("e5-sentiment-multilingual", ("en", "ko"), PACKAGE, PACKAGE_VERSION, SHA256)
CHECKPOINT_STEPS = 250
"""Steps between checkpoints: some minutes."""
DEV_STEPS = 1_000
"""Steps between evaluations on parts of the dev sets."""
LOG_STEPS = 50
DEV_SENTENCES = 600
"""Sentences of each dev set in these evaluations."""
app = typer.Typer(add_completion=False)


@app.command()
def main(
    data: Annotated[Path, typer.Option(help="Folder with the labelled sentences.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder to write adapter.safetensors and config.json to.")],
    checkpoint: Annotated[Path, typer.Option(help="Folder of the interrupted or new run.")],
    base: Annotated[Path | None, typer.Option(help="Base weights; without it, those of the package.")] = None,
    threads: Annotated[int, typer.Option(help="CPU threads.", min=1)] = 1,
    steps: Annotated[int, typer.Option(help="Batches in the whole run.", min=1)] = E5Recipe.steps,
    order: Annotated[int, typer.Option(help="Seed of order, noise and dropout.")] = E5Recipe.order,
    taught: Annotated[Path | None, typer.Option(help="Probabilities that `training.teachers` wrote.")] = None,
    bf16: Annotated[bool, typer.Option(help="Multiply in bfloat16: faster on CPUs with AVX512-BF16.")] = E5Recipe.bf16,
) -> None:
    """Train the adapter and write it; ``evaluate_e5`` measures it."""
    torch.set_num_threads(threads)
    recipe = E5Recipe(steps=steps, order=order, bf16=bf16)
    file = read_e5_file(find_e5_file(base))
    hashes = data_hashes(data, recipe, taught)
    adapter = train(recipe, data, file, checkpoint, hashes, read_taught(taught))
    write_adapter(out, adapter, IDENTITY, recipe, {}, hashes)
    typer.echo(f"{out}: written after {recipe.steps:,} steps")


def train(
    recipe: E5Recipe, data: Path, file: E5File, folder: Path, hashes: dict[str, str], taught: Taught
) -> dict[str, Tensor]:
    """Train from the checkpoint in ``folder``, or from the beginning, and return the adapter's tensors."""
    torch.manual_seed(recipe.seed)
    encoder = E5Encoder(file)
    add_lora(
        encoder, recipe.target_modules, recipe.rank, recipe.scale, torch.bfloat16 if recipe.bf16 else torch.float32
    )
    net = E5SentimentNet(encoder, recipe.hidden, recipe.dropout)
    torch.manual_seed(recipe.order)  # dropout
    run = Run(net, *optimizer_for(net, recipe, recipe.steps))
    key = fingerprint(recipe, hashes)
    state = read_checkpoint(folder)
    done = restore(run, state, key) if state else 0
    typer.echo(f"{len(hashes)} data files, {recipe.steps:,} steps, {done:,} of them done")
    evaluator = Evaluator(file, recipe.train_tokens)
    dev = dev_sets(data, DEV_SENTENCES)
    progress = Progress()
    # torch's fused attention is slow backwards in bfloat16: 38 % of a step, against 5 % unfused
    with sdpa_kernel(SDPBackend.MATH) if recipe.bf16 else nullcontext():
        for step, batch in numbered_batches(recipe, data, file, taught, done):
            net.train()
            loss = sentiment_loss(net(batch.ids, batch.mask), batch, recipe.label_smoothing, recipe.taught)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            run.optimizer.step()
            run.schedule.step()
            run.optimizer.zero_grad()
            progress.add(loss.item(), int(batch.mask.sum()))
            if step % LOG_STEPS == 0:
                typer.echo(f"step {step:,}/{recipe.steps:,} {progress.line()}")
            if step % CHECKPOINT_STEPS == 0 or step == recipe.steps:
                save_checkpoint(folder, run, step, key)
            if step % DEV_STEPS == 0 or step == recipe.steps:
                typer.echo(f"step {step:,} dev {score_all(net, dev, evaluator)}")
    return adapter_tensors(net)


class Progress:
    """Adds up what the log shows."""

    def __init__(self) -> None:
        self._losses: list[float] = []
        self._tokens = 0

    def add(self, loss: float, tokens: int) -> None:
        """Count one batch."""
        self._losses.append(loss)
        self._tokens += tokens

    def line(self) -> str:
        """Return the mean loss since the last call and all tokens since the start of this process."""
        mean = sum(self._losses) / len(self._losses)
        self._losses.clear()
        return f"loss {mean:.4f} tokens {self._tokens:,}"


def numbered_batches(
    recipe: E5Recipe, data: Path, file: E5File, taught: Taught, done: int
) -> Iterator[tuple[int, TrainingBatch]]:
    """Yield the batches after step ``done`` with their step, from 1; the same ones in every run of the recipe."""
    tokenizer = UnigramTokenizer(file.vocabulary, recipe.train_tokens, cached_words=500_000)
    mixture = Mixture(data, recipe, taught)
    step = 0
    for number in itertools.count():
        order = random.Random(f"{recipe.order} order {number}")
        examples = mixture.epoch(number)
        padding = file.vocabulary.padding
        for batch in training_batches(examples, tokenizer, padding, recipe.batch, order):
            step += 1
            if step > recipe.steps:
                return
            if step > done:
                yield step, batch


def sentiment_loss(logits: Tensor, batch: TrainingBatch, smoothing: float, taught: float) -> Tensor:
    """Return the mean cross-entropy, weighted, to smoothed labels and the teachers' probabilities (arXiv:1503.02531).

    Binary examples ignore the neutral logit.

    Args:
        logits: (batch, 3) float32.
        batch: targets, weights and kinds of the examples.
        smoothing: probability that is spread evenly over the labels of an example, 0–1.
        taught: share of the teachers' probabilities, 0–1.
    """
    allowed = torch.ones_like(logits, dtype=torch.bool)
    allowed[:, LABELS.index(NEUTRAL)] = ~batch.binary
    logarithms = logits.masked_fill(~allowed, float("-inf")).log_softmax(1).masked_fill(~allowed, 0.0)
    targets = allowed * (smoothing / allowed.sum(1, keepdim=True))
    targets[torch.arange(len(targets)), batch.targets] += 1 - smoothing
    targets = (1 - taught) * targets + taught * batch.taught
    losses = -(targets * logarithms).sum(1)
    return (losses * batch.weights).sum() / batch.weights.sum()


def data_hashes(data: Path, recipe: E5Recipe, taught: Path | None = None) -> dict[str, str]:
    """Return name → sha256 of each file with training sentences, of the rules that make others, and of ``taught``."""
    files = {f"{name}.jsonl": data / f"{name}.jsonl" for name, _ in recipe.mixture}
    folder = Path(rules.__path__[0])
    files |= {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*.toml"))}
    files |= {taught.name: taught} if taught else {}
    return {name: sha256_of(path) for name, path in files.items()}


if __name__ == "__main__":
    app()
