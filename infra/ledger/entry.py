"""Parses the entries of the ledger for the sweeper."""

from dataclasses import dataclass
from typing import Literal, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from wire.messages.base import PRIVATE, Message, has_unknown_type
from wire.messages.jobs import AnalyzeText, Job, TranscribeAudio

Stage = Literal["stt", "analysis", "done"]
J = TypeVar("J", bound=Message)

CLAIM_MAX_S = 180
"""Seconds after which a claim is void even if its worker runs; longer than any worker's deadline."""
AUDIO_TTL_S = 3_600
"""Seconds that audio waits for a worker; also the longest stay of an utterance in the ledger."""
OUTSTANDING_S = AUDIO_TTL_S + CLAIM_MAX_S
"""Age in seconds at which the sweeper has given up any utterance, even one claimed in the last moment."""


def lane(stage: Stage, *, ahead: bool) -> str:
    """Return the name of a lane: the jobs of a stage that are live, or those that are ahead.

    Each lane is first in, first out. Between two lanes the order says nothing about lost jobs.
    """
    return f"{stage}:ahead" if ahead else stage


def as_live(job: J) -> J:
    """Return the job of an utterance that was ahead and has become live."""
    return job.model_copy(update={"ahead": False})


job_adapter: TypeAdapter[TranscribeAudio | AnalyzeText] = TypeAdapter(Job, config=PRIVATE)


def order_ttl_s(session_ttl_s: int) -> int:
    """Return the lifetime in seconds of the record of released segments. It outlives every utterance of its session.

    Without it, the release of an old utterance would start a new record at that segment.
    """
    return max(session_ttl_s, OUTSTANDING_S)


@dataclass(frozen=True)
class Entry:
    """One utterance that has no released result."""

    member: str
    admitted_at: float
    """Unix seconds."""
    stage: Stage
    job: TranscribeAudio | AnalyzeText | None
    """None when it cannot be parsed: damaged, or of an unknown type."""
    attempts: int
    claimed_by: str | None
    """Heartbeat key of the worker; None without a claim."""
    claimed_at: float
    """Unix seconds; 0 without a claim."""
    sent_at: str
    """Unix seconds as stored in Redis: compared, not computed with. ``0`` requests sending at once."""
    error: str | None
    aged_at: float = 0.0
    """Unix seconds at which a copy was sent that takes turns with interim texts; 0 without one."""
    of_newer_version: bool = False
    """The job has a type of a newer version; a listener of that version can send it."""

    @property
    def lane(self) -> str:
        """Lane of its job; a job that cannot be parsed counts as live."""
        return lane(self.stage, ahead=self.job is not None and self.job.ahead)

    @property
    def session_id(self) -> str:
        """Session of the utterance."""
        return self.member.rpartition(":")[0]

    @property
    def segment(self) -> int:
        """Number of the utterance in its session."""
        return int(self.member.rpartition(":")[2])


def read_entry(member: str, admitted_at: float, fields: dict[str, str]) -> Entry:
    """Parse an entry's hash. An unreadable job becomes None: it must not stop the reading of other entries."""
    job, newer = None, False
    try:
        job = job_adapter.validate_json(fields.get("job", ""))
        if "live" in fields:
            job = as_live(job)
    except ValidationError as refused:
        newer = has_unknown_type(refused)
    return Entry(
        member=member,
        admitted_at=admitted_at,
        stage=cast(Stage, fields.get("stage", "stt")),  # only our scripts write it
        job=job,
        attempts=int(fields.get("attempts", 0)),
        claimed_by=fields.get("claimed_by"),
        claimed_at=float(fields.get("claimed_at", 0)),
        sent_at=fields.get("sent_at", "0"),
        error=fields.get("error"),
        aged_at=float(fields.get("aged_at", 0)),
        of_newer_version=newer,
    )
