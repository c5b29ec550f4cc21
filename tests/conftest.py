"""How the tests are shared out when two processes run them (``make test``), one seed for each of them, and Ctrl-C."""

import random
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

GROUPS = tuple(Path(__file__).parent / name for name in ("integration", "e2e"))
"""Folders whose tests share a Redis, or a running system: each is run by one process, before all other tests."""


def pytest_configure() -> None:
    """Let Ctrl-C end what tests start: programs that a shell runs in the background ignore it, and so would these."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of each folder into a group of its own."""
    for item in items:
        for folder in GROUPS:
            if item.path.is_relative_to(folder):
                item.add_marker(pytest.mark.xdist_group(folder.name))


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Let random weights and inputs be the same in every run, whichever tests ran before."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
