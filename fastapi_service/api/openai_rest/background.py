"""Files that are transcribed without a client that waits: jobs."""

import asyncio
import json
from contextlib import ExitStack, aclosing

import structlog
from redis.exceptions import RedisError

from fastapi_service.api.openai_rest.answers import written
from fastapi_service.api.openai_rest.order import Order
from fastapi_service.api.openai_rest.refusals import body_of, status_of
from fastapi_service.api.openai_rest.run import FileRun
from fastapi_service.api.openai_rest.transcript import Transcript
from fastapi_service.storage.file_jobs import FileJob, FileJobs
from fastapi_service.tasks import TaskSet

REPORT_S = 0.5
"""Interval at which a job says how far it is, and ends if it was deleted."""
END_S = 3.0
"""Seconds that jobs may take to end with the gateway."""
log = structlog.get_logger()


class Background:
    """The jobs of this gateway."""

    def __init__(self, jobs: FileJobs) -> None:
        self._jobs = jobs
        self._running = TaskSet()

    async def begin(self, run: FileRun, order: Order, owner: str, held: ExitStack) -> FileJob:
        """Begin a job.

        Args:
            run: of the file.
            order: what its client requests.
            owner: subject of the client's grant.
            held: what is closed when the job has ended: the file, and its place.

        Raises:
            RedisError, OSError: Redis is unavailable; nothing was begun, and nothing closed.
        """
        job = await self._jobs.create(owner)
        self._running.start(self._run(job.job_id, run, order, held.pop_all()), name="file job")
        return job

    async def stop(self) -> None:
        """End all jobs: the gateway stops."""
        self._running.cancel()
        await self._running.wait(END_S)

    async def _run(self, job_id: str, run: FileRun, order: Order, held: ExitStack) -> None:
        with held:
            try:
                if (answer := await self._answer(job_id, run, order)) is not None:
                    await self._jobs.complete(job_id, *answer)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # the boundary: a job that fails says why
                if status_of(error) == 500:
                    log.exception("file job failed", job=job_id)
                await self._fail(job_id, error)

    async def _answer(self, job_id: str, run: FileRun, order: Order) -> tuple[str, str] | None:
        """Return media type and body; None if the job was deleted meanwhile."""
        transcript, loop = Transcript(order), asyncio.get_running_loop()
        report_at = loop.time()
        async with aclosing(run.results()) as results:
            async for result in results:
                if result is not None:
                    transcript.add(result)
                if loop.time() >= report_at:
                    report_at = loop.time() + REPORT_S
                    if not await self._is_wanted(job_id, run):
                        return None
        transcript.seconds = run.decoded_s
        transcript.check()
        await self._is_wanted(job_id, run)  # the newest progress is half a second old
        return await asyncio.to_thread(written, transcript, {})  # hours of subtitles take their time

    async def _is_wanted(self, job_id: str, run: FileRun) -> bool:
        try:
            return await self._jobs.progress(job_id, run.decoded_s, run.done_s, run.total_s)
        except (RedisError, OSError):  # whether it was deleted is seen when Redis is there again
            return True

    async def _fail(self, job_id: str, error: Exception) -> None:
        try:
            await self._jobs.fail(job_id, json.dumps(body_of(error)["error"]))
        except (RedisError, OSError) as missing:  # its client sees that it is lost
            log.warning("file job not ended", job=job_id, error=type(missing).__name__)
