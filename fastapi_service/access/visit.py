"""One connection's grant, from the handshake to the end."""

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar

from fastapi_service import errors
from fastapi_service.access import policy
from fastapi_service.access.audio_rate import AudioRate, is_early
from fastapi_service.access.entrance import Entrance
from fastapi_service.access.grant import OPEN, Grant
from fastapi_service.access.guard import Guard
from fastapi_service.access.limits import Scope
from fastapi_service.access.throttle import network_of
from infra.clock import now
from wire.errors import AccessError
from wire.messages.client import Configure, Start
from wire.messages.server import Right
from wire.people import MAX_NAME, readable_name

Named = TypeVar("Named", Start, Configure)


class Visit:
    """The rights of one connection. The guard ends it when its grant is revoked."""

    def __init__(self, entrance: Entrance, guard: Guard, grant: Grant | None, address: str | None) -> None:
        """Begin with the grant of the handshake; None: the first message has to bring one.

        Raises:
            AccessError: there is none, and too many of this network wait for their first message.
        """
        self._entrance = entrance
        self._guard = guard
        self._address = address
        self.network = network_of(address)
        self._presented = grant
        self.rate = AudioRate(asyncio.get_running_loop().time())
        self.connection = secrets.token_hex(8)
        self.grant: Grant | None = None
        """That of the session; None until it begins."""
        self.persons: set[str] = set()
        """Public ids of those who talk: one for each channel."""
        self.scopes: tuple[Scope, ...] = ()
        self.audio_s = 0.0
        """Audio that came since the guard last counted it, in seconds."""
        self.end: Callable[[AccessError], None] = lambda _: None
        self._is_stranger = grant is None
        if self._is_stranger:
            guard.strangers.arrive(self.network)

    async def begin(self, start: Start, end: Callable[[AccessError], None]) -> tuple[Right, ...] | None:
        """Decide whether a session may begin or be resumed; returns its rights, or None where access is open.

        Args:
            start: of the client.
            end: called when the grant ends before the connection does.

        Raises:
            AccessError: it may not.
            RedisError, OSError: Redis is unavailable.
        """
        self.end = end
        is_open = self._presented is OPEN
        grant = OPEN if is_open else await self._entrance.admit(self._presented, start, self._address)
        if start.session_id is None:
            grant = grant if is_open else grant.model_copy(update={"began_at": round(now(), 3)})
        self.scopes = self._guard.scopes(grant, start.room if is_open else grant.room, self.network)
        await self._guard.enter(self, grant)
        self._settle()
        self.grant = grant
        return None if is_open else grant.listed

    @property
    def links(self) -> bool | None:
        """The room has links; None for all but its owner. See :class:`Grant`."""
        return self.grant.links if self.grant is not None else None

    def named(self, message: Named, *, channels: int = 1) -> Named:
        """Return a message with the name of the sign-in, if a proxy has signed the person in.

        Args:
            message: may have another name; that does not count.
            channels: 2: the names are those of two talkers; beside one that is not the person's is who has brought it.
        """
        is_named = isinstance(message, Start) or "name" in message.model_fields_set
        if self.grant is None or self.grant.source != "user" or not is_named:
            return message
        name = name_of(self.grant.id, message.name if channels > 1 else "")
        return message.model_copy(update={"name": name})

    async def began(self, session_id: str, person: str | None) -> None:
        """Keep the grant with a session that has begun; ``person`` is the public id of the one who talks in it."""
        if person is not None:
            self.persons.add(person)
        if self.grant is not None and self.grant is not OPEN:
            await self._entrance.began(session_id, self.grant)

    def require(self, right: Right) -> None:
        """Check a right.

        Raises:
            AccessError: the grant lacks it.
        """
        policy.require(self.grant, right)

    def take_audio(self, seconds: float) -> None:
        """Count audio.

        Raises:
            AccessError: it comes faster than spoken, without the right to send files.
        """
        self.audio_s += seconds
        if self.grant is None or "files" in self.grant.rights:
            return
        if again_s := self.rate.take(asyncio.get_running_loop().time(), seconds):
            raise errors.too_fast(again_s)

    def take_silence(self, clock_s: float) -> None:
        """Check where a gap moves the audio clock, in seconds since the session's start.

        Raises:
            AccessError: more time than has passed, without the right to send files.
        """
        if self.grant is None or "files" in self.grant.rights or not self.grant.began_at:
            return
        if again_s := is_early(clock_s, now() - self.grant.began_at):
            raise errors.too_fast(again_s)

    def leave(self) -> None:
        """Forget the connection, which has ended."""
        self._settle()
        self._guard.leave(self)

    def _settle(self) -> None:
        if self._is_stranger:
            self._is_stranger = False
            self._guard.strangers.depart(self.network)


def name_of(user: str, talker: str | None = "") -> str | None:
    """Return the name of a person whom a proxy has signed in; None if it cannot be shown, or ``talker`` is None.

    Args:
        user: as the proxy names the person.
        talker: who talks in one channel of the person's; its name stands before that of the person. Empty: the person.
    """
    try:
        own = readable_name(user[:MAX_NAME].strip())
    except ValueError:
        return None
    if own is None or talker is None:
        return None
    if talker in {"", own}:
        return own
    sign = f" ({own})"
    return talker[: MAX_NAME - len(sign)] + sign if len(sign) < MAX_NAME else own
