"""Sentiment: labelled sets, behaviour lists, calibration, transcripts, fragments and speed, beside simple baselines.

Models are loaded and used as a worker does it; baselines are VADER (English), and always the most frequent label of a
set. Sets without neutral sentences are scored on negative against positive. "Labels as clients get them" are neutral
where the two most probable ones differ by less than ``ANALYZER_MARGIN``. Prints tables, and writes
``bench-results/sentiment.json`` if all parts are measured: the figures of the first model, and under ``others`` those
of the others and of the baselines.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from analyzer_worker.weights.adapter import E5, MINILM
from bench.clips import MANIFEST
from bench.results import print_header, write_results
from bench.sentiment.models import Model
from bench.sentiment.parts import measure_calibration, measure_cuts, measure_speech, measure_speeds
from bench.sentiment.quality import measure_behaviour, measure_sets
from bench.sentiment.sets import DATA, SOURCES, has_test_set
from bench.sentiment.setup import Setup, Stored, rounded
from bench.sentiment.this_analyzer import load_model, margin
from wire.errors import ModelError


class Part(StrEnum):
    """A part of the benchmark."""

    SETS = "sets"
    BEHAVIOUR = "behaviour"
    CALIBRATION = "calibration"
    SPEECH = "speech"
    CUTS = "cuts"
    SPEED = "speed"


MEASURE: Mapping[Part, Callable[[Setup], Stored]] = {
    Part.SETS: measure_sets,
    Part.BEHAVIOUR: measure_behaviour,
    Part.CALIBRATION: measure_calibration,
    Part.SPEECH: measure_speech,
    Part.CUTS: measure_cuts,
    Part.SPEED: measure_speeds,
}


def main(
    data: Annotated[Path, typer.Option(help="Folder with the labelled sets.", file_okay=False)] = DATA,
    adapter: Annotated[Path | None, typer.Option(help="Another adapter of the multilingual model.")] = None,
    manifest: Annotated[Path, typer.Option(help="Recordings: JSON lines with file, lang, text, seconds.")] = MANIFEST,
    sentences: Annotated[int | None, typer.Option(help="At most this many of each set, by chance.", min=1)] = None,
    model: Annotated[list[str] | None, typer.Option(help="Instead of the built-in ones; may be repeated.")] = None,
    part: Annotated[list[Part] | None, typer.Option(help="Only this part; may be repeated.")] = None,
    fit_temperatures: Annotated[bool, typer.Option("--fit-temperatures", help="On the dev sets.")] = False,
    weakest: Annotated[bool, typer.Option("--weakest", help="Time with no instructions beyond AVX2.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="List wrong labels of the behaviour lists.")] = False,
) -> None:
    """Measure sentiment and write bench-results/sentiment.json."""
    if not has_test_set(data):
        raise typer.BadParameter(f"{data} has no labelled sets. {SOURCES}")
    print_header(__doc__)
    try:
        models = [Model(load_model(name, adapter), margin()) for name in model or (E5, MINILM)]
    except ModelError as unusable:
        raise typer.BadParameter(str(unusable)) from unusable
    setup = Setup(models, data, manifest, adapter, sentences, fit_temperatures, verbose, weakest)
    describe_models(setup)
    stored: Stored = {classifier.name: {} for classifier in setup.classifiers}
    for each in part or Part:
        for name, figures in MEASURE[each](setup).items():
            stored[name] |= figures
    if not part:
        write_results("sentiment", rounded(results(setup, stored)))


def describe_models(setup: Setup) -> None:
    """Print the revision of each model."""
    for model in setup.models:
        setup.console.print(f"{model.name} {model.analyzer.revision}, {model.numbers}", highlight=False)


def results(setup: Setup, stored: Stored) -> dict[str, object]:
    """Return the content of the results file."""
    first, *others = stored
    return {
        "model": first,
        "revision": setup.models[0].analyzer.revision,
        "numbers": setup.models[0].numbers,
        "margin": setup.models[0].margin,
        "sentences_per_set": setup.limit,
        **stored[first],
        "others": {name: stored[name] for name in others},
    }


if __name__ == "__main__":
    typer.run(main)
