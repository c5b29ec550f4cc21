"""Ways of a request for a text to the workers, and back."""

from typing import Protocol

from fastapi_service.recognition.ports import JobSender
from infra.celery_app import PARTIAL_AUDIO_TTL_S
from infra.context import Context, Contexts
from infra.interim_requests import InterimRequests
from infra.redis_client import AsyncRedis
from infra.scratch import Scratch
from wire.messages.jobs import TranscribePartial

AUDIO_TTL_S = PARTIAL_AUDIO_TTL_S


class Transport(Protocol):
    """Brings requests to the workers. Best effort."""

    async def send(self, job: TranscribePartial, pcm: bytes, context: Context | None) -> None:
        """Send a request, whose text continues that of the context.

        Raises:
            OperationalError, RedisError, OSError: it is not sent.
        """
        ...

    async def withdraw(self, job: TranscribePartial) -> bool:
        """Take a request back. True if no worker has begun it; then none will.

        Raises:
            RedisError, OSError: that is not known.
        """
        ...


class QueueTransport:
    """Celery tasks; the audio lies in the scratch Redis, and the worker that begins takes it away."""

    def __init__(self, scratch: AsyncRedis, sender: JobSender, *, has_contexts: bool = True) -> None:
        """Use a scratch Redis and a queue.

        Args:
            scratch: has audio and contexts.
            sender: puts the jobs on the queue.
            has_contexts: False: no request of any session has a context.
        """
        self._redis = scratch
        self._scratch, self._contexts = Scratch(scratch), Contexts(scratch)
        self._sender = sender
        self._has_contexts = has_contexts

    async def send(self, job: TranscribePartial, pcm: bytes, context: Context | None) -> None:
        """See ``Transport``. The context is there before the job."""
        if self._has_contexts and job.purpose == "final" and job.task == "transcribe":
            # also without one: that of an earlier request is taken away
            await self._contexts.put(job.session_id, job.segment, context)
        await self._scratch.put(job.audio_key, job.session_id, pcm, AUDIO_TTL_S)
        await self._sender.send_once(job)

    async def withdraw(self, job: TranscribePartial) -> bool:
        """See ``Transport``."""
        return bool(await self._redis.delete(job.audio_key))


class NotTaken(OSError):
    """A request that the scratch Redis did not take: too many wait, or the session was deleted."""


class InterimTransport:
    """Requests for interim texts beside Celery, in the scratch Redis alone."""

    def __init__(self, scratch: AsyncRedis) -> None:
        self._requests = InterimRequests(scratch)

    async def send(self, job: TranscribePartial, pcm: bytes, context: Context | None) -> None:  # noqa: ARG002
        """See ``Transport``. An interim text is soon replaced, and has no context."""
        if not await self._requests.put(job, pcm):
            raise NotTaken

    async def withdraw(self, job: TranscribePartial) -> bool:
        """See ``Transport``."""
        return await self._requests.withdraw(job)
