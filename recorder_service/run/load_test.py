"""N sessions at once with the same audio, and what became of each."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from recorder_service.audio.source import Source
from recorder_service.client.client import RecorderClient
from wire.errors import AudioError, WireError
from wire.messages.results import Final, SegmentFailed


@dataclass(frozen=True)
class Outcome:
    """Of one session, or of several added up."""

    session: str
    """Its number, or a name for the sum."""
    utterances: int
    """Finals with text."""
    failures: int
    missing: int
    """Utterances that the gateway announced and that never got a result."""
    latencies_ms: list[float] = field(default_factory=list)
    """End of speech → final received, one for each utterance."""
    lost_s: float = 0.0
    """Audio that was forgotten before the gateway had it."""
    error: WireError | None = None
    """Why the session ended before its end."""

    def latency_ms(self, percentile: float) -> float | None:
        """None without utterances."""
        return float(np.percentile(self.latencies_ms, percentile)) if self.latencies_ms else None


def outcome(number: int, client: RecorderClient, rate: int, error: WireError | None) -> Outcome:
    """What became of a client's session, sent at ``rate`` hertz."""
    known = client.conversation
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
    """All of them as one."""
    return Outcome(
        session="total",
        utterances=sum(o.utterances for o in outcomes),
        failures=sum(o.failures for o in outcomes),
        missing=sum(o.missing for o in outcomes),
        latencies_ms=[ms for o in outcomes for ms in o.latencies_ms],
        lost_s=sum(o.lost_s for o in outcomes),
        error=next((o.error for o in outcomes if o.error is not None), None),
    )


async def run_session(
    number: int, client: RecorderClient, source: Source, stop: asyncio.Event, on_connected: Callable[[], None]
) -> Outcome:
    """Send all audio and wait for all results; what keeps it from that is part of the outcome."""
    failure: WireError | None = None
    try:
        async with client:
            on_connected()
            try:
                async for pcm in source.frames(stop):
                    await client.send(pcm)
            except AudioError as error:  # what was recorded before counts
                failure = error
            await client.stop()
    except WireError as error:
        failure = error
    return outcome(number, client, source.rate, failure)
