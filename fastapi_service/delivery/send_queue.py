"""What one client is told: each result once and in order, newest statistics only, and never without bound."""

import asyncio

import structlog
from redis.exceptions import RedisError
from starlette.websockets import WebSocket, WebSocketDisconnect

from fastapi_service.errors import too_slow
from fastapi_service.monitoring import metrics
from infra.redis_client import AsyncRedis
from infra.results import FIELD
from wire import names
from wire.close_codes import CloseCode
from wire.errors import WireError
from wire.messages.base import HOPS, hop_ms, now
from wire.messages.results import Final, NoSpeech, SegmentFailed, read_segment_end
from wire.messages.server import AnyServerMessage, Error, People
from wire.messages.statistics import Statistics

MOST_UNSENT = 1_000
"""Messages that wait for a client that does not read; then it is cut off, and gets them when it resumes."""
REPLAY_BATCH = 200
REPLAY_RETRY_S = 1.0
CLOSE_S = 5.0
"""How long the last messages may take to reach the client."""

log = structlog.get_logger()


class SendQueue:
    """Writes from a task of its own, so that nobody waits for a slow client."""

    def __init__(self, websocket: WebSocket, redis: AsyncRedis) -> None:
        self._websocket = websocket
        self._redis = redis
        self._unsent: asyncio.Queue[AnyServerMessage | int] = asyncio.Queue()
        """Messages; a number is the code to close with."""
        self._closing = False
        self._audience = ""
        self._delivered = 0
        """``seq`` of the newest result that was put into the queue."""
        self._versions: dict[str, int] = {}
        """Scope → version of the newest statistics that were."""
        self._people: People | None = None
        """The newest that was put into the queue."""
        self._replay: asyncio.Task[None] | None = None
        self._behind = False
        self._writer = asyncio.create_task(self._write_all(), name="outbox")

    def follow(self, audience: str, last_seq: int) -> None:
        """From now on deliver an audience's results, beginning after ``last_seq``."""
        self._audience, self._delivered = audience, last_seq
        self.on_missed()

    def send(self, message: AnyServerMessage) -> None:
        if self._closing:
            return
        if self._unsent.qsize() >= MOST_UNSENT:
            self.send_error(too_slow(), fatal=True)
            self.close(CloseCode.TRY_LATER)
            return
        self._unsent.put_nowait(message)

    def send_error(self, error: WireError, *, fatal: bool = False) -> None:
        """Tell the client what was wrong; ``fatal`` when it is the last thing it hears."""
        if not self._closing:
            metrics.ERRORS.labels(error.code).inc()
            self._unsent.put_nowait(Error(code=error.code, message=error.message, remedy=error.remedy, fatal=fatal))

    def close(self, code: int) -> None:
        """Close after what was sent before; the reader then sees the end."""
        if not self._closing:
            self._closing = True
            self._unsent.put_nowait(code)

    async def closed(self) -> None:
        """Wait until everything is written, or the client has not read it in time."""
        await asyncio.wait({self._writer}, timeout=CLOSE_S)
        self._writer.cancel()
        if self._replay is not None:
            self._replay.cancel()

    def on_result(self, seq: int, message: Final | NoSpeech | SegmentFailed) -> None:
        """A live result: the next one is sent, an old one is not, a later one shows that some are missing."""
        if seq <= self._delivered:
            return
        if seq > self._delivered + 1 or self._replaying:
            self.on_missed()
            return
        self._deliver(seq, message)

    def on_statistics(self, statistics: Statistics) -> None:
        if statistics.version > self._versions.get(statistics.scope, 0):
            self._versions[statistics.scope] = statistics.version
            self.send(statistics)

    def on_people(self, people: People) -> None:
        if people != self._people:
            self._people = people
            self.send(people)

    def on_missed(self) -> None:
        """Read what is missing from the audience's log."""
        self._behind = True
        if not self._replaying:
            self._replay = asyncio.create_task(self._catch_up(), name="replay")

    async def caught_up(self) -> None:
        """Everything in the log now is in the queue afterwards."""
        self.on_missed()
        if self._replay is not None:
            await self._replay

    @property
    def _replaying(self) -> bool:
        return self._replay is not None and not self._replay.done()

    async def _catch_up(self) -> None:
        away = False
        while self._behind and not self._closing:
            self._behind = False
            try:
                await self._read_log()
            except (RedisError, OSError) as error:
                if not away:  # one line for an outage, not one for each attempt
                    log.warning("replay failed", error=type(error).__name__)
                away = self._behind = True
                await asyncio.sleep(REPLAY_RETRY_S)

    async def _read_log(self) -> None:
        log_key = names.log(self._audience)
        while entries := await self._redis.xrange(log_key, f"({self._delivered}-0", count=REPLAY_BATCH):
            for entry, fields in entries:
                self._delivered = int(entry.partition("-")[0])
                if (end := read_segment_end(fields[FIELD])) is not None:  # else of a newer version: left out
                    self._deliver(self._delivered, end)
            # A long log must not look like a client that does not read.
            while self._unsent.qsize() > MOST_UNSENT // 2 and not self._closing:  # noqa: ASYNC110 (a queue has no event)
                await asyncio.sleep(0.05)

    def _deliver(self, seq: int, message: Final | NoSpeech | SegmentFailed) -> None:
        self._delivered = seq
        self.send(message.model_copy(update={"seq": seq}))

    async def _write_all(self) -> None:
        try:
            while not isinstance(message := await self._unsent.get(), int):
                await self._websocket.send_text(_stamped(message).model_dump_json())
            await self._websocket.close(message)
        except (WebSocketDisconnect, RuntimeError, OSError):
            self._closing = True  # the client is gone; the reader sees it too


def _stamped(message: AnyServerMessage) -> AnyServerMessage:
    """A result with the time of its delivery; others as they are."""
    if not isinstance(message, Final | NoSpeech | SegmentFailed):
        return message
    message = message.model_copy(update={"clock": message.clock.at(delivered=now())})
    metrics.DELIVERED.labels(message.type).inc()
    for hop in HOPS:
        ms = hop_ms(message.clock, hop)
        if ms is not None:
            metrics.HOP_SECONDS.labels(hop).observe(ms / 1000)
    return message
