"""Base of engines that prepare the requests of another one, or judge its texts."""

from collections.abc import Iterator, Mapping

from stt_worker.engines.base import BatchEngine, Outcome, RecognitionRequest


class EngineWrapper(BatchEngine):
    """An engine with the name, the revision and the batches of the one inside."""

    def __init__(self, engine: BatchEngine) -> None:
        self.name, self.revision, self.max_batch_size = engine.name, engine.revision, engine.max_batch_size
        self._engine = engine

    def _transcribe_some(self, requests: Mapping[int, RecognitionRequest]) -> Iterator[tuple[int, Outcome]]:
        """Transcribe some of a batch, by their indices in it, with the engine inside; yields as ``transcribe_all``."""
        if requests:
            indices = list(requests)
            for position, outcome in self._engine.transcribe_all(list(requests.values())):
                yield indices[position], outcome
