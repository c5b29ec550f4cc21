"""A batch given to an engine, and the outcome of each utterance in it."""

from collections.abc import Sequence

from stt_worker.engines.base import BatchEngine, Outcome, RecognitionConfig, RecognitionRequest
from stt_worker.engines.deadline import Deadline
from wire.audio import Samples


def outcomes_of(
    engine: BatchEngine, utterances: Sequence[tuple[Samples, RecognitionConfig]], deadlines: Sequence[Deadline] = ()
) -> list[Outcome]:
    """Return the outcomes in the order of the utterances, one each; without deadlines, each has a minute."""
    deadlines = deadlines or [Deadline.after(60)] * len(utterances)
    requests = [
        RecognitionRequest(audio, config, deadline)
        for (audio, config), deadline in zip(utterances, deadlines, strict=True)
    ]
    yielded = list(engine.transcribe_all(requests))
    outcomes = dict(yielded)
    assert len(yielded) == len(outcomes) == len(requests)
    return [outcomes[index] for index in range(len(requests))]
