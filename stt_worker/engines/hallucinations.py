"""Recognizes texts that Whisper invents where there is little or no speech."""

import re

from stt_worker.engines.base import MIN_AVG_LOGPROB, Hypothesis

MAX_NO_SPEECH_PROB = 0.5
"""Whisper's own estimate, up to which an uncertain text is accepted in confident speech: at most 0.34 in 151 cut
answers, at least 0.59 in noises that Silero takes for confident speech."""
MAX_FAINT_NO_SPEECH_PROB = 0.35
"""The same for any text where there is hardly any speech: a murmuring crowd, amplified, has 0.39, real words 0.25."""
HALLUCINATIONS = frozenset(
    """thank you|thanks|thank you for watching|thanks for watching|thank you very much|bye|you|subscribe|music|applause
    |시청해주셔서 감사합니다|감사합니다|구독과 좋아요 부탁드립니다|다음 영상에서 만나요
    |ご視聴ありがとうございました|ありがとうございました|untertitel der amaraorg community|sous titres réalisés par
    |subtitles by the amaraorg community|продолжение следует|字幕由amaraorg社区提供""".replace("\n    ", "").split("|")
)
"""The most frequent texts of Whisper for silence, without punctuation (counted in https://arxiv.org/abs/2501.11378).
People do say "thank you", so these are accepted in confident speech if Whisper is certain of speech and text."""
KOREAN_NEWSREADER = re.compile(r"mbc 뉴스 \w+입니다")
"""A hallucination from Korean television; the name differs each time."""


def is_hallucination(text: str) -> bool:
    """True if a text is one of the known hallucinations and nothing else, in any case and punctuation."""
    words = re.sub(r"[^\w\s]", "", text).strip().lower()
    return words in HALLUCINATIONS or KOREAN_NEWSREADER.fullmatch(words) is not None


def accept(hypothesis: Hypothesis, *, is_confident: bool) -> bool:
    """Decide if a text is kept, more strictly the less speech there is.

    Args:
        hypothesis: Whisper's text, its log-probability and its probability of no speech.
        is_confident: voice activity detection is certain of speech. One of two is enough then: a text that Whisper is
            certain of, or its certainty that there is speech.
    """
    is_certain = hypothesis.avg_logprob >= MIN_AVG_LOGPROB
    hallucination = is_hallucination(hypothesis.text)
    if not is_confident:
        return is_certain and not hallucination and hypothesis.no_speech_prob <= MAX_FAINT_NO_SPEECH_PROB
    has_speech = hypothesis.no_speech_prob <= MAX_NO_SPEECH_PROB
    return (is_certain and has_speech) if hallucination else (is_certain or has_speech)
