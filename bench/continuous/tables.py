"""Tables of the figures."""

from rich.table import Table

from bench.clips import error_name
from bench.continuous.report import Figures, Stored

STREAMS = (
    "Continuous speech: errors, whisper.transcribe and faster-whisper on the whole stream; finals per sentence, forced "
    "cuts; last voice → final, and sentence → its final (p95); CPU per minute of speech"
)


def streams_table(stored: Stored) -> Table:
    """Show joined clips and recordings."""
    table = Table(title=STREAMS)
    columns = (
        "", "speakers", "minutes", "errors", "95 %", "whisper", "f.-whisper", "finals", "cuts", "p50 s", "p95 s",
        "sentence", "CPU s", "whisper",
    )  # fmt: skip
    for column in columns:
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for language, kind, noise, row in _rows(stored):
        name = error_name(language)
        bounds = row[f"{name}_interval"]
        table.add_row(
            f"{language} {kind}, {noise}",
            f"{row['speakers']}",
            f"{row['minutes']}",
            f"{name.upper()} {_percent(row[name])}",
            "–".join(_percent(bound) for bound in bounds) if isinstance(bounds, list) else "",
            _percent(row.get(f"{name}_whisper_stream")),
            _percent(row.get(f"{name}_faster_whisper")),
            *(_number(row.get(key)) for key in ("finals_per_sentence", "forced_cuts", "p50_s", "p95_s")),
            *(_number(row.get(key)) for key in ("sentence_p95_s", "cpu_s_per_minute")),
            _number(row.get("cpu_s_per_minute_whisper_stream")),
        )
    return table


def room_table(stored: Stored) -> Table:
    """Show sentences in loud rooms."""
    table = Table(title="Sentences in a room of −30 dBFS: from the last word to the end of the utterance")
    for column in ("", "sentences", "within 1 s", "p50 s", "p95 s", "none", "errors", "as files"):
        table.add_column(column, justify="right" if column else "left")
    for language, _, noise, row in _rows(stored):
        name = error_name(language)
        table.add_row(
            f"{language}, {noise}",
            f"{row['sentences']}",
            _percent(row["ended_within_1_s"]),
            *(_number(row[key]) for key in ("end_p50_s", "end_p95_s", "without_utterance")),
            f"{name.upper()} {_percent(row[name])}",
            _percent(row[f"{name}_file"]),
        )
    return table


def _rows(stored: Stored) -> list[tuple[str, str, str, Figures]]:
    return [
        (language, kind, noise, figures)
        for language, kinds in stored.items()
        for kind, noises in kinds.items()
        for noise, figures in noises.items()
    ]


def _percent(share: object) -> str:
    return f"{share:.1%}" if isinstance(share, float) else ""


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "" if value is None else str(value)
