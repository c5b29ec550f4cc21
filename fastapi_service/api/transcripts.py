"""An audience's log as a file, for all routes that export."""

import asyncio
from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse

from fastapi_service.delivery.result_log import ResultLog
from fastapi_service.export.entries import Speakers
from fastapi_service.export.formats import FORMATS, File
from fastapi_service.export.sentences import Sentences
from wire.messages.results import Final, SegmentFailed

BATCH = 100
"""Results that are read and written at once, so that a long file does not delay live sessions."""


async def transcript(results: ResultLog, audience: str, session_id: str, format_name: str) -> StreamingResponse:
    """Return the log of an audience as a file.

    The log is read twice, first for speakers and sentences, and is never in memory as a whole.

    Raises:
        RedisError, OSError: Redis is unavailable.
    """
    form, speakers, sentences = FORMATS[format_name], Speakers(), Sentences()
    until = await results.newest(audience)
    async for batch in _read(results, audience, until):
        for result in batch:
            speakers.note(result)
            sentences.note(result)
    return StreamingResponse(
        _written(_read(results, audience, until), File(form, speakers.by_session(), sentences)),
        media_type=form.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="transcript-{session_id[:8]}.{format_name}"',
            "Cache-Control": "no-store",
        },
    )


async def _read(results: ResultLog, audience: str, until: int) -> AsyncIterator[list[Final | SegmentFailed]]:
    """Yield an audience's log in batches, without utterances that were no speech."""
    after = 0
    while batch := await results.read(audience, after, BATCH, until):
        after = batch[-1][0]
        yield [result for _, result in batch if isinstance(result, Final | SegmentFailed)]


async def _written(batches: AsyncIterator[list[Final | SegmentFailed]], file: File) -> AsyncIterator[str]:
    yield file.head()
    async for batch in batches:
        yield await asyncio.to_thread(file.entries, batch)  # cutting subtitles takes its time
    yield await asyncio.to_thread(file.tail)
