"""Marks that end a sentence, in all scripts that Whisper writes."""

import re
import unicodedata

MARKS = ".!?…。．！？｡।॥؟۔։።፧၊။។៕᙮᠃᠉⁇⁈⁉‼‽⸮;"
"""Those of Unicode's Sentence_Terminal that living scripts have, the ellipsis, and the Greek question mark."""
CLOSING = frozenset({"Pe", "Pf", "Pi"})
"""Unicode categories of brackets and quotation marks behind a sentence; Pi closes in German: „so“."""
WIDE = "。．！？｡"
"""Marks that stand without a space behind them."""
BETWEEN_SENTENCES = re.compile(rf"(?<=[{re.escape(MARKS)}])\s+|(?<=[{WIDE}])")
GREEK_QUESTION_MARK = ";"
"""Ends a sentence in Greek only; Unicode makes U+037E this character."""


def is_finished(text: str) -> bool:
    """Return True if a text ends with a sentence's last mark, perhaps before closing quotation marks or brackets."""
    end = len(text)
    while end and (text[end - 1].isspace() or text[end - 1] in "\"'" or unicodedata.category(text[end - 1]) in CLOSING):
        end -= 1
    if not end or text[end - 1] not in MARKS:
        return False
    return text[end - 1] != GREEK_QUESTION_MARK or any("GREEK" in unicodedata.name(letter, "") for letter in text)
