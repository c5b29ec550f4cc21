"""Pure: when a speaker has said no word for so long that ``UtteranceEnd`` is sent."""


class UtteranceGap:
    """One channel's words and utterances, in milliseconds of its audio.

    The end of the last word counts, as in Deepgram's protocol, and not the silence that ends an utterance. In an
    utterance that is open, or whose text is not there, a later word may come; before its beginning, none does.
    """

    def __init__(self, gap_ms: int | None) -> None:
        """``gap_ms`` is the time without words; None or 0: nothing is ever sent."""
        self._gap_ms = gap_ms
        self._last_ms: int | None = None
        """End of the last word since the last ``UtteranceEnd``."""
        self._open: dict[int, int] = {}
        """Utterances that have begun and have no result → their beginning."""

    def begin(self, segment: int, at_ms: int) -> None:
        """Take in the beginning of an utterance."""
        self._open[segment] = at_ms

    def end(self, segment: int, last_word_ms: int | None) -> None:
        """Take in its result, with the end of its last word; None without one."""
        self._open.pop(segment, None)
        if last_word_ms is not None:
            self._last_ms = last_word_ms

    def is_due(self, position_ms: int) -> bool:
        """Return True if ``UtteranceEnd`` is to be sent, when so much audio has come."""
        if not self._gap_ms or self._last_ms is None:
            return False
        return min([position_ms, *self._open.values()]) >= self._last_ms + self._gap_ms

    def take(self) -> int:
        """Return the end of the last word, for the message that is sent now."""
        assert self._last_ms is not None
        last_ms, self._last_ms = self._last_ms, None
        return last_ms
