"""Standard output and standard error that cannot take everything."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.wta.fake_service import ROUTES, FakeService
from tests.unit.wta.test_wta_commands import run

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
async def test_a_terminal_of_another_encoding_shows_a_question_mark(encoding: str) -> None:
    """For a sign that it does not have: the arrow of a remedy, a letter of a text."""
    async with FakeService(ROUTES | {"/readyz": (200, '{"ready": false, "checks": {}}')}).serving() as service:
        ended = await run("doctor", "--url", service.http, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert ended.code == 1
    assert "WRONG" in ended.out


async def test_lines_for_programs_are_utf_8_whatever_the_terminal_is() -> None:
    """So that one program reads them on every machine."""
    reason = "모델이 없습니다 – 😀"
    ready = json.dumps({"ready": True, "checks": {"redis": {"ready": True}}, "warnings": [reason]})
    async with FakeService(ROUTES | {"/readyz": (200, ready)}).serving() as service:
        ended = await run("doctor", "--json", "--url", service.http, PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    assert reason in [line["message"] for line in ended.lines]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_name_that_is_no_unicode_is_an_error_like_any_other(options: list[str]) -> None:
    """Linux allows any bytes in names."""
    command = [sys.executable, "-m", "wta", "transcribe", os.fsdecode(b"nowhere\xff.wav"), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"wav_missing" in (done.stdout if options else done.stderr)
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_output_that_cannot_be_written_is_said_on_standard_error(tmp_path: Path, options: list[str]) -> None:
    """With exit code 2."""
    microphone = (
        "class PortAudioError(Exception): ...\nquery_devices = lambda: [dict(name='Desk', max_input_channels=1, "
    )
    microphone += "default_samplerate=16000.0)]\nclass default:\n    device = (0, 0)\n"
    (tmp_path / "sounddevice.py").write_text(microphone)
    command = [sys.executable, "-m", "wta", "listen", "--list-devices", *options]
    with (tmp_path / "output").open("wb") as output:
        done = subprocess.run(
            ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.decode().startswith("error (not_written): The output cannot be written: File too large.")
    assert b"Traceback" not in done.stderr
