"""The protocol of ``/twilio``: a telephone call as Twilio's Media Streams send it; see docs/doors.md."""

import base64
import binascii
from typing import Any

from pydantic import ValidationError

from fastapi_service import errors
from fastapi_service.api.serializer import Audio, Incoming
from fastapi_service.api.twilio.legs import Legs
from fastapi_service.api.twilio.messages import Media, Sound, StreamStart, twilio_event
from fastapi_service.api.twilio.messages import Start as CallStart
from fastapi_service.api.twilio.messages import Stopped as CallStopped
from fastapi_service.api.validation import MAX_MESSAGE_BYTES, check_size, explain
from fastapi_service.delivery.frames import Close, Frame
from infra.sound.g711 import RATE, decode_mulaw
from wire.audio import Pcm, encode_pcm
from wire.messages.client import Start, Stop
from wire.messages.server import AnyServerMessage, Error

_OF_START = ("room", "language", "prompt", "key", "ticket", "invite", "person_key")
"""Parameters that are fields of ``start``."""
_OF_LEG = ("name", "role")
"""Parameters of each leg: ``name_inbound``, ``role_outbound`` …"""
_LONGEST_LEAP_S = 60
"""Seconds that a timestamp may be ahead of the audio: silence of that length is filled in."""


class CallSerializer:
    """One call. Twilio reads nothing, so nothing is sent: the room has the results."""

    resumable = False
    grant_may_follow = True
    """In a parameter of ``start``."""
    idle_s = 60.0
    """Seconds; Twilio sends audio all the time."""
    subprotocol = None

    def __init__(self) -> None:
        self._legs: Legs | None = None
        self._tracks: tuple[str, ...] = ()
        self._at_ms = 0
        """Timestamp of the newest audio."""
        self._fault = ""

    def connect(self) -> tuple[Incoming, ...]:
        """Return nothing: Twilio speaks first."""
        return ()

    def decode(self, frame: Frame) -> tuple[Incoming, ...]:
        """Return the start of a session, the audio of both legs that is complete, or the end.

        Raises:
            ProtocolError: the frame is no message of Twilio's, or in no order.
        """
        if isinstance(frame, bytes):
            raise errors.bad_event("it is binary")
        check_size(len(frame.encode(errors="replace")))
        try:
            event = twilio_event.validate_json(frame)
        except ValidationError as invalid:
            raise errors.bad_event(_where(invalid)) from invalid
        match event:
            case CallStart():
                return (self._begin(event.start),)
            case Media():
                return self._audio(event.media)
            case CallStopped():
                rest = self._legs.rest() if self._legs is not None else None
                return (*_pieces(rest), Stop())
        return ()

    def encode(self, message: AnyServerMessage) -> tuple[Frame, ...]:
        """Return nothing; the newest error is the reason of the close frame."""
        if isinstance(message, Error):
            self._fault = f"{message.code}: {message.message}"
        return ()

    def close(self, code: int) -> Close:
        """Return the code as it is, with the reason."""
        return Close(code, self._fault)

    def _begin(self, call: StreamStart) -> Start:
        if self._legs is not None:
            raise errors.bad_event("start comes twice")
        tracks = tuple(dict.fromkeys(call.tracks))
        start = start_of(call, tracks)
        self._tracks, self._legs = tracks, Legs(tracks)
        return start

    def _audio(self, sound: Sound) -> tuple[Incoming, ...]:
        if self._legs is None:
            raise errors.bad_event("media comes before start")
        if sound.timestamp > self._at_ms + _LONGEST_LEAP_S * 1000:
            raise errors.bad_event("the timestamp leaps")
        try:
            payload = base64.b64decode(sound.payload, validate=True)
        except (binascii.Error, ValueError) as error:
            raise errors.bad_event("the payload is no base64") from error
        self._at_ms = max(self._at_ms, sound.timestamp + len(payload) * 1000 // RATE)
        return _pieces(self._legs.feed(sound.track, sound.timestamp, decode_mulaw(payload)))


def start_of(call: StreamStart, tracks: tuple[str, ...]) -> Start:
    """Return the session of a call: a talker for each leg, in the room of the parameters, or that of the call.

    Raises:
        ProtocolError: a parameter is not as ``start`` has it.
    """
    given = {name: value for name, value in call.parameters.items() if value}
    fields: dict[str, Any] = {name: given[name] for name in _OF_START if name in given}
    fields |= {"room": fields.get("room", call.call_sid), "sample_rate": RATE}
    people = [{part: given.get(f"{part}_{track}") for part in _OF_LEG} for track in tracks]
    for person, track in zip(people, tracks, strict=True):
        person["role"] = person["role"] or track
    fields |= people[0] if len(people) == 1 else {"channels": 2, "speakers": people}
    try:
        return Start.model_validate(fields)
    except ValidationError as invalid:
        raise explain(invalid) from invalid


def _pieces(pcm: Pcm | None) -> tuple[Audio, ...]:
    data = encode_pcm(pcm) if pcm is not None else b""
    return tuple(Audio(data[at : at + MAX_MESSAGE_BYTES]) for at in range(0, len(data), MAX_MESSAGE_BYTES))


def _where(invalid: ValidationError) -> str:
    """Return the place and the kind of the first fault."""
    error = invalid.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in error["loc"][1:])
    return f"{place}: {error['type']}" if place else str(error["type"])
