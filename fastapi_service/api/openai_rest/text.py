"""Pure: the text of a file as it grows, in pieces that are never taken back."""

from fastapi_service.export.entries import plain_text
from wire.messages.results import Final
from wire.sentence_ends import joined, last_mark, space_between


class GrowingText:
    """Joins finals. The last mark of a text waits: it goes if the next text continues the sentence."""

    def __init__(self) -> None:
        self._whole: list[str] = []
        """Sentences that are over, each with the space before it."""
        self._lead = self._sentence = ""
        """The space before the newest sentence, and its text so far."""
        self._given = 0
        """Characters of lead and sentence that were returned."""

    def add(self, final: Final) -> str:
        """Take in the next final, and return what is certain now and was not before; perhaps nothing."""
        text = plain_text(final.text)
        if not text:
            return ""
        over = ""
        if final.continues and self._sentence:
            self._sentence = joined(self._sentence, text, final.language)
        else:
            over = self.rest()
            before = self._lead + self._sentence
            self._whole.append(before)
            self._lead, self._sentence, self._given = space_between(before, text, final.language), text, 0
        certain = self._lead + self._sentence[: last_mark(self._sentence)[0]]
        piece, self._given = certain[self._given :], max(self._given, len(certain))
        return over + piece

    def rest(self) -> str:
        """Return the end of the newest sentence, which nothing continues."""
        sentence = self._lead + self._sentence
        piece, self._given = sentence[self._given :], len(sentence)
        return piece

    @property
    def text(self) -> str:
        """All so far."""
        return "".join([*self._whole, self._lead, self._sentence])


def text_of(finals: list[Final]) -> str:
    """Return the text of a file."""
    growing = GrowingText()
    for final in finals:
        growing.add(final)
    return growing.text
