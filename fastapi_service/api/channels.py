"""The sessions of one connection: one, or with a stereo input one for each channel."""

import secrets
from collections.abc import Iterator, Sequence

from fastapi_service import errors
from fastapi_service.api.audio_formats import FormatCheck
from fastapi_service.api.channel import Channel
from fastapi_service.api.ports import Line, Registry
from fastapi_service.endpointing.change import EndpointingChange
from fastapi_service.recognition.common_clock import CommonClock
from fastapi_service.sessions.ports import SpeechSession
from wire.audio import SAMPLE_BYTES, decode_pcm, encode_pcm
from wire.messages.client import Configure, Start


class Channels:
    """The channels of one connection, which begin, go on and end together."""

    def __init__(self, line: Line, registry: Registry) -> None:
        self._line = line
        self._registry = registry
        self._all = [Channel(line)]
        self._format = FormatCheck()
        """Checks both channels together: a header, or numbers of four bytes, show in neither of them."""

    def __iter__(self) -> Iterator[Channel]:
        return iter(self._all)

    @property
    def count(self) -> int:
        """1, or 2 once a stereo input has begun."""
        return len(self._all)

    @property
    def sessions(self) -> list[SpeechSession]:
        """Those that have begun."""
        return [channel.session for channel in self._all if channel.session is not None]

    def enter(self) -> None:
        """Count the connection.

        Raises:
            StoreError: there are too many.
        """
        self._registry.enter(self._all[0])

    def become(self, count: int) -> Sequence[Channel]:
        """Return so many channels for a session that begins.

        Raises:
            StoreError: there are too many connections already.
        """
        while len(self._all) < count:
            self._all[0].number = 0
            second = Channel(self._line, len(self._all))
            self._registry.enter(second)
            self._all.append(second)
        return self._all

    def start_over(self) -> None:
        """Give up what has begun, since one of two sessions could not: the client may send another ``start``.

        Raises:
            StoreError: other connections have taken the place meanwhile.
        """
        if len(self._all) == 1:
            return
        self.leave(wait_for_client=True)
        self._all = [Channel(self._line)]
        self.enter()

    def leave(self, *, wait_for_client: bool) -> None:
        """End the sessions."""
        for channel in self._all:
            self._registry.leave(channel, wait_for_client=wait_for_client)

    def align(self) -> None:
        """Let both channels go on from the position that the one has which is behind, with what the other one lacks."""
        if self.count == 1:
            return
        begin, clock = min(session.record.samples for session in self.sessions), CommonClock()
        for channel, session in zip(self._all, self.sessions, strict=True):
            channel.known = session.record.samples - begin
            session.share(clock)

    def clock(self, further: int = 0) -> float:
        """Return where the audio clock stands that is ahead, in seconds, or would with further samples."""
        return max(session.seconds + further / session.record.sample_rate for session in self.sessions)

    def duration(self, pcm: bytes) -> float:
        """Return the seconds that audio takes.

        Raises:
            ProtocolError: it is no whole number of samples of all channels.
        """
        if len(pcm) % (SAMPLE_BYTES * self.count):
            raise errors.odd_frames(len(pcm))
        return len(pcm) / SAMPLE_BYTES / self.count / self.sessions[0].record.sample_rate

    def parts(self, pcm: bytes) -> list[bytes]:
        """Return the audio for each session: all of it, or that of its channel.

        Raises:
            AudioError: it is no Int16 PCM.
        """
        if self.count == 1:
            parts = [pcm]
        elif found := self._format.find(pcm):
            raise errors.unsupported_audio(found, self.sessions[0].record.sample_rate)
        else:
            parts = _split(pcm)
        for channel, session, part in zip(self._all, self.sessions, parts, strict=True):
            channel.check(part, session)
        return parts

    async def audio(self, parts: Sequence[bytes]) -> None:
        """Pass what is new of the audio on to each session."""
        for channel, session, part in zip(self._all, self.sessions, parts, strict=True):
            if new := channel.fresh(len(part) // SAMPLE_BYTES):
                await session.audio(part[-new * SAMPLE_BYTES :])

    async def gap(self, samples: int) -> None:
        """Pass silence on to all sessions."""
        for channel, session in zip(self._all, self.sessions, strict=True):
            if new := channel.fresh(samples):
                await session.gap(new)

    def tune(self, change: EndpointingChange) -> None:
        """Let the utterances of all sessions end otherwise."""
        for session in self.sessions:
            session.tune(change)

    async def flush(self, number: int | None = None) -> None:
        """End the open utterances: that of the channel with this number, or all."""
        for at, session in enumerate(self.sessions):
            if number in (None, at):
                await session.flush()

    async def clear(self) -> None:
        """Drop the open utterances."""
        for session in self.sessions:
            await session.clear()
            self._registry.falls_silent(session.record)

    async def configure(self, change: Configure) -> None:
        """Change one session, or all.

        Raises:
            ProtocolError: the input has no such channel.
        """
        if change.channel is not None and self.count == 1:
            raise errors.bad_channels("this session has one channel")
        for channel, session in zip(self._all, self.sessions, strict=True):
            if change.channel in (None, channel.number):
                await session.configure(change)
                if change.changes_person:
                    self._registry.introduce(session.record)


def starts(start: Start) -> Sequence[Start]:
    """Return the message for the session of each channel. Two have a room, if only one of their own."""
    if start.channels == 1:
        return [start]
    if start.room is None and start.resume is None:
        start = start.model_copy(update={"room": secrets.token_hex(16)})
    return [start.of_channel(0), start.of_channel(1)]


def _split(pcm: bytes) -> list[bytes]:
    """Return the left and the right channel of interleaved samples."""
    frames = decode_pcm(pcm).reshape(-1, 2)
    return [encode_pcm(frames[:, 0]), encode_pcm(frames[:, 1])]
