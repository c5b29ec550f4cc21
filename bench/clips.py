"""Recordings with their reference texts, and error rates."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
import soundfile
import soxr
from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

from wire.audio import SAMPLE_RATE, Samples

MANIFEST = Path("tests/data/manifest.jsonl")
"""The clips of the repository; a larger set gives more reliable figures."""
WITHOUT_SPACES = frozenset({"ja", "ko", "zh"})
"""Languages without a common rule for word boundaries: errors are counted in characters, spaces ignored."""

_english, _basic = EnglishTextNormalizer(), BasicTextNormalizer()


@dataclass(frozen=True)
class Clip:
    """One line of a manifest: ``{"file": path beside it, "lang": "en", "text": reference, "seconds": 3.2}``.

    ``speaker`` may be there too; without it each recording counts as another speaker's.
    """

    file: Path
    language: str
    text: str
    """Reference; empty for a recording without speech."""
    seconds: float
    speaker: str = ""

    def audio(self) -> Samples:
        """Read the recording as mono float32 at 16 kHz."""
        samples, rate = soundfile.read(self.file, dtype="float32", always_2d=True)
        mono = samples.mean(axis=1)
        return mono if rate == SAMPLE_RATE else np.asarray(soxr.resample(mono, rate, SAMPLE_RATE), dtype=np.float32)


def read_manifest(manifest: Path) -> list[Clip]:
    """Read the clips of a manifest, in its order."""
    clips = []
    for line in manifest.read_text().splitlines():
        entry = json.loads(line)
        speaker = entry.get("speaker") or entry["file"]
        clips.append(Clip(manifest.parent / entry["file"], entry["lang"], entry["text"], entry["seconds"], speaker))
    return clips


def error_name(language: str) -> str:
    """Return ``cer`` for languages ``WITHOUT_SPACES``, else ``wer``."""
    return "cer" if language in WITHOUT_SPACES else "wer"


def normalised_units(language: str, text: str) -> list[str]:
    """Return the words of a text, or its characters in languages ``WITHOUT_SPACES``, as errors are counted in them.

    Texts are normalised as Whisper's authors did for their paper (arXiv:2212.04356, appendix C).
    """
    words = (_english if language == "en" else _basic)(text).split()
    return list("".join(words)) if language in WITHOUT_SPACES else words


def mean_error_rate(texts: Sequence[tuple[str, str, str]]) -> float:
    """Return the error rate over all languages, each weighted by its number of texts, as a fraction.

    Args:
        texts: language, reference and hypothesis of each.
    """
    total = 0.0
    for language in {language for language, _, _ in texts}:
        pairs = [(reference, hypothesis) for code, reference, hypothesis in texts if code == language]
        total += len(pairs) * error_rate(language, [one for one, _ in pairs], [other for _, other in pairs])
    return total / len(texts)


def error_rate(language: str, references: list[str], hypotheses: list[str]) -> float:
    """Return errors per word over all texts together, as a fraction; per character in languages ``WITHOUT_SPACES``."""
    said, written = (
        [" ".join(normalised_units(language, text)) for text in texts] for texts in (references, hypotheses)
    )
    return float(jiwer.wer(said, written))
