"""One client's samples on their way to the endpointer: counted, and resampled."""

from fastapi_service.endpointing.endpointer import Endpointer, EndpointerOptions
from fastapi_service.endpointing.events import Event, Reason
from fastapi_service.endpointing.resampler import StreamResampler
from fastapi_service.endpointing.sample_clock import SampleClock
from fastapi_service.endpointing.voice import VoiceModel
from wire.audio import Pcm


class ClientStream:
    """Takes samples and gaps at the client's rate, and returns what begins and ends in them.

    ``arrived`` is when they came, on the clock that utterances are stamped with.
    """

    def __init__(self, options: EndpointerOptions, rate: int, received: int, voice: VoiceModel | None = None) -> None:
        """Continue at a position.

        Args:
            options: of the endpointer.
            rate: of the client's samples, in hertz.
            received: samples at that rate before the first ones, gaps included.
            voice: of the endpointer.
        """
        self.clock = SampleClock(rate, received)
        self.endpointer = Endpointer(options, self.clock.position, voice)
        self._resampler = StreamResampler(rate)

    def feed(self, pcm: Pcm, arrived: float) -> list[Event]:
        """Take in samples."""
        self.clock.advance(len(pcm))
        return self.endpointer.feed(self._resampler.feed(pcm), arrived)

    def gap(self, samples: int, arrived: float) -> list[Event]:
        """Take in silence that was not sent."""
        self.clock.advance(samples)
        return self._catch_up(arrived)

    def flush(self, arrived: float, reason: Reason = "flush") -> list[Event]:
        """End the active utterance with the newest sample; the stream may go on afterwards."""
        return [*self._catch_up(arrived), *self.endpointer.flush(arrived, reason)]

    def clear(self, arrived: float) -> list[Event]:
        """Forget the active utterance; returns what ended before the newest sample."""
        events = self._catch_up(arrived)
        self.endpointer.clear()
        return events

    def _catch_up(self, arrived: float) -> list[Event]:
        """Empty the resampler, and fill up with silence to the clock's position."""
        events = self.endpointer.feed(self._resampler.flush(), arrived)
        lacking = self.clock.position - self.endpointer.position
        return events + self.endpointer.gap(lacking, arrived) if lacking > 0 else events
