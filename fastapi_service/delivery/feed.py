"""The results and statistics of an audience for one client: each result once and in order, newest statistics only."""

import asyncio
from collections.abc import Callable

from redis.exceptions import RedisError

from fastapi_service.delivery.newest_statistics import NewestStatistics
from fastapi_service.delivery.ports import Log, Queue
from fastapi_service.delivery.result_log import Result
from fastapi_service.monitoring import metrics
from infra.outage_log import OutageLog
from wire import names
from wire.messages.server import People
from wire.messages.statistics import AnyStatistics

REPLAY_BATCH = 200
REPLAY_RETRY_S = 1.0


class Feed:
    """A ``hub.Receiver``: passes live results on while they are complete, and reads from the log what is missing."""

    def __init__(self, queue: Queue, results: Log, note: Callable[[Result], None] = lambda _result: None) -> None:
        """Begin without an audience; ``note`` is called with each result that is queued."""
        self._queue = queue
        self._note = note
        self._log = results
        self._audience = ""
        self._delivered = 0
        """``seq`` of the newest result that was queued."""
        self._statistics = NewestStatistics(queue.send)
        self._people: People | None = None
        """The newest that was queued."""
        self._replay: asyncio.Task[None] | None = None
        self._behind = False
        self._history = True
        """True until the log has been read to its end: what it held before may have been delivered already."""
        self._is_lost = False
        """True while the log is read because messages may have been lost."""

    def follow(self, audience: str, last_seq: int) -> None:
        """Deliver an audience's results from now on, beginning after ``last_seq``; again for a second session of it."""
        if audience != self._audience:
            self._audience, self._delivered = audience, last_seq
        self._read_again()

    def on_result(self, seq: int, message: Result) -> None:
        """Queue the next result; drop an old one; read the log when ``seq`` shows that results are missing.

        Results that come before it follows an audience are in the log that it reads then.
        """
        if seq <= self._delivered or not self._audience:
            return
        if self._replaying:
            self._read_again()
        elif seq > self._delivered + 1:
            self.on_missed()
        else:
            self._deliver(seq, message)

    def on_statistics(self, statistics: AnyStatistics) -> None:
        """Queue statistics, now or soon, if they are the newest of their scope or person."""
        self._statistics.take(statistics)

    def flush_statistics(self) -> None:
        """Queue at once what would be queued soon."""
        self._statistics.flush()

    def on_people(self, people: People) -> None:
        """Queue the occupancy of the room if it has changed."""
        if people != self._people:
            self._people = people
            self._queue.send(people)

    def on_newest(self, seq: int) -> bool:
        """Read the log if results up to ``seq`` are in it and some of them were not queued; return True if so."""
        is_behind = seq > self._delivered
        if is_behind:
            self.on_missed()
        return is_behind

    def on_missed(self) -> None:
        """Read what is missing from the audience's log, if it follows one."""
        if self._audience:
            self._is_lost = True
            self._read_again()

    async def caught_up(self) -> None:
        """Wait until everything that is in the log now is in the queue."""
        self._read_again()
        if self._replay is not None:
            await self._replay

    def stop(self) -> None:
        """End a replay that is still running, and drop statistics that wait."""
        self._statistics.stop()
        if self._replay is not None:
            self._replay.cancel()

    @property
    def _replaying(self) -> bool:
        return self._replay is not None and not self._replay.done()

    def _read_again(self) -> None:
        self._behind = True
        if not self._replaying:
            self._replay = asyncio.create_task(self._catch_up(), name="replay")

    async def _catch_up(self) -> None:
        outage = OutageLog("replay")
        while self._behind and not self._queue.closing:
            self._behind = False
            try:
                await self._read_log()
                outage.recovered()
            except (RedisError, OSError) as error:
                outage.failed(error)
                self._behind = True
                await asyncio.sleep(REPLAY_RETRY_S)

    async def _read_log(self) -> None:
        while results := await self._log.read(self._audience, self._delivered, REPLAY_BATCH):
            for seq, result in results:
                self._delivered = seq
                if result is not None:  # None is of a newer version, or unreadable: left out
                    self._deliver(seq, result)
                if self._is_lost and not self._history:
                    metrics.MISSED.labels(names.RESULT_MESSAGES).inc()
            await self._queue.drain()
        self._history = self._is_lost = False

    def _deliver(self, seq: int, message: Result) -> None:
        self._delivered = seq
        self._note(message)
        message = message.model_copy(update={"seq": seq})
        if self._history:
            self._queue.send(message)
        else:
            self._queue.send_live(message)
