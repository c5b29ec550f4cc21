"""Keys of texts: the same for spellings that Whisper varies, another for other words."""

import unicodedata

import pytest

from stt_worker.engines.text_key import text_key


def test_a_key_has_the_letters_and_digits_of_a_text() -> None:
    assert text_key(" Sous-titrage ST' 501 ") == "soustitragest501"
    assert text_key("ＡＢＣ　１２") == "abc12"


@pytest.mark.parametrize("text", ["_ ♪ …", "\u093f", "\u3099", "\u0301", "♪\ufe0f", "\u20e3"])
def test_signs_and_marks_alone_have_none(text: str) -> None:
    assert text_key(text) == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ALTYAZI", "altyazı"),
        ("STRASSE", "Straße"),
        ("시청해 주셔서", "시청해주셔서"),
        ("Müller", "Muller"),
        ("Tiếng Việt", "Tieng Viet"),
        ("Ἀθῆναι", "Αθηναι"),
        ("Королёв", "Королев"),
        ("شُكْرًا", "شكرا"),
        ("שָׁלוֹם", "שלום"),
        ("ﾀﾞｲｶﾞｸ", "ダイガク"),
        ("葛\U000e0100城", "葛城"),
        ("हिन्दी।", " हिन्दी "),
    ],
)
def test_other_spellings_have_the_same(one: str, other: str) -> None:
    """Also one that is composed otherwise."""
    for form in ("NFC", "NFD"):
        assert text_key(unicodedata.normalize(form, one)) == text_key(other)
    assert text_key(text_key(one)) == text_key(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("시청해", "시정해"),
        ("だいがく", "たいかく"),
        ("パパ", "ババ"),
        ("दिन", "दीन"),
        ("कल", "काल"),
        ("ป้า", "ปา"),
        ("ইলিশ", "ইলশ"),
        ("கல்", "கால்"),
        ("သား", "သာ"),
    ],
)
def test_other_words_have_another(one: str, other: str) -> None:
    """Marks of vowels, tones and voiced sounds distinguish them."""
    assert text_key(one) != text_key(other)
