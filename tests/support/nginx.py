"""A real nginx (the Debian package nginx) with a configuration of a test's own."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

from tests.support.eventually import eventually
from tests.support.machines import ROOT

TEMPLATES = ROOT / "nginx" / "templates"
COMMON = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {servers}
}}
"""
"""nginx as one process of the current user, that writes into one folder."""
START_S = 10
DEFAULTS = {
    "HTTPS_PORT": "443",
    "NGINX_HSTS_S": "0",
    "NGINX_PLAIN_HTTP": "redirect",
    "NGINX_TRUSTED_PROXY": "127.0.0.1",
    "NGINX_MAX_CONNECTIONS_PER_ADDRESS": "100",
    "NGINX_HANDSHAKES_PER_S": "20",
    "NGINX_LOGIN_PROXY": "",
}
"""Settings of nginx as the Compose file sets them."""


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Nginx:
    """Runs from its making to ``end``; its configuration is replaced by making another one."""

    def __init__(self, folder: Path, servers: str, port: int) -> None:
        """Wait until nginx listens on ``port``, one of those of ``servers``."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "nginx.conf"
        file.write_text(COMMON.format(folder=folder, servers=servers), encoding="utf-8")
        self._process = subprocess.Popen(
            [program(), "-p", folder, "-e", folder / "error.log", "-c", file],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        eventually(lambda: self._process.poll() is not None or listens(port), START_S)
        if self._process.poll() is not None and self._process.stderr is not None:
            raise AssertionError(self._process.stderr.read().decode())

    def end(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=START_S)


def program() -> str:
    """Return the path of nginx, which is not on every user's PATH."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    assert found, "nginx is missing. Install it (Debian, Ubuntu: apt install nginx; macOS: brew install nginx)."
    return found


def of_containers(folder: Path, ports: dict[int, int], gateway: str, **settings: str) -> str:
    """Return the servers of the containers' nginx as its image makes them of ``nginx/templates``, for this machine.

    Args:
        folder: gets their files, and has ``fullchain.pem`` and ``privkey.pem``.
        ports: port in the container → port here.
        gateway: address and port of the gateway.
        settings: those of `.env` that differ from the defaults.
    """
    env = DEFAULTS | settings
    confd = folder / "conf.d"
    confd.mkdir(parents=True, exist_ok=True)
    names = folder / "resolv.conf"
    names.write_text("nameserver 127.0.0.1\n", encoding="utf-8")
    scripts = {
        "check-settings.sh": (),
        "trusted-proxy.sh": (confd,),
        "resolver.sh": (confd, names),
        "login.sh": (confd,),
    }
    for script, arguments in scripts.items():
        subprocess.run(["sh", ROOT / "nginx" / script, *arguments], env=os.environ | env, check=True)
    here = {
        "fastapi_service:8000": gateway,
        "/certificates/": f"{folder}/",
        "/var/cache/nginx/": f"{folder}/cache/",
        "/var/www/acme": f"{folder}/acme",
        "include conf.d/": f"include {confd}/",
    } | {f"listen {inside}": f"listen 127.0.0.1:{outside}" for inside, outside in ports.items()}
    (folder / "cache").mkdir(exist_ok=True)
    for template in TEMPLATES.glob("*.template"):
        text = re.sub(r"\$\{([A-Z_]+)\}", lambda name: env[name[1]], template.read_text(encoding="utf-8"))
        for old, new in here.items():
            text = text.replace(old, new)
        if _version() < (1, 25, 1):
            text = text.replace("http2 on;", "")  # older ones name it in `listen`
        (confd / template.stem).write_text(text, encoding="utf-8")
    return f"include {confd}/*.conf;"


def _version() -> tuple[int, ...]:
    said = subprocess.run([program(), "-v"], capture_output=True, text=True, check=True).stderr
    found = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", said)
    assert found, said
    return tuple(map(int, found.groups()))


def listens(port: int) -> bool:
    """Return True if something of this machine does."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
