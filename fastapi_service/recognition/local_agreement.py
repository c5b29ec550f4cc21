"""Pure: the part of a text that is still being spoken which can be shown as settled.

LocalAgreement-2 (Macháček et al. 2023, https://arxiv.org/abs/2307.14743): words on which two successive hypotheses
agree, the second of which has more audio, are committed. They are never taken back, and the next hypothesis is made to
begin with them.
"""

from collections.abc import Sequence

from wire.messages.transcript import Word


def is_same(one: Word, other: Word) -> bool:
    """Return True if two words differ in nothing but case and punctuation."""
    return _bare(one) == _bare(other)


def _bare(word: Word) -> str:
    letters = "".join(character for character in word.text if character.isalnum())
    return letters.casefold() or word.text.strip()


class LocalAgreement:
    """The text so far of one utterance: committed words, then words of the newest hypothesis only."""

    def __init__(self) -> None:
        self._committed: list[Word] = []
        self._uncommitted: list[Word] = []

    @property
    def empty(self) -> bool:
        """True before the first word."""
        return not self._committed and not self._uncommitted

    @property
    def stable(self) -> str:
        """The committed text."""
        return "".join(word.text for word in self._committed).strip()

    @property
    def unstable(self) -> str:
        """The text after it, which may still change."""
        return "".join(word.text for word in self._uncommitted).strip()

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of both."""
        return (*self._committed, *self._uncommitted)

    def committed_since(self, ms: int) -> list[Word]:
        """Return committed words that begin at a time (ms of the session) or later."""
        return [word for word in self._committed if word.start_ms >= ms]

    def insert(self, words: Sequence[Word], prefix: Sequence[Word] = ()) -> None:
        """Take in the next hypothesis and commit what it shares with the one before.

        Args:
            words: the hypothesis.
            prefix: committed words, all within its audio, with which it was made to begin.
        """
        fresh = _after(words, prefix)
        agreed = 0
        while agreed < min(len(fresh), len(self._uncommitted)) and is_same(fresh[agreed], self._uncommitted[agreed]):
            agreed += 1
        self._committed += fresh[:agreed]
        self._uncommitted = fresh[agreed:]


def _after(words: Sequence[Word], prefix: Sequence[Word]) -> list[Word]:
    """Return the words after the prefix.

    Those are the words behind it or, where the hypothesis does not begin with it, the words later in time. The engine
    drops a prefix when what follows makes no sense.
    """
    if len(words) >= len(prefix) and all(map(is_same, words, prefix)):
        return list(words[len(prefix) :])
    return [word for word in words if (word.start_ms + word.end_ms) / 2 >= prefix[-1].end_ms]
