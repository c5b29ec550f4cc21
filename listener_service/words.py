"""Pure: the words of a text."""

from wire.languages import WITHOUT_SPACES


def count_words(text: str, language: str) -> int:
    """Count words between spaces; in scripts without spaces, letters."""
    if language in WITHOUT_SPACES:
        return sum(character.isalnum() for character in text)
    return len(text.split())
