"""The gateway's side of the ledger: utterances enter it within limits, so that no session delays the others."""

from typing import Literal

from infra.ledger.entry import AUDIO_TTL_S, Stage, order_ttl_s
from infra.redis_client import AsyncRedis, load_script
from infra.redis_types import AsyncScript, Value
from wire import names
from wire.errors import StoreError
from wire.messages.jobs import AnalyzeText, TranscribeAudio

Admitted = Literal["enrolled", "duplicate", "fenced", "full"]

MAX_PENDING = 5_000
"""Utterances in the ledger of all sessions together; gateways wait when it is full."""
MAX_AHEAD = 8
"""Utterances in the ledger of a session that is ahead of real time: the queue is first in, first out, so whoever sends
a file at once would make all others wait for all of it. Enough to keep several workers busy; 5 MB of audio at most."""
AHEAD_S = 10.0
"""How much more audio than time may pass before a session is ahead: a forced cut lies up to 6 s before what was heard,
and networks deliver in bursts. Who speaks live never is, and is not held up when workers are away for a while."""
MAX_PER_SESSION = 500
"""Utterances in the ledger of any session, a tenth of all: half an hour of quick speech without a worker."""


class SessionUnknown(StoreError):
    """Its hash has expired, or Redis was emptied."""

    def __init__(self) -> None:
        super().__init__("session_unknown", "This session has expired.", "Start a new session.")


class Admission:
    """The gateway's side of the ledger."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._admit: AsyncScript[Admitted | Literal["unknown"]] = redis.register_script(
            load_script(__package__, "admit")
        )

    async def admit(
        self,
        owner: str,
        job: TranscribeAudio | AnalyzeText,
        pcm: bytes,
        samples: int,
        session_ttl_s: int,
        keep_language: str | None = None,
    ) -> Admitted:
        """Write one utterance down. Safe to repeat; on ``full``, of the ledger or of this session's part, repeat it.

        Args:
            job: the stage that it begins with: ``AnalyzeText`` when its text is known already, and then ``pcm`` is
                not stored.
            owner: the connection that writes; another one owns the session → ``fenced``, nothing is written.
            keep_language: language that was detected and holds for the rest of the session.
            samples: what the client may forget once this is written, in its own sample count.

        Raises:
            SessionUnknown: the session has expired, nothing is written.
        """
        member = names.ledger_member(job.session_id, job.segment)
        keys = [
            names.ledger_entry(member),
            names.audio(job.session_id, job.segment),
            names.PENDING,
            names.outstanding(job.session_id),
            *names.session_keys(job.session_id, job.room),
        ]
        stage: Stage = "stt" if isinstance(job, TranscribeAudio) else "analysis"
        utterance: list[Value] = [owner, job.segment, samples, job.model_dump_json(), pcm]
        lifetimes = [AUDIO_TTL_S, session_ttl_s, order_ttl_s(session_ttl_s)]
        limits: list[Value] = [MAX_PENDING, member, job.end_ms, MAX_AHEAD, AHEAD_S, MAX_PER_SESSION]
        verdict = await self._admit(keys=keys, args=[*utterance, *lifetimes, *limits, stage, keep_language or ""])
        if verdict == "unknown":
            raise SessionUnknown
        return verdict
