"""One thread for torch in all tests of the worker."""

from collections.abc import Iterator

import pytest

from stt_worker.engines.torch_threads import torch_threads


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """The products are small: on busy cores, threads wait for each other a hundred times as long as they multiply."""
    with torch_threads(1):
        yield
