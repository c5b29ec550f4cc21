"""Figures over speakers: means, with intervals by bootstrap over speakers."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

import numpy as np

from bench.clips import error_name
from bench.continuous.measured import Measured
from bench.continuous.references import NAMES
from bench.continuous.seams import Errors

RESAMPLES = 2_000
DIGITS = 4

Figures = dict[str, object]
Stored = dict[str, dict[str, dict[str, Figures]]]
"""Language → kind of stream → noise → figures."""


def figures(language: str, streams: Sequence[Measured], *, by_sentence: bool = True) -> Figures:
    """Return the figures of one language and condition.

    Error rates, finals and costs are means over speakers, each speaker with the same weight; latencies are percentiles
    of all finals. Intervals have 95 %.

    Args:
        language: of all streams.
        streams: at least one.
        by_sentence: False for recordings, whose sentences have no times.
    """
    speakers = [reduce(add, group) for group in _by_speaker(streams)]
    name, per_speaker = error_name(language), [_of_speaker(language, each) for each in speakers]
    stored: Figures = {
        "speakers": len(speakers),
        "minutes": round(sum(each.stream_s for each in streams) / 60, 2),
        "sentences": sum(len(each.finals_of_sentences) for each in streams),
        "finals": sum(each.finals for each in streams),
        **_means(name, per_speaker),
        "forced_cuts": sum(each.forced_cuts for each in streams),
        **_percentiles("", [latency for each in streams for latency in each.latencies_s]),
        **_percentiles("sentence_", [latency for each in streams for latency in each.sentence_latencies_s]),
        **_places(streams),
    }
    if not by_sentence:
        stored = {key: value for key, value in stored.items() if "sentence" not in key}
        per_speaker = [{key: value for key, value in each.items() if "sentence" not in key} for each in per_speaker]
    rounded = {key: round(value, DIGITS) if isinstance(value, float) else value for key, value in stored.items()}
    return rounded | {"per_speaker": per_speaker}


def _by_speaker(streams: Sequence[Measured]) -> list[list[Measured]]:
    groups: dict[str, list[Measured]] = {}
    for stream in streams:
        groups.setdefault(stream.speaker, []).append(stream)
    return list(groups.values())


def interval(values: Sequence[float]) -> list[float] | None:
    """Return the bounds between which the mean lies with 95 %, by drawing speakers again; None for fewer than two."""
    if len(values) < 2:
        return None
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(np.asarray(values)[drawn].mean(axis=1), (2.5, 97.5))
    return [round(float(low), DIGITS), round(float(high), DIGITS)]


def _of_speaker(language: str, stream: Measured) -> Figures:
    """Return the figures of one stream."""
    name, minutes = error_name(language), stream.speech_s / 60
    stored: Figures = {
        "speaker": stream.speaker,
        "speech_s": round(stream.speech_s, 1),
        name: _rate(stream.errors),
        **{f"{name}_{NAMES[engine]}": _rate(errors) for engine, (errors, _) in stream.references.items()},
        "units": stream.errors.units,
        "finals_per_sentence": round(float(np.mean(stream.finals_of_sentences)), DIGITS),
        "forced_cuts": stream.forced_cuts,
        **_percentiles("", stream.latencies_s),
        **{f"{kind}_s_per_minute": round(seconds / minutes, 2) for kind, seconds in stream.seconds.items()},
    }
    for engine, (_, reference) in stream.references.items():
        stored[f"cpu_s_per_minute_{NAMES[engine]}"] = round(reference.cpu_s / minutes, 2)
    return stored


def _means(name: str, per_speaker: Sequence[Mapping[str, object]]) -> Figures:
    """Return the means over the speakers, and intervals for the errors and their distance from Whisper's."""
    averaged = [key for key in per_speaker[0] if key.startswith((name, "finals_per")) or "_s_per_minute" in key]
    columns = {key: [float(str(each[key])) for each in per_speaker] for key in averaged}
    stored: Figures = {key: float(np.mean(column)) for key, column in columns.items()}
    stored[f"{name}_interval"] = interval(columns[name])
    whisper = columns.get(f"{name}_whisper_stream")
    if whisper:
        above = [one - other for one, other in zip(columns[name], whisper, strict=True)]
        stored[f"{name}_above_whisper_stream"] = float(np.mean(above))
        stored[f"{name}_above_whisper_stream_interval"] = interval(above)
    return stored


def _percentiles(prefix: str, latencies_s: Sequence[float]) -> Figures:
    if not latencies_s:
        return {f"{prefix}p50_s": None, f"{prefix}p95_s": None}
    p50, p95 = np.percentile(latencies_s, (50, 95))
    return {f"{prefix}p50_s": round(float(p50), 3), f"{prefix}p95_s": round(float(p95), 3)}


def _places(streams: Sequence[Measured]) -> Figures:
    """Return errors per unit over all streams by place, and the units there: few near cuts say little."""
    totals = {place: sum((each.places[place] for each in streams), Errors()) for place in streams[0].places}
    return {
        f"errors_{place}": {"rate": None if total.rate is None else round(total.rate, DIGITS), "units": total.units}
        for place, total in totals.items()
    }


def _rate(errors: Errors) -> float:
    return round(errors.rate or 0.0, 5)
