"""Output on a terminal during speech: the text so far, which the next one or the sentence replaces."""

from math import ceil

from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from wire.errors import WireError
from wire.messages.results import Final, NoSpeech, SegmentFailed
from wire.messages.server import AnyServerMessage, Interim
from wire.messages.statistics import Statistics
from wire.sentence_ends import in_a_row
from wta.outcome import Outcome
from wta.view.view import View, printable

INDENT = 10
"""Columns of the time in front of a sentence."""


class LiveView(View):
    """Shows interim texts, too, where the output is a terminal."""

    _drawn = 0
    """Rows of the text so far, which are the last ones on the terminal."""

    def message(self, message: AnyServerMessage) -> None:
        """Print a message of the gateway, if it is one for people."""
        if isinstance(message, Interim) and self._can_erase:
            self._erase()
            shown = in_a_row(message.stable, message.unstable, message.language)
            text = Text(" " * INDENT + printable(shown), style="dim")
            self._out.print(text)
            self._drawn = max(1, ceil(text.cell_len / self._out.width))
        super().message(message)

    def notice(self, sentence: str) -> None:
        """Print a sentence about the connection or the recording."""
        self._erase()
        super().notice(sentence)

    def print_error(self, error: WireError) -> None:
        """Print an error with its remedy."""
        self._erase()
        super().print_error(error)

    def end(self, outcomes: list[Outcome], statistics: list[Statistics]) -> None:
        """Print the statistics."""
        self._erase()
        super().end(outcomes, statistics)

    def _result(self, result: Final | NoSpeech | SegmentFailed) -> None:
        self._erase()
        super()._result(result)

    def _erase(self) -> None:
        if self._drawn:
            self._out.control(Control(*[(ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)] * self._drawn))
        self._drawn = 0
