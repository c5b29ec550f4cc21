"""The gateway's way to the queue, without a queue."""

from kombu.exceptions import OperationalError

from fastapi_service.recognition.ports import LedgerJob
from wire.messages.jobs import TranscribePartial


class FakeDispatcher:
    """Keeps the jobs; refuses those that may get lost while it is ``closed``."""

    def __init__(self) -> None:
        self.jobs: list[LedgerJob] = []
        self.partials: list[TranscribePartial] = []
        self.closed = False

    async def dispatch(self, job: LedgerJob) -> None:
        self.jobs.append(job)

    async def send_once(self, job: TranscribePartial) -> None:
        if self.closed:
            raise OperationalError("closed")
        self.partials.append(job)
