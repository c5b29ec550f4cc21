"""``/v1/jobs``: files that are transcribed in the background, for the client that sent them, at any gateway."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from fastapi.responses import JSONResponse

from fastapi_service import errors
from fastapi_service.access import policy
from fastapi_service.api.grants import FOREIGN, AnyGrant, own_page
from fastapi_service.api.openai_rest.files import AllFiles
from fastapi_service.api.openai_rest.refusals import OpenAIRoute, body_of, describe
from fastapi_service.storage.file_jobs import FileJob

OBJECT = "transcription.job"
router = APIRouter(tags=["files"], route_class=OpenAIRoute, dependencies=[Depends(own_page)])
JobId = Annotated[str, Path(description="The `id` of the answer with status 202.", pattern="^[0-9a-f]{32}$")]
_REFUSED: dict[int | str, dict[str, Any]] = {
    400: describe("the id is none of a job.", errors.bad_message("", "String should match pattern '^[0-9a-f]{32}$'")),
    401: describe("no key, or a wrong one.", errors.no_grant(), errors.grant_refused()),
    403: describe("the key lacks the scope files; a page of another origin.", errors.not_allowed("files"), FOREIGN),
    404: describe("no such job of this client.", errors.unknown_job()),
    429: describe("too many wrong keys came from this address.", errors.slow_down(8)),
    503: describe("try again after `Retry-After`.", errors.redis_unavailable()),
}
_EXAMPLE = {
    "id": "0123456789abcdef0123456789abcdef",
    "object": OBJECT,
    "status": "completed",
    "created_at": 1_796_083_200,
    "progress": {"decoded_s": 62.0, "transcribed_s": 62.0, "total_s": 62.0},
    "media_type": "application/json",
    "result": {"text": "Good morning."},
    "error": None,
}
_DELETED = {"id": _EXAMPLE["id"], "object": OBJECT, "deleted": True}
_OBJECT = {"schema": {"type": "object"}}
JOB = {"description": "The job.", "content": {"application/json": _OBJECT | {"example": _EXAMPLE}}}
_GONE = {"description": "It is deleted.", "content": {"application/json": _OBJECT | {"example": _DELETED}}}


@router.get("/v1/jobs/{job_id}", summary="How far is a file?", responses=_REFUSED | {200: JOB})
async def job(job_id: JobId, grant: AnyGrant, files: AllFiles) -> Response:
    """Return a job with its progress, and once it has ended with its answer or its error."""
    found = await files.jobs.find(job_id, policy.require(grant, "files").subject)
    if found is None:
        raise errors.unknown_job()
    return answer_of(found)


@router.delete("/v1/jobs/{job_id}", summary="Cancel and delete a file", responses=_REFUSED | {200: _GONE})
async def delete(job_id: JobId, grant: AnyGrant, files: AllFiles) -> Response:
    """Delete a job with its answer; one that still runs ends within a second, and nothing of its file is kept."""
    if not await files.jobs.delete(job_id, policy.require(grant, "files").subject):
        raise errors.unknown_job()
    return JSONResponse({"id": job_id, "object": OBJECT, "deleted": True})


def answer_of(job: FileJob, status: int = 200) -> Response:
    """Return a job as its client sees it. Its result may have megabytes, and is passed on as it is."""
    error = json.loads(job.error) if job.error else None
    if job.is_lost:
        error = body_of(errors.job_interrupted())["error"]
    content = {
        "id": job.job_id,
        "object": OBJECT,
        "status": "failed" if job.is_lost else job.status,
        "created_at": int(job.begun_at),
        "progress": {"decoded_s": job.decoded_s, "transcribed_s": job.done_s, "total_s": job.total_s},
        "media_type": job.media_type or None,
        "error": error,
    }
    result = job.answer if job.media_type == "application/json" else json.dumps(job.answer or None, ensure_ascii=False)
    body = f'{json.dumps(content, ensure_ascii=False)[:-1]}, "result": {result}}}'
    return Response(body, status, media_type="application/json")
