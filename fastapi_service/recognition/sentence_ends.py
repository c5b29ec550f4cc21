"""The ends of sentences that texts show before silence does."""

from collections.abc import Callable

from fastapi_service.endpointing.endpointer import Endpointer
from fastapi_service.endpointing.events import Event, SpeculativeEndpoint, Utterance
from fastapi_service.recognition.interims import Interims
from fastapi_service.recognition.ports import PartialRequest
from fastapi_service.recognition.sentences import KnownText, divide, end_inside
from fastapi_service.recognition.speculation import Speculation
from fastapi_service.recognition.verdict import judge
from infra.clock import now
from wire.messages.jobs import Partial
from wire.messages.transcript import Transcript


class SentenceEnds:
    """Ends utterances of one session by the texts that are requested before their end.

    A text of a pause ends the utterance there if the sentence is over. A sentence that others follow in the same text
    ends between its last word and the next, in a pause that is too short to end an utterance by itself.
    """

    def __init__(
        self,
        endpointer: Endpointer,
        speculation: Speculation,
        interims: Interims,
        on_over: Callable[[Utterance, PartialRequest | None, list[Event]], None],
        *,
        inside: bool,
    ) -> None:
        """Use the parts of a session.

        Args:
            endpointer: of its stream.
            speculation: its texts of pauses.
            interims: its texts during speech.
            on_over: called with an utterance that is over, the request for its text, and the events of what goes on.
            inside: False: sentences that others follow end nothing.
        """
        self._endpointer = endpointer
        self._speculation = speculation
        self._interims = interims
        self._on_over = on_over
        self._inside = inside

    def on_pause(self, pause: SpeculativeEndpoint, request: PartialRequest, partial: Partial) -> None:
        """End what is over by the text of a pause, or let the pause become longer if its sentence is not."""
        pause, request = self._end_inside(pause, request, partial)
        verdict = judge(partial.sentence_end, self._endpointer, pause)
        if verdict == "wait":
            self._endpointer.wait(pause)
        elif verdict == "end" and (ended := self._endpointer.end(pause, now())) is not None:
            self._speculation.discard()
            self._on_over(ended[0], request, ended[1])

    def on_interim(self, partial: Partial, position: int) -> None:
        """End the sentences inside of a text that is shown during speech; they are transcribed again, with context.

        Args:
            partial: of the active utterance.
            position: end of its audio, which is speech.
        """
        active, text = self._endpointer.active, partial.transcript
        if active is None or text is None or self._speculation.is_waiting:  # that text will do the same, and be used
            return
        if (found := self._over_inside(active.start, text, position)) is not None:
            utterance, rest, words = found
            self._speculation.discard()
            self._on_over(utterance, None, rest)
            self._interims.show(divide(partial, words)[1])

    def _end_inside(
        self, pause: SpeculativeEndpoint, request: PartialRequest, partial: Partial
    ) -> tuple[SpeculativeEndpoint, PartialRequest]:
        """End the sentences inside the text of a pause; return the pause and the request of the rest.

        No sentence is transcribed again: each gets its part of the text.
        """
        text = partial.transcript
        found = self._over_inside(pause.start, text, pause.end - pause.silence) if text is not None else None
        if found is None:
            return pause, request
        utterance, rest, words = found
        over, behind = (KnownText(request.job, part) for part in divide(partial, words))
        pause = pause.after(utterance.end)
        if self._endpointer.is_last(pause):
            self._speculation.replace(request, pause, behind)
            rest = [event for event in rest if not isinstance(event, SpeculativeEndpoint)]  # its text is there
        self._on_over(utterance, over, rest)
        self._interims.show(behind.partial)
        return pause, behind

    def _over_inside(self, start: int, text: Transcript, until: int) -> tuple[Utterance, list[Event], int] | None:
        """End the sentences of a text that others follow, if they are to end; see ``end_inside``."""
        return end_inside(self._endpointer, start, text, until, now()) if self._inside else None
