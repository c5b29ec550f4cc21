"""One thread for torch in all tests of the worker, and a stand-in for PyPI."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stt_worker.engines.torch_threads import torch_threads


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """The products are small: on busy cores, threads wait for each other a hundred times as long as they multiply."""
    with torch_threads(1):
        yield


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, instead of any index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder
