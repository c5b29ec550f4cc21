"""The command ``wta`` from the outside: output, files and exit codes."""

import asyncio
import json
import os
import signal
import stat
import sys
from asyncio.subprocess import PIPE
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tests.support.eventually import soon
from tests.unit.wta.fake_gateway import SESSION, TOKEN
from tests.unit.wta.fake_service import ROUTES, FakeService
from wire.messages.server import Error
from wta.__main__ import app
from wta.commands.options import SavedSession

ROOT = Path(__file__).parents[3]
TRANSCRIPT = ROUTES[f"/sessions/{SESSION}/export"][1]
CLOSED = (Error(code="no_grant", message="Access is closed.", remedy="Bring a key.", fatal=True), 1008)


class Ended(NamedTuple):
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.out.splitlines()]


async def start(*arguments: object, **environment: str) -> asyncio.subprocess.Process:
    env = {name: value for name, value in os.environ.items() if not name.startswith("WTA_")}
    command = [sys.executable, "-m", "wta", *map(str, arguments)]
    return await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=env | {"COLUMNS": "200"} | environment
    )


async def end(process: asyncio.subprocess.Process) -> Ended:
    out, err = await process.communicate()
    assert b"Traceback" not in err
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def run(*arguments: object, **environment: str) -> Ended:
    return await end(await start(*arguments, **environment))


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """2.5 s of audio."""
    soundfile.write(tmp_path / "a.wav", np.arange(40_000, dtype=np.int16), 16_000)
    return tmp_path / "a.wav"


async def test_transcribe_without_output_prints_the_transcript_alone(wav: Path) -> None:
    """The audio is the file's; the transcript is the gateway's, by the session's token."""
    async with FakeService().serving() as service:
        ended = await run("transcribe", wav, "--url", service.http, "--language", "en")
    assert ended == (0, TRANSCRIPT, "")
    assert service.safe == np.arange(40_000, dtype="<i2").tobytes()
    assert [start.language for start in service.starts] == ["en"]
    assert service.requests == [(f"/sessions/{SESSION}/export?format=txt", f"Bearer {TOKEN}")]


async def test_transcribe_of_several_files_writes_one_each_and_goes_on_after_a_bad_one(wav: Path) -> None:
    """The exit code is that of the worst one, which is named."""
    (wav.parent / "b.wav").write_bytes(b"no sound at all")
    async with FakeService().serving() as service:
        service.starts = []
        files = (wav.parent / "b.wav", wav)
        ended = await run("transcribe", *files, "--format", "srt", "-o", wav.parent / "out", "--url", service.http)
    assert ended.code == 2
    assert "error (not_wav): " in ended.err
    assert "b.wav" in ended.err
    assert [file.name for file in (wav.parent / "out").iterdir()] == ["a.srt"]
    assert (wav.parent / "out/a.srt").read_text() == TRANSCRIPT


async def test_transcribe_for_programs_prints_a_line_for_each_file(wav: Path) -> None:
    """With the transcript, where it has no other place, and nothing else."""
    async with FakeService().serving() as service:
        ended = await run("transcribe", wav, "--json", "--url", service.http)
    (line,) = ended.lines
    assert line == {
        "type": "transcribed",
        "file": str(wav),
        "session_id": SESSION,
        "utterances": 3,
        "failures": 0,
        "missing": 0,
        "transcript": TRANSCRIPT,
    }


async def test_transcribe_reads_standard_input_from_a_pipe(wav: Path) -> None:
    """Beside other files, too."""
    async with FakeService().serving() as service:
        process = await start("transcribe", "-", "--json", "--url", service.http)
        out, err = await process.communicate(await asyncio.to_thread(wav.read_bytes))
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)["utterances"] == 3
    assert service.safe == np.arange(40_000, dtype="<i2").tobytes()


class RestartingService(FakeService):
    """Its gateway is away when the first transcript is requested."""

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        answer = super()._answer(connection, request)
        return Response(503, "away", Headers({"Content-Length": "0"})) if len(self.requests) == 1 else answer


