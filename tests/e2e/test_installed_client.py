"""The installed command against the real system: no file of the repository is on its path."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import jiwer
import pytest
import soundfile

from local.testing import Stack
from tests.e2e.pages import word_error_rate
from tests.e2e.speech import DATA, clip, wer
from tests.support.containers import packed
from tests.support.installed_client import install_client
from wire.messages.results import segment_end

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_client(tmp_path_factory.mktemp("client"))


@pytest.fixture
def command(stack: Stack, programs: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Returns a function that starts the command with arguments, in an empty folder."""
    (tmp_path / "empty").mkdir()

    def start(*arguments: object) -> subprocess.Popen[str]:
        words = [str(programs / "wta"), *map(str, arguments), "--url", stack.url]
        env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "COLUMNS": "200"}
        pipe = subprocess.PIPE
        return subprocess.Popen(words, cwd=tmp_path / "empty", env=env, stdout=pipe, stderr=pipe, text=True)

    return start


@pytest.fixture
def run(command: Callable[..., subprocess.Popen[str]]) -> Run:
    """Returns a function that runs the command to its end."""

    def finish(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        process = command(*arguments)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, out + err
        return subprocess.CompletedProcess(list(map(str, arguments)), code, out, err)

    return finish


def test_a_file_becomes_text_with_its_words(run: Run) -> None:
    """On standard output, with nothing around it; the sentiment is in it."""
    done = run("transcribe", (DATA / "jfk.wav").resolve(), "--language", "en")
    said = " ".join(line.partition("] ")[2].rpartition(" (")[0] for line in done.stdout.splitlines())
    normal = jiwer.Compose([jiwer.ToLowerCase(), jiwer.RemovePunctuation(), jiwer.ReduceToListOfListOfWords()])
    expected = clip("jfk.wav").text
    assert jiwer.wer(expected, said, reference_transform=normal, hypothesis_transform=normal) <= 0.2
    assert done.stderr == ""


def test_a_file_that_only_the_gateway_decodes_becomes_text_with_its_words(run: Run, tmp_path: Path) -> None:
    """As M4A, which a telephone records."""
    pcm, _ = soundfile.read(DATA / "silly.wav", dtype="int16")
    (tmp_path / "silly.m4a").write_bytes(packed(pcm.tobytes(), "m4a"))
    done = run("transcribe", tmp_path / "silly.m4a", "--language", "en", "--json", "--format", "json", "--delete")
    line = json.loads(done.stdout)
    assert (line["utterances"], line["failures"], line["missing"]) == (1, 0, 0)
    (entry,) = json.loads(line["transcript"])["entries"]
    assert word_error_rate(clip("silly.wav").text, entry["text"]) <= 0.2
    assert entry["sentiment"] is not None


def test_files_become_files_of_each_format(run: Run, tmp_path: Path) -> None:
    """Subtitles and JSON, as the gateway exports them."""
    files = [(DATA / name).resolve() for name in ("silly.wav", "pleased.wav")]
    for format_name, beginning in (("vtt", "WEBVTT"), ("json", "{"), ("srt", "1\n"), ("csv", "\ufeffstart,")):
        run("transcribe", *files, "--language", "en", "--format", format_name, "--output", tmp_path / format_name)
        written = sorted((tmp_path / format_name).iterdir())
        assert [file.name for file in written] == [f"pleased.{format_name}", f"silly.{format_name}"]
        assert all(file.read_text("utf-8").startswith(beginning) for file in written)


def test_a_room_is_watched_counted_and_exported(run: Run, command: Callable[..., subprocess.Popen[str]]) -> None:
    """What one terminal says, another one shows."""
    watching = command("watch", "--room", "wta-e2e", "--json")
    assert watching.stdout is not None
    lines: list[str] = []
    run("transcribe", (DATA / "silly.wav").resolve(), "--language", "en", "--room", "wta-e2e", "--name", "Ann")
    for line in watching.stdout:
        lines.append(line)
        if json.loads(line)["type"] == "final":
            break
    watching.send_signal(signal.SIGINT)
    assert watching.wait(10) == 0
    watching.communicate()
    final = segment_end.validate_json(lines[-1])
    assert wer(clip("silly.wav").text, [final]) <= 0.2
    assert final.speaker is not None
    assert final.speaker.name == "Ann"
    (statistics,) = map(json.loads, run("stats", "--room", "wta-e2e", "--json").stdout.splitlines())
    assert (statistics["scope"], statistics["utterances"]) == ("room", 1)
    assert "Statistics of the room" in run("stats", "--room", "wta-e2e").stdout


def test_the_doctor_finds_nothing_wrong_with_a_system_that_works(run: Run) -> None:
    """Each service has its line, with its model."""
    found = {line["part"]: line for line in map(json.loads, run("doctor", "--json").stdout.splitlines())}
    assert {line["level"] for line in found.values()} == {"ok"}
    assert "base" in found["stt_worker"]["message"]
    assert {"redis", "analyzer_worker", "listener_service", "queues", "session", "access"} <= found.keys()


def test_the_latency_of_a_system_is_measured(run: Run) -> None:
    """For programs, with percentiles."""
    *_, total = map(json.loads, run("bench", (DATA / "silly.wav").resolve(), "--json").stdout.splitlines())
    assert (total["session"], total["utterances"], total["missing"]) == ("total", 1, 0)
    assert 0 < total["p50_ms"] < 20_000
