"""One WebSocket of any protocol: reads the client's messages and applies them to its session."""

import asyncio
from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import asdict
from typing import Any, assert_never

import structlog
from redis.exceptions import RedisError

from fastapi_service import errors
from fastapi_service.api.channel import Channel
from fastapi_service.api.channels import Channels, starts
from fastapi_service.api.last_results import last_results
from fastapi_service.api.ports import Registry, Socket, Visit
from fastapi_service.api.serializer import Audio, Begin, Clear, Flush, Incoming, Serializer, Tune
from fastapi_service.delivery.feed import Feed
from fastapi_service.delivery.frames import Frame, Reply
from fastapi_service.delivery.ports import Log
from fastapi_service.delivery.result_log import Result
from fastapi_service.delivery.send_queue import SendQueue
from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.sessions.ports import SpeechSession
from fastapi_service.settings import Settings
from fastapi_service.storage.record import SessionTakenOver
from infra.ledger.admission import SessionDeleted
from wire.close_codes import LEAVING, CloseCode
from wire.errors import AccessError, AudioError, ProtocolError, StoreError
from wire.messages.client import Configure, Gap, Ping, Start, Stop
from wire.messages.results import Final
from wire.messages.server import Deleted, Endpointing, Pong, Ready, Stopped

USUAL = EndpointingChange()
START_S = 5.0
"""Seconds that a client waits for its session. It takes longer only if Redis is frozen, which is then reported."""

log = structlog.get_logger()


