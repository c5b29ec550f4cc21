"""A session as lists show it, from what Redis has of it."""

from dataclasses import dataclass
from typing import Any, Literal

from wire.messages.base import Speaker

State = Literal["live", "ended"]
"""``live``: a client is connected. ``ended``: none is, but the session can be resumed and read until it expires."""
UNTOUCHED_S = 250
"""Seconds without activity after which no gateway has a connection of a session; with one it touches it every 120 s."""
FIELDS = (
    "token", "owner", "room", "began_at", "began_by", "ended", "ended_at", "task", "language", "languages",
    "sample_rate", "samples", "next_segment", "person", "name", "role",
)  # fmt: skip
"""Those of the session's hash."""


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session as lists show it. Times are Unix seconds."""

    session_id: str
    room: str | None
    state: State
    began_at: float | None
    """None if a gateway older than lists began it."""
    ended_at: float | None
    expires_at: float
    began_by: str | None
    """Name of the grant that it began with, see ``names.listed``."""
    task: str
    languages: tuple[str, ...]
    audio_s: float
    """Audio that is safe, gaps included, in seconds."""
    utterances: int
    """Those that are in the ledger, or were."""
    pending: int
    """Utterances without a result so far."""
    speaker: Speaker | None


def listed_session(session_id: str, answers: list[Any], read_at: float, ttl_s: int) -> ListedSession | None:
    """Return a session; None if there is none, or only the grant of one that was deleted while it began.

    Args:
        session_id: of the session.
        answers: values of ``FIELDS``, time to live in ms, and number of outstanding utterances.
        read_at: when they were read, Unix seconds.
        ttl_s: seconds that a session is kept after its last activity.
    """
    values, left_ms, pending = answers
    fields: dict[str, str | None] = dict(zip(FIELDS, values, strict=True))
    if fields["token"] is None:
        return None
    left_s = max(0, left_ms) / 1000
    is_over = fields["ended"] == fields["owner"]
    return ListedSession(
        session_id=session_id,
        room=fields["room"],
        state="ended" if is_over or ttl_s - left_s > UNTOUCHED_S else "live",
        began_at=_seconds(fields["began_at"]),
        ended_at=_seconds(fields["ended_at"]) if is_over else None,
        expires_at=round(read_at + left_s, 3),
        began_by=fields["began_by"],
        task=fields["task"] or "transcribe",
        languages=tuple(filter(None, (fields["languages"] or "").split(","))),
        audio_s=round(int(fields["samples"] or 0) / int(fields["sample_rate"] or 16_000), 3),
        utterances=int(fields["next_segment"] or 0),
        pending=pending,
        speaker=_speaker(fields),
    )


def _seconds(milliseconds: str | None) -> float | None:
    return None if milliseconds is None else int(milliseconds) / 1000


def _speaker(fields: dict[str, str | None]) -> Speaker | None:
    person = fields["person"]
    return None if person is None else Speaker(person=person, name=fields["name"], role=fields["role"])
