"""The prefix on which two hypotheses agree is committed, and never changes afterwards."""

from hypothesis import given
from hypothesis import strategies as st

from fastapi_service.recognition.local_agreement import LocalAgreement
from wire.messages.transcript import Word


def said(text: str, start_ms: int = 0) -> list[Word]:
    return [
        Word(text=f" {word}", start_ms=start_ms + 300 * number, end_ms=start_ms + 300 * (number + 1), probability=1.0)
        for number, word in enumerate(text.split())
    ]


def test_the_first_hypothesis_settles_nothing() -> None:
    agreement = LocalAgreement()
    agreement.insert(said("when is a lobby"))
    assert (agreement.stable, agreement.unstable) == ("", "when is a lobby")


def test_case_and_punctuation_are_no_disagreement() -> None:
    """The newer spelling is taken."""
    agreement = LocalAgreement()
    agreement.insert(said("when is a lobby"))
    agreement.insert(said("When is, a lobster not"))
    assert (agreement.stable, agreement.unstable) == ("When is, a", "lobster not")


def test_words_of_the_prefix_are_not_counted_twice() -> None:
    agreement = LocalAgreement()
    agreement.insert(said("one two three"))
    agreement.insert(said("one two three four"))
    agreement.insert(said("two three four five", 300), agreement.committed_since(300))
    assert (agreement.stable, agreement.unstable) == ("one two three four", "five")


def test_hypothesis_without_its_prefix_is_matched_by_time() -> None:
    """The engine dropped its prefix, and transcribed the whole window: no word is lost or shown twice."""
    agreement = LocalAgreement()
    agreement.insert(said("when is a lobby"))
    agreement.insert(said("when is a lobster"))
    agreement.insert(said("wendys lobster not"), agreement.committed_since(0))
    assert (agreement.stable, agreement.unstable) == ("when is a", "")
    agreement.insert(said("wendys such a lobster not"), agreement.committed_since(0))
    assert (agreement.stable, agreement.unstable) == ("when is a", "lobster not")


def test_fewer_words_than_the_prefix_settle_nothing() -> None:
    agreement = LocalAgreement()
    agreement.insert(said("one two"))
    agreement.insert(said("one two three"))
    agreement.insert(said("one"), agreement.committed_since(0))
    assert (agreement.stable, agreement.unstable) == ("one two", "")


hypotheses = st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=6)


@given(hypotheses)
def test_stable_text_only_grows(texts: list[list[str]]) -> None:
    agreement, before = LocalAgreement(), ""
    for text in texts:
        known = agreement.committed_since(0)
        agreement.insert([*known, *said(" ".join(text), 10_000)], known)
        assert agreement.stable.startswith(before)
        before = agreement.stable
