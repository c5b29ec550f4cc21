"""Admits utterances to the ledger, within limits, so that no session delays the others. Used by the gateway."""

from contextlib import suppress
from typing import Literal

from pydantic import ValidationError

from infra.ledger.entry import AUDIO_TTL_S, Stage, as_live, job_adapter, order_ttl_s
from infra.redis_client import AsyncRedis, load_script
from infra.redis_types import AsyncScript, Value
from wire import names
from wire.errors import StoreError
from wire.messages.jobs import AnalyzeText, TranscribeAudio

Admitted = Literal["admitted", "duplicate", "fenced", "full"]

MAX_PENDING = 5_000
"""Most utterances in the ledger; gateways wait when it is full. Those that are ahead may fill half of it: people who
talk always find room."""
MAX_AHEAD = 8
"""Most utterances of a session that is ahead of real time. Their queue is first in, first out, so a whole file sent at
once would delay all other files. Enough to keep several workers busy; at most 5 MB of audio."""
MAX_PER_SESSION = 500
"""Most utterances of a session that talks, a tenth of all: half an hour of quick speech without a worker."""


class SessionUnknown(StoreError):
    """The session's hash does not exist: it expired, or Redis was emptied."""

    def __init__(self) -> None:
        super().__init__("session_unknown", "This session has expired.", "Start a new session.")


class SessionDeleted(SessionUnknown):
    """The session was deleted, with all that was said in it."""

    def __init__(self, session_id: str) -> None:
        super().__init__()
        self.session_id = session_id


async def why_unknown(redis: AsyncRedis, session_id: str) -> SessionUnknown:
    """Return the error for a session without a hash: it was deleted, or it expired."""
    is_deleted = await redis.get(names.deleted(session_id)) is not None
    return SessionDeleted(session_id) if is_deleted else SessionUnknown()


class Admission:
    """The gateway's side of the ledger. For use from one event loop."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._admit: AsyncScript[Admitted | Literal["unknown"]] = redis.register_script(
            load_script(__package__, "admit")
        )
        self._redis = redis
        self._raise: AsyncScript[list[str]] = redis.register_script(load_script(__package__, "raise"))

    async def admit(
        self,
        owner: str,
        job: TranscribeAudio | AnalyzeText,
        pcm: bytes,
        samples: int,
        session_ttl_s: int,
        keep_language: str | None = None,
    ) -> Admitted:
        """Add one utterance to the ledger. Safe to repeat.

        Args:
            owner: id of the connection that adds it.
            job: first stage of the utterance. ``AnalyzeText`` means that its text exists; ``pcm`` is then not stored.
            pcm: Int16, 16 kHz, mono.
            samples: acknowledged with the utterance, at the session's sample rate since its start, gaps included.
            session_ttl_s: seconds that the session lives on from now.
            keep_language: detected language, which the next ones of the session are expected to be in.

        Returns:
            ``admitted`` when added; ``duplicate`` when it was added before; ``fenced`` when another connection owns
            the session; ``full`` when a limit is reached (repeat the call later).

        Raises:
            SessionUnknown: the session has expired, or was deleted (``SessionDeleted``); nothing is added.
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
        most = MAX_AHEAD if job.ahead else MAX_PER_SESSION
        most_of_all = MAX_PENDING // 2 if job.ahead else MAX_PENDING
        limits: list[Value] = [most_of_all, member, job.end_ms, most, int(job.ahead)]
        verdict = await self._admit(keys=keys, args=[*utterance, *lifetimes, *limits, stage, keep_language or ""])
        if verdict == "unknown":
            raise await why_unknown(self._redis, job.session_id)
        return verdict

    async def raise_to_live(self, owner: str, session_id: str) -> list[TranscribeAudio | AnalyzeText]:
        """Make a session's outstanding utterances live, as the session is again. Safe to repeat.

        Args:
            owner: id of the connection; if another one owns the session, nothing changes.
            session_id: of the session.

        Returns:
            The jobs to send again: no worker has claimed them, and their first copies wait behind all that is live. The
            claim makes either copy harmless. Of those that are not sent the sweeper takes care.
        """
        members = await self._redis.zrange(names.outstanding(session_id), 0, -1)
        if not members:
            return []
        keys = [names.session(session_id), *map(names.ledger_entry, members)]
        jobs = []
        for job in await self._raise(keys=keys, args=[owner]):
            with suppress(ValidationError):  # of a gateway of another version: the sweeper sends it, or fails it
                jobs.append(as_live(job_adapter.validate_json(job)))
        return jobs
