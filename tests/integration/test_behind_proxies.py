"""A real nginx in front of a real gateway: the example of docs/proxies.md, and proxies that change the handshake."""

import re
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import websockets
from playwright.async_api import async_playwright, expect

from certificates.server import ensure_certificate
from tests.support.eventually import eventually
from tests.support.gateways import START_S, Gateway, Person
from tests.support.machines import ROOT, Processes
from tests.support.nginx import Nginx, free_ports
from tools.browser import find_browser

TALK = "talk.example.org"
DEFAULTS = "proxy_pass http://{gateway};"
UPGRADE = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"
HOST = "proxy_set_header Host $http_host;"
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu"]
FLAGS += ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
Start = Callable[[str], int]


@pytest.fixture
def gateway(processes: Processes) -> Gateway:
    started = Gateway(processes)
    eventually(started.answers, START_S)
    return started


@pytest.fixture
def start(gateway: Gateway, tmp_path: Path) -> Iterator[Start]:
    """Returns a function that starts nginx with servers, in which words in braces are filled in; returns the port."""
    folder = tmp_path / "nginx"
    folder.mkdir()
    running: list[Nginx] = []

    def one(servers: str) -> int:
        (port,) = free_ports(1)
        words = {"port": str(port), "gateway": gateway.http.removeprefix("http://"), "folder": str(folder)}
        for word, value in words.items():
            servers = servers.replace(f"{{{word}}}", value)
        running.append(Nginx(folder, servers, port))
        return port

    yield one
    for nginx in running:
        nginx.end()


def example() -> str:
    """Return the example of the documentation, for a port, a gateway and a certificate of the test."""
    blocks = re.findall(r"^```nginx\n(.*?)^```$", (ROOT / "docs" / "proxies.md").read_text("utf-8"), re.M | re.S)
    (servers,) = blocks
    here = {
        "listen 443 ssl;": "listen 127.0.0.1:{port} ssl;",
        f"/etc/letsencrypt/live/{TALK}/": "{folder}/",
        "http://127.0.0.1:8080;": "http://{gateway};",
    }
    for old, new in here.items():
        assert old in servers
        servers = servers.replace(old, new)
    assert "443" not in servers
    return str(servers)


def proxy(*directives: str) -> str:
    return f"server {{ listen 127.0.0.1:{{port}}; location / {{ {' '.join(directives)} }} }}"


def handshake(port: int, origin: str, **options: object) -> websockets.connect:
    """Connect to a port of this machine as a browser does to an address of the internet."""
    scheme = "wss" if "ssl" in options else "ws"
    return websockets.connect(f"{scheme}://{TALK}/ws", host="127.0.0.1", port=port, origin=origin, **options)  # type: ignore[arg-type]


async def test_the_example_of_the_documentation_passes_page_and_websocket_on(start: Start, tmp_path: Path) -> None:
    """Over TLS, with a conversation: the page's host arrives, metrics stay inside."""
    ensure_certificate(tmp_path / "nginx", {TALK})
    port = start(example())
    tls = ssl.create_default_context(cafile=tmp_path / "nginx" / "ca.pem")
    async with httpx.AsyncClient(verify=tls) as client:

        async def get(path: str) -> httpx.Response:
            url = f"https://127.0.0.1:{port}{path}"
            return await client.get(url, headers={"Host": TALK}, extensions={"sni_hostname": TALK})

        assert "<title>" in (await get("/")).text
        assert (await get(f"/readyz?origin=https://{TALK}")).json()["checks"]["connection"]["ready"]
        assert (await get("/metrics")).status_code == 404
        assert (await get("/healthz/")).headers["location"] == f"https://{TALK}/healthz"
    async with handshake(port, f"https://{TALK}", ssl=tls) as line:
        person = await Person.enter(line)
        await person.talk(bytes(64_000))
        await person.ping()
    with pytest.raises(websockets.InvalidStatus) as refused:
        await handshake(port, "https://elsewhere.example", ssl=tls)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("directives", "status", "words"),
    [
        ((DEFAULTS,), 426, ["may not connect", "GATEWAY_ALLOWED_ORIGINS=", "X-Forwarded-Host"]),
        ((DEFAULTS, UPGRADE), 403, ["may not connect", "GATEWAY_ALLOWED_ORIGINS=", "X-Forwarded-Host"]),
        ((DEFAULTS, HOST), 426, ["Upgrade and Connection", "docs/proxies.md"]),
    ],
    ids=["defaults", "upgrade without host", "host without upgrade"],
)
async def test_the_page_names_what_the_proxy_has_changed(
    start: Start, directives: tuple[str, ...], status: int, words: list[str]
) -> None:
    """In a browser, whose WebSocket has no reason for its page."""
    port = start(proxy(*directives))
    with pytest.raises(websockets.InvalidStatus) as refused:
        await handshake(port, f"https://{TALK}")
    assert refused.value.response.status_code == status
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        page = await browser.new_page()
        await page.goto(f"http://localhost:{port}")
        await page.get_by_role("button", name="Start").click()
        reason = page.get_by_role("alert").get_by_text("connection:")
        for word in words:
            await expect(reason).to_contain_text(word, timeout=20_000)
        await browser.close()


async def test_a_forwarded_host_is_enough(start: Start) -> None:
    """From this machine, which is trusted by default."""
    port = start(proxy(DEFAULTS, UPGRADE, "proxy_set_header X-Forwarded-Host $http_host;"))
    async with handshake(port, f"https://{TALK}") as line:
        await (await Person.enter(line)).ping()


async def test_a_host_with_the_default_port_is_enough(start: Start) -> None:
    """As proxies write it that put the port of the request there."""
    port = start(proxy(DEFAULTS, UPGRADE, f"proxy_set_header Host {TALK}:443;"))
    async with handshake(port, f"https://{TALK}") as line:
        await (await Person.enter(line)).ping()
