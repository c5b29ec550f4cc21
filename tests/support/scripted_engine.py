"""An engine that says what it is given, in a time that it is given."""

from collections.abc import Callable, Iterator

from bench.continuous.worker import Cost
from stt_worker.engines.base import Hypothesis, RecognitionConfig, Word
from stt_worker.engines.deadline import Deadline
from wire.audio import SAMPLE_RATE, Samples


class ScriptedEngine:
    """Notes what it transcribes. Texts are "word 1.2 s" with the length of the audio, or those of a script."""

    name = "scripted"
    revision = "scripted 1"

    def __init__(
        self, texts: Iterator[str] | None = None, *, language: str = "en", language_probability: float | None = None
    ) -> None:
        self._texts = texts
        self._language = language
        self._language_probability = language_probability
        self.lengths_s: list[float] = []
        self.configs: list[RecognitionConfig] = []

    def transcribe(self, audio: Samples, config: RecognitionConfig, deadline: Deadline) -> Hypothesis:
        deadline.check()
        self.lengths_s.append(len(audio) / SAMPLE_RATE)
        self.configs.append(config)
        text = next(self._texts) if self._texts else f"word {self.lengths_s[-1]:.1f} s"
        length_s = len(audio) / SAMPLE_RATE
        words = tuple(
            Word(f" {word}", length_s * number / len(text.split()), length_s * (number + 1) / len(text.split()), 0.9)
            for number, word in enumerate(text.split())
        )
        language = config.language or self._language
        return Hypothesis(text, language, self._language_probability, -0.1, 0.0, words)


def taking(wall_s: float) -> Callable[[Callable[[], None]], Cost]:
    """Return a measure by which each work takes as long on the wall, and twice that of the CPU."""

    def measure(work: Callable[[], None]) -> Cost:
        work()
        return Cost(wall_s, 2 * wall_s)

    return measure
