"""Pure: utterances and their results become conversation items, in the order in which the session finds them."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi_service.api.openai_rest.answers import logprobs
from fastapi_service.api.realtime import events
from fastapi_service.api.realtime.events import Event
from wire.messages.results import Final, NoSpeech, SegmentEnd, SegmentFailed
from wire.messages.server import AnyServerMessage, Interim, SpeechEnded, SpeechStarted, Stopped
from wire.sentence_ends import in_a_row


@dataclass(eq=False)
class Item:
    """Audio between two commits: one utterance, or with manual commits any number of them, also none."""

    item_id: str
    announced: bool
    """The client has read of its beginning."""
    segments: list[int] = field(default_factory=list)
    results: list[SegmentEnd] = field(default_factory=list)
    """Those of the first segments: results come in order."""
    shown: str = ""
    """Text in deltas."""
    known: str = ""
    """Text of the results."""
    seconds: float | None = None
    """Length of the audio; None until it is committed."""

    def grows_to(self, text: str) -> list[Event]:
        """Return the delta that makes a longer text of what was shown; none if it is another text."""
        if len(text) <= len(self.shown) or not text.startswith(self.shown):
            return []
        new, self.shown = text[len(self.shown) :], text
        return [events.delta(self.item_id, new)]


class Conversation:
    """The items of one session. Returns the events that each message brings."""

    def __init__(self, new_id: Callable[[str], str]) -> None:
        """Begin without items; ``new_id`` makes an id from its prefix."""
        self._new_id = new_id
        self.manual = False
        """Items begin and end with the client's commits."""
        self.with_logprobs = False
        self._open: Item | None = None
        """The one whose audio is not committed."""
        self._waiting: deque[Item] = deque()
        """Committed ones that lack results."""
        self._last: str | None = None
        """Id of the newest one that is committed."""

    def take(self, message: AnyServerMessage) -> list[Event]:
        """Take in a message of the session; most bring nothing."""
        match message:
            case SpeechStarted():
                return self._begin(message)
            case SpeechEnded():
                return self._end(message)
            case Interim():
                return self._grow(message)
            case Final() | NoSpeech() | SegmentFailed():
                return self._result(message)
            case Stopped() if self._open is not None:
                return self.commit(0.0)
            case _:
                return []

    def _begin(self, message: SpeechStarted) -> list[Event]:
        if self._open is not None:
            self._open.segments.append(message.segment)
            return []
        self._open = Item(self._new_id("item_"), not self.manual, [message.segment])
        return [] if self.manual else [events.speech_started(self._open.item_id, message.at_ms)]

    def _end(self, message: SpeechEnded) -> list[Event]:
        """End the item with its utterance, unless a commit does."""
        item = self._open
        if item is None or self.manual:
            return []
        item.seconds = (message.end_ms - message.start_ms) / 1000
        if message.reason == "flush":
            return []
        stopped = [events.speech_stopped(item.item_id, message.end_ms)] if item.announced else []
        return stopped + self.commit(item.seconds)

    def commit(self, seconds: float) -> list[Event]:
        """End the open item, or one in which nothing was said.

        Args:
            seconds: length of its audio.
        """
        item, self._open = self._open or Item(self._new_id("item_"), announced=False), None
        if item.seconds is None:
            item.seconds = seconds
        found = events.committed(item.item_id, self._last)
        self._last = item.item_id
        self._waiting.append(item)
        return found + self._complete()

    def clear(self) -> list[Event]:
        """Drop the open item."""
        self._open = None
        return [events.cleared()]

    def _grow(self, message: Interim) -> list[Event]:
        """Show text that is stable, in the order of the speech: only while no result before it is missing."""
        item = self._item_of(message.segment)
        if item is None or not message.stable or item.segments.index(message.segment) != len(item.results):
            return []
        return item.grows_to(in_a_row(item.known, message.stable, message.language))

    def _result(self, message: SegmentEnd) -> list[Event]:
        item = self._item_of(message.segment)
        if item is None:  # the client took the rest of its audio back
            return []
        item.results.append(message)
        if isinstance(message, Final):
            item.known = in_a_row(item.known, message.text, message.language)
        return item.grows_to(item.known) + self._complete()

    def _item_of(self, segment: int) -> Item | None:
        items = [*self._waiting, self._open] if self._open is not None else [*self._waiting]
        return next((item for item in items if segment in item.segments), None)

    def _complete(self) -> list[Event]:
        """Return the ends of the items whose results are there."""
        found: list[Event] = []
        while self._waiting and len(self._waiting[0].results) == len(self._waiting[0].segments):
            found += self._outcome(self._waiting.popleft())
        return found

    def _outcome(self, item: Item) -> list[Event]:
        """Return the text of an item; with an error before it if the text of a part is missing."""
        finals = [result for result in item.results if isinstance(result, Final)]
        failures = [result for result in item.results if isinstance(result, SegmentFailed)]
        if failures and not finals:
            return [events.failed(item.item_id, failures[0])]
        completed = events.completed(item.item_id, item.known, finals, item.seconds or 0.0)
        if self.with_logprobs:
            completed["logprobs"] = logprobs(finals)
        return [*map(events.incomplete, failures), completed]
