"""Terminal output: each sentence as it comes, then the statistics. Colours only repeat what the words say."""

from math import ceil
from typing import NamedTuple

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType
from rich.table import Table
from rich.text import Text

from wire.errors import WireError
from wire.messages.jobs import NoSpeechReason
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import AnyServerMessage, Error, Ready
from wire.messages.statistics import Statistics
from wta.audio.microphone import InputDevice
from wta.outcome import Outcome, total
from wta.view.tables import (
    conversation_table,
    devices_table,
    outcomes_table,
    statistics_table,
    voices_table,
)

COLOURS = {"positive": "green", "neutral": "yellow", "negative": "red"}
SIDES = ("left", "right")
NO_TEXT: dict[NoSpeechReason, str] = {
    "silence": "(sound, but nobody spoke)",
    "uncertain": "(speech, but its text is too uncertain to be shown)",
}


class _Shown(NamedTuple):
    """The last line of the terminal, if it is a sentence that may go on."""

    session_id: str
    segment: int
    start_ms: int
    """Beginning of the sentence."""
    columns: int


class View:
    """Results go to standard output, everything about the connection to standard error.

    On a terminal, a text that goes on with the sentence of the last line is put behind it there.
    """

    def __init__(self, out: Console | None = None) -> None:
        """Write to standard output, or to ``out``."""
        self._out = out or Console(highlight=False, soft_wrap=True)
        self._err = Console(highlight=False, soft_wrap=True, stderr=True)
        self._last: _Shown | None = None

    def notice(self, sentence: str) -> None:
        """Print a sentence about the connection or the recording."""
        self._last = None
        self._err.print(Text(printable(sentence), style="bold"))

    def print_error(self, error: WireError) -> None:
        """Print an error with its remedy."""
        self._last = None
        self._err.print(Text(f"error ({error.code}): ", style="bold red") + Text(printable(str(error))))

    def message(self, message: AnyServerMessage) -> None:
        """Print a message of the gateway, if it is one for people."""
        match message:
            case Ready(resumed=False):
                of = "" if message.channel is None else f" of the {SIDES[message.channel]} channel"
                self.notice(f"Connected. Session{of} {message.session_id}.")
            case Final() | NoSpeech() | SegmentFailed():
                self._result(message)
            case Error(fatal=False):
                self.print_error(WireError(message.code, message.message, message.remedy))

    def _result(self, result: Final | NoSpeech | SegmentFailed) -> None:
        last, self._last = self._last, None
        if isinstance(result, Final) and last and last[:2] == (result.session_id, result.continued_segment):
            rows = max(1, ceil(last.columns / self._out.width))
            self._out.control(Control(*[(ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)] * rows))
            whole = {"text": result.sentence or result.text, "start_ms": last.start_ms}
            result = result.alone().model_copy(update=whole)
        if isinstance(result, Final):
            self._merged(result)
        line = result_line(result)
        self._out.print(line)
        if isinstance(result, Final) and self._can_erase:
            self._last = _Shown(result.session_id, result.segment, result.start_ms, line.cell_len)

    def _merged(self, final: Final) -> None:
        """Print which voices turned out to be one: the lines above stay as they are."""
        for number, voice in (final.merged_voices or {}).items():
            line = f"{_name(final, number)} turned out to be voice {voice}."
            self._out.print(Text(f"{'':8}  {printable(line)}", style="dim"))

    @property
    def _can_erase(self) -> bool:
        return self._out.is_terminal and not self._out.is_dumb_terminal and not self._out.legacy_windows

    def table(self, table: Table) -> None:
        """Print a table."""
        self._out.print(table)

    def devices(self, devices: list[InputDevice]) -> None:
        """Print the microphones."""
        self._out.print(devices_table(devices))

    def end(self, outcomes: list[Outcome], statistics: list[Statistics]) -> None:
        """Print the statistics of one session, or the summary of several."""
        if len(outcomes) > 1:
            self._out.print(outcomes_table([*outcomes, total(outcomes)]))
        else:
            for known in statistics:
                self._out.print(statistics_table(known, outcomes[0]))
                if known.voices:
                    self._out.print(voices_table(known.voices))
                if known.conversation is not None and known.conversation.people:
                    self._out.print(conversation_table(known.conversation))
            if not statistics and outcomes[0].error is None:
                self.notice("Nobody spoke.")
        if missing := sum(outcome.missing for outcome in outcomes):
            self._err.print(Text(f"{missing} utterances got no result.", style="bold red"))


def result_line(result: Final | NoSpeech | SegmentFailed) -> Text:
    """Format a result as ``0:03.2  positive 0.93  en  Bob: And so, my fellow Americans``, or without a name.

    Of several people at one microphone, the voice is named: ``Voice 2: …``, or ``Bob, voice 2: …``.

    An asterisk marks a language that the sentiment model was not trained with, an ellipsis a text that goes on with a
    sentence.
    """
    line = Text(f"{clock_time(result.start_ms):>8}  ", style="dim")
    match result:
        case Final(sentiment=None):
            line.append(_text(result), style="default not dim")
            line.append(f"  (no sentiment: {printable(result.sentiment_reason or 'no reason given')})")
        case Final(sentiment=sentiment) if sentiment is not None:
            certainty = "unsure" if sentiment.unsure else f"{sentiment.score:.2f}"
            mark = "*" if sentiment.zero_shot else ""
            line.append(f"{sentiment.label:8} {certainty}{mark}  ", style=f"{COLOURS[sentiment.label]} not dim")
            line.append(f"{result.language}  ").append(_text(result), style="default not dim")
        case NoSpeech():
            line.append(NO_TEXT[result.reason])
        case SegmentFailed():
            reason = f"{result.message} {result.remedy} ({result.code}, {result.attempts} attempts)"
            line.append(f"FAILED: {printable(reason)}", style="bold red not dim")
    return line


def _text(final: Final) -> str:
    name = _name(final, final.voice)
    return printable(f"{name}: " * bool(name) + "… " * final.continues + final.text)


def _name(final: Final, voice: int | None) -> str:
    """Return the name of the person whose microphone it is, with a voice if it is known."""
    name = final.speaker.name if final.speaker is not None and final.speaker.name else ""
    if voice is None:
        return name
    return f"{name}, voice {voice}" if name else f"Voice {voice}"


def clock_time(ms: int) -> str:
    """Format milliseconds as ``1:02:03.4``, without hours if there are none."""
    minutes, rest = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest / 1000:04.1f}" if hours else f"{minutes}:{rest / 1000:04.1f}"


def printable(text: str) -> str:
    """Replace control characters, which could rewrite the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
