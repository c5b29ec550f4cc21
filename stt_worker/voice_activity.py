"""Whether anybody speaks at all, asked before Whisper, which answers noise with the phrases that it was trained on.

The judge is Silero VAD 6 (https://github.com/snakers4/silero-vad, MIT): 0.9 ms per second of audio on one thread.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from silero_vad import load_silero_vad

from stt_worker.engine import BatchEngine, Hypothesis, Task
from wire.audio import SAMPLE_RATE, Samples

FRAME_S = 512 / SAMPLE_RATE
VOICED = 0.5
"""Probability from which a frame is speech: Silero's own default."""
LEAST_VOICED_S = 0.1
"""Shorter is a click or a chair. The shortest real answers hold 0.2 s."""
LEAST_PEAK = 0.7
"""The surest frame of an utterance: over 0.99 in all recorded speech, at most 0.59 in noises."""
SURROUNDINGS_S = 0.8
"""Of an utterance, what the endpointer leaves around the speech: pre-roll and silence."""
CLEAR_SHARE = 0.25
"""Voiced share of an utterance, without its surroundings, from which it is clearly speech. Below it, singing
instruments and a distant television are as likely, and the text must be one that Whisper is sure of."""
SURE_AVG_LOGPROB = -0.7
PHANTOMS = frozenset(
    """thank you|thanks|thank you for watching|thanks for watching|thank you very much|bye|you|subscribe|music|applause
    |시청해주셔서 감사합니다|감사합니다|구독과 좋아요 부탁드립니다|mbc 뉴스 이덕영입니다|다음 영상에서 만나요
    |ご視聴ありがとうございました|ありがとうございました|untertitel der amaraorg community|sous titres réalisés par
    |subtitles by the amaraorg community|продолжение следует|字幕由amaraorg社区提供""".replace("\n    ", "").split("|")
)
"""What Whisper says into silence most often (https://arxiv.org/abs/2501.11378 counts them). Believed wherever somebody
clearly speaks: people do say "thank you"."""


@dataclass(frozen=True)
class Voice:
    """How much of an utterance is speech."""

    seconds: float
    peak: float
    """Highest probability of speech of any frame, 0–1."""
    share: float
    """Voiced part of the utterance without its surroundings, 0–1."""

    @property
    def present(self) -> bool:
        """Whether there is anything to transcribe."""
        return self.seconds >= LEAST_VOICED_S and self.peak >= LEAST_PEAK

    @property
    def clear(self) -> bool:
        return self.share >= CLEAR_SHARE


class VoiceActivity:
    """Silero's model; used by one thread at a time, keeps nothing between calls."""

    def __init__(self) -> None:
        self._model = load_silero_vad(onnx=True, sequence=True)

    def __call__(self, audio: Samples) -> Voice:
        """Judge float32 samples in [−1, 1), 16 kHz."""
        probabilities = self._model.audio_forward(audio)
        if not len(probabilities):
            return Voice(0.0, 0.0, 0.0)
        voiced = probabilities > VOICED
        seconds = float(voiced.sum() * FRAME_S)
        inside = max(len(audio) / SAMPLE_RATE - SURROUNDINGS_S, seconds)
        return Voice(seconds, float(probabilities.max()), seconds / inside if inside else 0.0)


def is_phantom(text: str) -> bool:
    """Whether a text is nothing but one of the phrases that Whisper invents."""
    return re.sub(r"[^\w\s]", "", text).strip().lower() in PHANTOMS


class SpeechOnly(BatchEngine):
    """An engine that is asked only about speech, and believed the less the less of it there is."""

    def __init__(self, inner: BatchEngine, voice_activity: VoiceActivity) -> None:
        self.name, self.revision = inner.name, inner.revision
        self._inner = inner
        self._voice_activity = voice_activity

    def transcribe_all(self, tasks: Sequence[Task]) -> list[Hypothesis | Exception]:
        """No text where nobody speaks."""
        voices = [self._voice_activity(task.audio) for task in tasks]
        spoken = [task for task, voice in zip(tasks, voices, strict=True) if voice.present]
        heard = iter(self._inner.transcribe_all(spoken) if spoken else [])
        return [
            _judged(voice, next(heard)) if voice.present else _nothing(voice, task)
            for task, voice in zip(tasks, voices, strict=True)
        ]


def _nothing(voice: Voice, task: Task) -> Hypothesis:
    return Hypothesis(
        text="",
        language=task.request.language or "",
        language_probability=None,
        avg_logprob=0.0,
        no_speech_prob=1 - voice.peak,
    )


def _judged(voice: Voice, heard: Hypothesis | Exception) -> Hypothesis | Exception:
    if isinstance(heard, Exception) or voice.clear:
        return heard
    if heard.avg_logprob < SURE_AVG_LOGPROB or is_phantom(heard.text):
        return replace(heard, text="", words=(), language_probability=None, no_speech_prob=1 - voice.share)
    return heard
