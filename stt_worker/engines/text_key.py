"""Compares texts by their letters and digits only. Pure."""

import unicodedata


def text_key(text: str) -> str:
    """Return the letters and digits of a text, the same for every spelling of them.

    Case, accents, width (``Ａ`` and ``A``), punctuation and spaces are left out: Whisper varies them.
    """
    folded = unicodedata.normalize("NFKD", text).casefold().replace("ı", "i")  # Turkish: its capital is I
    return "".join(letter for letter in folded if letter.isalnum())
