"""The page's files over HTTP."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from fastapi_service.api.page import STATIC, PageFiles, router

MODULE = """\
// for readers
export const half = 1 / 2; /* a */
export function text() {
  return [`a // ;} b ${half}`, "c,)",];
}
export const all = text();
"""


def test_scripts_come_without_their_comments(tmp_path: Path) -> None:
    """Code and other files are unchanged, and a second request is answered with 304."""
    (tmp_path / "a.js").write_text(MODULE)
    (tmp_path / "a.txt").write_text("/* kept */")
    client = TestClient(Starlette(routes=[Mount("/static", PageFiles(directory=tmp_path))]))
    script = client.get("/static/a.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.text == (
        'export const half=1/2;export function text(){return[`a // ;} b ${half}`,"c,)"]}export const all=text();'
    )
    assert client.get("/static/a.txt").text == "/* kept */"
    assert client.get("/static/a.js", headers={"if-none-match": script.headers["etag"]}).status_code == 304
    (tmp_path / "a.js").write_text(f"{MODULE}export const more = 1;")
    assert client.get("/static/a.js").text.endswith("export const more=1;")


@pytest.mark.parametrize(
    ("code", "served"),
    [
        ("const f = (a) => (b) => a + b;", "const f=a=>b=>a+b;"),
        ("x.map(async (a) => a);", "x.map(async(a)=>a);"),
        ("const f = (a, b) => [(a), () => b];", "const f=(a,b)=>[(a),()=>b];"),
        ("f('(a) => a', `${(a) => a}`);", "f('(a) => a',`${(a) => a}`);"),
        ("{ const a = f(1); const b = a + 1; const c = b; }", "{const a=f(1),b=a+1,c=b}"),
        ("for (const a of b) f(a); const c = 1; const d = 2;", "for(const a of b)f(a);const c=1,d=2;"),
        ("{ const a = '; const b'; const c = 1; }", "{const a='; const b';const c=1}"),
        ("{ const a = { b }; const c = 1; }", "{const a={b};const c=1}"),
    ],
)
def test_scripts_come_without_signs_that_change_nothing(tmp_path: Path, code: str, served: str) -> None:
    """Parentheses of an only parameter, and the repeated word in declarations that follow each other."""
    (tmp_path / "a.js").write_text(code)
    client = TestClient(Starlette(routes=[Mount("/static", PageFiles(directory=tmp_path))]))
    assert client.get("/static/a.js").text == served


@pytest.mark.parametrize(
    ("code", "served"),
    [
        ("class A { #one = 1; #two() { return this.#one; } }", "class A{#a=1;#b(){return this.#a}}"),
        ("class A { static #on; get #is() { return A.#on?.#on; } }", "class A{static#a;get#b(){return A.#a?.#a}}"),
        ("class A { #one; async #two() { `#two ${this.#one}`; } }", "class A{#a;async#b(){`#two ${this.#a}`}}"),
        ("class A { #one = '#one'; #two = (a) => f(\"x.#no\"); }", "class A{#a='#one';#b=a=>f(\"x.#no\")}"),
        ("const ONE = 1; const f = () => `ONE ${a + ONE}`;", "const $a=1;const f=()=>`ONE ${a + $a}`;"),
        ("const ONE = f(1); const TWO = ONE; a.TWO('ONE');", "const $a=f(1);const $b=$a;a.TWO('ONE');"),
        ("export const ONE = 1; const TWO = ONE + JSON.ONE;", "export const ONE=1;const $a=ONE+JSON.ONE;"),
        ("function one() { return one; } a.one(one(), `${one()}`);", "function $a(){return $a}a.one($a(),`${$a()}`);"),
        ("function* one() {} function two() {} f({ two, one: 1 });", "function*one(){}function two(){}f({two,one:1});"),
        ("function one() {} class A { one() { return 1; } }", "function one(){}class A{one(){return 1}}"),
        ("export function one() {} one();", "export function one(){}one();"),
        ("const ONE = [1]; f(...ONE, a.b.ONE);", "const $a=[1];f(...$a,a.b.ONE);"),
        ("class A { #one; has(a) { return #one in a; } }", "class A{#a;has(a){return#a in a}}"),
    ],
)
def test_private_members_and_constants_get_short_names(tmp_path: Path, code: str, served: str) -> None:
    """Also where they are used in templates; strings, properties and what is exported are unchanged."""
    (tmp_path / "a.js").write_text(code)
    client = TestClient(Starlette(routes=[Mount("/static", PageFiles(directory=tmp_path))]))
    assert client.get("/static/a.js").text == served


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
a::before{content:"two,  three;  { /* four */"}a :is(b,i) + b{margin:calc(.5px + 10.5px)  auto!important;grid-area:1/2}\
@media print and (width>10rem){a{content:'five \
  six'}}"""
HTML = """\
<p>
  one  <b>two</b> <i>three</i>
</p>

  <pre>
  four
</pre><textarea>
  five</textarea>
"""
SERVED_HTML = """\
<p>
one  <b>two</b> <i>three</i></p><pre>
  four
</pre><textarea>
  five</textarea>
"""


@pytest.mark.parametrize(
    ("name", "content", "served", "media_type"),
    [("a.css", STYLE, SERVED_STYLE, "text/css"), ("a.html", HTML, SERVED_HTML, "text/html")],
)
def test_styles_come_without_blanks_and_html_without_indentation(
    tmp_path: Path, name: str, content: str, served: str, media_type: str
) -> None:
    """Strings, preformatted text and blanks that count are unchanged, and a second request is answered with 304."""
    (tmp_path / name).write_text(content)
    client = TestClient(Starlette(routes=[Mount("/static", PageFiles(directory=tmp_path))]))
    response = client.get(f"/static/{name}")
    assert response.text == served
    assert response.headers["content-type"] == f"{media_type}; charset=utf-8"
    again = client.get(f"/static/{name}", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_page_itself_comes_without_indentation() -> None:
    """The answer at ``/`` differs from index.html in blanks only, and not in those between words."""
    app = FastAPI()
    app.include_router(router)
    response = TestClient(app).get("/")
    source = (STATIC / "index.html").read_text(encoding="utf-8")
    assert "".join(response.text.split()) == "".join(source.split())
    assert response.text.count("> <") == source.count("> <") > 10
    assert response.headers["content-type"] == "text/html; charset=utf-8"


def test_the_whole_page_is_small() -> None:
    """Less than 150 KB before compression, in both languages and with the libraries."""
    client = TestClient(Starlette(routes=[Mount("/static", PageFiles(directory=STATIC))]))
    served = [file for file in STATIC.rglob("*") if file.suffix in {".js", ".mjs", ".css", ".html", ".svg"}]
    assert sum(len(client.get(f"/static/{file.relative_to(STATIC)}").content) for file in served) < 150_000
