"""The final text of an utterance, requested in a pause that may turn out to be its end."""

from fastapi_service.endpointing.events import SpeculativeEndpoint, Utterance
from fastapi_service.recognition.partial_requester import PartialRequester
from fastapi_service.recognition.ports import PartialRequest
from infra.context import Context
from wire.messages.jobs import Partial


class Speculation:
    """At most one request at a time, made in the newest pause.

    If the utterance ends in that pause, the request is taken and its text goes into the ledger. If speech goes on, the
    request is discarded, and no client has seen its text.
    """

    def __init__(self, requester: PartialRequester) -> None:
        self._requester = requester
        self._pause: SpeculativeEndpoint | None = None
        self._request: PartialRequest | None = None

    def begin(self, segment: int, pause: SpeculativeEndpoint, context: Context | None) -> None:
        """Request the text of an utterance up to a pause, in place of an earlier request. It continues the context."""
        self.discard()
        self._pause = pause
        self._request = self._requester.request("final", segment, pause.start, pause.pcm, context=context)

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
