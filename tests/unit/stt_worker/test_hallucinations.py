"""Texts that Whisper invents are recognized."""

from stt_worker.engines.hallucinations import is_hallucination


def test_hallucinations_are_recognized_in_any_spelling() -> None:
    assert is_hallucination("  Thank you for watching! ")
    assert is_hallucination("시청해주셔서 감사합니다.")
    assert is_hallucination("MBC 뉴스 김성현입니다.")
    assert not is_hallucination("Thank you for the cake.")
