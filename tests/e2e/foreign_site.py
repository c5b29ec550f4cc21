"""A site of another origin that has the npm package installed, and a real browser that opens it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from playwright.async_api import Page, WebSocketRoute, async_playwright, expect

from tests.e2e.pages import ALLOW_EVERYTHING, DATA, FLAGS, MANIFEST, RESULTS_MS, Line
from tools.browser import find_browser

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'{}; connect-src 'self' http://127.0.0.1:* ws://127.0.0.1:*"
)
"""What the example needs: its scripts, one of which is inline, and the service."""
LABELS = {"negative", "neutral", "positive"}
BEGIN = """async ([service, options]) => {
    const { Talker } = await import("/node_modules/whisper-text-analyzer-client/dist/index.js");
    window.states = [];
    window.talker = new Talker(service, options);
    talker.on("state", (state) => states.push(state));
    return talker.watch().then(() => "stands", ({ name, code, remedy }) => `${name} ${code} ${remedy}`);
}"""
"""Begins a session without audio; returns that it stands, or the error."""
TRANSCRIBE = """async (service) => {
    const form = new FormData();
    form.append("file", await (await fetch("/silly.wav")).blob(), "silly.wav");
    const fields = { language: "en", keep: "true", sentiment: "true", response_format: "verbose_json" };
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    const headers = { Authorization: "Bearer any", "X-Stainless-Lang": "js" };
    const answer = await fetch(`${service}/v1/audio/transcriptions`, { method: "POST", body: form, headers });
    const [id, token] = ["X-Session-Id", "X-Session-Token"].map((name) => answer.headers.get(name));
    const path = `${service}/v1/sessions/${id}`;
    const session = await fetch(`${path}/transcript?format=txt`, { headers: { Authorization: `Bearer ${token}` } });
    const text = await session.text();
    const deleted = await fetch(path, { method: "DELETE", headers: { Authorization: `Bearer ${token}` } });
    return { ...(await answer.json()), transcript: text, deleted: deleted.status };
}"""
"""Sends a file, reads its transcript back, and deletes it."""

OpenSite = Callable[..., Awaitable[Page]]


@asynccontextmanager
async def browsers() -> AsyncIterator[OpenSite]:
    """Opens an address in a browser whose microphone plays a file; at the end, no script may have failed."""
    failures: list[str] = []
    async with AsyncExitStack() as ends:
        playwright = await ends.enter_async_context(async_playwright())

        async def open_it(address: str, microphone: str = "silly.wav") -> Page:
            sound = f"--use-file-for-fake-audio-capture={DATA / microphone}%noloop"
            args = [*FLAGS, ALLOW_EVERYTHING, sound]
            browser = await playwright.chromium.launch(executable_path=find_browser(), args=args)
            ends.push_async_callback(browser.close)
            page = await browser.new_page()
            page.on("pageerror", lambda error: failures.append(str(error)))
            await page.goto(address)
            return page

        yield open_it
    assert failures == []


async def talk(page: Page, line: Line, clip: str) -> list[str]:
    """Press Start, say a clip, press Stop and wait for the end; return the sentences that the page shows."""
    await page.get_by_role("button", name="Start").click()
    await line.seconds(MANIFEST[clip]["seconds"] + 1)
    await page.get_by_role("button", name="Stop").click()
    await expect(page.locator("#status")).to_have_text("ended", timeout=RESULTS_MS)
    return await page.locator("#sentences li").all_inner_texts()


async def breakable(page: Page) -> list[tuple[dict[str, Any], WebSocketRoute]]:
    """Return a list that gets the first message of each further connection, with its line."""
    starts: list[tuple[dict[str, Any], WebSocketRoute]] = []

    async def route(client: WebSocketRoute) -> None:
        server = client.connect_to_server()

        def forward(message: str | bytes) -> None:
            if isinstance(message, str) and json.loads(message)["type"] == "start":
                starts.append((json.loads(message), client))
            server.send(message)

        client.on_message(forward)

    await page.route_web_socket("**/ws", route)
    return starts
