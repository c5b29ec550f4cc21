"""Pure: a conversation as a file. The page's ``export/formats.js`` writes the same, byte for byte; docs/protocol.md
says how. Numbers are rounded half up, to three decimals at most: Python and JavaScript write such ones alike."""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from wire.messages.results import LABELS, Final, SegmentFailed, Sentiment
from wire.messages.transcript import Word

NOT_TRANSCRIBED = "[not transcribed]"
_BLANKS = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+")
"""Also control characters, and what some programs take for the end of a line."""
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins with one of these would be calculated by a spreadsheet."""


class Talker(NamedTuple):
    """A session in a file."""

    name: str | None
    """None where nobody else talks."""
    offset_ms: int
    """From the session's own audio clock to the file's."""


class Talkers:
    """One talker keeps the session's clock; several have names, and clocks that the first utterance of each sets."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        """Session → Unix seconds at which its audio clock began, in order of first appearance."""

    def note(self, end: Final | SegmentFailed) -> None:
        """Has to be called for every utterance before the first is written."""
        if end.session_id not in self._began:
            self._began[end.session_id] = end.clock.endpointed - end.end_ms / 1000

    def by_session(self) -> dict[str, Talker]:
        if len(self._began) == 1:
            return dict.fromkeys(self._began, Talker(None, 0))
        earliest = min(self._began.values(), default=0.0)
        return {
            session: Talker(f"Speaker {number}", _half_up((began - earliest) * 1000))
            for number, (session, began) in enumerate(self._began.items(), start=1)
        }


@dataclass(frozen=True)
class Line:
    """An utterance as all formats need it; times on the file's clock."""

    start_ms: int
    end_ms: int
    speaker: str | None
    text: str
    """With single blanks, between words only."""
    language: str | None
    sentiment: Sentiment | None
    sentiment_reason: str | None
    words: tuple[Word, ...]
    failed: bool

    @classmethod
    def of(cls, end: Final | SegmentFailed, talker: Talker) -> "Line":
        heard = end if isinstance(end, Final) else None
        return cls(
            start_ms=end.start_ms + talker.offset_ms,
            end_ms=end.end_ms + talker.offset_ms,
            speaker=talker.name,
            text=_BLANKS.sub(" ", heard.text).strip(" ") if heard else NOT_TRANSCRIBED,
            language=heard.language if heard else None,
            sentiment=heard.sentiment if heard else None,
            sentiment_reason=heard.sentiment_reason if heard else None,
            words=tuple(_moved(word, talker.offset_ms) for word in heard.words) if heard else (),
            failed=heard is None,
        )

    @property
    def named(self) -> str:
        """The text with who says it."""
        return f"{self.speaker}: {self.text}" if self.speaker else self.text


@dataclass(frozen=True)
class Format:
    media_type: str
    write: Callable[[Line, int], str]
    """The text of a line that so many others precede."""
    head: str = ""
    tail: Callable[[int], str] = lambda _written: ""
    """The end of a file of so many lines."""
    subtitles: bool = False
    """Shows what was said: nothing for an utterance without text."""


class File:
    """Written piece by piece, so that a long conversation is never in memory as a whole."""

    def __init__(self, form: Format, talkers: dict[str, Talker]) -> None:
        self._form = form
        self._talkers = talkers
        self._written = 0

    def head(self) -> str:
        return self._form.head

    def lines(self, ends: Sequence[Final | SegmentFailed]) -> str:
        """The next utterances."""
        return "".join(map(self._line, ends))

    def tail(self) -> str:
        return self._form.tail(self._written)

    def _line(self, end: Final | SegmentFailed) -> str:
        line = Line.of(end, self._talkers[end.session_id])
        if self._form.subtitles and (line.failed or not line.text):
            return ""
        self._written += 1
        return self._form.write(line, self._written - 1)


def _txt(line: Line, _before: int) -> str:
    sentiment = line.sentiment
    feeling = f" ({sentiment.label} {_half_up(sentiment.score * 100)} %)" if sentiment else ""
    return f"[{_time(line.start_ms)[:-4]}] {line.named}{feeling}\n"


def _srt(line: Line, before: int) -> str:
    feeling = f" [{line.sentiment.label}]" if line.sentiment else ""
    times = f"{_time(line.start_ms)} --> {_time(line.end_ms)}".replace(".", ",")
    gap = "\n" if before else ""
    return f"{gap}{before + 1}\n{times}\n{line.named.replace('-->', '→')}{feeling}\n"


def _vtt(line: Line, _before: int) -> str:
    text = line.text.translate(_MARKUP)
    felt = f"<c.{line.sentiment.label}>{text}</c>" if line.sentiment else text
    voice = f"<v {line.speaker}>" if line.speaker else ""
    return f"\n{_time(line.start_ms)} --> {_time(line.end_ms)}\n{voice}{felt}\n"


def _json(line: Line, before: int) -> str:
    entry = {
        "start_ms": line.start_ms,
        "end_ms": line.end_ms,
        "speaker": line.speaker,
        "text": line.text,
        "language": line.language,
        "sentiment": line.sentiment and _json_sentiment(line.sentiment),
        "sentiment_reason": line.sentiment_reason,
        "words": [word.model_dump() | {"probability": _number(word.probability)} for word in line.words],
        "failed": line.failed,
    }
    body = json.dumps(entry, indent=2, ensure_ascii=False)
    return ("," if before else "") + f"\n{body}".replace("\n", "\n    ")


def _json_sentiment(sentiment: Sentiment) -> dict[str, Any]:
    return {
        "label": sentiment.label,
        "score": _number(sentiment.score),
        "probabilities": {label: _number(sentiment.probabilities[label]) for label in LABELS},
    }


def _csv(line: Line, _before: int) -> str:
    sentiment = line.sentiment
    cells = (
        _time(line.start_ms),
        _time(line.end_ms),
        line.speaker or "",
        line.language or "",
        line.text,
        sentiment.label if sentiment else "",
        str(_number(sentiment.score)) if sentiment else "",
    )
    return ",".join(map(_cell, cells)) + "\r\n"


FORMATS = {
    "txt": Format("text/plain; charset=utf-8", _txt),
    "srt": Format("application/x-subrip; charset=utf-8", _srt, subtitles=True),
    "vtt": Format("text/vtt; charset=utf-8", _vtt, head="WEBVTT\n", subtitles=True),
    "json": Format(
        "application/json",
        _json,
        head='{\n  "format": "whisper-text-analyzer/1",\n  "entries": [',
        tail=lambda written: "\n  ]\n}\n" if written else "]\n}\n",
    ),
    "csv": Format(
        "text/csv; charset=utf-8",
        _csv,
        head="\ufeffstart,end,speaker,language,text,sentiment,score\r\n",  # the mark makes Excel read UTF-8
    ),
}


def _moved(word: Word, offset_ms: int) -> Word:
    return word.model_copy(update={"start_ms": word.start_ms + offset_ms, "end_ms": word.end_ms + offset_ms})


def _time(ms: int) -> str:
    seconds, ms = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}"


def _cell(text: str) -> str:
    """After RFC 4180, and harmless in a spreadsheet."""
    if text.startswith(_FORMULA):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if re.search('[",\r\n]', text) else text


def _number(value: float) -> float | int:
    """Three decimals; whole ones as JavaScript writes them."""
    thousandths = _half_up(value * 1000)
    return thousandths // 1000 if thousandths % 1000 == 0 else thousandths / 1000


def _half_up(value: float) -> int:
    return math.floor(value + 0.5)
