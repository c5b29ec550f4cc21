"""The containers' nginx, with its own templates, in front of a real gateway: plain HTTP, trusted proxies, limits."""

import http.server
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import websockets

from certificates.server import ensure_certificate
from tests.support.eventually import eventually
from tests.support.gateways import START_S, Gateway, Person
from tests.support.machines import ROOT, Processes
from tests.support.nginx import Nginx, free_ports, of_containers

TALK = "talk.example.org"
Start = Callable[..., str]


@pytest.fixture
def gateway_settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings of the gateway, of a test that has some."""
    return getattr(request, "param", {})


@pytest.fixture
def start(processes: Processes, tmp_path: Path, gateway_settings: dict[str, str]) -> Iterator[Start]:
    """Returns a function that starts nginx with settings, and returns the address of its port for HTTP."""
    gateway = Gateway(processes, GATEWAY_TRUSTED_PROXIES="*", **gateway_settings)
    eventually(gateway.answers, START_S)
    folder = tmp_path / "nginx"
    folder.mkdir()
    ensure_certificate(folder, {TALK})
    running: list[Nginx] = []

    def one(**settings: str) -> str:
        http, https, status = free_ports(3)
        servers = of_containers(
            folder, {8080: http, 8443: https, 8081: status}, gateway.http.removeprefix("http://"), **settings
        )
        running.append(Nginx(folder, servers, http))
        return f"http://127.0.0.1:{http}"

    yield one
    for nginx in running:
        nginx.end()


def get(address: str, path: str = "/", **headers: str) -> httpx.Response:
    sent = {"Host": TALK} | {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(f"{address}{path}", headers=sent)


def ready(address: str, **headers: str) -> bool:
    """Return True if the page at https://talk.example.org may connect."""
    answer = get(address, f"/readyz?origin=https://{TALK}", **headers)
    return bool(answer.json()["checks"]["connection"]["ready"])


def test_plain_http_is_redirected_unless_a_trusted_proxy_got_it_by_https(start: Start) -> None:
    """The default: no loop for a proxy that is trusted and says so, and no page without TLS for others."""
    address = start(HTTPS_PORT="8443")
    assert get(address).headers["location"] == f"https://{TALK}:8443/"
    assert get(address, "/a?b=1").headers["location"] == f"https://{TALK}:8443/a?b=1"
    assert get(address, X_Forwarded_Proto="http").headers["location"] == f"https://{TALK}/"
    for proto in ("https", "HTTPS", "https, http"):
        assert get(address, X_Forwarded_Proto=proto).status_code == 200
    assert get(address, "/.well-known/acme-challenge/x").status_code == 404


@pytest.mark.parametrize(
    "forwarded",
    ["evil.example", f"evil.example, {TALK}", f"{TALK}, evil.example", "evil.example:8443", "[2001:db8::1]:9"],
)
@pytest.mark.parametrize("networks", ["127.0.0.1", "10.0.0.0/8"], ids=["trusted", "not trusted"])
def test_no_redirect_leads_to_another_host(start: Start, forwarded: str, networks: str) -> None:
    """A trusted proxy may pass on what a client has sent: that counts for the page's origin, not for a redirect."""
    address = start(NGINX_TRUSTED_PROXY=networks, HTTPS_PORT="8443")
    here = f"https://{TALK}" if networks == "127.0.0.1" else f"https://{TALK}:8443"
    for path in ("/", "/a?b=1", "//evil.example/"):
        location = get(address, path, X_Forwarded_Proto="http", X_Forwarded_Host=forwarded).headers["location"]
        assert location == here + path
    assert get(address, X_Forwarded_Host=forwarded).headers["location"] == f"https://{TALK}:8443/"
    plain = start(NGINX_TRUSTED_PROXY=networks, NGINX_PLAIN_HTTP="serve")
    for path, target in (("/healthz/", "/healthz"), ("/readyz/?origin=x", "/readyz?origin=x")):  # of the gateway
        answer = get(plain, path, X_Forwarded_Proto="https", X_Forwarded_Host=forwarded)
        assert answer.headers["location"] == target


