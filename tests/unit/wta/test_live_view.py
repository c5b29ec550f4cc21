"""The text so far on a terminal."""

import io

import pytest
from rich.console import Console

from tests.unit.wta.fake_gateway import final
from wire.messages.server import AnyServerMessage, Interim
from wta.view.live import LiveView

ERASED = "\x1b[1A\x1b[2K"


def written(messages: list[AnyServerMessage], *, terminal: bool = True) -> str:
    file = io.StringIO()
    environment = {"TERM": "xterm"} if terminal else {}
    options = {"force_terminal": terminal, "color_system": None, "soft_wrap": True}
    view = LiveView(Console(file=file, width=40, _environ=environment, **options))  # type: ignore[arg-type]
    for message in messages:
        view.message(message)
    return file.getvalue()


def interim(revision: int, stable: str, unstable: str) -> Interim:
    return Interim(segment=0, revision=revision, stable=stable, unstable=unstable, language="en")


def test_each_text_replaces_the_one_before_and_the_sentence_the_last() -> None:
    """With all rows that the terminal has wrapped it into."""
    lines = written([interim(1, "", "Ask"), interim(2, "Ask", "not " * 10), final(0, seq=1)]).split("\n")
    assert [line.count(ERASED) for line in lines] == [0, 1, 2, 0]
    assert "Ask not" in lines[1]
    assert "utterance 0" in lines[2]


def test_a_file_or_a_pipe_gets_sentences_only() -> None:
    assert written([interim(1, "", "Ask"), final(0, seq=1)], terminal=False).count("\n") == 1


@pytest.mark.parametrize(("language", "shown"), [("en", "And so"), ("ja", "Andso")])
def test_stable_and_unstable_text_are_joined_as_their_language_has_it(language: str, shown: str) -> None:
    """Both come without the space between them."""
    message = Interim(segment=0, revision=1, stable="And", unstable="so", language=language)
    assert f"  {shown}\n" in written([message])
