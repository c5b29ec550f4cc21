"""The results of one live session."""

from dataclasses import dataclass

from fastapi_service.endpointing.events import Reason
from stt_worker.engines.base import Hypothesis


@dataclass(frozen=True)
class Final:
    """The text of an utterance. Seconds are those of the stream."""

    begin: int
    """First sample."""
    end: int
    """The sample after the last."""
    reason: Reason
    decided_s: float
    """The gateway found that it is over."""
    finished_s: float
    hypothesis: Hypothesis
    is_shown: bool
    """True if clients get its text."""


@dataclass(frozen=True)
class Played:
    """A whole session."""

    finals: tuple[Final, ...]
    """In order, also those that are not shown."""
    cpu_s: float
    """CPU seconds of the engine."""
    discarded_cpu_s: float
    """Part of it for pauses in which speech went on."""
    endpointer_cpu_s: float
    engine_s: float
    """Time that the engine took on the modelled clock."""
    interim_cpu_s: float = 0.0
    """CPU seconds of interim texts, which are not part of ``cpu_s``."""

    @property
    def shown(self) -> list[Final]:
        """Return the finals that clients get."""
        return [final for final in self.finals if final.is_shown]

    @property
    def text(self) -> str:
        """Return the text of the whole session."""
        return " ".join(final.hypothesis.text for final in self.shown)
