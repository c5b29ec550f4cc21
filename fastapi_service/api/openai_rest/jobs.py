"""``/v1/jobs``: files that are transcribed in the background, for the client that sent them, at any gateway."""

import json
from typing import Annotated

from fastapi import APIRouter, Path, Response
from fastapi.responses import JSONResponse

from fastapi_service import errors
from fastapi_service.access import policy
from fastapi_service.api.answers import described
from fastapi_service.api.grants import FOREIGN, AnyGrant
from fastapi_service.api.openai_rest.files import AllFiles
from fastapi_service.api.openai_rest.refusals import OpenAIRoute, answers, body_of
from fastapi_service.storage.file_jobs import FileJob

OBJECT = "transcription.job"
router = APIRouter(tags=["files"], route_class=OpenAIRoute)
JobId = Annotated[str, Path(description="The `id` of the answer with status 202.", pattern="^[0-9a-f]{32}$")]
_ID = "4f3c2b1a09f8e7d6c5b4a39281706f5e"
_JOB = {
    "id": _ID,
    "object": OBJECT,
    "status": "completed",
    "created_at": 1_767_225_600,
    "progress": {"decoded_s": 11.0, "transcribed_s": 11.0},
    "media_type": "application/json",
    "result": {"text": "And so, my fellow Americans.", "usage": {"type": "duration", "seconds": 11}},
    "error": None,
}
BEGUN = described(_JOB, "The job.")
_DELETED = described({"id": _ID, "object": OBJECT, "deleted": True}, "The job is deleted.")
_REFUSED = answers(
    errors.bad_message("job_id", "String should match pattern"),
    errors.no_grant(),
    errors.grant_refused(),
    errors.not_allowed("files"),
    FOREIGN,
    errors.unknown_job(),
    errors.slow_down(8),
    errors.redis_unavailable(),
)


@router.get("/v1/jobs/{job_id}", summary="How far is a file?", responses=_REFUSED | {200: BEGUN})
async def job(job_id: JobId, grant: AnyGrant, files: AllFiles) -> Response:
    """Return a job with its progress, and once it has ended with its answer or its error."""
    found = await files.jobs.find(job_id, policy.require(grant, "files").subject)
    if found is None:
        raise errors.unknown_job()
    return answer_of(found)


@router.delete("/v1/jobs/{job_id}", summary="Cancel and delete a file", responses=_REFUSED | {200: _DELETED})
async def delete(job_id: JobId, grant: AnyGrant, files: AllFiles) -> Response:
    """Delete a job with its answer; one that still runs ends within a second, and nothing of its file is kept."""
    if not await files.jobs.delete(job_id, policy.require(grant, "files").subject):
        raise errors.unknown_job()
    return JSONResponse({"id": job_id, "object": OBJECT, "deleted": True})


def answer_of(job: FileJob, status: int = 200) -> JSONResponse:
    """Return a job as its client sees it."""
    error = json.loads(job.error) if job.error else None
    if job.is_lost:
        error = body_of(errors.job_interrupted())["error"]
    is_json = job.media_type == "application/json"
    content = {
        "id": job.job_id,
        "object": OBJECT,
        "status": "failed" if job.is_lost else job.status,
        "created_at": int(job.begun_at),
        "progress": {"decoded_s": job.decoded_s, "transcribed_s": job.done_s},
        "media_type": job.media_type or None,
        "result": json.loads(job.answer) if is_json else job.answer or None,
        "error": error,
    }
    return JSONResponse(content, status)
