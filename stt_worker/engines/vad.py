"""Whether anybody speaks at all, asked before Whisper, which answers noise with the phrases that it was trained on.

The judge is Silero VAD 6 (https://github.com/snakers4/silero-vad, MIT): 1 to 2 ms per second of audio on one thread. It
hears as much of an utterance as it takes to find that somebody clearly speaks; and all of it, four times, where nobody
does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from stt_worker.engines.base import MIN_AVG_LOGPROB, BatchEngine, Hypothesis, Outcome, Task
from stt_worker.engines.torch_threads import torch_threads
from wire.audio import SAMPLE_RATE, Samples

FRAME, CONTEXT = 512, 64
"""Samples that Silero judges at once, and those before them that it sees, too."""
FRAME_S = FRAME / SAMPLE_RATE
STATE = (1, 1, 128)
"""Shape of each of the two states that it carries from frame to frame."""
BLOCK = 32
"""Frames, about a second, after which what was heard so far may be enough."""
VOICED = 0.5
"""Probability from which a frame is speech: Silero's own default. One such frame is enough to ask Whisper: "the" and
"또" hold two, and what noises reach it (barking, jazz) Whisper itself takes for silence."""
FRAME_STARTS = (128, 256, 384)
"""Samples. A short answer that falls between two frames is heard when they begin elsewhere."""
SURROUNDINGS_S = 0.8
"""Of an utterance, what the endpointer leaves around the speech: pre-roll and silence."""
CLEAR_SHARE = 0.25
"""Voiced share of an utterance, without its surroundings, from which it is clearly speech. Below it, singing
instruments and a distant television are as likely."""
AUDIBLE_NO_SPEECH_PROB = 0.5
"""Whisper's own doubt, up to which it is believed although it is not sure of its text: at most 0.34 in 151 cut answers,
at least 0.59 in noises in which Silero hears a voice clearly."""
FAINT_NO_SPEECH_PROB = 0.35
"""The same where hardly a voice is heard: a murmuring crowd, amplified, reaches 0.39, real words 0.25."""
PHANTOMS = frozenset(
    """thank you|thanks|thank you for watching|thanks for watching|thank you very much|bye|you|subscribe|music|applause
    |시청해주셔서 감사합니다|감사합니다|구독과 좋아요 부탁드립니다|다음 영상에서 만나요
    |ご視聴ありがとうございました|ありがとうございました|untertitel der amaraorg community|sous titres réalisés par
    |subtitles by the amaraorg community|продолжение следует|字幕由amaraorg社区提供""".replace("\n    ", "").split("|")
)
"""What Whisper says into silence most often (https://arxiv.org/abs/2501.11378 counts them). Believed where somebody
clearly speaks and Whisper doubts neither that nor its text: people do say "thank you"."""
NEWSREADER = re.compile(r"mbc 뉴스 \w+입니다")
"""The same of Korean television, with a name that differs each time."""


@dataclass(frozen=True)
class Voice:
    """How much of an utterance is speech: of a clear one at least so much, since its rest was not heard."""

    seconds: float
    peak: float
    """Highest probability of speech of any frame, 0–1."""
    share: float
    """Voiced part of the utterance without its surroundings, 0–1."""

    @property
    def present(self) -> bool:
        """Whether there is anything to transcribe."""
        return self.seconds > 0

    @property
    def clear(self) -> bool:
        return self.share >= CLEAR_SHARE


class VoiceActivity:
    """Silero's model; used by one thread at a time, keeps nothing between calls."""

    def __init__(self) -> None:
        with torch_threads(torch.get_num_threads()):  # its import sets them to one, for all that this process does
            from silero_vad import load_silero_vad
            from silero_vad.sequence_vad import frame_blocks
        self._session = load_silero_vad(onnx=True, sequence=True).session
        self._blocks = partial(frame_blocks, frame_samples=FRAME, context_samples=CONTEXT, max_frames=BLOCK)

    def __call__(self, audio: Samples) -> Voice:
        """Judge float32 samples in [−1, 1), 16 kHz."""
        best = Voice(0.0, 0.0, 0.0)
        for start in (0, *FRAME_STARTS):
            voice = self._hear(audio[start:])
            if voice.clear:
                return voice
            best = max(best, voice, key=lambda heard: (heard.seconds, heard.peak))
        return best

    def _hear(self, audio: Samples) -> Voice:
        """Once through, up to where the voice is clear."""
        hidden = cell = np.zeros(STATE, dtype=np.float32)
        heard = Voice(0.0, 0.0, 0.0)
        for block in self._blocks(audio):
            inputs = {"input": block, "h": hidden, "c": cell}
            probabilities, hidden, cell = self._session.run(["speech_probs", "hn", "cn"], inputs)
            seconds = heard.seconds + float((probabilities > VOICED).sum() * FRAME_S)
            inside = max(len(audio) / SAMPLE_RATE - SURROUNDINGS_S, seconds)
            share = seconds / inside if inside else 0.0
            heard = Voice(seconds, max(heard.peak, float(probabilities.max())), share)
            if heard.clear:
                break
        return heard


def is_phantom(text: str) -> bool:
    """Whether a text is nothing but one of the phrases that Whisper invents."""
    said = re.sub(r"[^\w\s]", "", text).strip().lower()
    return said in PHANTOMS or NEWSREADER.fullmatch(said) is not None


class SpeechOnly(BatchEngine):
    """An engine that is asked only about speech, and believed the less the less of it there is."""

    def __init__(self, inner: BatchEngine, voice_activity: VoiceActivity) -> None:
        self.name, self.revision, self.at_once = inner.name, inner.revision, inner.at_once
        self._inner = inner
        self._voice_activity = voice_activity

    def transcribe_all(self, tasks: Sequence[Task]) -> None:
        """No text where nobody speaks."""
        spoken = []
        for task in tasks:
            voice = self._voice_activity(task.audio)
            if voice.present:
                spoken.append(replace(task, tell=partial(_tell_judged, task, voice)))
            else:
                task.tell(_nothing(voice, task))
        if spoken:
            self._inner.transcribe_all(spoken)


def _nothing(voice: Voice, task: Task) -> Hypothesis:
    return Hypothesis(
        text="",
        language=task.request.language or "",
        language_probability=None,
        avg_logprob=0.0,
        no_speech_prob=1 - voice.peak,
    )


def _tell_judged(task: Task, voice: Voice, heard: Outcome) -> None:
    if not isinstance(heard, Exception) and not _believed(voice, heard):
        heard = replace(heard, text="", words=(), language_probability=None)
    task.tell(heard)


def _believed(voice: Voice, heard: Hypothesis) -> bool:
    """Where somebody clearly speaks, one of both is enough: a sure text, or no doubt that there is one."""
    sure, phantom = heard.avg_logprob >= MIN_AVG_LOGPROB, is_phantom(heard.text)
    if not voice.clear:
        return sure and not phantom and heard.no_speech_prob <= FAINT_NO_SPEECH_PROB
    audible = heard.no_speech_prob <= AUDIBLE_NO_SPEECH_PROB
    return (sure and audible) if phantom else (sure or audible)
