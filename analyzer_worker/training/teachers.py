"""Compute the probabilities of the training sentences by the built-in models: targets for distillation.

    python -m analyzer_worker.training.teachers --data DATA --out taught.json

The mean of several networks is a better target than a label alone (arXiv:1503.02531). The Korean GoEmotions are
translated by a machine, sentence by sentence, so the teachers read both languages: on the dev set their mean has a
macro-F1 of 0.749, where the multilingual model alone has 0.732 in English and 0.690 in Korean. XED has no teacher: the
one that is there learned it with other weights of its labels.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from analyzer_worker.engines.base import NEUTRAL, SentimentAnalyzer
from analyzer_worker.engines.e5_lora import load_e5
from analyzer_worker.engines.minilm_lora import load_minilm
from analyzer_worker.settings import Settings
from analyzer_worker.training.sentences import BINARY_SETS, language_of, read_sentences
from wire.messages.results import LABELS

Taught = Mapping[str, Mapping[str, Sequence[float]]]
"""Name of a set → its sentences → the probabilities of ``LABELS``, in their order; their sum is 1."""
MULTILINGUAL, ENGLISH = "multilingual", "english"
GOEMOTIONS = ((MULTILINGUAL, "goemotions_ko_train"), (MULTILINGUAL, "goemotions_train"), (ENGLISH, "goemotions_train"))
TEACHERS: dict[str, tuple[tuple[str, str], ...]] = {
    "goemotions_train": GOEMOTIONS,
    "goemotions_ko_train": GOEMOTIONS,
    "meld_train": ((MULTILINGUAL, "meld_train"),),
    "nsmc_train": ((MULTILINGUAL, "nsmc_train"),),
    "kote_val": ((MULTILINGUAL, "kote_val"),),
}
"""Set → its teachers, and the set that each reads, which has the same lines."""
app = typer.Typer(add_completion=False)


@app.command()
def main(
    data: Annotated[Path, typer.Option(help="Folder with the labelled sentences.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    adapter: Annotated[Path | None, typer.Option(help="Multilingual teacher; without it, the committed one.")] = None,
    processes: Annotated[int, typer.Option(help="Processes, of one thread each.", min=1)] = 2,
) -> None:
    """Write the teachers' probabilities of each training sentence: a quarter of an hour on two cores."""
    readings = sorted({reading for teachers in TEACHERS.values() for reading in teachers}, reverse=True)
    with ProcessPoolExecutor(processes) as pool:
        answers = dict(zip(readings, pool.map(partial(_read, data=data, adapter=adapter), readings), strict=True))
    taught = {
        name: dict(
            zip(
                read_sentences(data, name).texts,
                mean([answers[teacher] for teacher in teachers], binary=name in BINARY_SETS),
                strict=True,
            )
        )
        for name, teachers in TEACHERS.items()
    }
    out.write_text(json.dumps(taught, ensure_ascii=False), "utf-8")
    typer.echo(f"{out}: {sum(map(len, taught.values())):,} sentences")


def read_taught(path: Path | None) -> Taught:
    """Read what ``main`` wrote; without a path nothing is taught."""
    taught: Taught = json.loads(path.read_text("utf-8")) if path else {}
    return taught


def mean(answers: Sequence[Sequence[Sequence[float]]], *, binary: bool) -> list[list[float]]:
    """Average the teachers' probabilities, (teachers, sentences, labels) → (sentences, labels).

    In a ``binary`` set neutral gets 0, and the others their shares without it.
    """
    averages = [
        [sum(column) / len(column) for column in zip(*said, strict=True)] for said in zip(*answers, strict=True)
    ]
    if not binary:
        return averages
    neutral = LABELS.index(NEUTRAL)
    return [
        [0.0 if label == neutral else value / (1 - average[neutral]) for label, value in enumerate(average)]
        for average in averages
    ]


def _read(reading: tuple[str, str], data: Path, adapter: Path | None) -> list[list[float]]:
    teacher, name = reading
    analyzer = _load(teacher, adapter)
    answers = (analyzer.analyze(text, language_of(name)) for text in read_sentences(data, name).texts)
    return [[answer[label] for label in LABELS] for answer in answers]


def _load(teacher: str, adapter: Path | None) -> SentimentAnalyzer:
    if teacher == MULTILINGUAL:
        return load_e5(None, threads=1, adapter=adapter)
    return load_minilm(None, Settings().model_cache, threads=1)


if __name__ == "__main__":
    app()
