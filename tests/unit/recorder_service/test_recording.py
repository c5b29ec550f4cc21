"""Whole runs: exit codes, and a sentence instead of a traceback."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from recorder_service.recorder_service import app
from tests.unit.wta.fake_gateway import FakeGateway
from wire.errors import AudioError
from wire.messages.server import Error
from wta.audio.source import Source, open_file
from wta.client.client import Client
from wta.client.options import Hooks, Limits
from wta.run.recording import FAILED, INCOMPLETE, OK, record
from wta.view.view import View

ROOT = Path(__file__).parents[3]
BUSY = (Error(code="service_full", message="All places are taken.", remedy="Wait.", fatal=True), 1013)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """2.5 s of audio."""
    soundfile.write(tmp_path / "a.wav", np.arange(40_000, dtype=np.int16), 16_000)
    return tmp_path / "a.wav"


def run(*arguments: str) -> Result:
    """The command line, without any gateway."""
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def clients(gateway: FakeGateway, count: int = 1) -> list[Client]:
    hooks = Hooks(View().message) if count == 1 else Hooks()
    return [Client(gateway.url, limits=Limits(first_pause_s=0.01), hooks=hooks) for _ in range(count)]


async def test_a_file_is_sent_and_its_sentences_are_shown(wav: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each final as a line, on standard output."""
    async with FakeGateway().running() as gateway:
        assert await record(open_file(wav, realtime=False), clients(gateway), View()) == OK
    assert gateway.safe == np.arange(40_000, dtype="<i2").tobytes()
    assert [line for line in capsys.readouterr().out.splitlines() if "utterance " in line] == [
        f"  0:0{segment}.0  utterance {segment}  (no sentiment: fake)" for segment in range(3)
    ]


async def test_missing_results_are_an_exit_code(wav: Path) -> None:
    """An utterance that the gateway counted and that has no result is not passed over."""
    async with FakeGateway(withhold={1}).running() as gateway:
        assert await record(open_file(wav, realtime=False), clients(gateway), View()) == INCOMPLETE


async def test_a_session_that_cannot_begin_is_an_error(wav: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the gateway's own words, once, though two sessions met it."""
    async with FakeGateway(send_error=(BUSY,) * 2).running() as gateway:
        lazy = [Client(gateway.url, limits=Limits(timeout_s=0)) for _ in range(2)]
        assert await record(open_file(wav, realtime=False), lazy, View()) == FAILED
    assert capsys.readouterr().err.count("error (service_full): All places are taken. Wait.") == 1


async def test_ctrl_c_stops_the_recording_and_keeps_its_results() -> None:
    """What was said until then is sent, and its results are awaited."""

    async def until_interrupted(stop: asyncio.Event) -> AsyncIterator[bytes]:
        yield bytes(32_000)
        os.kill(os.getpid(), signal.SIGINT)
        await stop.wait()
        yield bytes(3_200)

    former = signal.getsignal(signal.SIGINT)
    source = Source(rate=16_000, live=True, description="test", frames=until_interrupted)
    async with FakeGateway().running() as gateway:
        (client,) = clients(gateway)
        assert await record(source, [client], View()) == OK
    assert len(gateway.safe) == 35_200
    assert len(client.results) == 2
    assert signal.getsignal(signal.SIGINT) is former


async def test_a_lost_microphone_keeps_what_was_recorded() -> None:
    """The session is ended properly before the error is shown."""

    async def until_unplugged(_stop: asyncio.Event) -> AsyncIterator[bytes]:
        yield bytes(3_200)
        raise AudioError("microphone_lost", "The microphone has stopped.", "Is it still plugged in?")

    source = Source(rate=16_000, live=True, description="test", frames=until_unplugged)
    async with FakeGateway().running() as gateway:
        (client,) = clients(gateway)
        assert await record(source, [client], View()) == FAILED
    assert len(client.results) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--file", "nowhere.wav"], "wav_missing"),
        (["--file", __file__], "not_wav"),
        (["--file", "WAV", "--url", "ftp://example.org"], "bad_url"),
        (["--file", "WAV", "--language", "xx"], "bad_option"),
        (["--file", "WAV", "--language", "ko", "--language", "xx"], "bad_option"),
        (["--file", "WAV", "--room", "not a room"], "bad_option"),
        (["--file", "WAV", "--name", "x" * 61], "bad_option"),
        (["--file", "WAV", "--role", "two\nlines"], "bad_option"),
        (["--file", "WAV", "--url", "127.0.0.1:9", "--timeout", "0"], "gateway_away"),
        (["--sessions", "2"], "no_file"),
    ],
)
def test_what_goes_wrong_is_told_in_a_sentence(wav: Path, arguments: list[str], code: str) -> None:
    """Code, message and remedy on standard error, exit code 2, never a traceback."""
    result = run(*(str(wav) if argument == "WAV" else argument for argument in arguments))
    assert result.exit_code == FAILED
    assert f"error ({code}): " in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("given", "language", "languages"), [([], None, ()), (["ko"], "ko", ()), (["ko", "en"], None, ("ko", "en"))]
)
async def test_languages_are_those_of_the_command_line(
    wav: Path, given: list[str], language: str | None, languages: tuple[str, ...]
) -> None:
    """None: any is detected; one is fixed; several are a choice."""
    options = ["--file", str(wav), "--fast", *(word for code in given for word in ("--language", code))]
    async with FakeGateway().running() as gateway:
        command = [sys.executable, "-m", "recorder_service.recorder_service", "--url", gateway.url, *options]
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
        assert await process.wait() == OK
    assert [(start.language, start.languages) for start in gateway.starts] == [(language, languages)]


async def test_the_name_is_that_of_the_command_line(wav: Path) -> None:
    """And the role; the gateway gets neither of them if they are not given."""
    starts = []
    for options in (["--name", " 김서연 ", "--role", "agent"], []):
        async with FakeGateway().running() as gateway:
            arguments = ["--url", gateway.url, "--file", str(wav), "--fast", *options]
            command = [sys.executable, "-m", "recorder_service.recorder_service", *arguments]
            process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
            assert await process.wait() == OK
        starts += gateway.starts
    assert [(start.name, start.role) for start in starts] == [("김서연", "agent"), (None, None)]
    assert "name" not in starts[1].model_dump()


def test_help_shows_how_it_is_used() -> None:
    """With examples that can be copied."""
    result = run("--help")
    assert result.exit_code == OK
    assert "python -m recorder_service.recorder_service --file" in result.output
