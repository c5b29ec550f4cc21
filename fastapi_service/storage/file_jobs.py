"""Files that are transcribed in the background: their progress and their answers, for any gateway."""

import json
import secrets
from dataclasses import dataclass
from typing import Literal

from infra.clock import now
from infra.redis_client import AsyncRedis, load_script
from infra.redis_types import AsyncScript
from wire import names

Status = Literal["in_progress", "completed", "failed"]
LOST_S = 30.0
"""Seconds without a word of the gateway that runs a job, after which it counts as gone."""


@dataclass(frozen=True, slots=True)
class FileJob:
    """A job, as its client may see it."""

    job_id: str
    status: Status
    begun_at: float
    """Unix seconds."""
    decoded_s: float = 0.0
    """Seconds of the file that are read."""
    done_s: float = 0.0
    """Seconds of it that are transcribed."""
    total_s: float | None = None
    """Seconds that it has; None until they are known."""
    media_type: str = ""
    answer: str = ""
    """The answer to the same request without ``background``; empty until then."""
    error: str = ""
    """JSON with code, message and remedy; empty without one."""
    is_lost: bool = False
    """The gateway that ran it is gone."""


class FileJobs:
    """Every method raises RedisError or OSError while Redis is unavailable."""

    def __init__(self, redis: AsyncRedis, ttl_s: int) -> None:
        """``ttl_s``: seconds that a job is kept after it was last written."""
        self._redis = redis
        self._ttl_s = ttl_s
        self._update: AsyncScript[int] = redis.register_script(load_script(__package__, "update_file_job"))

    async def create(self, owner: str) -> FileJob:
        """Return a new job; ``owner`` is the subject of the grant that alone may see it."""
        job = FileJob(secrets.token_hex(16), "in_progress", now())
        key = names.file_job(job.job_id)
        fields: dict[str, str | float] = {"owner": owner, "status": job.status, "begun_at": job.begun_at}
        pipeline = self._redis.pipeline()
        pipeline.hset(key, mapping=fields | {"seen_at": job.begun_at})
        pipeline.expire(key, self._ttl_s)
        await pipeline.execute()
        return job

    async def progress(self, job_id: str, decoded_s: float, done_s: float, total_s: float | None = None) -> bool:
        """Note how far a job is, in seconds of its file; False if it was deleted."""
        known = {} if total_s is None else {"total_s": total_s}
        return await self._write(job_id, decoded_s=decoded_s, done_s=done_s, **known)

    async def complete(self, job_id: str, media_type: str, answer: str) -> bool:
        """Note the answer; False if the job was deleted."""
        return await self._write(job_id, status="completed", media_type=media_type, answer=answer)

    async def fail(self, job_id: str, error: str) -> bool:
        """Note why a job has failed; False if it was deleted."""
        return await self._write(job_id, status="failed", error=error)

    async def find(self, job_id: str, owner: str) -> FileJob | None:
        """Return a job; None if there is none of that owner."""
        fields = await self._redis.hgetall(names.file_job(job_id))
        if not fields or fields.get("owner") != owner:
            return None
        status: Status = "completed" if fields["status"] == "completed" else "in_progress"
        if fields["status"] == "failed":
            status = "failed"
        return FileJob(
            job_id=job_id,
            status=status,
            begun_at=float(fields["begun_at"]),
            decoded_s=float(fields.get("decoded_s", 0)),
            done_s=float(fields.get("done_s", 0)),
            total_s=float(fields["total_s"]) if "total_s" in fields else None,
            media_type=fields.get("media_type", ""),
            answer=fields.get("answer", ""),
            error=fields.get("error", ""),
            is_lost=status == "in_progress" and now() - float(fields["seen_at"]) > LOST_S,
        )

    async def delete(self, job_id: str, owner: str) -> bool:
        """Delete a job; the gateway that runs it then ends it. False if there is none of that owner."""
        if await self.find(job_id, owner) is None:
            return False
        return bool(await self._redis.delete(names.file_job(job_id)))

    async def _write(self, job_id: str, **fields: str | float) -> bool:
        fields["seen_at"] = now()
        written = await self._update(keys=[names.file_job(job_id)], args=[self._ttl_s, json.dumps(fields)])
        return bool(written)
