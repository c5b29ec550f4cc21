"""Fragments of sentences as jobs, and where the analysis finds those before."""

from tests.support.speakers import text_job
from wire.messages.jobs import AnalyzeText

BEGAN = 1_800_000_000.0
"""Unix seconds at which the audio clock of the sessions begins."""


class Redis:
    """Keys without expiry."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def mget(self, names: list[str]) -> list[str | None]:
        return [self.kept.get(name) for name in names]

    def put(self, name: str, session_id: str, value: str, ttl_s: int) -> None:
        assert session_id in name
        assert 0 < ttl_s <= 60
        self.kept[name] = value


def said(
    text: str,
    segment: int = 1,
    start_ms: int = 11_000,
    language: str = "en",
    late_s: float = 0.0,
    continues: bool | None = None,
) -> AnalyzeText:
    """A second of speech; ``late_s`` later than the audio clock says."""
    job = text_job(segment, text=text, language=language)
    end_ms = start_ms + 1_000
    clock = job.clock.model_copy(update={"speech_end": BEGAN + end_ms / 1000 + late_s})
    transcript = job.transcript.model_copy(update={"continues": continues})
    update = {"start_ms": start_ms, "end_ms": end_ms, "clock": clock, "transcript": transcript}
    return job.model_copy(update=update)


class Ledger:
    """Outstanding utterances with a text."""

    def __init__(self, *jobs: AnalyzeText) -> None:
        self._jobs = {job.segment: job for job in jobs}
        self.calls = 0

    def find(self, _session: str, segment: int) -> AnalyzeText | None:
        self.calls += 1
        return self._jobs.get(segment)
