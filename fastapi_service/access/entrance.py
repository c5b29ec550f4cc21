"""Lets sessions begin and be resumed, and rooms be made and managed: reads what the policy decides by."""

import secrets
from dataclasses import replace
from typing import NamedTuple

from fastapi_service import errors
from fastapi_service.access import policy
from fastapi_service.access.grant import Grant
from fastapi_service.access.identity import Identity, parsed
from fastapi_service.access.throttle import Throttle
from fastapi_service.security import tokens
from fastapi_service.security.credentials import Credential
from fastapi_service.storage.grants import Begun, SessionGrants
from fastapi_service.storage.rooms import Links, RoomRecord, RoomStore
from wire.messages.client import Start
from wire.messages.server import Right


class _Held(NamedTuple):
    """A session that began with a grant, as its token opens it."""

    begun: Begun
    grant: Grant
    room: RoomRecord | None
    """None outside of rooms, and if the room has expired."""


class Entrance:
    """Every method raises RedisError or OSError while Redis is unavailable, and AccessError for what is refused."""

    def __init__(self, identity: Identity, rooms: RoomStore, sessions: SessionGrants, throttle: Throttle) -> None:
        self._identity = identity
        self._rooms = rooms
        self._sessions = sessions
        self._throttle = throttle

    async def admit(self, grant: Grant | None, start: Start, address: str | None) -> Grant:
        """Return the grant of a session that a client begins or resumes.

        Args:
            grant: from the handshake.
            start: may bring a key or a ticket, which counts instead, and the secret of a link.
            address: of the client.
        """
        if start.key is not None or start.ticket is not None:
            kind, secret = ("key", start.key) if start.key is not None else ("ticket", start.ticket)
            grant = await self._identity.grant_of(Credential(kind, secret or ""), address)  # type: ignore[arg-type]
        elif grant is not None:
            await self._check_stands(grant)  # the handshake may be long ago
        room = start.room
        if start.session_id is not None and start.token is not None:
            begun = await self._sessions.of(start.session_id, start.token)
            if begun is None:  # the registry says that there is no such session
                return policy.require(grant, "read")
            stored = parsed(begun.grant)
            if stored is not None:
                return await self._resume(stored, begun.person)
            room = begun.room
        if room is None:
            return policy.begin_alone(grant)
        return await self._enter(grant, room, start, address)

    async def began(self, session_id: str, grant: Grant) -> None:
        """Keep the grant of a session that has begun."""
        await self._sessions.remember(session_id, grant.model_dump_json(), grant.began_by)

    async def open(self, grant: Grant | None, session_id: str) -> Begun:
        """Return a session that the grant began, or for an admin any.

        Raises:
            AccessError: there is no grant, or its client was removed from the room.
            ProtocolError: there is no such session, or it began with another grant.
        """
        grant = policy.list_sessions(grant)
        begun = await self._sessions.find(session_id)
        if begun is None or not policy.opens(grant, parsed(begun.grant)):
            raise errors.session_unlisted()
        room = await self._rooms.find(begun.room) if begun.room is not None else None
        if room is not None and not policy.manages(grant, room):
            policy.reads_back(grant, room, begun.person)
        return begun

    async def open_by_token(self, session_id: str, token: str, *, closed: bool) -> Begun:
        """Return the session of a token; where access is ``closed``, as long as its grant holds.

        Raises:
            AccessError: the grant has ended, or its client was removed from the room.
            ProtocolError: there is no such session, or the token is wrong.
        """
        begun = await self._sessions.of(session_id, token)
        if begun is None:
            raise errors.nothing_to_export()
        if closed:
            await self.check_export(session_id, token)
        return begun

    async def owns(self, grant: Grant | None, begun: Begun) -> bool:
        """Return True if a grant that opens a session may delete its conversation: that of a room as its owner only."""
        room = await self._rooms.find(begun.room) if begun.room is not None else None
        if room is None:
            return begun.room is None or policy.is_admin(grant)
        return policy.manages(grant, room)

    async def check_export(self, session_id: str, token: str) -> None:
        """Check that the token of a session still opens what was seen; in a room that is closed it does."""
        held = await self._held(session_id, token)
        if held is not None and held.room is not None:
            policy.reads_back(held.grant, held.room, held.begun.person)

    async def may_delete(self, session_id: str, token: str) -> bool | None:
        """Return whether a session may delete its conversation; None: it has no grant, and the token decides."""
        held = await self._held(session_id, token)
        if held is None:
            return None
        return held.begun.room is None or (held.room is not None and policy.manages(held.grant, held.room))

    async def make_room(self, grant: Grant | None, name: str | None) -> tuple[str, Links]:
        """Make a room that the grant owns; without a name it gets one that cannot be guessed."""
        owner = policy.make_room(grant).subject
        room = name or secrets.token_hex(8)
        if not await self._rooms.make(room, owner):
            raise errors.room_taken()
        return room, await self._rooms.renew_links(room)

    async def renew_links(self, grant: Grant | None, name: str) -> Links:
        """Replace the links into a room; those who are there stay."""
        await self._managed(grant, name)
        return await self._rooms.renew_links(name)

    async def close_room(self, grant: Grant | None, name: str) -> None:
        """Close a room, and disconnect all."""
        await self._managed(grant, name)
        await self._rooms.close(name)

    async def remove(self, grant: Grant | None, name: str, person: str) -> Links:
        """Disconnect a person, who may not come back; the links are replaced, since the person has one of them."""
        await self._managed(grant, name)
        return await self._rooms.expel(name, person)

    async def _held(self, session_id: str, token: str) -> "_Held | None":
        """Return a session with its grant; None for a wrong token, or if the session began while access was open."""
        begun = await self._sessions.of(session_id, token)
        grant = parsed(begun.grant) if begun is not None else None
        if begun is None or grant is None:
            return None
        await self._check_stands(grant)
        return _Held(begun, grant, await self._rooms.find(begun.room) if begun.room is not None else None)

    async def _check_stands(self, grant: Grant) -> None:
        if not all(await self._identity.stand([grant])):
            raise errors.grant_ended()

    async def _managed(self, grant: Grant | None, name: str) -> None:
        policy.require(grant, "read")
        record = await self._rooms.find(name)
        policy.manage(grant, record)

    async def _resume(self, grant: Grant, person: str) -> Grant:
        await self._check_stands(grant)
        if grant.room is not None:
            record = await self._rooms.find(grant.room)
            policy.comes_back(grant, record, person)
        return grant

    async def _enter(self, grant: Grant | None, name: str, start: Start, address: str | None) -> Grant:
        record, invite, key = await self._rooms.find(name), start.invite, start.person_key
        if record is None and invite is None:
            owner = policy.make_room(grant).subject
            await self._rooms.make(name, owner)
            record = await self._rooms.find(name)
        if record is not None and grant is not None and key and policy.is_news_of_owner(grant, record, key):
            await self._rooms.belong(name, grant.subject, key)
            record = replace(record, owner=grant.subject)
        invited = _right_of(record, invite) if invite is not None else None
        if record is None or (invite is not None and invited is None and not policy.manages(grant, record)):
            raise await self._throttle.wrong(address, "invitation")
        return policy.enter(grant, record, invited)


def _right_of(room: RoomRecord | None, invite: str) -> Right | None:
    """Return the right of a link, compared with both in constant time."""
    talk = tokens.is_valid(invite, room.talk if room else None)
    read = tokens.is_valid(invite, room.read if room else None)
    return "talk" if talk else "read" if read else None
