"""Pure: the formats of an export. docs/protocol.md describes them.

The page's ``export/formats.js`` writes the same bytes. Numbers are rounded half up, to three decimals at most: such
numbers look the same in Python and JavaScript.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi_service.export.cues import Cue, cut, in_order
from fastapi_service.export.entries import Entry, Speaker
from fastapi_service.export.sentences import Said, Sentences
from wire.messages.base import half_up
from wire.messages.results import LABELS, Final, SegmentFailed, Sentiment

_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_FORMULA = re.compile("(^|;)(?= *[=+@\t\r-])")
"""A spreadsheet would calculate a cell that begins so; in countries with decimal commas, a semicolon begins a cell."""


@dataclass(frozen=True)
class Format:
    """A file format: it has entries, or cues."""

    media_type: str
    write: Callable[[Entry, int], str] = lambda _entry, _before: ""
    """Formats one entry; the number is that of the entries before it."""
    head: str = ""
    tail: Callable[[int], str] = lambda _written: ""
    """Formats the end of the file; the number is that of all entries."""
    cut: Callable[[Entry], list[Cue]] = lambda _entry: []
    """Cuts an entry with text into cues."""
    show: Callable[[Cue, int], str] = lambda _cue, _before: ""
    """Formats one cue; the number is that of the cues before it."""


class File:
    """Formats a file piece by piece, so that a long one is never in memory as a whole.

    Only the cues of subtitles are, until the end: what was said first may come last.
    """

    def __init__(self, form: Format, speakers: dict[str, Speaker], sentences: Sentences) -> None:
        """Write in a format.

        Args:
            form: the format.
            speakers: by session; see :class:`Speakers`.
            sentences: has noted all results.
        """
        self._form = form
        self._speakers = speakers
        self._sentences = sentences
        self._written = 0
        self._cues: list[Cue] = []

    def head(self) -> str:
        """Return the beginning of the file."""
        return self._form.head

    def entries(self, results: Sequence[Final | SegmentFailed]) -> str:
        """Return the next entries: the results, and those that waited for the ends of their sentences."""
        return "".join(map(self._entry, self._sentences.add(results)))

    def tail(self) -> str:
        """Return the end of the file, with all cues."""
        rest = "".join(map(self._entry, self._sentences.rest()))
        shown = "".join(self._form.show(cue, number) for number, cue in enumerate(in_order(self._cues)))
        return rest + shown + self._form.tail(self._written)

    def _entry(self, said: Said) -> str:
        entry = Entry.of(said, self._speakers[said.result.session_id])
        if not entry.failed:
            self._cues += self._form.cut(entry)
        self._written += 1
        return self._form.write(entry, self._written - 1)


def _txt(entry: Entry, _before: int) -> str:
    sentiment = entry.sentiment
    label = f" ({sentiment.label} {half_up(sentiment.score * 100)} %{_marks(sentiment, ', ')})" if sentiment else ""
    return f"[{_time(entry.start_ms)[:-4]}] {entry.named_text}{label}\n"


def _srt_cues(entry: Entry) -> list[Cue]:
    label = f" [{entry.sentiment.label}{_marks(entry.sentiment, ', ')}]" if entry.sentiment else ""
    return cut(entry, f"{entry.short_name}: " if entry.short_name else "", label)


def _srt(cue: Cue, before: int) -> str:
    times = f"{_time(cue.start_ms)} --> {_time(cue.end_ms)}".replace(".", ",")
    gap = "\n" if before else ""
    text = "\n".join(cue.lines).replace("-->", "→")
    return f"{gap}{before + 1}\n{times}\n{text}\n"


def _vtt(cue: Cue, _before: int) -> str:
    if cue.second is None:
        text = _vtt_text(cue.entry, cue.lines)
    else:
        first, second = (_vtt_text(each, [line]) for each, line in zip((cue.entry, cue.second), cue.lines, strict=True))
        text = f"{first}{'</v>' if cue.entry.speaker else ''}\n{second}{'</v>' if cue.second.speaker else ''}"
    return f"\n{_time(cue.start_ms)} --> {_time(cue.end_ms)}\n{text}\n"


def _vtt_text(entry: Entry, lines: Sequence[str]) -> str:
    """Mark lines with speaker and sentiment. The tag of a speaker ends with the cue, unless it is ended before."""
    text = "\n".join(lines).translate(_MARKUP)
    sentiment = entry.sentiment
    marked = f"<c.{sentiment.label}{_marks(sentiment, '.')}>{text}</c>" if sentiment else text
    return f"<v {entry.speaker.translate(_MARKUP)}>{marked}" if entry.speaker else marked


def _json(entry: Entry, before: int) -> str:
    fields = {
        "start_ms": entry.start_ms,
        "end_ms": entry.end_ms,
        "speaker": entry.speaker,
        "person": entry.person,
        "role": entry.role,
        "voice": entry.voice,
        "text": entry.text,
        "language": entry.language,
        "sentiment": entry.sentiment and _json_sentiment(entry.sentiment),
        "sentiment_reason": entry.sentiment_reason,
        "words": [word.model_dump() | {"probability": _number(word.probability)} for word in entry.words],
        "utterances": [{"start_ms": start_ms, "end_ms": end_ms} for start_ms, end_ms in entry.utterances],
        "failed": entry.failed,
    }
    body = json.dumps(fields, indent=2, ensure_ascii=False)
    return ("," if before else "") + f"\n{body}".replace("\n", "\n    ")


def _json_sentiment(sentiment: Sentiment) -> dict[str, Any]:
    return {
        "label": sentiment.label,
        "score": _number(sentiment.score),
        "probabilities": {label: _number(sentiment.probabilities[label]) for label in LABELS},
        "unsure": sentiment.unsure,
        "zero_shot": sentiment.zero_shot,
    }


def _csv(entry: Entry, _before: int) -> str:
    sentiment = entry.sentiment
    cells = (
        _time(entry.start_ms),
        _time(entry.end_ms),
        entry.speaker or "",
        entry.language or "",
        entry.text,
        sentiment.label if sentiment else "",
        str(_number(sentiment.score)) if sentiment else "",
        str(sentiment.unsure).lower() if sentiment else "",
        str(sentiment.zero_shot).lower() if sentiment else "",
        entry.role or "",
    )
    return ",".join(map(_cell, cells)) + "\r\n"


FORMATS = {
    "txt": Format("text/plain; charset=utf-8", _txt),
    "srt": Format("application/x-subrip; charset=utf-8", cut=_srt_cues, show=_srt),
    "vtt": Format("text/vtt; charset=utf-8", head="WEBVTT\n", cut=cut, show=_vtt),
    "json": Format(
        "application/json",
        _json,
        head='{\n  "format": "whisper-text-analyzer/1",\n  "entries": [',
        tail=lambda written: "\n  ]\n}\n" if written else "]\n}\n",
    ),
    "csv": Format(
        "text/csv; charset=utf-8",
        _csv,
        # The mark makes Excel read UTF-8.
        head="\ufeffstart,end,speaker,language,text,sentiment,score,unsure,zero_shot,role\r\n",
    ),
}


def _marks(sentiment: Sentiment, separator: str) -> str:
    """Return the marks of a label with the separator before each of them."""
    marks = [mark for mark, given in (("unsure", sentiment.unsure), ("zero-shot", sentiment.zero_shot)) if given]
    return "".join(separator + mark for mark in marks)


def _time(ms: int) -> str:
    seconds, ms = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}"


def _cell(text: str) -> str:
    """Quote a cell as in RFC 4180; an apostrophe keeps spreadsheets from calculating it."""
    text = _FORMULA.sub(r"\1'", text)
    return '"' + text.replace('"', '""') + '"' if re.search('[",\r\n]', text) else text


def _number(value: float) -> float | int:
    """Round to three decimals; whole numbers are integers, as JavaScript writes them."""
    thousandths = half_up(value * 1000)
    return thousandths // 1000 if thousandths % 1000 == 0 else thousandths / 1000
