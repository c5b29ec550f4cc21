"""Detection of an utterance's language, given what was said before."""

import pytest

from stt_worker.engines.base import RecognitionConfig
from stt_worker.engines.whisper.languages import choose_language


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
    language, probability = choose_language(
        {"en": english, "de": german, "ko": 0.0}, RecognitionConfig(expected_language=expected), seconds
    )
    assert language == chosen
    assert 0.5 <= probability <= 1


@pytest.mark.parametrize(
    ("languages", "chosen"), [(("ko", "en"), "en"), (("ko", "cy"), "cy"), (("ko",), "ko"), (("xx",), "cy"), ((), "cy")]
)
def test_only_languages_of_the_session_are_chosen(languages: tuple[str, ...], chosen: str) -> None:
    """All, if none of them is known."""
    probabilities = {"cy": 0.6, "en": 0.3, "ko": 0.1}
    assert choose_language(probabilities, RecognitionConfig(languages=languages), 3.0)[0] == chosen
