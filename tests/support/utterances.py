"""A batch given to an engine, and what became of each utterance in it."""

from collections.abc import Sequence
from functools import partial

from stt_worker.engines.base import BatchEngine, Deadline, Outcome, Request, Task
from wire.audio import Samples


def outcomes_of(
    engine: BatchEngine, asked: Sequence[tuple[Samples, Request]], deadlines: Sequence[Deadline] = ()
) -> list[Outcome]:
    """What each is told, in the order of the utterances; without deadlines, each has a minute."""
    told: dict[int, Outcome] = {}
    deadlines = deadlines or [Deadline.after(60)] * len(asked)
    engine.transcribe_all(
        [
            Task(audio, request, deadline, partial(told.__setitem__, number))
            for number, ((audio, request), deadline) in enumerate(zip(asked, deadlines, strict=True))
        ]
    )
    return [told[number] for number in range(len(asked))]