class Connection:
    """Reads until the client goes. If the line breaks, the session stays open for a while, for the client to resume."""

    def __init__(
        self, socket: Socket, serializer: Serializer, registry: Registry, results: Log, settings: Settings, visit: Visit
    ) -> None:
        self._socket = socket
        self._serializer = serializer
        self._registry = registry
        self._settings = settings
        self._visit = visit
        self._errors = 0
        self._talking = False
        """True once the client has sent audio."""
        self._start_by = asyncio.get_running_loop().time() + settings.start_timeout_s
        """Time of the event loop at which a connection without a session ends."""
        self.send_queue = SendQueue(socket, serializer)
        self.feed = Feed(self.send_queue, results, self._note)
        self._channels = Channels(self, registry)

    @property
    def session(self) -> SpeechSession | None:
        """The session, or that of the left channel; None until it has started."""
        return next(iter(self._channels.sessions), None)

    async def serve(self, opening: Sequence[Incoming] = ()) -> None:
        """Run the connection to its close frame; ``opening`` is what the handshake said."""
        code: int = CloseCode.INTERNAL_ERROR
        left = True
        try:
            self._channels.enter()
            code = await self._converse(opening)
            left = code in LEAVING or not self._serializer.resumable
        except SessionTakenOver:
            self.send_queue.send_error(errors.taken_over(), fatal=True)
            code = CloseCode.TAKEN_OVER
        except SessionDeleted as deleted:
            self.send_queue.send(Deleted(session_id=deleted.session_id))
            code = CloseCode.NORMAL
        except StoreError as error:
            self.send_queue.send_error(error, fatal=True)
            code = CloseCode.TRY_LATER
        except AccessError as error:
            self.send_queue.send_error(error, fatal=True)
            code = _access_code(error)
        except AudioError as error:
            self.send_queue.send_error(error, fatal=True)
            code = CloseCode.UNSUPPORTED_DATA
        except ProtocolError as error:
            self.send_queue.send_error(error, fatal=True)
            code = CloseCode.POLICY
        except Exception:  # the boundary: a failure of one connection must not reach others
            log.exception("connection failed", session=self.session and self.session.record.session_id)
        finally:
            self._channels.leave(wait_for_client=not left)
            self._visit.leave()
            self.send_queue.close(code)
            await self.send_queue.closed()
            self.feed.stop()

    def displace(self) -> None:
        """Close: another connection has resumed the session."""
        self.send_queue.send_error(errors.taken_over(), fatal=True)
        self.send_queue.close(CloseCode.TAKEN_OVER)

    def forget(self) -> None:
        """Close: the conversation was deleted."""
        if self.session is not None:
            self.send_queue.send(Deleted(session_id=self.session.record.session_id))
        self.send_queue.close(CloseCode.NORMAL)

    def _expel(self, error: AccessError) -> None:
        """Close: the grant has ended."""
        self.send_queue.send_error(error, fatal=True)
        self.send_queue.close(_access_code(error))

    async def _converse(self, opening: Sequence[Incoming]) -> int:
        """Handle frames until the client goes or stops the session; returns the close code."""
        if await self._handle_all(opening):
            return CloseCode.NORMAL
        while True:
            received = await self._receive()
            if received is None:
                self.send_queue.send_error(self._silence(), fatal=True)
                return CloseCode.TRY_LATER
            if self.send_queue.closing:  # whatever a client sends that was displaced or expelled
                return CloseCode.POLICY
            if received["type"] == "websocket.disconnect":
                return int(received.get("code") or CloseCode.NORMAL)
            try:
                if await self._handle_all(self._serializer.decode(_frame(received))):
                    return CloseCode.NORMAL
            except ProtocolError as error:
                self._errors += 1
                if self._errors >= errors.MAX_ERRORS:
                    raise errors.too_many_errors() from error
                self.send_queue.send_error(error)

    async def _receive(self) -> MutableMapping[str, Any] | None:
        """Return the next ASGI message; None if one should have come by now, or one that begins the session."""
        remaining_s = self._serializer.idle_s
        if self.session is None:
            remaining_s = self._start_by - asyncio.get_running_loop().time()
            if remaining_s <= 0:  # with messages that wait already, no time-out would come
                return None
        try:
            async with asyncio.timeout(remaining_s):
                return await self._socket.receive()
        except TimeoutError:
            return None

    def _silence(self) -> ProtocolError:
        """Return the error for a client that has sent nothing for too long."""
        if self.session is not None and (idle_s := self._serializer.idle_s) is not None:
            return errors.idle(idle_s)
        return errors.start_timeout(self._settings.start_timeout_s)

    def _note(self, result: Result) -> None:
        """Let the session continue its own texts; in a room there are those of others too."""
        for session in self._channels.sessions:
            if isinstance(result, Final) and result.session_id == session.record.session_id:
                session.note(result)

    async def _handle_all(self, messages: Iterable[Incoming]) -> bool:
        """Return True when the session is over. Others have their turn between the pieces of long audio."""
        for number, message in enumerate(messages):
            if number and isinstance(message, Audio):
                await asyncio.sleep(0)
            if await self._handle(message):
                return True
        return False

    async def _handle(self, message: Incoming) -> bool:
        """Return True when the session is over."""
        match message:
            case Audio():
                return await self._on_audio(message.pcm)
            case Gap():
                return await self._on_gap(message.samples)
            case Stop():
                await self._stop()
                return True
            case Start():
                await self._start(message)
            case Begin():
                await self._start(message.start, message.endpointing)
            case _:
                await self._apply(message)
        return False

    async def _apply(self, message: Configure | Tune | Flush | Clear | Ping | Reply) -> None:
        """Handle a message that neither begins nor ends the session, and has no audio."""
        match message:
            case Configure():
                await self._configure(message)
            case Tune():
                self._channels.tune(message.endpointing)
            case Flush():
                await self._channels.flush(message.channel)
            case Clear():
                await self._channels.clear()
            case Ping():
                self.send_queue.send(Pong(id=message.id))
            case Reply():
                self.send_queue.send(message)
            case _:
                assert_never(message)

    async def _on_audio(self, pcm: bytes) -> bool:
        if self.session is None:
            await self._start(Start())
        self._require_talk()
        self._visit.take_audio(self._channels.duration(pcm))
        parts = self._channels.parts(pcm)
        if not self._talking:
            self._talking = True
            for session in self._channels.sessions:
                self._registry.talks(session.record)
        await self._channels.audio(parts)
        return await self._is_too_long()

    async def _configure(self, change: Configure) -> None:
        if self.session is None:
            raise errors.not_started("configure")
        self._require_talk()
        await self._channels.configure(self._visit.named(change, channels=self._channels.count))

    async def _on_gap(self, samples: int) -> bool:
        if self.session is None:
            raise errors.not_started("gap")
        self._require_talk()
        self._visit.take_silence(self._channels.clock(samples))
        await self._channels.gap(samples)
        return await self._is_too_long()

    async def _start(self, start: Start, change: EndpointingChange = USUAL) -> None:
        if self.session is not None:
            raise errors.already_started()
        try:
            ready = await self._open(start, change)
        except ProtocolError:
            self._channels.start_over()
            raise
        except (RedisError, OSError) as error:  # a TimeoutError is an OSError
            raise errors.redis_unavailable() from error
        for channel, message in ready:
            channel.send(message)
        for session in self._channels.sessions:
            await self._registry.join(session.record, self.feed, start.last_seq)

    async def _open(self, start: Start, change: EndpointingChange) -> list[tuple[Channel, Ready]]:
        """Begin or resume the session of each channel; returns the answers."""
        ready: list[tuple[Channel, Ready]] = []
        for channel, one in zip(self._channels.become(start.channels), starts(start), strict=True):
            if one.session_id is not None or not ready:  # a new session beside another one has the grant of that
                of_client = one.model_copy(update={"person_key": start.person_key})  # a room belongs to no channel
                rights = await self._visit.begin(of_client, self._expel)
            async with asyncio.timeout(START_S):
                named = self._visit.named(one, channels=start.channels)
                channel.session, token = await self._registry.open(named, channel, change)
                record = channel.session.record
                await self._visit.began(record.session_id, record.person)
            if ready:
                self.send_queue.second_id = record.session_id
            else:
                self.send_queue.session_id = record.session_id
            more = {"token": token, "resumed": token is None, "endpointing": endpointing(self._settings)}
            allowed = {"rights": rights, "links": self._visit.links}
            ready.append((channel, Ready.model_validate(asdict(record) | more | allowed)))
        if len({message.room for _, message in ready}) > 1:
            raise errors.bad_channels("the sessions of the two are not in the same room")
        self._channels.align()
        return ready

    def _require_talk(self) -> None:
        """Refuse audio of a reader; repeated, the connection ends.

        Raises:
            ProtocolError: the client may not talk.
        """
        try:
            self._visit.require("talk")
        except AccessError as error:
            raise errors.refused_message(error) from error

    async def _is_too_long(self) -> bool:
        limit = self._settings.max_session_s
        if self._channels.clock() <= limit:
            return False
        self.send_queue.send_error(errors.too_long(limit), fatal=True)
        await self._stop()
        return True

    async def _stop(self) -> None:
        """Flush the sessions, then wait for the results of all their utterances."""
        sessions, timeout_s = self._channels.sessions, self._settings.stop_timeout_s
        if not sessions:
            self.send_queue.send(Stopped(segments=0, pending=0))
            return
        last = (last_results(session, self._registry, self.feed, timeout_s) for session in sessions)
        pending = await asyncio.gather(*last)
        for channel, session, missing in zip(self._channels, sessions, pending, strict=True):
            channel.send(Stopped(segments=session.segments, pending=missing))


def _access_code(error: AccessError) -> CloseCode:
    """Return the close code for a client without a grant: a final one, unless waiting helps."""
    return CloseCode.POLICY if error.again_s is None else CloseCode.TRY_LATER


def endpointing(settings: Settings) -> Endpointing:
    """Return what a client that leaves out silence must send of it: as much as the longest that ends an utterance."""
    found = Endpointing.model_validate(settings, from_attributes=True)
    return found.model_copy(update={"silence_ms": max(settings.silence_ms, settings.unfinished_ms)})


def _frame(received: MutableMapping[str, Any]) -> Frame:
    """Take the text or the bytes out of an ASGI message: a large one is not kept while its audio is taken in."""
    text, data = received.pop("text", None), received.pop("bytes", None)
    frame: Frame = text if data is None else data
    return frame
