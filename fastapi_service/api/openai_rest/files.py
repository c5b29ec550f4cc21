"""The files of one gateway: what takes them in, transcribes them and ends them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from fastapi_service.api.openai_rest.background import Background
from fastapi_service.api.openai_rest.parts import Parts
from fastapi_service.api.openai_rest.uploads import Uploads
from fastapi_service.storage.file_jobs import FileJobs

END_S = 3.0
"""Seconds that the sessions of files may take to be deleted at a shutdown."""


@dataclass(frozen=True, slots=True)
class Files:
    """The routes call these parts."""

    parts: Parts
    uploads: Uploads
    jobs: FileJobs
    background: Background

    @classmethod
    def of(cls, parts: Parts, jobs: FileJobs, largest: int) -> "Files":
        """Build the parts; ``largest`` is the most bytes of a file."""
        return cls(parts, Uploads(largest), jobs, Background(jobs))

    async def stop(self) -> None:
        """End all files, while Redis is still there."""
        await self.background.stop()
        await self.parts.endings.wait(END_S)


def files_of(connection: HTTPConnection) -> Files:
    """Return the application's files; a FastAPI dependency."""
    files: Files = connection.app.state.files
    return files


AllFiles = Annotated[Files, Depends(files_of)]
