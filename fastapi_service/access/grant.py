"""A grant: the rights of a client, and where they come from. All of access is decided by it."""

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from fastapi_service.security import tokens
from wire.messages.server import Right

Source = Literal["open", "key", "login", "user", "invitation"]
"""``open``: access is open. ``login``: a browser that signed in with the pass-phrase. ``user``: a person whom a proxy
has signed in. ``invitation``: the link into a room."""
ORDER: tuple[Right, ...] = get_args(Right)
"""Each right has those before it."""


def with_implied(*rights: Right) -> frozenset[Right]:
    """Return rights with those that they have in them."""
    return frozenset(lower for right in rights for lower in ORDER[: ORDER.index(right) + 1])


class Grant(BaseModel):
    """The rights of a client. Immutable; it ends when what it comes from is revoked."""

    model_config = ConfigDict(hide_input_in_errors=True, frozen=True, extra="ignore")

    source: Source
    id: str
    """Id of the key, digest of the browser's cookie, name of the person, or of the room that the link leads to."""
    rights: frozenset[Right]
    room: str | None = None
    """The only room that it is for; None: any that its owner invites it to, and private sessions."""
    sessions: int = 0
    """Most connections at once; 0: no limit."""
    minutes_a_day: int = 0
    """Most minutes of audio on a day (UTC); 0: no limit."""
    link: int = 0
    """Number of the links into the room, one of which the client came by; each renewal counts on."""
    began_at: float = 0.0
    """Unix seconds at which the session began that the grant is kept with; 0: not known, or it has not."""
    links: bool | None = None
    """For the owner of the room: it had links when the grant was given. None for all others."""

    @property
    def subject(self) -> str:
        """Name of whoever has it, for ownership and logs; no secret."""
        return f"{self.source}:{self.id}"

    @property
    def began_by(self) -> str | None:
        """Name by which its sessions are listed, without that of a person; None: in the list of all only."""
        match self.source:
            case "key" | "login":
                return self.subject
            case "user":
                return f"user:{tokens.digest(self.id)}"
        return None

    @property
    def listed(self) -> tuple[Right, ...]:
        """The rights in their order."""
        return tuple(right for right in ORDER if right in self.rights)


OPEN = Grant(source="open", id="", rights=with_implied("admin"))
"""The grant of any client where access is open."""
