"""Pure: puts the results of a session in segment order and drops repeats."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from listener_service.sentences import Sentence
from wire.messages.base import STORED
from wire.messages.results import SegmentEnd, read_segment_end


class Order(BaseModel):
    """Release state of one session."""

    model_config = STORED

    next_segment: int = 0
    """First segment that is not released."""
    waiting: dict[int, dict[str, Any]] = {}
    """Results that arrived before an earlier segment, by segment, as JSON: parsed only when they are released, so that
    fields and types that a newer listener stored stay."""
    sentence: Sentence | None = None
    """The newest sentence; see ``newest_sentence``."""
    began_ms: int | None = None
    """Unix time at which the session's audio clock began, ms, by its first entry in an export; None before that."""

    @property
    def newest_sentence(self) -> Sentence | None:
        """The sentence that the next result may go on with; None also if an older listener released results since."""
        known = self.sentence is not None and self.sentence.next_segment == self.next_segment
        return self.sentence if known else None

    def accept(self, result: SegmentEnd) -> "Acceptance":
        """Add one result and return the new state; ``self`` is not changed.

        Raises:
            pydantic.ValidationError: a waiting result that is to be released is damaged.
        """
        if result.segment < self.next_segment or result.segment in self.waiting:
            return Acceptance("duplicate", self)
        waiting = self.waiting | {result.segment: json.loads(result.model_dump_json())}
        released: list[SegmentEnd] = []
        segment = self.next_segment
        while segment in waiting:
            end = read_segment_end(json.dumps(waiting.pop(segment)))
            if end is None:
                return Acceptance("unreadable", self)
            released.append(end)
            segment += 1
        after = self.model_copy(update={"next_segment": segment, "waiting": waiting})
        return Acceptance("released" if released else "waiting", after, released)


@dataclass(frozen=True)
class Acceptance:
    """Outcome of adding one result to an ``Order``."""

    outcome: Literal["duplicate", "waiting", "released", "unreadable", "deleted"]
    """``unreadable``: a result that waits for this one is of unknown type; a newer listener has to release both.
    ``deleted``: the session was deleted, and nothing is written for it."""
    order: Order
    """The state afterwards."""
    released: list[SegmentEnd] = field(default_factory=list)
    """The result and those that waited for it, in segment order; empty unless ``outcome`` is ``released``."""
