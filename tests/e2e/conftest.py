"""One running system with the real models for all end-to-end tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from local.testing import Stack
from tests.e2e.pages import OpenPage, browsers_at

START_S = 180
"""Models are loaded from the disk; the first time that takes a while."""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All services as `make run` starts them, on free ports."""
    folder: Path = tmp_path_factory.mktemp("stack")
    with Stack.start(folder).wait_ready(START_S) as running:
        yield running


@pytest.fixture
async def open_page(stack: Stack) -> AsyncIterator[OpenPage]:
    """See ``browsers_at``."""
    async with browsers_at(stack.url) as open_it:
        yield open_it
