"""Pure: results arrive in any order and more than once; each leaves once, in segment order."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from wire.messages.base import PRIVATE
from wire.messages.results import Final, NoSpeech, SegmentEnd, SegmentFailed


class Order(BaseModel):
    """What of one session was released, and what waits for an earlier segment."""

    model_config = PRIVATE

    next_segment: int = 0
    waiting: dict[int, SegmentEnd] = {}

    def accept(self, end: Final | NoSpeech | SegmentFailed) -> "Acceptance":
        """Take one result in; ``self`` stays as it was."""
        if end.segment < self.next_segment or end.segment in self.waiting:
            return Acceptance("duplicate", self)
        waiting = self.waiting | {end.segment: end}
        released = []
        segment = self.next_segment
        while segment in waiting:
            released.append(waiting.pop(segment))
            segment += 1
        after = Order(next_segment=segment, waiting=waiting)
        return Acceptance("released" if released else "waiting", after, released)


@dataclass(frozen=True)
class Acceptance:
    outcome: Literal["duplicate", "waiting", "released"]
    order: Order
    released: list[Final | NoSpeech | SegmentFailed] = field(default_factory=list)
