"""One running system with the real models for all end-to-end tests."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from local.testing import Stack
from tests.e2e.pages import OpenPage, browsers_at
from tests.support import gateways
from tests.support.eventually import eventually
from tests.support.gateways import Gateway
from tests.support.machines import Processes, RedisServer

START_S = 180
"""Models are loaded from the disk; the first time that takes a while."""
LINK = re.compile(r"/#pass=(\S+)")


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


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address of a gateway with closed access, and its pass-phrase. There are no workers."""
    server = RedisServer(tmp_path)
    server.start()
    folder = tmp_path / "processes"
    folder.mkdir()
    processes = Processes(server.url, folder)
    gateway = Gateway(processes, GATEWAY_ACCESS="closed")
    eventually(gateway.answers, gateways.START_S)
    (phrase,) = eventually(lambda: LINK.findall(processes.output(processes._running[0])), gateways.START_S)
    yield gateway.http.replace("127.0.0.1", "localhost"), phrase
    processes.end()
    server.kill()
