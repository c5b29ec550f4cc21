"""Base of engines that prepare the requests of another one, or judge its texts."""

from stt_worker.engines.base import BatchEngine


class EngineWrapper(BatchEngine):
    """An engine with the name, the revision and the batches of the one inside."""

    def __init__(self, engine: BatchEngine) -> None:
        self.name, self.revision, self.max_batch_size = engine.name, engine.revision, engine.max_batch_size
        self._engine = engine
