"""One running system with the real models for all end-to-end tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import Stack

START_S = 180
"""Models are loaded from the disk; the first time that takes a while."""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All services as `make run` starts them, on free ports."""
    folder: Path = tmp_path_factory.mktemp("stack")
    with Stack.start(folder).wait_ready(START_S) as running:
        yield running
