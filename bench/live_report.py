"""Figures and tables of the live benchmark."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from bench.clips import error_name, error_rate
from bench.live_speakers import Speaker
from bench.live_turns import TurnSpeaker

Report = dict[str, object]


def report(speakers: Sequence[Speaker], language: str, cpu: float, offline: Mapping[Path, str]) -> Report:
    """Summarize one run; ``cpu`` is in cores, ``offline`` the text of each clip transcribed as a whole."""
    latencies = [latency for speaker in speakers for latency in speaker.latencies_s]
    lags = [lag for speaker in speakers for lag in speaker.receipt_lags_s]
    interims = [latency for speaker in speakers for latency in speaker.first_interims_s]
    references, name = [text for speaker in speakers for text in speaker.references()], error_name(language)
    hypotheses = [text for speaker in speakers for text in speaker.hypotheses()]
    files = [text for speaker in speakers for text in speaker.file_texts(offline)]
    p50, p95 = np.percentile(latencies, (50, 95)) if latencies else (float("nan"),) * 2
    return {
        "pauses": "long",
        "talkers": len(speakers),
        "p50_s": round(float(p50), 3),
        "p95_s": round(float(p95), 3),
        "receipt_lag_p95_s": _percentile(lags, 95),
        "missing": sum(speaker.missing for speaker in speakers),
        name: round(error_rate(language, references, hypotheses), 5),
        f"{name}_offline": round(error_rate(language, references, files), 5),
        "utterances": len(latencies),
        "first_interim_p50_s": _percentile(interims, 50),
        "first_interim_p95_s": _percentile(interims, 95),
        "cpu": round(cpu, 2),
    }


def turn_report(speakers: Sequence[TurnSpeaker], language: str, cpu: float, offline: Mapping[Path, str]) -> Report:
    """Summarize one run of talkers who speak in turns, as ``report`` does; error rates are over turns."""
    latencies = [latency for speaker in speakers for latency in speaker.sentence_latencies_s()]
    finals = [count for speaker in speakers for count in speaker.finals_per_sentence()]
    return report(speakers, language, cpu, offline) | {
        "pauses": "short",
        "turns": sum(len(speaker.talk.turns) for speaker in speakers),
        "share": round(float(np.mean([speaker.talk.share for speaker in speakers])), 3),
        "sentences": len(finals),
        "sentences_without_final": len(finals) - len(latencies),
        "sentence_p50_s": _percentile(latencies, 50),
        "sentence_p95_s": _percentile(latencies, 95),
        "finals_per_sentence": round(float(np.mean(finals)), 3),
    }


def table(reports: Sequence[Report], language: str) -> Table:
    """Make the table of speakers with long pauses, one row per number of speakers."""
    name = error_name(language)
    columns = {
        "speakers": "talkers", "utterances": "utterances", "p50": "p50_s", "p95": "p95_s",
        "receipt lag p95": "receipt_lag_p95_s", "missing": "missing",
        "first interim p50": "first_interim_p50_s", "p95 ": "first_interim_p95_s", name.upper(): name,
        f"{name.upper()} offline": f"{name}_offline", "CPU (cores)": "cpu",
    }  # fmt: skip
    return _table("End of speech → final text and sentiment, live", columns, reports, name)


def turn_table(reports: Sequence[Report], language: str) -> Table:
    """Make the table of speakers who speak in turns."""
    name = error_name(language)
    columns = {
        "speakers": "talkers", "sentences": "sentences", "end of sentence → final p50": "sentence_p50_s",
        "p95": "sentence_p95_s", "finals per sentence": "finals_per_sentence", "finals": "utterances",
        "end of speech → final p50": "p50_s", "p95 ": "p95_s", "receipt lag p95": "receipt_lag_p95_s",
        "missing": "missing", "without final": "sentences_without_final", f"{name.upper()} of turns": name,
        f"{name.upper()} offline": f"{name}_offline", "CPU (cores)": "cpu",
    }  # fmt: skip
    title = "In turns of sentences with short pauses: sentence or speech → final text and sentiment, live"
    return _table(title, columns, reports, name)


def _table(title: str, columns: Mapping[str, str], reports: Sequence[Report], name: str) -> Table:
    out = Table(title=title)
    for column in columns:
        out.add_column(column, justify="right")
    for each in reports:
        out.add_row(
            *(f"{each[key]:.2%}" if key in {name, f"{name}_offline"} else str(each[key]) for key in columns.values())
        )
    return out


def _percentile(values: Sequence[float], percent: float) -> float | None:
    return round(float(np.percentile(values, percent)), 3) if values else None
