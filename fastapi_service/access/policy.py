"""The one place that decides what a grant allows. Pure: what it decides by is read before."""

from fastapi_service import errors
from fastapi_service.access.grant import Grant, with_implied
from fastapi_service.security import tokens
from fastapi_service.storage.rooms import RoomRecord
from wire.messages.server import Right
from wire.people import person_id


def require(grant: Grant | None, right: Right) -> Grant:
    """Return the grant, which has the right.

    Raises:
        AccessError: there is none, or it lacks the right.
    """
    if grant is None:
        raise errors.no_grant()
    if right not in grant.rights:
        raise errors.not_allowed(right)
    return grant


def begin_alone(grant: Grant | None) -> Grant:
    """Return the grant of a private session.

    Raises:
        AccessError: there is none, or it is for a room only.
    """
    grant = require(grant, "read")
    if grant.room is not None:
        raise errors.not_invited()
    return grant


def make_room(grant: Grant | None) -> Grant:
    """Return the grant, which may make a room and own it.

    Raises:
        AccessError: there is none, it lacks the right to talk, or it is for another room only.
    """
    grant = require(grant, "talk")
    if grant.room is not None:
        raise errors.not_invited()
    return grant


def enter(grant: Grant | None, room: RoomRecord, invited: Right | None = None) -> Grant:
    """Return the grant for one room: the owner's own, or what the link gives.

    Args:
        grant: of the client; None for one that has nothing but the link.
        room: the room.
        invited: right of the link that the client has, if it is one of this room.

    Raises:
        AccessError: the room is closed, the client was removed, or it was not invited.
    """
    if room.closed:
        raise errors.room_closed()
    if grant is not None and grant.subject in room.removed:
        raise errors.removed()
    if grant is not None and manages(grant, room):
        return grant.model_copy(update={"room": room.name, "links": bool(room.talk)})
    if grant is not None and grant.room == room.name:  # of a ticket that was made with a link
        reads_back(grant, room, "")
        return grant
    if invited is None:
        raise errors.no_grant() if grant is None else errors.not_invited()
    rights = with_implied(invited)
    if grant is None:
        return Grant(source="invitation", id=room.name, rights=rights, room=room.name, link=room.links)
    if invited == "talk":
        rights |= grant.rights & {"files"}
    return grant.model_copy(update={"rights": rights, "room": room.name, "link": room.links})


def manage(grant: Grant | None, room: RoomRecord | None) -> RoomRecord:
    """Return the room, which the grant may close, and whose people and links it may change.

    Raises:
        AccessError: there is no grant, or it is not the owner's; whether there is such a room is not said.
    """
    if grant is None:
        raise errors.no_grant()
    if room is None or not manages(grant, room):
        raise errors.not_owner()
    return room


def comes_back(grant: Grant, room: RoomRecord | None, person: str) -> None:
    """Check that a person with a grant may resume a session in a room.

    Raises:
        AccessError: the room is closed or gone, the person was removed, or its link is no longer valid.
    """
    if room is None or room.closed:
        raise errors.room_closed()
    reads_back(grant, room, person)


def stays(grant: Grant, room: RoomRecord | None, person: str) -> None:
    """Check that a person with a grant may stay in a room.

    Raises:
        AccessError: the room is closed or gone, or the person was removed.
    """
    if room is None or room.closed:
        raise errors.room_closed()
    if room.removed & {person, grant.subject}:
        raise errors.removed()


def is_news_of_owner(grant: Grant | None, room: RoomRecord, person_key: str) -> bool:
    """Return True if a room has to note who enters as the browser that owns it.

    The owner who signed in with the pass-phrase is a cookie, which ends. So the room belongs to the browser's
    ``person_key`` too: with it, another cookie owns the room, and with the cookie, another key does.
    """
    if grant is None or grant.source != "login" or not room.owner.startswith("login:"):
        return False
    if room.removed & {grant.subject, person_id("", room.name, person_key)}:
        return False
    has_cookie, has_key = grant.subject == room.owner, tokens.is_valid(person_key, room.owner_key)
    return has_cookie != has_key


def reads_back(grant: Grant, room: RoomRecord, person: str) -> None:
    """Check that a person may have what was said in a room, also in one that is closed.

    Raises:
        AccessError: the person was removed, or its link is no longer valid.
    """
    if room.removed & {person, grant.subject}:
        raise errors.removed()
    is_recognised = grant.source in {"key", "user"} or manages(grant, room)  # else a guest has any number of sessions
    if not is_recognised and grant.link < room.valid_from and person not in room.kept:
        raise errors.grant_refused()


def manages(grant: Grant | None, room: RoomRecord) -> bool:
    """Return True for the owner of a room, and for an admin."""
    return grant is not None and (is_admin(grant) or grant.subject == room.owner)


def is_admin(grant: Grant | None) -> bool:
    """Return True for an admin, who sees and manages what others began."""
    return grant is not None and "admin" in grant.rights


def list_sessions(grant: Grant | None) -> Grant:
    """Return the grant, which may list the sessions that it began.

    Raises:
        AccessError: there is none; also where access is open, since else all who come by would see each other's.
    """
    if grant is None:
        raise errors.no_key()
    return require(grant, "read")


def opens(grant: Grant, began_with: Grant | None) -> bool:
    """Return True if a grant opens a session without its token: it began with the same one, or it is an admin's."""
    return is_admin(grant) or (began_with is not None and began_with.subject == grant.subject)
