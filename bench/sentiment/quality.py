"""The parts of the sentiment benchmark that score labels: test sets and behaviour lists."""

from collections import defaultdict
from dataclasses import asdict
from typing import Any

from rich.progress import track

from bench.sentiment.models import Model, Predictions
from bench.sentiment.scores import score
from bench.sentiment.sets import BehaviourList, behaviour_lists
from bench.sentiment.setup import Setup, Stored
from wire.messages.results import LABELS


def measure_sets(setup: Setup) -> Stored:
    """Score the most probable labels of the test sets, and the labels as clients get them."""
    stored: Stored = defaultdict(dict)
    rows = []
    for each in track(setup.test_sets, description="Test sets"):
        for classifier in setup.classifiers:
            if classifier.supports(each.language):
                predictions = classifier.classify(each)
                scores = score(predictions.most_probable, each.targets)
                shown = score(predictions.shown, each.targets).macro_f1
                pairs = zip(predictions.most_probable, predictions.shown, strict=True)
                stored[classifier.name][each.name] = asdict(scores) | {
                    "macro_f1_shown": shown,
                    "made_neutral": sum(one != other for one, other in pairs) / len(each.targets),
                }
                by_label = (scores.f1.get(label, "") for label in LABELS)
                overall = (scores.macro_f1, scores.macro_f1_error, scores.weighted_f1, scores.accuracy)
                rows.append((each.name, classifier.name, scores.sentences, *overall, *by_label, shown))
    columns = ("set", "model", "sentences", "macro-F1", "±", "weighted", "accuracy", *LABELS, "F1 shown")
    setup.print_table("Test sets: most probable labels; last, macro-F1 of labels as clients get them", columns, rows)
    return stored


def measure_behaviour(setup: Setup) -> Stored:
    """Score the behaviour lists by labels as clients get them."""
    stored: Stored = {}
    lists = behaviour_lists()
    rows = []
    for classifier in setup.classifiers:
        figures: dict[str, dict[str, Any]] = {}
        for each in lists:
            language = each.sentences.language
            if classifier.supports(language):
                predictions = classifier.classify(each.sentences)
                figures[language] = score_behaviour(each, predictions)
                rows.append((language, classifier.name, *figures[language].values()))
                if setup.verbose and isinstance(classifier, Model):
                    _print_misses(setup, each, predictions.shown)
        stored[classifier.name] = {"behaviour": figures}
        if isinstance(classifier, Model) and figures:
            by_category = {language: each["categories"] for language, each in figures.items()}
            names = next(iter(by_category.values()))
            grid = [(name, *(each[name] for each in by_category.values())) for name in names]
            setup.print_table(f"Behaviour lists, {classifier.name}: accuracy", ("category", *by_category), grid)
    columns = ("language", "model", "sentences", "accuracy", "negative ↔ positive", "of the most probable label")
    ordered = sorted((row[: len(columns)] for row in rows), key=lambda row: str(row[0]))
    setup.print_table("Behaviour lists: labels as clients get them", columns, ordered)
    return stored


def score_behaviour(each: BehaviourList, predictions: Predictions) -> dict[str, Any]:
    """Return accuracy and swaps of labels as clients get them, and the accuracy of each category."""
    targets = each.sentences.targets
    shown = score(predictions.shown, targets)
    right: dict[str, list[bool]] = defaultdict(list)
    for category, label, target in zip(each.categories, predictions.shown, targets, strict=True):
        right[category].append(label == target)
    return {
        "sentences": len(targets),
        "accuracy": shown.accuracy,
        "swaps": shown.swaps,
        "accuracy_most_probable": score(predictions.most_probable, targets).accuracy,
        "categories": {category: sum(several) / len(several) for category, several in right.items()},
    }


def _print_misses(setup: Setup, each: BehaviourList, shown: list[int]) -> None:
    sentences = each.sentences
    for category, text, target, label in zip(each.categories, sentences.texts, sentences.targets, shown, strict=True):
        if label != target:
            line = f"{sentences.language} {category}: {LABELS[target]}, not {LABELS[label]}: {text}"
            setup.console.print(line, markup=False, highlight=False)
