"""The text so far, about once a second, of the utterance that somebody is speaking."""

import asyncio
from collections.abc import Callable

from fastapi_service.endpointing.endpointer import Endpointer
from fastapi_service.recognition.local_agreement import Agreement
from fastapi_service.recognition.partials import PendingPartial
from infra.celery_app import STALE_S
from wire.audio import SAMPLE_RATE, ms_to_samples, samples_to_ms
from wire.messages.jobs import Partial
from wire.messages.server import Interim
from wire.messages.transcript import Word

WINDOW_S = 8
"""Newest speech that is heard; what was agreed on before stands."""
FIRST_S = 1.1
"""Audio of the first one, pre-roll included: with less, Whisper guesses."""
RETRY_S = 0.3
"""After the first one, if it heard nothing: the voice has only just begun."""
MOST_DOUBLINGS = 3
"""Of the pause, once for each further one in a row without a text: the workers are busy, or it is not a voice."""
COST_FACTOR = 2.0
"""Pause between two, in times of what the last one took: interim texts take at most half of a worker."""
LEAD_MS = 100
"""Audio before the first known word."""
PATIENCE_S = STALE_S + 0.3
"""After this nobody begins one any more: workers drop stale ones without a word. The rest is for clocks that differ."""

Ask = Callable[[int, int, bytes, str], PendingPartial]
"""Segment, first sample, audio, how the text begins."""


class Interims:
    """One session's. At most one is on its way, and none is asked for in silence."""

    def __init__(self, every_s: float, ask: Ask, show: Callable[[Interim], None]) -> None:
        self._every_s = every_s
        self._ask = ask
        self._show = show
        self._agreement = Agreement()
        self._segment = -1
        self._next = 0
        """Sample from which on the next one may be asked for."""
        self._misses = 0
        """How many in a row gave no text."""
        self._asked: PendingPartial | None = None
        self._answering: asyncio.Task[None] | None = None

    def begin(self, segment: int, sample: int) -> None:
        """An utterance begins at a sample."""
        self._segment, self._agreement, self._misses = segment, Agreement(), 0
        self._next = sample + round(FIRST_S * SAMPLE_RATE)

    def end(self) -> None:
        """It is over: what is still on its way is taken back, or not shown."""
        self._segment = -1
        if self._asked is not None:
            self._asked.drop()

    def consider(self, endpointer: Endpointer) -> None:
        """Ask for the next one, if it is time."""
        busy = self._answering is not None and not self._answering.done()
        if self._segment < 0 or busy or endpointer.silent or endpointer.position < self._next:
            return
        since = endpointer.position - WINDOW_S * SAMPLE_RATE
        known = self._agreement.since(samples_to_ms(max(0, since)))
        if known and since > endpointer.safe:
            since = ms_to_samples(known[0].start_ms - LEAD_MS)
        start, pcm = endpointer.newest(since)
        self._asked = self._ask(self._segment, start, pcm, "".join(word.text for word in known))
        self._next = endpointer.position + round(self._every_s * SAMPLE_RATE)
        self._answering = asyncio.create_task(self._await(self._asked, known, endpointer.position), name="interim")

    def stop(self) -> None:
        """Nobody listens any more."""
        self.end()
        if self._answering is not None:
            self._answering.cancel()

    async def _await(self, asked: PendingPartial, known: list[Word], asked_at: int) -> None:
        draft = await _answer(asked)
        if asked.job.segment != self._segment:
            return
        text = draft.transcript if draft is not None else None
        cost_s = draft.stt_end - draft.stt_start if draft is not None else 0.0
        self._misses = self._misses + 1 if text is None else 0
        self._next = asked_at + round(max(self._pause_s(), COST_FACTOR * cost_s) * SAMPLE_RATE)
        if text is None:
            return
        self._agreement.take(text.words, known)
        self._show(
            Interim(
                segment=asked.job.segment,
                revision=asked.job.revision,
                stable=self._agreement.stable,
                unstable=self._agreement.unstable,
                language=text.language,
            )
        )

    def _pause_s(self) -> float:
        """From the last one to the next."""
        early = self._misses > 0 and self._agreement.empty
        doublings = min(MOST_DOUBLINGS, max(0, self._misses - 1))
        return (RETRY_S if early else self._every_s) * (1 << doublings)


async def _answer(asked: PendingPartial) -> Partial | None:
    """Waits for long only while a worker is at it."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await asked.result()
    except TimeoutError:
        await asked.withdraw()
    return await asked.result()
