"""Sign-in with OpenID Connect, as the Compose profile `login` has it, in a real browser.

nginx with the containers' configuration, a provider, and Apache's mod_auth_openidc in the place of oauth2-proxy; no
workers.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from certificates.server import ensure_certificate
from tests.e2e.pages import ALLOW_EVERYTHING, DATA, FLAGS, status
from tests.e2e.test_page_access import ready, said
from tests.support import gateways
from tests.support.eventually import eventually
from tests.support.gateways import Gateway
from tests.support.machines import Processes, RedisServer
from tests.support.nginx import Nginx, free_ports, listens, of_containers
from tests.support.sign_in_proxy import SignInProxy
from tools.browser import find_browser

KIM, BOSS = "kim@example.org", "boss@example.org"
START_S = 30
SHORT_S = 15
"""The shortest duration of a sign-in that mod_auth_openidc knows."""
Service = Callable[..., str]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Returns a function that starts all of it, and returns the address of the page."""
    server = RedisServer(tmp_path)
    server.start()
    (tmp_path / "processes").mkdir()
    (tmp_path / "nginx").mkdir()
    ensure_certificate(tmp_path / "nginx", {"localhost"})
    processes = Processes(server.url, tmp_path / "processes")
    running: list[Nginx | SignInProxy] = []

    def start(session_s: int = 3_600) -> str:
        http, https, health, proxy, provider = free_ports(5)
        page, issuer = f"http://localhost:{http}", f"http://localhost:{provider}"
        closed = {"GATEWAY_ACCESS": "closed", "GATEWAY_LOGIN_HEADER": "X-Wta-User", "GATEWAY_TRUSTED_PROXIES": "*"}
        gateway = Gateway(processes, GATEWAY_LOGIN_PATH="/oauth2/start?rd=/", **closed)
        processes.python("-W", "ignore", "-m", "oidc_provider_mock", "--port", str(provider))
        eventually(gateway.answers, gateways.START_S)
        eventually(lambda: listens(provider), START_S)
        running.append(SignInProxy(tmp_path / "proxy", proxy, issuer, page, session_s=session_s))
        ports, address = {8080: http, 8443: https, 8081: health}, gateway.http.removeprefix("http://")
        settings = {"NGINX_PLAIN_HTTP": "serve", "NGINX_LOGIN_PROXY": f"127.0.0.1:{proxy}"}
        running.append(Nginx(tmp_path / "nginx", of_containers(tmp_path / "nginx", ports, address, **settings), http))
        return page

    yield start
    for one in running:
        one.end()
    processes.end()
    server.kill()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A page of a browser with a microphone, which takes the service for ready."""
    async with async_playwright() as playwright:
        microphone = f"--use-file-for-fake-audio-capture={DATA / 'silly.wav'}%noloop"
        browser = await playwright.chromium.launch(
            executable_path=find_browser(), args=[*FLAGS, ALLOW_EVERYTHING, microphone]
        )
        opened = await browser.new_page()
        await opened.route(re.compile("^https?://(?!localhost:)"), lambda route: route.abort())  # the provider's style
        await ready(opened)
        yield opened
        await browser.close()


async def sign_in(page: Page, address: str, person: str) -> None:
    """Go the way from the page to the provider, and back."""
    await page.goto(address)
    await page.locator("#sign-in-proxy").click()
    await page.get_by_placeholder("sub").fill(person)
    await page.get_by_role("button", name="Authorize").click()
    await page.wait_for_url(f"{address}/")
    await page.locator("#sign-out:not([hidden])").wait_for(state="attached")  # its scripts have run
    await expect(page.locator("#sign-in")).to_be_hidden()


async def access(page: Page, address: str, **headers: str) -> dict[str, Any]:
    """Return what the service says to the browser about its access."""
    answer = await page.request.get(f"{address}/access", headers={k.replace("_", "-"): v for k, v in headers.items()})
    state: dict[str, Any] = await answer.json()
    return state


async def test_person_signs_in_at_the_provider_talks_and_signs_out(service: Service, page: Page) -> None:
    """With the name of the sign-in, whatever the browser has kept; no header that a client sends changes that."""
    address, messages = service(), said(page)
    await page.goto(address)
    await expect(page.locator("#sign-in")).to_be_visible()
    await page.evaluate("localStorage.setItem('settings', JSON.stringify({ name: 'The Boss', role: 'agent' }))")
    await sign_in(page, address, KIM)
    forged = {"X_Wta_User": BOSS, "X_Auth_Request_Email": BOSS}
    for headers in ({}, forged):
        state = await access(page, address, **headers)
        assert (state["name"], state["rights"]) == (KIM, ["read", "talk", "files"])
    await page.get_by_role("button", name="Start").click()
    await status(page, "Listening|Hearing")
    begun = next(message for message in messages if message["type"] == "ready")
    assert (begun["name"], begun["role"], begun["rights"]) == (KIM, "agent", ["read", "talk", "files"])
    await page.locator("#settings summary").click()
    await expect(page.locator("#name")).to_have_value(KIM)
    await expect(page.locator("#name")).not_to_be_editable()
    await page.locator("#sign-out").click()
    await page.get_by_role("button", name="End session").click()  # the provider's
    await page.wait_for_url(f"{address}/")
    await expect(page.locator("#sign-in")).to_be_visible()
    assert (await access(page, address, **forged))["rights"] == []


async def test_sign_in_that_has_expired_is_none(service: Service, page: Page) -> None:
    """The page offers the way to the provider again; the browser has the cookie still, and another one is none."""
    address = service(SHORT_S)
    assert (await access(page, address, Cookie="mod_auth_openidc_session=made-up"))["rights"] == []
    await sign_in(page, address, KIM)
    assert (await access(page, address))["name"] == KIM
    for _ in range(2 * SHORT_S):
        if not (await access(page, address))["rights"]:
            break
        await page.wait_for_timeout(1_000)
    assert (await access(page, address))["name"] is None
    assert "mod_auth_openidc_session" in {one.get("name") for one in await page.context.cookies()}
    await page.reload()
    await expect(page.locator("#sign-in-proxy")).to_be_visible()
