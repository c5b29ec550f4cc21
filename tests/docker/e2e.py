"""``python -m tests.docker.e2e`` (`make e2e-docker`): builds the images, starts the stack, talks to it, breaks it.

Prints a table of checks with their times; exit code 1 if one failed. Nothing is left running.
"""

import asyncio
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import traceback
import venv
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
from playwright.async_api import async_playwright, expect
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.docker.compose import ROOT, Stack
from tests.e2e.speech import check_order, check_statistics, clip, say, wer
from tools.browser import find_browser
from wire.messages.client import Start
from wire.messages.results import Final
from wta.client.client import Client

SESSIONS = 4
SSLYZE = "sslyze==6.3.0"
SCALED = ("fastapi_service", "stt_worker", "analyzer_worker", "listener_service")
SERVICES = ("nginx", "fastapi_service", "redis", "stt_worker", "analyzer_worker", "listener_service")
COMBINATIONS: tuple[list[str], ...] = (
    [],
    ["--profile", "recorder"],
    ["--profile", "letsencrypt"],
    ["--profile", "login"],
    ["-f", "docker-compose.gpu.yml"],
)
BROWSER_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)

Check = Callable[[], Awaitable[str]]


class Run:
    """One run over all checks; each says in a few words what it saw."""

    def __init__(self, folder: Path) -> None:
        self.stack = Stack()
        self.folder = folder
        self.ca = folder / "ca.pem"
        self.console = Console()
        self.key = ""
        """API key of this run: access is closed, as it is by default."""
        self.table = Table("check", "", "seconds", "seen", title="Containers, end to end")
        self.failed = False

    async def all(self) -> None:
        checks: list[Check] = [
            self.configuration_is_clean,
            self.images_are_built,
            self.stack_becomes_healthy,
            self.access_is_closed,
            self.nothing_is_root_and_nothing_writable,
            self.http_leads_to_https,
            self.headers_are_strict,
            self.what_is_inside_stays_inside,
            self.tls_is_mozillas_intermediate,
            self.a_page_is_talked_to,
            self.four_sessions_use_both_workers,
            self.a_killed_worker_loses_nothing,
            self.a_restarted_redis_loses_nothing,
            self.the_recorder_profile_works,
        ]
        for check in checks:
            name = check.__name__.replace("_", " ")
            self.console.print(f"… {name}", style="dim")
            began = time.monotonic()
            try:
                seen, mark = await check(), "[green]ok[/]"
            except Exception as error:  # the boundary: the table shows every check, whatever broke one
                self.failed = True
                seen, mark = f"{type(error).__name__}: {str(error)[-600:]}", "[red]failed[/]"
                traceback.print_exc()
            self.table.add_row(name, mark, f"{time.monotonic() - began:.1f}", Text(seen))
            if self.failed and check in (self.images_are_built, self.stack_becomes_healthy):
                break

    async def configuration_is_clean(self) -> str:
        for options in COMBINATIONS:
            files = ["-f", "docker-compose.yml", *options] if options[:1] == ["-f"] else options
            await asyncio.to_thread(self.stack.compose, *files, "config", "--quiet")
        return f"{len(COMBINATIONS)} combinations"

    async def images_are_built(self) -> str:
        await asyncio.to_thread(self.stack.compose, "--profile", "recorder", "build", timeout=3600)
        return "all services"

    async def stack_becomes_healthy(self) -> str:
        scale = [f"--scale={service}=2" for service in SCALED]
        await asyncio.to_thread(self.stack.compose, "up", "--detach", "--wait", *scale)
        self.stack.compose("cp", "nginx:/certificates/ca.pem", str(self.ca))
        self.stack.compose("exec", "--no-TTY", "nginx", "nginx", "-t")
        running = {container["Config"]["Labels"]["com.docker.compose.service"] for container in self.stack.containers()}
        assert running == set(SERVICES), running
        return f"{len(self.stack.containers())} containers, nginx -t"

    async def access_is_closed(self) -> str:
        refused = await self._get("/openapi.json")
        assert (refused.status_code, refused.json()["code"]) == (401, "no_grant"), refused.text
        command = ("exec", "--no-TTY", "fastapi_service", "python", "-m", "fastapi_service.keys")
        self.key = self.stack.compose(*command, "create", "--name", "e2e").strip()
        assert (await self._get("/openapi.json", key=self.key)).status_code == 200
        assert self.key[13:] not in self.stack.compose("logs", "--no-color")
        return "no route without a grant, a key is made by the command"

    async def nothing_is_root_and_nothing_writable(self) -> str:
        count = 0
        for container in self.stack.containers():
            name, host = container["Name"], container["HostConfig"]
            assert host["ReadonlyRootfs"], f"{name} may write"
            assert host["CapDrop"] == ["ALL"], f"{name} keeps capabilities"
            assert not host["CapAdd"] or "redis" in name, f"{name} has {host['CapAdd']}"  # redis starts as root
            assert "no-new-privileges:true" in host["SecurityOpt"], name
            users = self.stack.processes(container)
            assert users, f"{name} runs nothing"
            assert all(uid != 0 for uid, _ in users), f"{name} runs as root: {users}"
            count += len(users)
        return f"{count} processes"

    async def http_leads_to_https(self) -> str:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://localhost:{self.stack.http_port}/some/path?a=1")
        assert answer.status_code in (301, 308), answer.status_code
        assert answer.headers["location"] == f"{self.stack.url}/some/path?a=1", answer.headers["location"]
        return f"{answer.status_code} → {answer.headers['location']}"

    async def headers_are_strict(self) -> str:
        answer = await self._get("/")
        assert answer.status_code == 200
        for name in ("strict-transport-security", "content-security-policy", "x-content-type-options"):
            assert len(answer.headers.get_list(name)) == 1, f"{name}: {answer.headers.get_list(name)}"
        assert "/" not in answer.headers.get("server", ""), answer.headers["server"]
        script = await self._get("/static/main.js")
        assert script.headers["content-encoding"] == "gzip"
        return f"HSTS {answer.headers['strict-transport-security']}, CSP, gzip"

    async def what_is_inside_stays_inside(self) -> str:
        for path in ("/metrics", "/status"):
            assert (await self._get(path)).status_code == 404, path
        refused = await self._get(f"/sessions/{'0' * 32}/export?format=txt")
        assert refused.json()["code"] == "no_token", refused.text  # of the gateway: nginx lets it through
        status = self.stack.compose("exec", "--no-TTY", "nginx", "curl", "--silent", "http://127.0.0.1:8081/status")
        assert status.startswith("Active connections"), status
        published = {
            (container["Config"]["Labels"]["com.docker.compose.service"], port)
            for container in self.stack.containers()
            for port, address in container["NetworkSettings"]["Ports"].items()
            if address
        }
        assert published == {("nginx", "8080/tcp"), ("nginx", "8443/tcp")}, published
        return "no metrics, no status, only nginx publishes ports"

    async def tls_is_mozillas_intermediate(self) -> str:
        await asyncio.to_thread(self._install_sslyze)
        command = [str(self.folder / "sslyze" / "bin" / "python"), "-m", "sslyze", "--mozilla_config=intermediate"]
        command += [f"--certinfo_ca_file={self.ca}", f"localhost:{self.stack.https_port}"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=300)
        verdict = done.stdout.partition("COMPLIANCE")[2]
        assert f"localhost:{self.stack.https_port}" in verdict, done.stdout[-500:] + done.stderr[-500:]
        issues = [line.strip() for line in verdict.splitlines() if line.strip().startswith("*")]
        if "OK - Compliant" in verdict:
            return "compliant"
        assert issues, verdict
        assert all(line.startswith("* certificate_path_validation:") for line in issues), issues
        return f"compliant but for the private CA: {issues}"

    async def a_page_is_talked_to(self) -> str:
        home = await asyncio.to_thread(self._trusting_home)
        spoken = clip("silly.wav")
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=find_browser(),
                env={**os.environ, "HOME": str(home)},
                args=[*BROWSER_FLAGS, f"--use-file-for-fake-audio-capture={ROOT / 'tests/data/silly.wav'}%noloop"],
            )
            page = await browser.new_page()
            (phrase,) = set(re.findall(r"/#pass=(\S+)", self.stack.compose("logs", "--no-color", "fastapi_service")))
            await page.goto(f"{self.stack.url}/#pass={phrase}")
            await page.get_by_role("button", name="Start").click()
            await expect(page.locator("#sentences .text").first).to_be_visible(timeout=60_000)
            began = time.monotonic()
            await page.get_by_role("button", name="Stop").click()
            await expect(page.locator("#status")).to_have_text(re.compile("Stopped"), timeout=60_000)
            texts = await page.locator("#sentences .text").all_inner_texts()
            badges = await page.locator("#sentences .badge").all_inner_texts()
            await browser.close()
        assert texts
        assert len(badges) == len(texts)
        assert set(" ".join(texts).lower().split()) & set(spoken.text.lower().split())
        return f"{len(texts)} sentences with sentiment, stopped after {time.monotonic() - began:.1f} s"

    async def four_sessions_use_both_workers(self) -> str:
        busy: set[str] = set()
        watching = asyncio.create_task(self._watch_workers(busy))
        found = await self._talk()
        watching.cancel()
        assert len(busy) == 2, f"{len(busy)} workers worked"
        return f"{found}; 2 workers worked"

    async def a_killed_worker_loses_nothing(self) -> str:
        victims = {container["Config"]["Hostname"]: container for container in self.stack.containers("stt_worker")}
        killed: list[str] = []

        async def kill_a_busy_one() -> None:
            busy: set[str] = set()
            await self._watch_workers(busy, enough=1)
            worker = busy.pop()
            host = next(host for host in victims if worker.startswith(f"{host}-"))
            await asyncio.to_thread(self.stack.kill, victims[host])
            killed.append(host)

        found = await self._talk(kill_a_busy_one)
        await asyncio.to_thread(self.stack.start, victims[killed[0]])
        return f"{found}; one of two STT workers killed while it transcribed"

    async def a_restarted_redis_loses_nothing(self) -> str:
        found = await self._talk(lambda: asyncio.to_thread(self.stack.compose, "restart", "redis"))
        return f"{found}; redis restarted in between"

    async def the_recorder_profile_works(self) -> str:
        arguments = (
            "run",
            "--rm",
            "--no-TTY",
            "--env",
            f"RECORDER_KEY={self.key}",
            "recorder_service",
            "--file",
            "/data/jfk.wav",
        )
        said = await asyncio.to_thread(self.stack.compose, "--profile", "recorder", *arguments)
        assert "country" in said, said[-500:]
        return "docker compose --profile recorder run …"

    async def _talk(self, mishap: Callable[[], Awaitable[object]] | None = None) -> str:
        """Several people talk at once, in real time; in the middle of it, something may happen."""
        spoken = clip("conversation.wav")
        url = f"wss://localhost:{self.stack.https_port}/ws"
        clients = [Client(url, Start(key=self.key)) for _ in range(SESSIONS)]

        async def converse(client: Client) -> float:
            async with client:
                await say(client, spoken)
                await client.stop()
            finals = [result for result in client.results if isinstance(result, Final)]
            assert len(finals) == len(client.results) >= len(spoken.texts), [r.type for r in client.results]
            assert all(final.sentiment is not None for final in finals)
            check_order(client.results)
            check_statistics(client.statistics, client.results)
            return wer(spoken.text, client.results)

        async def happen() -> None:
            if mishap is not None:
                await clients[0].until(lambda: clients[0].transcript.segments > 0)
                await mishap()

        rates, _ = await asyncio.gather(asyncio.gather(*map(converse, clients)), happen())
        assert max(rates) <= 0.25, rates
        count = sum(len(client.results) for client in clients)
        return f"{SESSIONS} sessions, {count} finals, each once and in order, WER ≤ {max(rates):.0%}"

    async def _watch_workers(self, busy: set[str], enough: int = 2) -> None:
        """Collect the STT workers that are seen at work."""
        while True:
            state = json.loads((await self._get("/readyz", key=self.key)).text)
            instances = state["checks"]["stt_worker"]["instances"]
            busy |= {instance["instance"] for instance in instances if instance["busy_since"]}
            if len(busy) >= enough:
                return
            await asyncio.sleep(0.05)

    async def _get(self, path: str, *, key: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with httpx.AsyncClient(verify=ssl.create_default_context(cafile=str(self.ca))) as client:
            return await client.get(self.stack.url + path, headers=headers)

    def _install_sslyze(self) -> None:
        """In an environment of its own: what it pins has nothing to do with ours."""
        venv.create(self.folder / "sslyze", with_pip=True)
        python = self.folder / "sslyze" / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", SSLYZE], check=True, capture_output=True)

    def _trusting_home(self) -> Path:
        """A home whose browser trusts our private CA as an operator's would, instead of ignoring errors."""
        home = self.folder / "home"
        store = home / ".pki" / "nssdb"
        store.mkdir(parents=True)
        subprocess.run(["certutil", "-d", f"sql:{store}", "-N", "--empty-password"], check=True)
        trust = ["certutil", "-d", f"sql:{store}", "-A", "-t", "C,,", "-n", "ca", "-i", str(self.ca)]
        subprocess.run(trust, check=True)
        return home


def obstacles() -> list[str]:
    """What keeps this from running, each with its remedy: found before the images are built, which takes minutes."""
    found = []
    if (ROOT / ".env").exists():
        found.append(".env would decide what is tested. Move it away, or run this in a fresh clone.")
    if shutil.which("certutil") is None:
        found.append("certutil is missing, by which the browser trusts our CA. Install it: apt install libnss3-tools.")
    if shutil.which("docker") is None:
        found.append("docker is missing. Install Docker with Compose: https://docs.docker.com/engine/install/.")
    elif subprocess.run(["docker", "info"], capture_output=True, timeout=60).returncode:
        found.append("The Docker engine does not answer. Start it, and see that `docker info` works for this user.")
    elif subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=60).returncode:
        found.append("docker compose is missing. Install it: apt install docker-compose-plugin.")
    return found


async def main() -> int:
    if found := obstacles():
        print(*(f"error: {obstacle}" for obstacle in found), sep="\n", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder))
        os.environ["SSL_CERT_FILE"] = str(run.ca)  # for the recorder's client
        try:
            await run.all()
        finally:
            try:
                if run.failed:
                    run.console.print(run.stack.compose("logs", "--tail", "15", "--no-color"), markup=False)
            finally:
                run.stack.compose("--profile", "recorder", "down", "--volumes", "--timeout", "10")
        run.console.print(run.table)
    return int(run.failed)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
