"""Pure: what of a text that is still being spoken can be shown as settled.

LocalAgreement-2 (Macháček et al. 2023, https://arxiv.org/abs/2307.14743): words on which two hypotheses in a row agree,
the second of which heard more audio. They are never taken back, and the next hypothesis is told to begin with them.
"""

from collections.abc import Sequence

from wire.messages.transcript import Word


def same(one: Word, other: Word) -> bool:
    """Whether two words differ in nothing but case and punctuation."""
    return _bare(one) == _bare(other)


def _bare(word: Word) -> str:
    letters = "".join(character for character in word.text if character.isalnum())
    return letters.casefold() or word.text.strip()


class Agreement:
    """The text so far of one utterance."""

    def __init__(self) -> None:
        self._stable: list[Word] = []
        self._tail: list[Word] = []
        """What the newest hypothesis says after ``_stable``."""

    @property
    def empty(self) -> bool:
        return not self._stable and not self._tail

    @property
    def stable(self) -> str:
        return "".join(word.text for word in self._stable).strip()

    @property
    def unstable(self) -> str:
        return "".join(word.text for word in self._tail).strip()

    def since(self, ms: int) -> list[Word]:
        """Agreed words that begin at a time or later."""
        return [word for word in self._stable if word.start_ms >= ms]

    def take(self, words: Sequence[Word], known: Sequence[Word] = ()) -> None:
        """The next hypothesis.

        Args:
            known: words that are agreed on already, all within its audio.
        """
        fresh = _after(words, known)
        agreed = 0
        while agreed < min(len(fresh), len(self._tail)) and same(fresh[agreed], self._tail[agreed]):
            agreed += 1
        self._stable += fresh[:agreed]
        self._tail = fresh[agreed:]


def _after(words: Sequence[Word], known: Sequence[Word]) -> list[Word]:
    """What comes after the known words: those behind them or, where it does not begin with them, those later in time.

    The engine drops the beginning that it was told when what follows makes no sense.
    """
    if len(words) >= len(known) and all(map(same, words, known)):
        return list(words[len(known) :])
    return [word for word in words if (word.start_ms + word.end_ms) / 2 >= known[-1].end_ms]
