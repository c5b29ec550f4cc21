"""Pure: puts the results of a session in segment order and drops repeats."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from wire.messages.base import PRIVATE
from wire.messages.results import SegmentEnd


class Order(BaseModel):
    """Release state of one session."""

    model_config = PRIVATE

    next_segment: int = 0
    """First segment that is not released."""
    waiting: dict[int, SegmentEnd] = {}
    """Results that arrived before an earlier segment, by segment."""

    def accept(self, result: SegmentEnd) -> "Acceptance":
        """Add one result and return the new state; ``self`` is not changed."""
        if result.segment < self.next_segment or result.segment in self.waiting:
            return Acceptance("duplicate", self)
        waiting = self.waiting | {result.segment: result}
        released = []
        segment = self.next_segment
        while segment in waiting:
            released.append(waiting.pop(segment))
            segment += 1
        after = Order(next_segment=segment, waiting=waiting)
        return Acceptance("released" if released else "waiting", after, released)


@dataclass(frozen=True)
class Acceptance:
    """Outcome of adding one result to an ``Order``."""

    outcome: Literal["duplicate", "waiting", "released"]
    order: Order
    """The state afterwards."""
    released: list[SegmentEnd] = field(default_factory=list)
    """The result and those that waited for it, in segment order; empty unless ``outcome`` is ``released``."""
