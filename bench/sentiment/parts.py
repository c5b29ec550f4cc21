"""The other parts of the sentiment benchmark: calibration, speech, fragments and speed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import torch
from torch import Tensor

from analyzer_worker.settings import ANY_LANGUAGE
from bench.sentiment.calibration import cross_validated_error, expected_calibration_error, fit_temperature
from bench.sentiment.flips import by_language, measure_flips, spoken_clips
from bench.sentiment.fragments import measure_fragments
from bench.sentiment.sets import LabelledSet, read_dev_sets, read_test_sets
from bench.sentiment.setup import Setup, Stored
from bench.sentiment.speed import SENTENCES, TOKENS, measure_speed

CUT_SET = "meld_test_calmed"
"""Dialogue; its sentences are cut at their commas beside those of the clips."""
SPEED_SETS = ("goemotions_test", "goemotions_ko_test")


def measure_calibration(setup: Setup) -> Stored:
    """Compute calibration errors on the dev sets, with the model's temperatures and perhaps fitted ones."""
    stored: Stored = {}
    rows = []
    sets = read_dev_sets(setup.data, setup.limit)
    for model in setup.models:
        known = [each for each in sets if model.supports(each.language)]
        logits = {each.name: model.logits(each.texts, each.language) for each in known}
        details = {}
        for code in dict.fromkeys(each.language for each in known):
            pooled = _pooled([each for each in known if each.language == code], logits)
            details[code] = calibration(*pooled, model.temperature(code), setup.fit_temperatures)
            rows.append((code, model.name, *details[code].values()))
        stored[model.name] = {"ece": {code: each["ece"] for code, each in details.items()}, "ece_details": details}
        if setup.fit_temperatures and known:
            fitted = {code: each["fitted_temperature"] for code, each in details.items()}
            # Of languages without dev sentences.
            fitted[ANY_LANGUAGE] = fit_temperature(*_pooled(known, logits))
            values = ", ".join(f'"{code}": {temperature:.3f}' for code, temperature in fitted.items())
            line = f'{model.name}, for config.json: "temperatures": {{{values}}}'
            setup.console.print(line, markup=False, highlight=False)
    columns = ["language", "model", "sentences", "error at temperature 1", "temperature", "error at it"]
    columns += ["fitted", "error, 2-fold"] if setup.fit_temperatures else []
    setup.print_table("Calibration errors on dev sets", columns, rows)
    return stored


def calibration(logits: Tensor, targets: Tensor, temperature: float, fit: bool) -> dict[str, float]:
    """Return the calibration errors of one language; with ``fit`` also those with a fitted temperature."""
    figures = {
        "sentences": len(targets),
        "ece_at_1": expected_calibration_error(logits.softmax(1), targets),
        "temperature": temperature,
        "ece": expected_calibration_error((logits / temperature).softmax(1), targets),
    }
    if fit:
        figures["fitted_temperature"] = fit_temperature(logits, targets)
        figures["ece_cross_validated"] = cross_validated_error(logits, targets)
    return figures


def measure_speech(setup: Setup) -> Stored:
    """Compare labels of references and transcripts."""
    stored: Stored = {}
    spoken = spoken_clips(setup.clips, setup.manifest)
    rows = []
    for model in setup.models:
        if flips := measure_flips(model, spoken):
            rows += [(code, model.name, *asdict(each).values()) for code, each in flips.items()]
            stored[model.name] = {
                "asr_flips": by_language(flips, lambda each: each.flips),
                "asr_flips_normalised": by_language(flips, lambda each: each.normalised),
                "asr_flips_details": {code: asdict(each) for code, each in flips.items()},
            }
    columns = (
        "language",
        "model",
        "clips",
        "neutral",
        "errors",
        "labels differ",
        "both normalised",
        "negative ↔ positive",
    )
    setup.print_table("Reference and transcript", columns, rows)
    return stored


def measure_cuts(setup: Setup) -> Stored:
    """Compare labels of fragments and whole sentences."""
    stored: Stored = {}
    rows = []
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for clip in setup.clips:
        texts["clips", clip.language].append(clip.text)
    for each in setup.test_sets:
        if each.name == CUT_SET:
            texts[each.name, each.language] = each.texts
    for model in setup.models:
        measured = {}
        for (name, code), several in texts.items():
            if model.supports(code) and (figures := measure_fragments(model, several, code)):
                measured[f"{name}_{code}"] = asdict(figures)
                rows.append((name, code, model.name, *asdict(figures).values()))
        stored[model.name] = {"fragments": measured}
    columns = ("set", "language", "model", "fragments", "alone", "joined", "joined, without last ones")
    setup.print_table("Fragments with the label of their whole sentence", columns, rows)
    return stored


def measure_speeds(setup: Setup) -> Stored:
    """Measure time and memory in fresh processes."""
    stored: Stored = {}
    sets = [each for each in read_test_sets(setup.data) if each.name in SPEED_SETS]
    rows = []
    for model in setup.models:
        if speed := measure_speed(model, setup.adapter_of(model), sets, setup.weakest):
            stored[model.name] = asdict(speed)
            rows.append((model.name, model.numbers, *(f"{figure:.1f}" for figure in asdict(speed).values())))
    columns = ("model", "numbers", "ms p50", "CPU ms p50", "ms p95", "sentences/s, 2 processes", "load s", "MiB")
    setup.print_table(f"{TOKENS} tokens, one thread; memory after {SENTENCES} sentences", columns, rows)
    return stored


def _pooled(sets: Sequence[LabelledSet], logits: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the logits and targets of several sets together."""
    targets = [target for each in sets for target in each.targets]
    return torch.cat([logits[each.name] for each in sets]), torch.tensor(targets)
