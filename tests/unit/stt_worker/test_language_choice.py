"""Detection of an utterance's language, given what was said before."""

import pytest

from stt_worker.engines.base import Hypothesis, RecognitionConfig, Word
from stt_worker.engines.whisper.languages import choose_language
from stt_worker.tasks.transcript import language_to_keep


@pytest.mark.parametrize(
    ("english", "german", "expected", "seconds", "chosen"),
    [
        (0.6, 0.4, None, 3.0, "en"),
        (0.6, 0.4, "de", 3.0, "de"),
        (0.93, 0.06, "de", 1.3, "de"),
        (0.93, 0.06, "de", 3.0, "en"),
        (0.01, 0.99, "en", 3.0, "de"),
        (0.01, 0.99, "en", 1.0, "de"),
        (0.5, 0.5, "ko", 3.0, "en"),
    ],
)
def test_another_language_takes_more_evidence(
    english: float, german: float, expected: str | None, seconds: float, chosen: str
) -> None:
    """More of it in a short utterance; a whole sentence is evidence enough."""
    probabilities = {"en": english, "de": german, "ko": 0.0}
    found = choose_language(probabilities, RecognitionConfig(expected_language=expected), seconds)
    assert found == (chosen, probabilities[chosen])


@pytest.mark.parametrize(
    ("probabilities", "languages", "seconds"),
    [
        ({"en": 0.93, "de": 0.06}, (), 1.3),
        ({"en": 0.8, "de": 0.15}, (), 3.0),
        ({"en": 0.5, "de": 0.45}, (), 3.0),
        ({"en": 0.9, "de": 0.1}, ("de", "ko"), 3.0),
        ({"en": 0.9, "de": 0.1}, ("de",), 1.0),
    ],
)
def test_a_language_that_is_only_expected_or_allowed_is_not_expected_again(
    probabilities: dict[str, float], languages: tuple[str, ...], seconds: float
) -> None:
    """Its sentence leaves what is expected as it was, and so does the next: a guess confirms nothing."""
    config = RecognitionConfig(expected_language="de", languages=languages)
    language, probability = choose_language({**probabilities, "ko": 0.0}, config, seconds)
    words = tuple(Word(f" {text}", 0.0, 0.6, 0.9) for text in ("gute", "Nacht"))
    assert language == "de"
    assert language_to_keep(Hypothesis("gute Nacht", language, probability, -0.1, 0.0, words)) is None


@pytest.mark.parametrize(
    ("languages", "chosen"),
    [(("ko", "en"), "en"), (("ko", "cy"), "cy"), (("ko",), "ko"), (("xx", "ko"), "ko"), ((), "cy")],
)
def test_only_languages_of_the_session_are_chosen(languages: tuple[str, ...], chosen: str) -> None:
    """All, if it names none."""
    probabilities = {"cy": 0.6, "en": 0.3, "ko": 0.1}
    assert choose_language(probabilities, RecognitionConfig(languages=languages), 3.0)[0] == chosen
