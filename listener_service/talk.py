"""Pure: goes through utterances in the order in which they began, and measures silence, overlap and turns."""

from dataclasses import dataclass, replace

from pydantic import BaseModel

from wire.messages.base import STORED

TURN_PAUSE_MS = 2_000
"""A person who says nothing for so long begins another turn."""
INTERRUPTED_MS = 1_000
"""So long the one who is interrupted goes on talking. Quick answers overlap for less: an utterance begins up to 0.3 s
before its first sound, and ends up to 0.5 s behind its last."""


@dataclass(slots=True)
class Mark:
    """One person, as far as utterances have been gone through."""

    since_ms: int
    """Beginning of the talk that ends at ``until_ms``, without a pause in it."""
    until_ms: int
    """End of the person's talk."""
    overlap_ms: int = 0
    interruptions: int = 0
    longest_ms: int = 0
    """Longest monologue."""


class Talk(BaseModel):
    """The figures up to the beginning of the newest utterance; people are numbers."""

    model_config = STORED

    now_ms: int | None = None
    """Beginning of the newest utterance; None before the first."""
    silence_ms: int = 0
    overlap_ms: int = 0
    marks: dict[int, Mark] = {}
    talking: list[int] = []
    """Those who talk on at ``now_ms``."""
    monologue: tuple[int, int, int] = (-1, 0, 0)
    """Person, beginning and end of the newest utterances of one person in a row."""


class Walk:
    """Goes on from a talk, utterance by utterance. A plain object: it goes through the recent ones at each release."""

    def __init__(self, talk: Talk) -> None:
        """Begin where a talk is; that is not changed."""
        self._before = talk
        self._now_ms = talk.now_ms
        self.silence_ms, self.overlap_ms = talk.silence_ms, talk.overlap_ms
        self.marks = {number: replace(mark) for number, mark in talk.marks.items()}
        """The figures of each person so far."""
        self._talking = [*talk.talking]
        self._monologue = talk.monologue

    @property
    def talk(self) -> Talk:
        """The talk so far, to be stored."""
        names = ("now_ms", "talking", "monologue")
        update = {name: getattr(self, f"_{name}") for name in names}
        update |= {"silence_ms": self.silence_ms, "overlap_ms": self.overlap_ms, "marks": self.marks}
        return self._before.model_copy(update=update)

    def add(self, start_ms: int, end_ms: int, number: int) -> None:
        """Go on to the next utterance, which begins at the same time or later."""
        self._pass(start_ms)
        mark = self.marks.get(number)
        interrupts = self._interrupts(start_ms, end_ms, number, mark)
        if mark is None:
            mark = self.marks[number] = Mark(start_ms, end_ms)
        elif start_ms > mark.until_ms:
            mark.since_ms = start_ms
        mark.interruptions += interrupts
        mark.until_ms = max(mark.until_ms, end_ms)
        if number not in self._talking and mark.until_ms > start_ms:
            self._talking.append(number)
        holder, begin, end = self._monologue
        if holder != number or start_ms - end >= TURN_PAUSE_MS:
            begin = end = start_ms
        end = max(end, end_ms)
        self._monologue = number, begin, end
        mark.longest_ms = max(mark.longest_ms, end - begin)

    def end(self) -> None:
        """Go on to the end of all utterances."""
        if self._talking:
            self._pass(max(self.marks[number].until_ms for number in self._talking))

    def _interrupts(self, start_ms: int, end_ms: int, number: int, mark: Mark | None) -> bool:
        """Return True if an utterance begins a turn while another person talks on, and is not over before that one."""
        if not self._talking or (mark is not None and start_ms - mark.until_ms < TURN_PAUSE_MS):
            return False
        others = [self.marks[other] for other in self._talking if other != number]
        return any(
            other.since_ms < start_ms and start_ms + INTERRUPTED_MS <= other.until_ms < end_ms for other in others
        )

    def _pass(self, to_ms: int) -> None:
        """Let the time pass up to ``to_ms``, from one end of a person's talk to the next."""
        now_ms = to_ms if self._now_ms is None else self._now_ms
        while self._talking and now_ms < to_ms:
            talking = [self.marks[number] for number in self._talking]
            step_ms = min(to_ms, *(mark.until_ms for mark in talking)) - now_ms
            if len(talking) > 1:
                self.overlap_ms += step_ms
                for mark in talking:
                    mark.overlap_ms += step_ms
            now_ms += step_ms
            self._talking = [number for number in self._talking if self.marks[number].until_ms > now_ms]
        self.silence_ms += to_ms - now_ms
        self._now_ms = to_ms
