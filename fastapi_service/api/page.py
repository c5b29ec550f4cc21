"""The page and its files. Scripts are served without their comments, which are for readers of the repository."""

from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter
from rjsmin import jsmin
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parents[1] / "static"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page() -> FileResponse:
    """Return the page."""
    return FileResponse(STATIC / "index.html")


class PageFiles(StaticFiles):
    """Serves modules without comments and blanks, about half of their size; nothing is built or renamed."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with the file; a module without its comments and blanks."""
        response = await super().get_response(path, scope)  # also 304: the ETag is that of the file
        if not isinstance(response, FileResponse) or not path.endswith(".js"):
            return response
        headers = {name: response.headers[name] for name in ("etag", "last-modified")}
        return Response(as_served(Path(response.path)), media_type="text/javascript", headers=headers)


def as_served(file: Path) -> bytes:
    """Return a file as a browser gets it."""
    return _without_comments(file, file.stat().st_mtime_ns) if file.suffix == ".js" else file.read_bytes()


@lru_cache(maxsize=128)
def _without_comments(file: Path, _version: int) -> bytes:
    script: str = jsmin(file.read_text(encoding="utf-8"), keep_bang_comments=True)  # where libraries have their licence
    return script.encode()
