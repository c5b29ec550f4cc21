"""`make e2e-docker` says what it lacks before it builds images."""

import os
from pathlib import Path

import pytest

from tests.docker import e2e


def program(folder: Path, name: str, fails_at: str = "nothing") -> None:
    """Make a program that fails if its first argument is ``fails_at``."""
    file = folder / name
    file.write_text(f'#!/bin/sh\n[ "$1" != "{fails_at}" ]\n', encoding="utf-8")
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("programs", "words"),
    [
        ({"docker": "nothing"}, ["libnss3-tools"]),
        ({"certutil": "nothing"}, ["docker is missing"]),
        ({"certutil": "nothing", "docker": "info"}, ["engine does not answer"]),
        ({"certutil": "nothing", "docker": "compose"}, ["docker-compose-plugin"]),
        ({}, ["libnss3-tools", "docker is missing"]),
        ({"certutil": "nothing", "docker": "nothing"}, []),
    ],
)
def test_each_missing_program_is_named_with_its_remedy(
    programs: dict[str, str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once."""
    for name, fails_at in programs.items():
        program(tmp_path, name, fails_at)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(e2e, "ROOT", tmp_path)
    found = e2e.obstacles()
    assert len(found) == len(words)
    assert all(word in obstacle for word, obstacle in zip(words, found, strict=True))


async def test_nothing_is_built_where_something_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and one line for each obstacle; settings of the operator are one."""
    (tmp_path / ".env").touch()
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr(e2e, "ROOT", tmp_path)
    assert await e2e.main() == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("error: ") for line in lines)
    assert ".env would decide" in lines[0]