async def test_transcribe_waits_for_the_transcript_while_the_gateway_is_away(wav: Path) -> None:
    """All of the file is transcribed by then."""
    async with RestartingService().serving() as service:
        ended = await run("transcribe", wav, "--url", service.http)
    assert (ended.code, ended.out) == (0, TRANSCRIPT)
    assert "retrying" in ended.err
    async with RestartingService().serving() as service:
        ended = await run("transcribe", wav, "--url", service.http, "--timeout", "0")
    assert (ended.code, ended.out) == (2, "")
    assert "error (gateway_away)" in ended.err


async def test_transcribe_with_missing_results_writes_what_there_is(wav: Path) -> None:
    """And says so by its exit code."""
    async with FakeService(withhold={1}).serving() as service:
        ended = await run("transcribe", wav, "--url", service.http)
    assert (ended.code, ended.out) == (1, TRANSCRIPT)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["transcribe", "nowhere.wav"], "wav_missing"),
        (["transcribe", __file__], "not_wav"),
        (["transcribe", "WAV", "WAV", "-o", "out"], "same_name"),
        (["transcribe", "WAV", "-o", f"{__file__}/a.txt"], "not_written"),
        (["transcribe", "WAV", "nowhere.wav", "-o", __file__], "not_written"),
        (["transcribe", "WAV", "--language", "xx"], "bad_option"),
        (["transcribe", "WAV", "--url", "ftp://example.org"], "bad_url"),
        (["transcribe", "WAV", "--url", "http://a..example.org"], "bad_url"),
        (["transcribe", "WAV", "--url", "https://127.0.0.1:9", "--ca", __file__], "bad_authority"),
        (["transcribe", "WAV", "--timeout", "0"], "gateway_away"),
        (["bench", "WAV", "--timeout", "0"], "gateway_away"),
        (["watch", "--room", "no room"], "bad_option"),
        (["watch", "--room", "r", "--timeout", "0"], "gateway_away"),
        (["stats"], "bad_option"),
        (["export", "--session", "nowhere"], "bad_session"),
        (["doctor", "--url", "host:port"], "bad_url"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_command_that_cannot_do_it_says_why_and_ends_with_2(wav: Path, arguments: list[str], code: str) -> None:
    """Code, message and remedy, never a traceback; for programs as a line of JSON."""
    words = [str(wav) if word == "WAV" else word for word in arguments]
    people, programs = (
        CliRunner().invoke(app, [*words, *more], env={"WTA_URL": "127.0.0.1:9"}) for more in ((), ("--json",))
    )
    assert people.exit_code == programs.exit_code == 2
    assert f"error ({code}): " in people.stderr
    assert "Traceback" not in people.output + programs.output
    last = json.loads(programs.stdout.splitlines()[-1])
    assert (last["type"], last["code"]) == ("error", code)
    assert last["remedy"]


def test_several_transcripts_need_a_place(wav: Path) -> None:
    """One terminal cannot hold two subtitle files; JSON lines can."""
    ended = CliRunner().invoke(app, ["transcribe", str(wav), str(wav)])
    assert (ended.exit_code, "error (no_output): " in ended.stderr) == (2, True)


async def test_a_closed_gateway_without_a_key_is_an_error_with_its_words(wav: Path) -> None:
    """Its remedy says where a key comes from."""
    async with FakeService(send_error=(CLOSED,)).serving() as service:
        ended = await run("transcribe", wav, "--url", service.http)
    assert ended.code == 2
    assert "error (no_grant): Access is closed. Bring a key." in ended.err


@pytest.mark.parametrize("key", ["wta_schlüssel", "wta_ключ", "wta_a b", "wta_a\nX-Other: b"])
@pytest.mark.parametrize("arguments", [["transcribe", "WAV"], ["doctor"], ["watch", "--room", "r"]])
def test_a_key_that_cannot_be_one_is_refused_and_not_shown(wav: Path, arguments: list[str], key: str) -> None:
    """It may have one wrong sign only, and belongs in no log."""
    words = [str(wav) if word == "WAV" else word for word in arguments]
    ended = CliRunner().invoke(app, [*words, "--url", "127.0.0.1:9"], env={"WTA_KEY": key})
    assert ended.exit_code == 2
    assert "error (bad_key): " in ended.stderr
    assert "wta_" not in ended.output


def _has(service: FakeService, finals: int) -> bool:
    return len(service.finals) >= finals


class SlowService(FakeService):
    """Takes a second of audio in about a tenth of one."""

    async def _on_audio(self, socket: ServerConnection, pcm: bytes) -> None:
        await asyncio.sleep(0.1)
        await super()._on_audio(socket, pcm)


SOUNDDEVICE = """
import threading, types
import numpy

class PortAudioError(Exception):
    pass

class InputStream:
    def __init__(self, callback, finished_callback, blocksize, **_):
        self._callback, self._size, self._over = callback, blocksize, threading.Event()

    def __enter__(self):
        threading.Thread(target=self._record, daemon=True).start()

    def __exit__(self, *_):
        self._over.set()

    def _record(self):
        while not self._over.wait(0.02):
            self._callback(numpy.ones((self._size, 1), numpy.int16), self._size, None, None)

default = types.SimpleNamespace(device=(0, 0))
desk = {"name": "Desk", "max_input_channels": 1, "default_samplerate": 16000.0}
query_devices = lambda device=None, kind=None: desk if kind else [desk]
check_input_settings = lambda *_, **__: None
"""
"""A microphone that records ones, five times as quickly as one that exists."""


async def test_listen_records_until_ctrl_c_and_waits_for_the_last_results(tmp_path: Path) -> None:
    """Its session is saved, and resumed by another one."""
    (tmp_path / "sounddevice.py").write_text(SOUNDDEVICE)
    saved = tmp_path / "session"
    async with FakeService().serving() as service:
        for option in ("--save", "--resume"):
            before = len(service.finals)  # more than one, if the machine is slow to stop the first
            process = await start("listen", "--url", service.http, option, saved, PYTHONPATH=str(tmp_path))
            await soon(partial(_has, service, before + 1), 30)
            process.send_signal(signal.SIGINT)
            ended = await end(process)
            assert ended.code == 0
            assert f"utterance {before}" in ended.out
        devices = await run("listen", "--list-devices", "--json", PYTHONPATH=str(tmp_path))
    assert [start.session_id for start in service.starts] == [None, SESSION]
    assert set(np.frombuffer(service.safe, "<i2").tolist()) == {1}
    assert devices.lines[0]["name"] == "Desk"


async def test_listen_saves_its_session_when_it_begins(tmp_path: Path) -> None:
    """So it can be resumed, whatever ends the command; a place that takes no file ends it before anybody talks."""
    (tmp_path / "sounddevice.py").write_text(SOUNDDEVICE)
    async with FakeService().serving() as service:
        process = await start("listen", "--url", service.http, "--save", tmp_path / "s", PYTHONPATH=str(tmp_path))
        await soon(partial(_has, service, 1), 30)
        process.kill()
        await process.communicate()
    assert SavedSession.read(tmp_path / "s").session_id == SESSION
    async with FakeService().serving() as service:
        ended = await run("listen", "--url", service.http, "--save", tmp_path / "no/s", PYTHONPATH=str(tmp_path))
    assert (ended.code, "error (not_written)" in ended.err) == (2, True)
    assert service.safe == b""


async def test_transcribe_that_is_interrupted_writes_what_there_is(tmp_path: Path) -> None:
    """The file under way ends there, and no other one begins."""
    soundfile.write(tmp_path / "long.wav", np.ones(16_000 * 200, dtype=np.int16), 16_000)
    files = [tmp_path / "long.wav", tmp_path / "other.wav"]
    gateway = SlowService()
    async with gateway.serving() as service:
        process = await start("transcribe", *files, "-o", tmp_path / "out", "--url", service.http)
        await soon(lambda: len(gateway.safe) > 0)
        process.send_signal(signal.SIGINT)
        ended = await end(process)
    assert ended.code == 130
    assert "Stopping" in ended.err
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["long.txt"]
    assert 0 < len(gateway.safe) < 16_000 * 200 * 2


async def test_watch_shows_a_room_until_it_is_interrupted() -> None:
    """What was said before is shown, too; Ctrl-C is no error."""
    async with FakeService().serving() as service:
        process = await start("watch", "--room", "demo", "--url", service.http, WTA_INVITE="secret")
        await soon(lambda: bool(service.starts))
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGINT)
        ended = await end(process)
    assert ended.code == 0
    assert f"Connected. Session {SESSION}." in ended.err
    assert (service.starts[0].room, service.starts[0].invite) == ("demo", "secret")


