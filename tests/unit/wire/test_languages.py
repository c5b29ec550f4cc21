"""The list of languages is Whisper's."""

from whisper.tokenizer import LANGUAGES as WHISPERS

from wire.languages import LANGUAGES


def test_languages_are_those_of_whisper() -> None:
    """A gateway refuses exactly what no worker could transcribe."""
    assert set(WHISPERS) == LANGUAGES
