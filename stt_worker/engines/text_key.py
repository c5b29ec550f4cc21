"""Compares texts by their letters and digits only. Pure."""

import unicodedata

ACCENTS = ("COMBINING", "VARIATION", "ARABIC", "HEBREW")
"""First words of the names of marks that writers leave out or vary. Those of other scripts distinguish words: vowels of
Hindi and Thai, voiced sounds of Japanese."""
VOICED_SOUNDS = "\u3099\u309a"
"""Marks of Japanese, "combining" by their names."""


def text_key(text: str) -> str:
    """Return the letters and digits of a text, the same for every spelling of them.

    Case, accents, width (``Ａ`` and ``A``), punctuation and spaces are left out: Whisper varies them.
    """
    folded = unicodedata.normalize("NFKD", text).casefold().replace("ı", "i")  # Turkish: its capital is I
    key = ""
    for letter in folded:
        if letter.isalnum() or (key and _is_part_of_letter(letter)):
            key += letter
    return unicodedata.normalize("NFC", key)


def _is_part_of_letter(mark: str) -> bool:
    """True for a mark that distinguishes letters."""
    if unicodedata.category(mark)[0] != "M":
        return False
    return mark in VOICED_SOUNDS or not unicodedata.name(mark).startswith(ACCENTS)
