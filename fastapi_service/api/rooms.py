"""Routes of a room's owner: make the room, renew its links, remove persons, close it; see docs/access.md."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict

from fastapi_service import errors
from fastapi_service.api.answers import EXAMPLE_LINK, answers, example
from fastapi_service.api.grants import BODY, NO_STORE, REFUSED, AnyGrant, Parts, only_closed
from fastapi_service.storage.rooms import Links
from wire.messages.base import RoomName

router = APIRouter(tags=["access"], dependencies=[Depends(only_closed)])
Name = Annotated[RoomName, Path(description="Name of the room.")]


class NewRoom(BaseModel):
    """The name of a room; null for one that cannot be guessed."""

    model_config = ConfigDict(
        hide_input_in_errors=True, extra="forbid", json_schema_extra={"examples": [{"room": "standup"}]}
    )

    room: RoomName | None = None


class RoomLinks(BaseModel):
    """The secrets of a room's links: ``/?room=ROOM#invite=SECRET``. They are shown once."""

    room: str
    talk: str
    read: str


_LINKS = example(
    RoomLinks(room="standup", talk=EXAMPLE_LINK, read=EXAMPLE_LINK[::-1]).model_dump(), "The secrets of the links."
)


@router.post(
    "/rooms",
    summary="Make a room",
    status_code=201,
    responses=REFUSED | BODY | answers(errors.room_taken()) | {201: _LINKS},
)
async def make_room(grant: AnyGrant, access: Parts, response: Response, body: NewRoom | None = None) -> RoomLinks:
    """Make a room that the client owns; returns the secrets of its links."""
    response.headers.update(NO_STORE)
    name, links = await access.entrance.make_room(grant, body.room if body else None)
    return _shown(name, links)


@router.post("/rooms/{room}/links", summary="Replace the links into a room", responses=REFUSED | {200: _LINKS})
async def renew_links(room: Name, grant: AnyGrant, access: Parts, response: Response) -> RoomLinks:
    """Make new links; those before lead nowhere, and those who are in the room stay."""
    response.headers.update(NO_STORE)
    return _shown(room, await access.entrance.renew_links(grant, room))


@router.delete("/rooms/{room}", summary="Close a room", status_code=204, responses=REFUSED)
async def close_room(room: Name, grant: AnyGrant, access: Parts) -> Response:
    """Close a room for all, and end their connections."""
    await access.entrance.close_room(grant, room)
    return Response(status_code=204, headers=NO_STORE)


@router.delete(
    "/rooms/{room}/people/{person}", summary="Remove a person from a room", responses=REFUSED | {200: _LINKS}
)
async def remove_person(
    room: Name,
    person: Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="Public id of the person.")],
    grant: AnyGrant,
    access: Parts,
    response: Response,
) -> RoomLinks:
    """End a person's connections to a room, for good; returns new links, since the person has one of those before."""
    response.headers.update(NO_STORE)
    return _shown(room, await access.entrance.remove(grant, room, person))


def _shown(room: str, links: Links) -> RoomLinks:
    return RoomLinks(room=room, talk=links.talk, read=links.read)
