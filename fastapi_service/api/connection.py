"""One WebSocket: what its client says, and the session it is about."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from pydantic import ValidationError
from redis.exceptions import RedisError
from starlette.websockets import WebSocket

from fastapi_service import errors
from fastapi_service.delivery.send_queue import SendQueue
from fastapi_service.recognition.session import Session, SessionTakenOver
from wire.close_codes import LEAVING, CloseCode
from wire.errors import ProtocolError, StoreError
from wire.messages.client import Gap, Ping, Start, Stop, client_message
from wire.messages.server import Pong, Ready, Stopped

if TYPE_CHECKING:
    from fastapi_service.gateway import Gateway

STOP_POLL_S = 0.1
READ_LAST_S = 5.0
"""How long the last results may take from Redis to the outbox."""
START_S = 5.0
"""How long a client waits for its session; longer only if Redis is frozen, and then it should hear so."""
"""Close codes after which nobody comes back in a moment: done, page closed, no code, this server
restarts, the session is elsewhere."""

log = structlog.get_logger()


class Connection:
    """Reads until the client goes; a broken line leaves the session open for a while, for the client to return."""

    def __init__(self, websocket: WebSocket, gateway: "Gateway") -> None:
        self._websocket = websocket
        self._gateway = gateway
        self._errors = 0
        self.session: Session | None = None
        self.send_queue = SendQueue(websocket, gateway.redis)

    async def serve(self) -> None:
        """The whole life of the connection."""
        code: int = CloseCode.INTERNAL_ERROR
        left = True
        try:
            code = await self._converse()
            left = code in LEAVING
        except SessionTakenOver:
            self.send_queue.send_error(errors.taken_over(), fatal=True)
            code = CloseCode.TAKEN_OVER
        except StoreError as error:
            self.send_queue.send_error(error, fatal=True)
            code = CloseCode.TRY_LATER
        except ProtocolError as error:
            self.send_queue.send_error(error, fatal=True)
            code = CloseCode.POLICY
        except Exception:  # the boundary: one client's trouble is not another's
            log.exception("connection failed", session=self.session and self.session.record.session_id)
        finally:
            self._gateway.leave(self, wait_for_client=not left)
            self.send_queue.close(code)
            await self.send_queue.closed()

    def displace(self) -> None:
        """The session goes on in another connection."""
        self.send_queue.send_error(errors.taken_over(), fatal=True)
        self.send_queue.close(CloseCode.TAKEN_OVER)

    async def _converse(self) -> int:
        """Until the client goes or says stop; returns the close code."""
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return int(message.get("code") or CloseCode.NORMAL)
            try:
                data = message.get("bytes")
                over = await (self._on_text(message["text"]) if data is None else self._on_audio(data))
            except ProtocolError as error:
                self._errors += 1
                if self._errors >= errors.MOST_ERRORS:
                    raise errors.too_many_errors() from error
                self.send_queue.send_error(error)
                continue
            if over:
                return CloseCode.NORMAL

    async def _on_audio(self, data: bytes) -> bool:
        """Returns True when the conversation is over."""
        errors.check_audio(data)
        session = self.session or await self._start(Start())
        self._gateway.heard(session.record)
        await session.audio(data)
        return await self._is_too_long(session)

    async def _on_text(self, text: str) -> bool:
        """Returns True when the conversation is over."""
        errors.check_size(len(text.encode(errors="replace")))
        try:
            message = client_message.validate_json(text)
        except ValidationError as refused:
            raise errors.explain(refused) from refused
        match message:
            case Start():
                if self.session is not None:
                    raise errors.already_started()
                await self._start(message)
            case Gap():
                if self.session is None:
                    raise errors.not_started("gap")
                await self.session.gap(message.samples)
                return await self._is_too_long(self.session)
            case Ping():
                self.send_queue.send(Pong(id=message.id))
            case Stop():
                await self._stop()
                return True
        return False

    async def _start(self, start: Start) -> Session:
        try:
            async with asyncio.timeout(START_S):
                self.session, token = await self._gateway.open_session(start, self)
        except (RedisError, OSError) as error:  # a TimeoutError is an OSError
            raise errors.redis_away() from error
        record = self.session.record
        self.send_queue.send(
            Ready(
                session_id=record.session_id,
                token=token,
                resumed=token is None,
                samples=record.samples,
                sample_rate=record.sample_rate,
                language=record.language,
                room=record.room,
            )
        )
        await self._gateway.join(record, self.send_queue, start.last_seq)
        return self.session

    async def _is_too_long(self, session: Session) -> bool:
        limit = self._gateway.settings.max_session_s
        if session.seconds <= limit:
            return False
        self.send_queue.send_error(errors.too_long(limit), fatal=True)
        await self._stop()
        return True

    async def _stop(self) -> None:
        """Flush, then wait for the results of everything that was said."""
        pending = await self._last_results(self.session) if self.session is not None else 0
        self.send_queue.send(Stopped(segments=self.session.segments if self.session else 0, pending=pending))

    async def _last_results(self, session: Session) -> int:
        """Results that are still missing after a while; those that are there are in the outbox afterwards."""
        pending = 1  # as long as nobody knows
        with suppress(TimeoutError):
            async with asyncio.timeout(self._gateway.settings.stop_timeout_s):
                await session.finish()
                while pending := await self._gateway.outstanding(session):  # noqa: ASYNC110 (the listener has no event)
                    await asyncio.sleep(STOP_POLL_S)
        try:
            async with asyncio.timeout(READ_LAST_S):
                await self.send_queue.caught_up()
        except TimeoutError:
            pending = max(1, pending)
        await self._gateway.read_statistics(session.record, self.send_queue)
        return max(pending, session.waiting)
