"""The npm package of the client, packed and installed into an empty folder, and a site with it. No network is used."""

import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME = "whisper-text-analyzer-client"
SOURCES = ("packages/browser", "fastapi_service/static")
NPM = ("npm", "--silent", "--offline", "--no-audit", "--no-fund", "--no-update-notifier")


def pack(folder: Path) -> Path:
    """Pack a copy of the sources, so that nothing is written into the repository; return the tarball."""
    for source in SOURCES:
        shutil.copytree(ROOT / source, folder / source, ignore=shutil.ignore_patterns("dist"))
    shutil.copy(ROOT / "LICENSE", folder)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")  # TypeScript
    _npm(folder / "packages/browser", "pack", f"--pack-destination={folder}")
    (tarball,) = folder.glob("*.tgz")
    return tarball


def install(tarball: Path, folder: Path) -> Path:
    """Install a tarball into an empty folder; return the installed package."""
    folder.mkdir()
    (folder / "package.json").write_text('{"type": "module"}')
    _npm(folder, "install", str(tarball))
    return folder / "node_modules" / NAME


def _npm(folder: Path, *arguments: str) -> None:
    done = subprocess.run([*NPM, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


class Site(ThreadingHTTPServer):
    """Serves a folder at http://localhost:PORT."""

    daemon_threads = True

    def __init__(self, folder: Path, headers: Mapping[str, str]) -> None:
        self.headers = headers
        """Of all answers."""
        self.paths: list[str] = []
        """Of all requests."""
        super().__init__(("127.0.0.1", 0), partial(_Files, directory=str(folder)))

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.server_address[1]}"


class _Files(SimpleHTTPRequestHandler):
    server: Site
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript"}

    def end_headers(self) -> None:
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_request(self, *_: object) -> None:
        self.server.paths.append(self.path)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def serving(folder: Path, headers: Mapping[str, str]) -> Iterator[Site]:
    """Serve a folder until the end."""
    with Site(folder, headers) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()
