"""The page and its files, served without what is for readers of the repository."""

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

minified: Callable[[str, str], str] = import_module("minify").string if find_spec("minify") else lambda _, text: text
"""Media type and content → the content in fewer bytes."""
STATIC = Path(__file__).parents[1] / "static"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
"""Suffix → media type of the files that are served smaller than they are."""
router = APIRouter(include_in_schema=False)


@router.get("/")
async def page(request: Request) -> Response:
    """Return the page."""
    return await PageFiles(directory=STATIC).get_response("index.html", request.scope)


class PageFiles(StaticFiles):
    """Serves page, modules and styles minified: modules in less than half of their size, their exports unrenamed.

    Nothing is built. Where the minifier has no wheels (macOS on Apple silicon), the files are served as they are.
    """

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with the file, smaller where it can be."""
        response = await super().get_response(path, scope)  # also 304: the ETag is that of the file
        media_type = MEDIA_TYPES.get(Path(path).suffix)
        if not isinstance(response, FileResponse) or media_type is None:
            return response
        headers = {name: response.headers[name] for name in ("etag", "last-modified")}
        return Response(as_served(Path(response.path)), media_type=media_type, headers=headers)


def as_served(file: Path) -> bytes:
    """Return a file as a browser gets it."""
    return _smaller(file, file.stat().st_mtime_ns) if file.suffix in MEDIA_TYPES else file.read_bytes()


@lru_cache(maxsize=128)
def _smaller(file: Path, _version: int) -> bytes:
    return minified(MEDIA_TYPES[file.suffix], file.read_text(encoding="utf-8")).encode()
