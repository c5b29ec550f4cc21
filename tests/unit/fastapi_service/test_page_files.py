"""The page's files over HTTP."""

import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from fastapi_service.api.page import STATIC, PageFiles, as_served, router

MODULE = """\
// for readers
export const half = 1 / 2; /* a */
export function text() {
  return [`a // ;} b ${half}`, "c,)",];
}
export const all = text();
"""


def test_scripts_come_without_their_comments(tmp_path: Path) -> None:
    """Other files are unchanged, and a second request is answered with 304."""
    (tmp_path / "a.js").write_text(MODULE)
    (tmp_path / "a.txt").write_text("/* kept */")
    client = TestClient(Starlette(routes=[Mount("/static", PageFiles(directory=tmp_path))]))
    script = client.get("/static/a.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.text == (
        'export const half=1/2;export function text(){return[`a // ;} b ${half}`,"c,)"]}export const all=text()'
    )
    assert client.get("/static/a.txt").text == "/* kept */"
    assert client.get("/static/a.js", headers={"if-none-match": script.headers["etag"]}).status_code == 304
    (tmp_path / "a.js").write_text(f"{MODULE}export const more = 1;")
    assert client.get("/static/a.js").text.endswith("export const more=1")


@pytest.mark.parametrize(
    ("code", "served"),
    [
        ("const f = (one) => (two) => one + two;", "const f=e=>t=>e+t"),
        ("f('(a) => a', `${(one) => one}`);", 'f("(a) => a",`${e=>e}`)'),
        ("export const ONE = 1; const TWO = ONE + JSON.ONE;", "export const ONE=1;const TWO=ONE+JSON.ONE"),
        ("export function one(two) { return { two }; }", "export function one(e){return{two:e}}"),
        ("class A { #one = '#one'; #two = (a) => f(\"x.#no\"); }", 'class A{#e="#one";#t=e=>f("x.#no")}'),
        ("class A { #one; async #two() { `#two ${this.#one}`; } }", "class A{#e;async#t(){`#two ${this.#e}`}}"),
        ("class A { #one; has(a) { return #one in a; } }", "class A{#e;has(e){return#e in e}}"),
        ("f(a //\n, 'b' /* c */)", 'f(a,"b")'),
    ],
)
def test_scripts_are_minified(tmp_path: Path, code: str, served: str) -> None:
    """Strings, properties and what other modules can name are unchanged."""
    (tmp_path / "a.js").write_text(code)
    client = TestClient(Starlette(routes=[Mount("/static", PageFiles(directory=tmp_path))]))
    assert client.get("/static/a.js").text == served


MODULES = [*STATIC.rglob("*.js")]


@pytest.mark.parametrize("module", MODULES, ids=lambda file: file.name)
def test_a_module_is_valid_as_it_is_served(tmp_path: Path, module: Path) -> None:
    """With all that it declares: a private name that the minifier renamed in one place only is an error of syntax."""
    served = tmp_path / "module.mjs"
    served.write_bytes(as_served(module))
    done = subprocess.run(["node", "--check", served], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


STYLE = """\
a::before { /* one */
  content: "two,  three;  { /* four */";
}

a :is(b, i) + b {
  margin: calc(0.5px + 10.5px)  auto !important; /* kept: blanks between values */
  grid-area: 1 / 2;
}

@media print and (width > 10rem) {
  a {
    content: 'five \
  six';
  }
}
"""
SERVED_STYLE = """\
a::before{content:"two,  three;  { /* four */"}a :is(b,i)+b{margin:calc(.5px + 10.5px)auto!important;grid-area:1/2}\
@media print and (width > 10rem){a{content:'five \
  six'}}"""


def test_styles_are_minified(tmp_path: Path) -> None:
    """Strings and blanks that count are unchanged, and a second request is answered with 304."""
    (tmp_path / "a.css").write_text(STYLE)
    client = TestClient(Starlette(routes=[Mount("/static", PageFiles(directory=tmp_path))]))
    response = client.get("/static/a.css")
    assert response.text == SERVED_STYLE
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    again = client.get("/static/a.css", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


class Document(HTMLParser):
    """Elements with their attributes, and words, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[object] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"head", "body"}:  # browsers make these themselves
            self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.found += data.split()


def test_the_page_itself_keeps_its_elements_words_and_blanks() -> None:
    """Blanks between words count."""
    app = FastAPI()
    app.include_router(router)
    response = TestClient(app).get("/")
    source = (STATIC / "index.html").read_text(encoding="utf-8")
    assert Document(response.text).found == Document(source).found
    assert response.text.count("> <") == source.count("> <") > 10
    assert response.headers["content-type"] == "text/html; charset=utf-8"


def test_the_whole_page_is_small() -> None:
    """Less than 175 KB before compression, in both languages and with the libraries."""
    client = TestClient(Starlette(routes=[Mount("/static", PageFiles(directory=STATIC))]))
    served = [file for file in STATIC.rglob("*") if file.suffix in {".js", ".mjs", ".css", ".html", ".svg"}]
    assert sum(len(client.get(f"/static/{file.relative_to(STATIC)}").content) for file in served) < 175_000
