"""A program with an unmodified client, which runs scenarios one after the other in a process of its own."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.clients import PYTHON

PROGRAMS = Path(__file__).parent / "programs"
END_S = 10.0


class ClientFailed(AssertionError):
    """The client raised an exception; the attributes say which."""

    def __init__(self, failure: dict[str, Any]) -> None:
        super().__init__(f"{failure['class']}: {failure['text']}")
        self.name: str = failure["class"]
        self.text: str = failure["text"]
        self.status: int | None = failure["status"]
        self.body: Any = failure["body"]


class Program:
    """One of ``programs/``, running."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self._process = process
        self._url = url

    async def run(self, scenario: str, **arguments: Any) -> Any:
        """Run a scenario, and return what it returned; ``url`` is the system's address unless the test names another.

        Raises:
            ClientFailed: the client raised an exception.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        wanted = {"scenario": scenario, "arguments": {"url": self._url} | arguments}
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        line = await asyncio.to_thread(self._process.stdout.readline)
        assert line, "the program has ended; its output is above"
        result = json.loads(line)
        if "failure" in result:
            raise ClientFailed(result["failure"])
        return result["answer"]


@contextmanager
def running(name: str, url: str) -> Iterator[Program]:
    """Start a program of ``programs/``; it ends with the context."""
    process = subprocess.Popen(
        [PYTHON, PROGRAMS / f"{name}.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        yield Program(process, url)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()
