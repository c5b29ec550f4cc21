"""Pure: finals of one sentence as one result, which stands at the place of the first of them.

The page's ``export/sentences.js`` has the same rules.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from wire.messages.results import Final, SegmentFailed
from wire.messages.transcript import Word
from wire.sentence_ends import BLANKS, joined, last_mark, space_between


class Said(NamedTuple):
    """A result, or the finals of a sentence as one."""

    result: Final | SegmentFailed
    utterances: tuple[tuple[int, int], ...]
    """Beginning and end of each utterance in it, on the session's audio clock, ms."""


@dataclass
class _Waiting:
    """A result that cannot be written yet: it is the beginning of a sentence, or stands behind one."""

    finals: list[Final] = field(default_factory=list)
    failed: SegmentFailed | None = None
    is_whole: bool = True

    def said(self) -> Said:
        """Return it as one result."""
        results = [self.failed] if self.failed else self.finals
        utterances = tuple((each.start_ms, each.end_ms) for each in results)
        return Said(self.failed or as_one(self.finals), utterances)


class Sentences:
    """Joins the finals of each sentence. What others said in between stands behind it.

    All results must be noted first, so that the end of each sentence is known and nothing waits for longer.
    """

    def __init__(self) -> None:
        self._ends: dict[tuple[str, int], int] = {}
        """Session and first segment of each sentence of several finals → segment of its last one."""
        self._waiting: list[_Waiting] = []
        self._open: dict[tuple[str, int], _Waiting] = {}

    def note(self, result: Final | SegmentFailed) -> None:
        """Note a result; all of them must be noted before the first is joined."""
        if isinstance(result, Final) and result.continues:
            self._ends[_sentence(result)] = result.segment

    def add(self, results: Iterable[Final | SegmentFailed]) -> list[Said]:
        """Add the next results, and return those that can be written."""
        for result in results:
            if isinstance(result, Final):
                self._add_final(result)
            else:
                self._waiting.append(_Waiting(failed=result))
        ready = next((i for i, each in enumerate(self._waiting) if not each.is_whole), len(self._waiting))
        written, self._waiting = self._waiting[:ready], self._waiting[ready:]
        return [each.said() for each in written]

    def rest(self) -> list[Said]:
        """Return what still waits for the end of a sentence that has not come."""
        rest, self._waiting = self._waiting, []
        return [each.said() for each in rest]

    def _add_final(self, final: Final) -> None:
        sentence = _sentence(final)
        entry = self._open.get(sentence)
        if entry is None:
            entry = _Waiting(is_whole=False)
            self._waiting.append(entry)
            self._open[sentence] = entry
        entry.finals.append(final)
        if self._ends.get(sentence, final.segment) <= final.segment:
            entry.is_whole = True
            del self._open[sentence]


def _sentence(final: Final) -> tuple[str, int]:
    return final.session_id, final.segment if final.first_segment is None else final.first_segment


def as_one(finals: Sequence[Final]) -> Final:
    """Return the finals of a sentence as one: from the beginning of the first, with the sentiment of the last.

    Marks that turned out to lie within the sentence are left out of its text and of its words. If an engine gave no
    words for a part of the text, there are none.
    """
    first, *others = finals
    text, words = first.text, first.words
    for final in others:
        text = joined(text, final.text, final.language)
        words = _joined_words(words, final)
    if not all(final.words for final in finals if final.text.strip(BLANKS)):
        words = ()
    return finals[-1].model_copy(update={"start_ms": first.start_ms, "text": text, "words": words})


def _joined_words(before: tuple[Word, ...], final: Final) -> tuple[Word, ...]:
    start, end = last_mark("".join(word.text for word in before))
    words = tuple(_without(before, start, end))
    beginning = "".join(word.text for word in words).strip(BLANKS)
    if not beginning or not final.words:
        return words + final.words
    first, *rest = final.words
    text = first.text.lstrip(BLANKS)
    return *words, first.model_copy(update={"text": space_between(beginning, text, final.language) + text}), *rest


def _without(words: Iterable[Word], start: int, end: int) -> Iterable[Word]:
    """Yield words without the characters of their text from ``start`` to ``end``; none that is empty then."""
    at = 0
    for word in words:
        text = word.text[: max(0, start - at)] + word.text[max(0, end - at) :]
        at += len(word.text)
        if text.strip(BLANKS) or text == word.text:
            yield word if text == word.text else word.model_copy(update={"text": text})
