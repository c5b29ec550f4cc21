"""The final text of an utterance, requested in a pause that may turn out to be its end."""

import asyncio
from collections.abc import Callable

from fastapi_service.endpointing.events import SpeculativeEndpoint, Utterance
from fastapi_service.recognition.partial_requester import PartialRequester
from fastapi_service.recognition.ports import PartialRequest
from infra.context import Context
from wire.messages.jobs import Partial


class Speculation:
    """At most one request at a time, made in the newest pause.

    If the utterance ends in that pause, the request is taken and its text goes into the ledger. If speech goes on, no
    client sees the text, but it may still show that the sentence was over, until the next pause withdraws the request.
    """

    def __init__(
        self, requester: PartialRequester, on_text: Callable[[SpeculativeEndpoint, PartialRequest, Partial], None]
    ) -> None:
        """Begin without a request.

        Args:
            on_text: called with each text: its pause, its request, and the answer.
        """
        self._requester = requester
        self._on_text = on_text
        self._answers: set[asyncio.Task[None]] = set()
        self._pause: SpeculativeEndpoint | None = None
        self._request: PartialRequest | None = None

    def begin(self, segment: int, pause: SpeculativeEndpoint, context: Context | None) -> None:
        """Request the text of an utterance up to a pause, in place of an earlier request. It continues the context."""
        self.discard()
        self._pause = pause
        self._request = self._requester.request("final", segment, pause.start, pause.pcm, context=context)
        answer = asyncio.create_task(self._pass_on(pause, self._request), name="text of a pause")
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)

    def stop(self) -> None:
        """Drop the request, and let no text that is on its way end an utterance."""
        self.discard()
        for answer in self._answers:
            answer.cancel()

    async def _pass_on(self, pause: SpeculativeEndpoint, request: PartialRequest) -> None:
        partial = await request.result()
        if partial is not None and partial.transcript is not None:
            self._on_text(pause, request, partial)

    @property
    def is_waiting(self) -> bool:
        """True while a text is on its way."""
        return self._request is not None and not self._request.done

    def replace(self, request: PartialRequest, pause: SpeculativeEndpoint, rest: PartialRequest) -> None:
        """Keep the rest of a text for the rest of its utterance, if the request is the newest one."""
        if self._request is request:
            self._pause, self._request = pause, rest

    def discard(self) -> None:
        """Drop the request, if there is one."""
        if self._request is not None:
            self._request.drop()
        self._pause = self._request = None

    def take(self, utterance: Utterance) -> PartialRequest | None:
        """Return the request if its text is the utterance's; otherwise discard it and return None."""
        if self._pause is None or not utterance.ends_in(self._pause):
            self.discard()
        request = self._request
        self._pause = self._request = None
        return request


async def settle(request: PartialRequest | None) -> Partial | None:
    """Wait for a text that a worker has begun, however long it takes: a second attempt would take longer.

    Returns None if no worker has begun it.
    """
    if request is None:
        return None
    if not request.done:
        await request.withdraw()
    return await request.result()
