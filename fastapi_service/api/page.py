"""The page and its files. They are served without what is for readers of the repository: comments, indentation."""

import re
from collections import Counter
from functools import lru_cache
from pathlib import Path
from string import ascii_letters

from fastapi import APIRouter, Request
from rjsmin import jsmin
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parents[1] / "static"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
"""Suffix → media type of the files that are served smaller than they are."""
UNNEEDED = {
    ".js": re.compile(r"""((["'`]).*?(?<!\\)\2)|(?<=})\n|;(?=})|,(?=[\])}])""", re.DOTALL),
    ".css": re.compile(
        r"""((["']).*?(?<!\\)\2)|/\*.*?\*/|(?<=[{};:,>/])\s+|\s+(?=[{}>!/])|;\s*(?=})|(?<![\w.])0(?=\.\d)|^\s+""",
        re.DOTALL | re.MULTILINE,
    ),
    ".html": re.compile(r"(<(pre|textarea)\b.*?</\2>)|(?<=>)\n\s*(?=<)|^\s+", re.DOTALL | re.MULTILINE),
}
"""Parts that change nothing, or, as group 1, strings and others that stay as they are. Of our modules, after ``jsmin``:
all of their statements end with a semicolon. Of styles comments, blanks between tokens, zeros before a point. Of HTML
indentation, and line breaks between tags."""
PARENTHESES = re.compile(r"""((["'`]).*?(?<!\\)\2)|(?<![\w$])\((\w+)\)(?==>)""", re.DOTALL)
"""Strings as group 1, and what is left of the only parameter of an arrow function as group 3."""
DECLARATIONS = re.compile(r"""(["'`]).*?(?<!\\)\1|(?<=[;{}])const [^;{}"'`]*(?:;const [^;{}"'`]*)+""", re.DOTALL)
"""Strings, and declarations of constants that one declaration can make."""
NAMES = re.compile(r"""(["'`]).*?(?<!\\)\1|(#[a-zA-Z]\w*|(?<![\w$])(?<!(?<!\.)\.)[a-zA-Z]\w*)""", re.DOTALL)
"""Strings, and as group 2 names, those of private members with their sign. Names after a point are properties."""
INSERTED = re.compile(r"(?<=\.)#[a-zA-Z]\w*|(?<![\w$.])[a-zA-Z]\w*\b(?=[^{}`]*})")
"""The same names where a template uses them."""
DECLARED = re.compile(r"(?:^|(?<=[;{}])|(?<=\)))const ([^;]*)|(?<!export )(?<!export async )function\*?\s*(\w+)\(")
"""Declarations of constants, and of functions that a module keeps for itself."""

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page(request: Request) -> Response:
    """Return the page."""
    return await PageFiles(directory=STATIC).get_response("index.html", request.scope)


class PageFiles(StaticFiles):
    """Serves modules and styles without comments and blanks, modules in about half of their size.

    HTML has no indentation and no line breaks between tags. Nothing is built, and nothing is renamed but what no
    other file can name: private members, constants and functions that are not
    exported.
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
    ours = file.suffix in MEDIA_TYPES and file.parent.name != "vendor"
    return _smaller(file, file.stat().st_mtime_ns) if ours else file.read_bytes()


@lru_cache(maxsize=128)
def _smaller(file: Path, _version: int) -> bytes:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".js":
        text = jsmin(text)
    text = UNNEEDED[file.suffix].sub(r"\1", text)
    if file.suffix == ".js":
        text = PARENTHESES.sub(r"\1\3", text)
        text = DECLARATIONS.sub(lambda found: found[0] if found[1] else found[0].replace(";const ", ","), text)
        text = _with_short_names(text)
    return text.encode()


def _with_short_names(script: str) -> str:
    """Give names that no other module can use one or two letters, the shortest to those that are used most."""
    declared = list(DECLARED.finditer(script))
    own = {name for found in declared if found[1] for name in re.findall(r"(?:^|,)([A-Z][A-Z\d_]{2,})=", found[1])}
    own |= {found[2] for found in declared if found[2] and not _is_property(found[2], script)}
    names = [found[2] for found in NAMES.finditer(script) if found[2]]
    used = Counter(name for name in names if name[0] == "#" or name in own)
    short = {name: _letters(i, name) for i, (name, _) in enumerate(used.most_common())}

    def rename(found: re.Match[str]) -> str:
        if found[2]:
            return short.get(found[2], found[2])
        return INSERTED.sub(lambda name: short.get(name[0], name[0]), found[0]) if found[1] == "`" else found[0]

    return NAMES.sub(rename, script)


def _is_property(name: str, script: str) -> bool:
    """Return True if a function may have the name of a property or of a method, too."""
    return re.search(rf"[{{,]{name}[,}}=:]|(?<!function )(?<!function\*){name}\([^()]*\){{", script) is not None


def _letters(i: int, name: str) -> str:
    """Return the i-th short name: of one letter, or of two signs."""
    letters = ascii_letters[i] if i < len(ascii_letters) else f"_{i}"
    return f"#{letters}" if name[0] == "#" else f"${letters}"
