"""The text so far, about once a second, of the utterance that is being spoken."""

import asyncio
from collections.abc import Callable

from fastapi_service.endpointing.active_utterance import ActiveUtterance
from fastapi_service.recognition.local_agreement import LocalAgreement
from fastapi_service.recognition.partial_requester import PartialRequester
from fastapi_service.recognition.ports import PartialRequest
from infra.celery_app import STALE_S
from wire.audio import SAMPLE_RATE, ms_to_samples, samples_to_ms
from wire.messages.jobs import Partial
from wire.messages.server import Interim
from wire.messages.transcript import Word

WINDOW_S = 8
"""Length of audio that is sent: the newest. Words that were agreed on before it stay as they are."""
FIRST_S = 1.1
"""Audio of the first request, pre-roll included: with less, Whisper guesses."""
RETRY_S = 0.3
"""Interval after a first request without a text: the voice has only just begun."""
MAX_DOUBLINGS = 3
"""Maximum back-off: the interval doubles after each further empty result, at most this often. Empty results mean that
the workers are busy, or that the sound is no voice."""
COST_FACTOR = 2.0
"""Minimum interval in multiples of the last request's duration: interim texts take at most half of a worker."""
LEAD_MS = 100
"""Audio before the first word of the prefix."""
TIMEOUT_S = STALE_S + 0.3
"""Workers silently drop requests that are older than ``STALE_S``. The rest is for one that began just before."""


class Interims:
    """One session's interim texts. At most one request is on its way, and none is made in silence."""

    def __init__(
        self,
        requester: PartialRequester,
        send: Callable[[Interim], None],
        on_text: Callable[[Partial, int], None],
        every_s: float,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Begin without an utterance.

        Args:
            send: called with each text.
            on_text: called with each answer that has a text, and the end of its audio, after the text is sent. It may
                end the utterance.
            every_s: interval in seconds of audio; 0 turns interim texts off.
            timeout_s: seconds to wait for a worker to begin.
        """
        self._requester = requester
        self._send = send
        self._on_text = on_text
        self._every_s = every_s
        self._timeout_s = timeout_s
        self._agreement = LocalAgreement()
        self._segment: int | None = None
        """Number of the utterance that is being spoken; None between utterances."""
        self._next = 0
        """Position of the next request."""
        self._misses = 0
        """Results without a text in a row."""
        self._request: PartialRequest | None = None
        """The newest one of the utterance."""
        self._answering: asyncio.Task[None] | None = None

    def begin(self, segment: int, position: int) -> None:
        """Begin an utterance that starts at a position."""
        if not self._every_s:
            return
        self._segment, self._agreement, self._misses = segment, LocalAgreement(), 0
        self._next = position + round(FIRST_S * SAMPLE_RATE)

    def end(self) -> None:
        """End the utterance: a text that is on its way is withdrawn, or not shown."""
        self._segment = None
        if self._request is not None:
            self._request.drop()
            self._request = None

    def stop(self) -> None:
        """End the utterance, and wait for no text."""
        self.end()
        if self._answering is not None:
            self._answering.cancel()

    def update(self, utterance: ActiveUtterance, position: int) -> None:
        """Request the next text if it is due.

        Args:
            utterance: the one that was begun; its newest frame is voiced.
            position: of the newest sample, whole frame or not.
        """
        busy = self._answering is not None and not self._answering.done()
        if self._segment is None or busy or position < self._next:
            return
        prefix, start, pcm = newest_speech(self._agreement, utterance, position)
        text = "".join(word.text for word in prefix)
        self._request = self._requester.request("interim", self._segment, start, pcm, text)
        self._next = position + round(self._every_s * SAMPLE_RATE)
        self._answering = asyncio.create_task(self._show(self._request, prefix, position), name="interim text")

    async def _show(self, request: PartialRequest, prefix: list[Word], requested_at: int) -> None:
        partial = await _answer(request, self._timeout_s)
        if request is not self._request:  # its utterance is over, or its audio was taken back
            return
        text = partial.transcript if partial is not None else None
        cost_s = partial.stt_end - partial.stt_start if partial is not None else 0.0
        self._misses = self._misses + 1 if text is None else 0
        self._next = requested_at + round(max(self._interval_s(), COST_FACTOR * cost_s) * SAMPLE_RATE)
        if partial is None or text is None:
            return
        self._agreement.insert(text.words, prefix)
        self._send_text(request.job.segment, request.job.revision, text.language)
        self._on_text(partial, requested_at)

    def show(self, partial: Partial) -> None:
        """Show what is known of an utterance that has just begun: the rest of the text of the one before."""
        if self._segment is not None and partial.transcript is not None and self._agreement.empty:
            self._agreement.insert(partial.transcript.words)
            self._send_text(self._segment, partial.revision, partial.transcript.language)

    def _send_text(self, segment: int, revision: int, language: str) -> None:
        found = self._agreement
        text = Interim(
            segment=segment, revision=revision, stable=found.stable, unstable=found.unstable, language=language
        )
        self._send(text.model_copy(update={"words": found.words}))

    def _interval_s(self) -> float:
        """Seconds of audio from the last request to the next."""
        early = self._misses > 0 and self._agreement.empty
        doublings = min(MAX_DOUBLINGS, max(0, self._misses - 1))
        return (RETRY_S if early else self._every_s) * (1 << doublings)


def newest_speech(
    agreement: LocalAgreement, utterance: ActiveUtterance, position: int
) -> tuple[list[Word], int, bytes]:
    """Return the words with which the next text is to begin, and its audio with the position of that.

    Args:
        agreement: on the texts of the utterance so far.
        utterance: the one that is being spoken.
        position: of the newest sample.
    """
    since = position - WINDOW_S * SAMPLE_RATE
    prefix = agreement.committed_since(samples_to_ms(max(0, since)))
    if prefix and since > utterance.start:
        since = ms_to_samples(prefix[0].start_ms - LEAD_MS)
    return prefix, *utterance.since(since)


async def _answer(request: PartialRequest, timeout_s: float) -> Partial | None:
    """Wait for the result; after ``timeout_s`` only if a worker has begun."""
    try:
        async with asyncio.timeout(timeout_s):
            return await request.result()
    except TimeoutError:
        await request.withdraw()
    return await request.result()
