"""The page's files over HTTP."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from fastapi_service.api.page import STATIC, PageFiles

MODULE = "// for readers\nexport const half = 1 / 2; /* a */\nexport const text = `a // b ${half}`;\n"


def test_scripts_come_without_their_comments(tmp_path: Path) -> None:
    """Code and other files are unchanged, and a second request is answered with 304."""
    (tmp_path / "a.js").write_text(MODULE)
    (tmp_path / "a.css").write_text("/* kept */")
    client = TestClient(Starlette(routes=[Mount("/static", PageFiles(directory=tmp_path))]))
    script = client.get("/static/a.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.text == "export const half=1/2;export const text=`a // b ${half}`;"
    assert client.get("/static/a.css").text == "/* kept */"
    assert client.get("/static/a.js", headers={"if-none-match": script.headers["etag"]}).status_code == 304
    (tmp_path / "a.js").write_text(f"{MODULE}export const more = 1;")
    assert client.get("/static/a.js").text.endswith("export const more=1;")


def test_the_whole_page_is_small() -> None:
    """Less than 150 KB before compression, in both languages and with the libraries."""
    client = TestClient(Starlette(routes=[Mount("/static", PageFiles(directory=STATIC))]))
    served = [file for file in STATIC.rglob("*") if file.suffix in {".js", ".mjs", ".css", ".html", ".svg"}]
    assert sum(len(client.get(f"/static/{file.relative_to(STATIC)}").content) for file in served) < 150_000
