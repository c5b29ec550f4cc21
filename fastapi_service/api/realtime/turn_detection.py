"""The setting ``turn_detection``: it decides by what the utterances of a session end."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fastapi_service.endpointing.change import EndpointingChange
from wire.messages.server import Endpointing

SHORTEST_SILENCE_MS, LONGEST_SILENCE_MS = 30, 10_000
LONGEST_PRE_ROLL_MS = 2_000
EAGERNESS = {
    "low": EndpointingChange(silence_ms=1_000, unfinished_ms=4_000),
    "medium": EndpointingChange(unfinished_ms=2_000),
    "auto": EndpointingChange(unfinished_ms=2_000),
    "high": EndpointingChange(),
}
"""Texts end utterances. The patience is for sentences that are not over: half of OpenAI's, since ours begins later."""


class Lenient(BaseModel):
    """Fields that OpenAI adds are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class ServerVad(Lenient):
    """Silence ends an utterance."""

    type: Literal["server_vad"]
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    prefix_padding_ms: Annotated[int, Field(ge=0)] | None = None
    silence_duration_ms: Annotated[int, Field(ge=0)] | None = None

    @property
    def endpointing(self) -> EndpointingChange:
        """The ends of utterances; with a duration of silence it decides alone."""
        silence_ms = self.silence_duration_ms
        if silence_ms is not None:
            silence_ms = min(max(silence_ms, SHORTEST_SILENCE_MS), LONGEST_SILENCE_MS)
        padding_ms = self.prefix_padding_ms
        return EndpointingChange(
            silence_ms=silence_ms,
            unfinished_ms=None if silence_ms is None else 0,
            pre_roll_ms=None if padding_ms is None else min(padding_ms, LONGEST_PRE_ROLL_MS),
            threshold=self.threshold,
        )

    def shown(self, usual: Endpointing | None) -> dict[str, Any]:
        """Return what applies; ``usual`` are the gateway's values."""
        change = self.endpointing
        silence_ms = usual.silence_ms if change.silence_ms is None and usual else change.silence_ms
        padding_ms = usual.pre_roll_ms if change.pre_roll_ms is None and usual else change.pre_roll_ms
        threshold = 0.5 if self.threshold is None else self.threshold
        shown = {"threshold": threshold, "prefix_padding_ms": padding_ms, "silence_duration_ms": silence_ms}
        return {"type": self.type} | shown


class SemanticVad(Lenient):
    """Texts end an utterance, and silence does where they do not."""

    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"

    @property
    def endpointing(self) -> EndpointingChange:
        """The ends of utterances."""
        return EAGERNESS[self.eagerness]

    def shown(self, _: Endpointing | None) -> dict[str, Any]:
        """Return what applies."""
        return {"type": self.type, "eagerness": self.eagerness}


TurnDetection = Annotated[ServerVad | SemanticVad, Field(discriminator="type")]