def test_proxy_that_is_not_trusted_is_not_believed(start: Start) -> None:
    """Neither scheme nor host: a client could send both."""
    address = start(NGINX_TRUSTED_PROXY="10.0.0.0/8,192.168.0.0/16")
    assert get(address, X_Forwarded_Proto="https").status_code == 301
    plain = start(NGINX_TRUSTED_PROXY="10.0.0.0/8", NGINX_PLAIN_HTTP="serve")
    assert not ready(plain, Host="inner:8080", X_Forwarded_Host=TALK)


@pytest.mark.parametrize("networks", ["127.0.0.1", "10.0.0.0/8,127.0.0.0/8", "fd00::/8, 10.0.0.5, 127.0.0.1"])
def test_host_of_a_trusted_proxy_is_that_of_the_page(start: Start, networks: str) -> None:
    """In one of several networks; with a default port, and in a chain of proxies."""
    address = start(NGINX_TRUSTED_PROXY=networks, NGINX_PLAIN_HTTP="serve")
    assert not ready(address, Host="inner:8080")
    for forwarded in (TALK, f"{TALK}:443", f"{TALK}, inner:80"):
        assert ready(address, Host="inner:8080", X_Forwarded_Host=forwarded)


async def test_plain_http_is_served_with_its_websocket_and_without_a_redirect(start: Start) -> None:
    """Also to a proxy that says nothing, and to a load balancer's health check."""
    address = start(NGINX_PLAIN_HTTP="serve", NGINX_TRUSTED_PROXY="10.0.0.0/8", NGINX_HSTS_S="31536000")
    answer = get(address)
    assert (answer.status_code, answer.headers.get("strict-transport-security")) == (200, None)
    assert get(address, X_Forwarded_Proto="http").status_code == 200
    assert get(address, "/healthz", Host="10.0.0.9").text == "ok\n"
    assert get(address, "/static/main.js").status_code == 200
    assert get(address, "/metrics").status_code == 404
    port = int(address.rpartition(":")[2])
    async with websockets.connect(f"ws://{TALK}/ws", host="127.0.0.1", port=port, origin=f"https://{TALK}") as line:  # type: ignore[arg-type]
        await (await Person.enter(line)).ping()


def test_hsts_is_sent_behind_a_proxy_that_speaks_https(start: Start) -> None:
    """As over nginx' own TLS."""
    address = start(NGINX_HSTS_S="31536000")
    answer = get(address, X_Forwarded_Proto="https")
    assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]


async def test_too_many_connections_are_named_to_the_page(start: Start) -> None:
    """In the form of /readyz, which the page reads; browsers show it nothing of a refused handshake."""
    address = start(NGINX_PLAIN_HTTP="serve", NGINX_MAX_CONNECTIONS_PER_ADDRESS="1")
    port = int(address.rpartition(":")[2])
    async with websockets.connect(f"ws://{TALK}/ws", host="127.0.0.1", port=port) as line:
        await Person.enter(line)
        answer = get(address, f"/readyz?origin=https://{TALK}")
        assert answer.status_code == 429
        assert "NGINX_MAX_CONNECTIONS_PER_ADDRESS" in answer.json()["checks"]["nginx"]["reason"]