async def test_bench_shows_latencies_of_each_session_and_of_all(wav: Path) -> None:
    """For programs, percentiles by name."""
    async with FakeService().serving() as service:
        ended = await run("bench", wav, "--fast", "--json", "--url", service.http)
    assert ended.code == 0
    assert [line["session"] for line in ended.lines] == ["1", "total"]
    assert {"p50_ms", "p95_ms", "p99_ms", "utterances", "missing"} <= ended.lines[0].keys()


async def test_export_of_a_saved_session_brings_its_token(tmp_path: Path) -> None:
    """The file is for its owner only."""
    saved = tmp_path / "session.json"
    saved.write_text(json.dumps({"session_id": SESSION, "token": TOKEN}))
    async with FakeService().serving() as service:
        ended = await run("export", "--session", saved, "--format", "vtt", "--url", service.http, WTA_KEY="wta_k")
        gone = await run("export", "--session", saved, "-o", tmp_path / "no/such/folder", "--url", service.http)
    assert (ended.code, ended.out) == (0, TRANSCRIPT)
    assert service.requests[0] == (f"/sessions/{SESSION}/export?format=vtt", f"Bearer {TOKEN}")
    assert (gone.code, "error (not_written)" in gone.err) == (2, True)


async def test_statistics_of_a_saved_session_leave_its_talker_alone(tmp_path: Path) -> None:
    """They come over HTTP by its token; a socket would take the session over."""
    saved = tmp_path / "session.json"
    saved.write_text(json.dumps({"session_id": SESSION, "token": TOKEN}))
    golden = [json.loads((ROOT / f"tests/golden/{name}.json").read_text()) for name in ("stats", "stats_of_room")]
    details = json.dumps({"statistics": golden[0], "room_statistics": golden[1]})
    async with FakeService(ROUTES | {f"/v1/sessions/{SESSION}": (200, details)}).serving() as service:
        programs = await run("stats", "--session", saved, "--json", "--url", service.http)
        people = await run("stats", "--session", saved, "--url", service.http)
    assert programs.lines == golden
    assert people.out.count("Statistics of the ") == 2
    assert service.connections == 0
    assert service.requests == [(f"/v1/sessions/{SESSION}", f"Bearer {TOKEN}")] * 2


def test_a_saved_session_is_for_its_owner_only(tmp_path: Path) -> None:
    """Its token lets anybody read what was said."""
    SavedSession(session_id=SESSION, token=TOKEN).write(tmp_path / "s")
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600
    assert SavedSession.read(tmp_path / "s").token == TOKEN


@pytest.mark.parametrize("command", ["listen", "transcribe", "watch", "stats", "export", "doctor", "bench"])
def test_every_command_has_help(command: str) -> None:
    """And a line in the list of all."""
    alone, together = (CliRunner().invoke(app, words) for words in ([command, "--help"], ["--help"]))
    assert alone.exit_code == together.exit_code == 0
    assert "--json" in alone.stdout
    assert f"  {command} " in together.stdout
