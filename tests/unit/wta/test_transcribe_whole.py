"""``wta transcribe`` with files of kinds that the gateway decodes: real ones, and a fake gateway."""

import json
import signal
from pathlib import Path

import pytest
import soundfile

from tests.support.containers import packed
from tests.support.eventually import soon
from tests.unit.wta.fake_files import DONE, TRANSCRIPT, FakeFiles, Reply, event, progress
from tests.unit.wta.fake_gateway import SESSION, TOKEN
from tests.unit.wta.test_wta_commands import end, run, start

ROOT = Path(__file__).parents[3]
STATISTICS = json.loads((ROOT / "tests/golden/stats.json").read_text("utf-8"))


@pytest.fixture
def talks(tmp_path: Path) -> list[Path]:
    """The same speech as M4A and as WebM."""
    pcm, _ = soundfile.read(ROOT / "tests/data/silly.wav", dtype="int16")
    files = [tmp_path / name for name in ("first.m4a", "second.webm")]
    for file in files:
        file.write_bytes(packed(pcm.tobytes(), file.suffix[1:]))
    return files


async def test_files_that_only_the_gateway_decodes_are_sent_as_they_are(talks: list[Path]) -> None:
    """What is printed is the gateway's export, and nothing else."""
    async with FakeFiles().serving() as service:
        for file in talks:
            ended = await run("transcribe", file, "--url", service.http, "--language", "en", "--format", "srt")
            assert ended == (0, TRANSCRIPT, "")
            assert file.read_bytes() in service.forms[-1]
    assert b'name="languages[]"\r\n\r\nen\r\n' in service.forms[0]
    exports = [head for head in service.headers if head.startswith("GET /sessions/")]
    assert len(exports) == 2
    assert all(head.startswith(f"GET /sessions/{SESSION}/export?format=srt ") for head in exports)
    assert all(f"Bearer {TOKEN}" in head for head in exports)


async def test_a_program_gets_the_line_that_it_gets_for_other_files(talks: list[Path]) -> None:
    """With the counts of the session; deleted, if that is wished."""
    async with FakeFiles(statistics=STATISTICS).serving() as service:
        ended = await run("transcribe", talks[0], "--json", "--delete", "--url", service.http)
    (line,) = ended.lines
    assert line == {
        "type": "transcribed",
        "file": str(talks[0]),
        "session_id": SESSION,
        "utterances": STATISTICS["utterances"],
        "failures": STATISTICS["failures"],
        "missing": 0,
        "transcript": TRANSCRIPT,
    }
    assert service.headers[-1].startswith(f"DELETE /sessions/{SESSION} ")


async def test_a_file_that_the_gateway_refuses_does_not_stop_the_next_one(talks: list[Path], tmp_path: Path) -> None:
    """The exit code is that of the worst one."""
    fault = {"message": "The file holds no sound. Give another.", "param": "file", "code": "no_sound"}
    async with FakeFiles([Reply((json.dumps({"error": fault}).encode(),), 400), Reply()]).serving() as service:
        ended = await run("transcribe", *talks, "-o", tmp_path / "out", "--url", service.http)
    assert ended.code == 2
    assert f"error (no_sound): {talks[0]}: The file holds no sound. Give another." in ended.err
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["second.txt"]


@pytest.mark.parametrize("options", [["--room", "r"], ["--name", "Ann"], ["--channels", "2"]])
async def test_what_the_gateway_cannot_do_with_a_file_is_refused_before_it_is_sent(
    talks: list[Path], options: list[str]
) -> None:
    """Rather than left out in silence."""
    async with FakeFiles().serving() as service:
        ended = await run("transcribe", talks[0], *options, "--url", service.http)
    assert ended.code == 2
    assert "error (one_talker)" in ended.err
    assert service.forms == []


async def test_ctrl_c_ends_a_file_at_once(talks: list[Path]) -> None:
    """The line is closed, by which the gateway drops the file."""
    async with FakeFiles([Reply((progress(1),), hold=True)]).serving() as service:
        process = await start("transcribe", *talks, "--url", service.http, "-o", talks[0].parent)
        await soon(lambda: bool(service.forms), 30)
        process.send_signal(signal.SIGINT)
        ended = await end(process)
        await soon(lambda: service.left == 1, 30)
    assert (ended.code, ended.out) == (130, "")
    assert len(service.forms) == 1


async def test_a_line_that_breaks_is_tried_again(talks: list[Path]) -> None:
    """And said."""
    async with FakeFiles([Reply((progress(1), event({})), cut=True), Reply((event(DONE),))]).serving() as service:
        ended = await run("transcribe", talks[1], "--url", service.http)
    assert (ended.code, ended.out) == (0, TRANSCRIPT)
    assert "retrying" in ended.err
