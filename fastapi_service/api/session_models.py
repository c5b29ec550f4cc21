"""Queries of the routes of sessions, and their answers."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from fastapi_service.storage.listed_session import ListedSession, State
from wire.messages.base import RoomName, SessionId, Speaker
from wire.messages.jobs import Task
from wire.messages.statistics import PersonStatistics, Statistics

MAX_LIMIT = 200
LIMIT = 50
CURSOR = r"^[0-9]{1,15}-[0-9a-f]{32}$"
LATEST = 1e11
"""Unix seconds, far from now."""


class SessionQuery(BaseModel):
    """Which sessions a page has, and how many."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)

    room: RoomName | None = None
    """Sessions in this room only."""
    since: Annotated[float | None, Field(ge=0, le=LATEST, allow_inf_nan=False)] = None
    """Sessions that began then or later, Unix seconds."""
    state: State | None = None
    """Sessions in this state only."""
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = LIMIT
    """Most sessions of the page."""
    after: Annotated[str | None, Field(pattern=CURSOR)] = None
    """`next` of the page before."""


class SessionSummary(BaseModel):
    """A session, without what was said in it. Times are Unix seconds."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    session_id: SessionId
    room: RoomName | None
    state: State
    """`live`: a client is connected. `ended`: none is; the session can be resumed and read until it expires."""
    began_at: float | None
    """Null for a session of a gateway that is older than this field."""
    ended_at: float | None
    """End of the last connection; null while there is one, or if its gateway was killed."""
    expires_at: float
    """The session is gone then, unless it is used."""
    key: str | None
    """Id of the API key that it began with; null if it began without one."""
    task: Task
    languages: list[str]
    """Those that the client allows; empty: any."""
    audio_s: float
    """Seconds of audio, gaps included."""
    utterances: int
    """Utterances that were found."""
    pending: int
    """Those of them that have no result yet."""
    speaker: Speaker | None
    """The person who talks; null in a session of an old gateway."""

    @classmethod
    def fields_of(cls, listed: ListedSession) -> dict[str, Any]:
        """Return the fields of a session."""
        source, _, grant_id = (listed.began_by or "").partition(":")
        key = grant_id if source == "key" else None
        return {name: getattr(listed, name) for name in cls.model_fields if name != "key"} | {"key": key}


class SessionPage(BaseModel):
    """Sessions, the newest first."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    sessions: list[SessionSummary]
    next: str | None
    """`after` of the following page; null on the last one. A page may have fewer sessions than `limit`, or none, and be
    followed by others."""


class SessionDetails(SessionSummary):
    """A session with its statistics."""

    statistics: Statistics | None
    """Those of the session; null before its first result."""
    room_statistics: Statistics | None
    """Those of its room; null without one, or before the first result there."""
    people: list[PersonStatistics]
    """Those of each person in its room; empty without one."""
