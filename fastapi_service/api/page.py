"""The page's files as they are served: scripts without their comments, which are for those who read the repository."""

from functools import lru_cache
from pathlib import Path

from rjsmin import jsmin
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class PageFiles(StaticFiles):
    """Nothing is built or renamed: what a browser gets is the module less comments and blanks, about half of it."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)  # also 304: the ETag is that of the file
        if not isinstance(response, FileResponse) or not path.endswith(".js"):
            return response
        headers = {name: response.headers[name] for name in ("etag", "last-modified")}
        return Response(as_served(Path(response.path)), media_type="text/javascript", headers=headers)


def as_served(file: Path) -> bytes:
    """What a browser gets of a file."""
    return _without_comments(file, file.stat().st_mtime_ns) if file.suffix == ".js" else file.read_bytes()


@lru_cache(maxsize=128)
def _without_comments(file: Path, _version: int) -> bytes:
    script: str = jsmin(file.read_text(encoding="utf-8"), keep_bang_comments=True)  # where libraries have their licence
    return script.encode()
