"""Bars on a terminal, with the part of a file that is done."""

import io
import sys

import pytest

from tests.support.eventually import soon
from wta.client.event_stream import FileProgress
from wta.view.progress import Progress


class Terminal(io.StringIO):
    """Takes everything."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("state", "shown"), [(FileProgress(30, 120), ["a b.m4a", "25%"]), (FileProgress(30, None), ["a b.m4a, 30 s"])]
)
async def test_a_bar_has_the_part_of_a_file_or_its_seconds(
    monkeypatch: pytest.MonkeyPatch, state: FileProgress, shown: list[str]
) -> None:
    """Where a file does not say its length, its seconds; a name cannot rewrite the terminal."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    for name, wanted in (("TERM", "xterm"), ("COLUMNS", "100"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, wanted)
    with Progress() as progress:
        async with progress.following("a\x1bb.m4a", lambda: state):
            await soon(lambda: all(each in terminal.getvalue() for each in shown), 30)
    assert "100%" in terminal.getvalue()
    assert "\x1bb" not in terminal.getvalue()