class FakeLogin(http.server.BaseHTTPRequestHandler):
    """oauth2-proxy, as far as nginx sees it: it names the person of a cookie, and sends its own pages."""

    def do_GET(self) -> None:
        person = self.headers.get("Cookie", "").removeprefix("_oauth2_proxy=")
        signed_in = self.path == "/oauth2/auth" and person.endswith("@example.org")
        self.send_response(202 if signed_in else 401 if self.path == "/oauth2/auth" else 302)
        if signed_in:
            self.send_header("X-Auth-Request-Email", person)
        self.send_header("Location", "https://provider.example/authorize?state=1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def login() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeLogin)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


CLOSED = {"GATEWAY_ACCESS": "closed", "GATEWAY_LOGIN_HEADER": "X-Wta-User", "GATEWAY_LOGIN_PATH": "/oauth2/start?rd=/"}


@pytest.mark.parametrize("gateway_settings", [CLOSED], indirect=True, ids=["closed"])
async def test_login_profile_signs_in_whom_the_proxy_names(
    start: Start, login: http.server.ThreadingHTTPServer
) -> None:
    """HTTP and WebSockets, with the person's name; without its cookie nothing is different, nor while it is away."""
    address = start(NGINX_PLAIN_HTTP="serve", NGINX_LOGIN_PROXY=f"127.0.0.1:{login.server_port}")
    port = int(address.rpartition(":")[2])
    cookie = "_oauth2_proxy=kim@example.org"
    state = get(address, "/access", Cookie=cookie).json()
    assert (state["name"], state["rights"]) == ("kim@example.org", ["read", "talk", "files"])
    forged = {"X_Wta_User": "kim@example.org", "X_Auth_Request_Email": "kim@example.org"}
    for headers in ({}, {"Cookie": "_oauth2_proxy=expired"}, forged):
        state = get(address, "/access", **headers).json()
        assert (state["name"], state["rights"], state["login"]) == (None, [], "/oauth2/start?rd=/")
    assert get(address, "/", Cookie=cookie).status_code == 200
    assert get(address, "/oauth2/start?rd=/").headers["location"] == "https://provider.example/authorize?state=1"
    assert get(address, "/oauth2/person", Cookie=cookie).status_code == 404
    url, options = f"ws://{TALK}/ws", {"host": "127.0.0.1", "port": port, "origin": f"http://{TALK}"}
    async with websockets.connect(url, additional_headers={"Cookie": cookie}, **options) as line:  # type: ignore[arg-type]
        assert (await Person.enter(line, room="kitchen")).ready["rights"] == ["read", "talk", "files"]
    foreign = options | {"origin": "https://evil.example"}
    with pytest.raises(websockets.InvalidStatus, match="403"):
        await websockets.connect(url, additional_headers={"Cookie": cookie}, **foreign)  # type: ignore[arg-type]
    login.shutdown()
    login.server_close()
    assert get(address, "/access", Cookie=cookie).json()["rights"] == []
    assert get(address, "/healthz").text == "ok\n"


@pytest.mark.parametrize("gateway_settings", [CLOSED], indirect=True, ids=["closed"])
def test_without_the_profile_no_client_names_a_person(start: Start) -> None:
    """nginx sends the header always, and empty."""
    address = start(NGINX_PLAIN_HTTP="serve")
    assert get(address, "/access", X_Wta_User="kim@example.org").json()["rights"] == []


def test_log_format_of_nginx_has_no_place_for_a_secret() -> None:
    """Neither the query nor a header that may hold one: only what is named here."""
    form = re.search(r"log_format json.*?;", (ROOT / "nginx" / "nginx.conf").read_text(encoding="utf-8"), re.DOTALL)
    assert form is not None
    assert set(re.findall(r"\$(\w+)", form[0])) == {
        "time_iso8601", "remote_addr", "request_method", "uri", "server_protocol", "http_upgrade", "status",
        "bytes_sent", "request_time", "upstream_addr", "upstream_status", "upstream_connect_time",
        "upstream_cache_status",
    }  # fmt: skip


@pytest.mark.parametrize("gateway_settings", [{"GATEWAY_MAX_FILE_MB": "12"}], indirect=True)
def test_files_of_programs_are_limited_by_the_gateway(start: Start) -> None:
    """nginx lets them pass at any size: the refusals have the gateway's reasons."""
    address = start(NGINX_PLAIN_HTTP="serve")

    def refusal(size: int) -> str:
        answer = httpx.post(
            f"{address}/v1/audio/transcriptions", files={"file": ("x", bytes(size))}, headers={"Host": TALK}
        )
        return str(answer.json()["error"]["code"])

    assert refusal(10_000_000) == "not_wav"
    assert refusal(30_000_000) == "too_large"
