"""``GET /sessions/{session_id}/export``: what an audience saw, as a file, for whoever has the session's token."""

import re
from collections.abc import AsyncIterator

from fastapi import Response
from fastapi.responses import JSONResponse, StreamingResponse
from redis.exceptions import RedisError

from fastapi_service import errors
from fastapi_service.export.formats import FORMATS, File, Talkers
from fastapi_service.storage.sessions import SessionStore
from infra.redis_client import AsyncRedis
from infra.results import FIELD
from wire import names
from wire.errors import WireError
from wire.messages.results import Final, SegmentFailed, read_segment_end

BATCH = 100
"""Results that are read and written at once, so that talkers are not held up by somebody's long file."""
_BEARER = re.compile(r"Bearer +(\S+) *", re.IGNORECASE)


async def download(
    redis: AsyncRedis, store: SessionStore, session_id: str, format_name: str, authorization: str
) -> Response:
    """The file, or a refusal as JSON. It is read twice, first for the talkers, and never in memory as a whole."""
    form = FORMATS.get(format_name)
    if form is None:
        return _refused(400, errors.bad_format(FORMATS))
    token = _BEARER.fullmatch(authorization)
    if token is None:
        return _refused(401, errors.no_token(), {"WWW-Authenticate": "Bearer"})
    talkers = Talkers()
    try:
        audience = await store.audience(session_id, token[1])
        if audience is None:
            return _refused(404, errors.nothing_to_export())
        newest = await redis.xrevrange(names.log(audience), count=1)
        until = newest[0][0] if newest else "0-0"
        async for ends in _read(redis, audience, until):
            for end in ends:
                talkers.note(end)
    except (RedisError, OSError):
        return _refused(503, errors.redis_away())
    return StreamingResponse(
        _written(_read(redis, audience, until), File(form, talkers.by_session())),
        media_type=form.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="transcript-{session_id[:8]}.{format_name}"',
            "Cache-Control": "no-store",
        },
    )


async def _read(redis: AsyncRedis, audience: str, until: str) -> AsyncIterator[list[Final | SegmentFailed]]:
    """An audience's log, piece by piece."""
    after = "-"
    while entries := await redis.xrange(names.log(audience), after, until, count=BATCH):
        after = f"({entries[-1][0]}"
        ends = [read_segment_end(fields[FIELD]) for _, fields in entries]
        yield [end for end in ends if isinstance(end, Final | SegmentFailed)]


async def _written(pieces: AsyncIterator[list[Final | SegmentFailed]], file: File) -> AsyncIterator[str]:
    yield file.head()
    async for ends in pieces:
        yield file.lines(ends)
    yield file.tail()


def _refused(status: int, error: WireError, headers: dict[str, str] | None = None) -> JSONResponse:
    body = {"code": error.code, "message": error.message, "remedy": error.remedy}
    return JSONResponse(body, status, headers={"Cache-Control": "no-store"} | (headers or {}))
