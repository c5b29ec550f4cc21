"""Marks that end a sentence, in all scripts that Whisper writes, and texts that turned out to be one sentence.

The page's ``wire/sentence-ends.js`` has the same rules.
"""

import re
import unicodedata

from wire.languages import WITHOUT_SPACES

MARKS = ".!?…。．！？｡।॥؟۔։።፧၊။។៕᙮᠃᠉⁇⁈⁉‼‽⸮;"
"""Those of Unicode's Sentence_Terminal that living scripts have, the ellipsis, and the Greek question mark."""
CLOSING = frozenset({"Pe", "Pf", "Pi"})
"""Unicode categories of brackets and quotation marks behind a sentence; Pi closes in German: „so“."""
WIDE = "。．！？｡"
"""Marks that stand without a space behind them."""
BETWEEN_SENTENCES = re.compile(rf"(?<=[{re.escape(MARKS)}])\s+|(?<=[{WIDE}])")
TITLES = ("Mr", "Mrs", "Ms", "Dr", "Prof", "St", "Sr", "Sra", "[A-HJ-Z]")
"""Regular expressions of words whose full stop ends no sentence where more follows: titles, and initials."""
GREEK_QUESTION_MARK = ";"
"""Ends a sentence in Greek only; Unicode makes U+037E this character."""
BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""Spaces as Python and JavaScript together see them."""
_BEHIND = f"{BLANKS}\"'"
_GREEK = re.compile("[\u0370-\u037d\u037f-\u03ff\u1f00-\u1fff]")
_TITLE = re.compile(rf"\b(?:{'|'.join(TITLES)})\.$")


def is_title(word: str) -> bool:
    """Return True if the full stop of a word is that of a title or of an initial."""
    return _TITLE.search(word) is not None


def is_finished(text: str) -> bool:
    """Return True if a text ends with a sentence's last mark, perhaps before closing quotation marks or brackets."""
    start, end = last_mark(text)
    return start < end


def last_mark(text: str) -> tuple[int, int]:
    """Return where a text's last mark begins and ends; twice the same place if the text is not finished.

    Several marks in a row are one, as in ``?!`` or ``...``, and so are spaces before and between them.
    """
    end = len(text)
    while end and (text[end - 1] in _BEHIND or unicodedata.category(text[end - 1]) in CLOSING):
        end -= 1
    marks = MARKS if _GREEK.search(text) else MARKS.replace(GREEK_QUESTION_MARK, "")
    start = end
    while start and (text[start - 1] in marks or (start < end and text[start - 1] in BLANKS)):
        start -= 1
    return start, end


def joined(before: str, text: str, language: str) -> str:
    """Return two texts as one sentence: the last mark of the first one is left out."""
    start, end = last_mark(before)
    beginning, rest = (before[:start] + before[end:]).strip(BLANKS), text.strip(BLANKS)
    return beginning + space_between(beginning, rest, language) + rest


def in_a_row(before: str, text: str, language: str) -> str:
    """Return two texts one behind the other, as they are."""
    return before + space_between(before, text, language) + text


def space_between(before: str, text: str, language: str) -> str:
    """Return what stands between two texts of a sentence: nothing in scripts without spaces, or without a text."""
    return "" if not before or not text or language in WITHOUT_SPACES else " "
