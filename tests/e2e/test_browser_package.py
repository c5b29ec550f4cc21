"""The npm package on a page of another origin: installed from its tarball, in a real browser, with the real system."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import expect

from local.testing import Stack
from tests.e2e.foreign_site import BEGIN, LABELS, POLICY, TRANSCRIBE, OpenSite, breakable, browsers, talk
from tests.e2e.pages import DATA, MANIFEST, RESULTS_MS, Line, word_error_rate
from tests.support.eventually import eventually
from tests.support.gateways import START_S, Gateway
from tests.support.machines import ROOT, Processes, RedisServer
from tests.support.npm_package import NAME, Site, install, pack, serving


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a site: the installed package, its example and a recording."""
    place = tmp_path_factory.mktemp("npm")
    package = install(pack(place), place / "site")
    for file in (package / "examples" / "talk.html", DATA / "silly.wav"):
        (place / "site" / file.name).write_bytes(file.read_bytes())
    return place / "site"


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Site]:
    with serving(folder, {"Content-Security-Policy": POLICY.format("")}) as served:
        yield served


@pytest.fixture(scope="module")
def gateway(stack: Stack, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a gateway of the system that lets the site in."""
    processes = Processes(stack.redis_url, tmp_path_factory.mktemp("gateway"))
    started = Gateway(processes, GATEWAY_ALLOWED_ORIGINS=site.origin, GATEWAY_VOICE_DETECTION="true")
    try:
        eventually(started.answers, START_S)
        yield started.http
    finally:
        processes.end()


@pytest.fixture
def closed_to_most(site: Site, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address of a gateway with closed access that lets the site in, and an API key. There are no workers."""
    server = RedisServer(tmp_path)
    server.start()
    (tmp_path / "processes").mkdir()
    processes = Processes(server.url, tmp_path / "processes")
    try:
        started = Gateway(processes, GATEWAY_ALLOWED_ORIGINS=site.origin, GATEWAY_ACCESS="closed")
        eventually(started.answers, START_S)
        command = [sys.executable, "-m", "fastapi_service.keys", "create", "--name", "page", "--scope", "talk"]
        env = os.environ | {"REDIS_URL": server.url}
        done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
        yield started.http, done.stdout.strip()
    finally:
        processes.end()
        server.kill()


@pytest.fixture
async def open_site() -> AsyncIterator[OpenSite]:
    """See ``browsers``."""
    async with browsers() as open_it:
        yield open_it


@pytest.mark.timeout(240)
async def test_the_example_shows_what_is_said_on_a_page_of_another_origin(
    site: Site, gateway: str, open_site: OpenSite
) -> None:
    """Words, sentiment, order and statistics are those of the service, under a strict policy of the page's own."""
    page = await open_site(f"{site.origin}/talk.html?service={gateway}", "conversation.wav")
    line = Line(page)
    shown = await talk(page, line, "conversation.wav")
    finals = [message for message in line.received if message["type"] == "final"]
    assert [final["seq"] for final in finals] == sorted({final["seq"] for final in finals})
    sentences: dict[int, str] = {}
    for final in finals:
        first = final.get("first_segment", final["segment"])
        sentences[first] = f"{final.get('sentence', final['text'])} ({final['sentiment']['label']})"
    assert shown == [*sentences.values()]
    texts, labels = zip(*(text.removesuffix(")").rsplit(" (", 1) for text in shown), strict=True)
    assert word_error_rate(MANIFEST["conversation.wav"]["text"], " ".join(texts)) <= 0.3
    assert set(labels) <= LABELS
    (*_, stats) = (message for message in line.received if message["type"] == "stats")
    assert await page.locator("#figures").inner_text() == f"{len(shown)} sentences, {stats['words']} words"


async def test_the_package_may_come_from_a_third_origin(
    folder: Path, site: Site, gateway: str, open_site: OpenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a CDN: the worklet is loaded from where the package is, as one file."""
    with serving(folder, {"Access-Control-Allow-Origin": "*"}) as far:
        example = (folder / "talk.html").read_text("utf-8")
        (folder / "far.html").write_text(example.replace("./node_modules", f"{far.origin}/node_modules"), "utf-8")
        monkeypatch.setattr(site, "headers", {"Content-Security-Policy": POLICY.format(f" {far.origin}")})
        page = await open_site(f"{site.origin}/far.html?service={gateway}")
        shown = await talk(page, Line(page), "silly.wav")
    assert far.paths.count(f"/node_modules/{NAME}/dist/page/audio/pcm-worklet.js") == 1
    assert not {path for path in far.paths if path.endswith("resampler.js")}
    assert word_error_rate(MANIFEST["silly.wav"]["text"], " ".join(text.rpartition(" (")[0] for text in shown)) <= 0.3


async def test_a_page_whose_origin_is_not_allowed_gets_the_reason(
    site: Site, stack: Stack, open_site: OpenSite
) -> None:
    """By code, with what to set; the session ends, and so does the recording."""
    page = await open_site(f"{site.origin}/talk.html?service={stack.url}")
    await page.get_by_role("button", name="Start").click()
    await expect(page.locator("#status")).to_have_text(
        f"origin_refused The service at {stack.url} lets no pages of {site.origin} in. "
        f"Set GATEWAY_ALLOWED_ORIGINS={site.origin} where the service runs.",
        timeout=RESULTS_MS,
    )
    answer = await page.evaluate(BEGIN, [stack.url, {}])
    assert answer.startswith("ServiceError origin_refused ")
    assert await page.evaluate("states") == ["connecting", "reconnecting", "ended"]


async def test_a_page_of_another_origin_calls_the_http_routes(
    site: Site, gateway: str, stack: Stack, open_site: OpenSite
) -> None:
    """A file, its transcript and its deletion, with headers that need a preflight; not where the origin is refused."""
    page = await open_site(f"{site.origin}/talk.html")
    answer = await page.evaluate(TRANSCRIBE, gateway)
    assert word_error_rate(MANIFEST["silly.wav"]["text"], answer["text"]) <= 0.3
    assert {segment["sentiment"]["label"] for segment in answer["segments"]} <= LABELS
    assert answer["text"] in answer["transcript"]
    assert answer["deleted"] == 204
    refused = await page.evaluate(f"(service) => ({TRANSCRIBE})(service).catch(({{ name }}) => name)", stack.url)
    assert refused == "TypeError"


async def test_a_page_comes_in_by_key_or_ticket_where_access_is_closed(
    site: Site, closed_to_most: tuple[str, str], open_site: OpenSite
) -> None:
    """Without one it gets the service's own error; a session that began by a ticket is resumed without it."""
    address, key = closed_to_most
    page = await open_site(f"{site.origin}/talk.html")
    assert (await page.evaluate(BEGIN, [address, {}])).startswith("ServiceError no_grant ")
    assert (await page.evaluate(BEGIN, [address, {"key": f"{key}x"}])).startswith("ServiceError grant_refused ")
    assert await page.evaluate(BEGIN, [address, {"key": key}]) == "stands"
    starts = await breakable(page)
    async with httpx.AsyncClient() as client:
        made = await client.post(f"{address}/tickets", headers={"Authorization": f"Bearer {key}"})
    assert await page.evaluate(BEGIN, [address, {"ticket": made.json()["ticket"]}]) == "stands"
    await starts[0][1].close(code=1012)
    await page.wait_for_function("() => states.at(-1) === 'open' && states.includes('reconnecting')")
    assert [("ticket" in start, "session_id" in start) for start, _ in starts] == [(True, False), (False, True)]
