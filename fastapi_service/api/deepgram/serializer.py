"""The protocol of ``/v1/listen``: that of Deepgram's live transcription; see docs/doors.md."""

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastapi_service import errors
from fastapi_service.api.deepgram.answers import Answers
from fastapi_service.api.deepgram.audio import HeaderedStream, OneTalker, PacketStream, RawStream, pieces
from fastapi_service.api.deepgram.commands import answer_to, begin
from fastapi_service.api.deepgram.configures import CONFIGURE
from fastapi_service.api.deepgram.messages import ConfigureSuccess
from fastapi_service.api.deepgram.query import OPUS, ListenQuery, parse_query, prompt_of
from fastapi_service.api.deepgram.refusals import IDLE_S, close_code
from fastapi_service.api.deepgram.summary import Summary
from fastapi_service.api.serializer import Audio, Flush, Incoming
from fastapi_service.api.validation import MAX_MESSAGE_BYTES
from fastapi_service.delivery.frames import Close, Frame, Reply
from wire.audio import Pcm
from wire.messages.client import Configure, Ping, Stop
from wire.messages.server import AnyServerMessage, Error, Pong, Stopped

MAX_FRAME = 1 << 20
"""Bytes of one message: half a minute of 16 kHz audio."""
MAX_COMMAND = 1 << 18
"""Characters of a command: JSON takes far more memory and time than audio."""
_FINALIZE, _GAP = "finalize", "gap"
"""Ids of pings that let an answer come behind what a command or audio has brought."""


class ListenSerializer:
    """One stream, with the settings of its query."""

    resumable = grant_may_follow = False
    idle_s = IDLE_S

    def __init__(
        self, parameters: Iterable[tuple[str, str]], offered: Sequence[str] = (), *, request_id: str, version: str
    ) -> None:
        """Begin before the handshake is answered.

        Args:
            parameters: of the query, in their order.
            offered: sub-protocols of the client: ``token`` and its key.
            request_id: of this connection, for the client.
            version: of the server.
        """
        self.subprotocol = offered[0] if offered and offered[0] in {"token", "bearer"} else None
        self._parameters = parameters
        self._request_id = request_id
        self._version = version
        self._summary = Summary(request_id, version)
        self._stream: RawStream | PacketStream | HeaderedStream = HeaderedStream()
        self._mixer: OneTalker | None = None
        self._open = 0
        """Sessions that have begun and not stopped."""
        self._fault: str | None = None
        """Why the connection ends."""

    def connect(self) -> tuple[Incoming, ...]:
        """Read the query; with ``encoding`` the session begins with it, else with the header of the audio.

        Raises:
            ProtocolError: a parameter is invalid.
        """
        self._query = query = parse_query(self._parameters)
        self._answers = Answers(query, self._request_id, self._version)
        if query.encoding is None:
            return ()
        if query.encoding in OPUS:
            self._stream = PacketStream(query.channels, query.rate)
        else:
            self._stream = RawStream(query.encoding, query.channels, query.rate)
        return (self._begin(query),)

    def decode(self, frame: Frame) -> Iterable[Incoming]:
        """Return the audio or the command in a frame.

        Raises:
            ProtocolError: it is too large, or no command.
            AudioError: the audio has another header than the query says, or none where it says nothing.
        """
        if isinstance(frame, bytes):
            return self._audio(frame)
        command = _command(frame)
        match command.get("type"):
            case "KeepAlive":
                return ()
            case "Finalize":
                return self._finalize(command.get("channel"))
            case "CloseStream":
                return (Stop(),)
            case "Configure":
                return self._configure(command)
            case _:
                raise errors.no_command()

    def encode(self, message: AnyServerMessage) -> tuple[Frame, ...]:
        """Return the frames for a message; none for those that Deepgram does not have."""
        if isinstance(message, Pong):
            return self._behind(*(message.id or "").split(":"))
        frames = self._answers.encode(message)
        if isinstance(message, Stopped):
            self._open -= 1
            if self._open <= 0:
                return (*frames, self._summary.frame(self._answers, self._query))
        if isinstance(message, Error) and message.fatal:
            self._fault = message.message
        return frames

    def _behind(self, command: str, number: str = "") -> tuple[Frame, ...]:
        """Return what answers a command, or audio, now that all is sent that came before it."""
        if command == CONFIGURE:
            return self._answers.configures.reach(int(number))
        if command == _FINALIZE:
            return self._answers.finalized(int(number) if number else None)
        return self._answers.gaps()

    def close(self, code: int) -> Close:
        """Return one of the three codes that Deepgram has, with the reason."""
        return Close(close_code(code), self._fault or "")

    def _audio(self, frame: bytes) -> Iterable[Incoming]:
        if not frame:  # as Deepgram has it; older clients end a stream so
            return (Stop(),)
        if len(frame) > MAX_FRAME:
            raise errors.too_large(len(frame), MAX_FRAME)
        self._summary.take(frame)
        if isinstance(self._stream, PacketStream):  # limits, and others, have their turn between the seconds of it
            return self._sound(self._stream.decoded(frame))
        begin: tuple[Incoming, ...] = ()
        pcm = self._stream.feed(frame)
        if isinstance(self._stream, HeaderedStream) and self._stream.rate and not self._summary.rate:
            found = {"sample_rate": self._stream.rate, "channels": self._stream.channels}
            begin = (self._begin(self._query.model_copy(update=found)),)
        return (*begin, *self._sound([pcm]))

    def _sound(self, decoded: Iterable[Pcm]) -> Iterator[Incoming]:
        for pcm in decoded:
            mixed = pcm if self._mixer is None else self._mixer.feed(pcm)
            self._summary.samples += len(mixed) // self._query.talkers
            self._answers.position_ms = self._summary.position_ms
            yield from map(Audio, pieces(mixed, MAX_MESSAGE_BYTES))
        if self._answers.is_gap_due:
            yield Ping(id=_GAP)

    def _finalize(self, channel: object) -> tuple[Incoming, ...]:
        if channel is None:
            return (Flush(), Ping(id=_FINALIZE))
        if not isinstance(channel, int) or isinstance(channel, bool) or channel not in range(self._query.talkers):
            return ()
        return (Flush(channel), Ping(id=f"{_FINALIZE}:{channel}"))

    def _configure(self, command: dict[str, Any]) -> tuple[Incoming, ...]:
        answer = answer_to(command, self._request_id)
        terms = answer.keyterms if isinstance(answer, ConfigureSuccess) else None
        if not self._summary.rate:  # the session begins with the header of the audio, and then with these terms
            if terms is not None:
                self._query = self._query.model_copy(update={"keyterm": terms, "keywords": ()})
            return (Reply((answer.json_frame(),)),)
        answered = self._answers.configures.expect(answer, is_written=terms is not None)
        return (answered,) if terms is None else (Configure(prompt=prompt_of(terms)), answered)

    def _begin(self, query: ListenQuery) -> Incoming:
        self._query = query
        self._answers = Answers(query, self._request_id, self._version)
        self._summary.rate, self._open = query.rate, query.talkers
        self._mixer = OneTalker(query.rate) if query.channels > query.talkers else None
        return begin(query)


def new_request_id() -> str:
    """Return the id of a connection, as clients show it in their logs."""
    return str(uuid.uuid4())


def _command(frame: str) -> dict[str, Any]:
    if len(frame) > MAX_COMMAND:
        raise errors.too_large(len(frame), MAX_COMMAND)
    try:
        command = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise errors.no_command() from error
    if not isinstance(command, dict):
        raise errors.no_command()
    return command
