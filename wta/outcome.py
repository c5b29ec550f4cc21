"""Result of a recording: counts, latencies, losses."""

from dataclasses import dataclass, field

import numpy as np

from wire.errors import WireError
from wire.messages.results import Final, SegmentFailed
from wta.client.client import Client


@dataclass(frozen=True)
class Outcome:
    """Counts and latencies of one session, or the sum over several."""

    session: str
    """Number of the session, or a name for the sum."""
    utterances: int
    """Number of finals."""
    failures: int
    missing: int
    """Announced utterances without a result."""
    latencies_ms: list[float] = field(default_factory=list)
    """End of speech → final received, one per utterance."""
    lost_s: float = 0.0
    """Seconds of audio dropped before the gateway had them."""
    error: WireError | None = None
    """Reason for a session that ended early."""

    def latency_ms(self, percentile: float) -> float | None:
        """Return a percentile (0–100) of the latencies; None without utterances."""
        return float(np.percentile(self.latencies_ms, percentile)) if self.latencies_ms else None


def outcome(number: int, client: Client, rate: int, error: WireError | None) -> Outcome:
    """Sum up a client's session, sent at ``rate`` hertz."""
    known = client.transcript
    return Outcome(
        session=str(number),
        utterances=sum(isinstance(result, Final) for result in known.own_results),
        failures=sum(isinstance(result, SegmentFailed) for result in known.own_results),
        missing=known.missing,
        latencies_ms=known.latencies_ms,
        lost_s=client.lost_samples / rate,
        error=error,
    )


def total(outcomes: list[Outcome]) -> Outcome:
    """Add several outcomes up."""
    return Outcome(
        session="total",
        utterances=sum(o.utterances for o in outcomes),
        failures=sum(o.failures for o in outcomes),
        missing=sum(o.missing for o in outcomes),
        latencies_ms=[ms for o in outcomes for ms in o.latencies_ms],
        lost_s=sum(o.lost_s for o in outcomes),
        error=next((o.error for o in outcomes if o.error is not None), None),
    )
