"""The page's modules: their tests under node, their rooms, the rules that they share with the gateway, their style."""

import json
import re
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastapi_service.api.page import as_served
from fastapi_service.endpointing import energy_vad
from fastapi_service.endpointing.endpointer import EndpointerOptions
from fastapi_service.endpointing.energy_vad import EnergyVad
from fastapi_service.endpointing.frames import FRAME
from wire.audio import SAMPLE_RATE, decode_pcm
from wire.languages import LANGUAGES
from wire.messages.server import Endpointing

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CLIPS = ("silly.wav", "jfk.wav", "known-her.wav", "conversation.wav")
WAV_HEADER = 44
"""Bytes."""
STATIC = ROOT / "fastapi_service" / "static"
ROOMS = ("main.js", "session", "view", "audio", "export", "i18n", "access.js", "wire", "storage.js", "vendor")
"""From the top: a module imports from its own room and from lower ones only, types included."""
IMPORT = re.compile(r"""(?:\bfrom |\bimport\()"(\.[^"]+)"|new URL\("([^"]+\.js)", import\.meta""")
SETTINGS = (EndpointerOptions(), EndpointerOptions(silence_ceiling=0.00002, noise_factor=3.0))
"""The defaults, and those of an operator who lowered them."""


def run(*command: str | Path, given: str = "") -> str:
    """Run a command and return its output, which is the failure when it fails."""
    done = subprocess.run(command, cwd=ROOT, input=given, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


def test_the_modules_keep_their_promises() -> None:
    """Every test under node passes, and each file is found."""
    files = sorted(HERE.glob("*.test.js"))
    output = run("node", "--test", *files)
    assert "# fail 0\n" in output
    assert len(files) >= 5


@pytest.mark.slow
def test_the_modules_as_served_keep_them_too(tmp_path: Path) -> None:
    """What the gateway leaves out changes nothing: the same tests pass."""
    static, tests = tmp_path / STATIC.relative_to(ROOT), tmp_path / HERE.relative_to(ROOT)
    for file in STATIC.rglob("*.*js"):
        served = static / file.relative_to(STATIC)
        served.parent.mkdir(parents=True, exist_ok=True)
        served.write_bytes(as_served(file))
    shutil.copytree(HERE, tests, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (tmp_path / "tests" / "data").symlink_to(ROOT / "tests" / "data")
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / "package.json").symlink_to(ROOT / "package.json")
    assert "# fail 0\n" in run("node", "--test", *sorted(tests.glob("*.test.js")))
    for file in static.rglob("*.js"):
        run("node", "--check", file)


@pytest.mark.parametrize("tool", [("eslint", "."), ("tsc", "--noEmit")], ids=["style", "types"])
def test_the_scripts_are_clean(tool: tuple[str, ...]) -> None:
    """eslint and TypeScript find nothing. `make test-setup` installs them."""
    run(ROOT / "node_modules" / ".bin" / tool[0], *tool[1:])


def imports() -> dict[str, set[str]]:
    """Each module → the modules that it imports, as paths below the page's folder."""
    modules = [path for path in STATIC.rglob("*.js") if "vendor" not in path.parts]
    return {
        module.relative_to(STATIC).as_posix(): {
            (module.parent / (name or url)).resolve().relative_to(STATIC).as_posix()
            for name, url in IMPORT.findall(module.read_text(encoding="utf-8"))
        }
        for module in modules
    }


def test_no_module_imports_from_a_higher_room() -> None:
    """The rooms stand in their order, and each module is in one of them."""
    floors = {room: floor for floor, room in enumerate(ROOMS)}
    upward = [
        (module, other)
        for module, others in imports().items()
        for other in others
        if floors[other.partition("/")[0]] < floors[module.partition("/")[0]]
    ]
    assert upward == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Taking away, again and again, what imports nothing that is left, takes away every module."""
    left = {module: others - {module} for module, others in imports().items()}
    assert left["main.js"]
    while free := {module for module, others in left.items() if not others & left.keys()}:
        left = {module: others for module, others in left.items() if module not in free}
    assert left == {}


@pytest.fixture(scope="module")
def page() -> Any:
    """The page's rule, and its judgement of the frames of :func:`energies`."""
    settings = [asdict(options) for options in SETTINGS]
    given = {"lists": energies(), "settings": settings}
    return json.loads(run("node", HERE / "energies.js", given=json.dumps(given)))


def energies() -> list[list[float]]:
    """Mean squares of frames: of real speech, as loud and 12 dB quieter, and of whatever else there is."""
    lists = []
    for clip in CLIPS:
        pcm = decode_pcm((ROOT / "tests" / "data" / clip).read_bytes()[WAV_HEADER:])
        frames = pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME)
        measured = np.mean(np.square(frames.astype(np.float32) / 32_768), axis=1)
        lists += [measured.tolist(), (measured / 16).tolist()]
    random = np.random.default_rng(5)
    anything = (10.0 ** random.uniform(-10, 0, 2_000)).astype(np.float32)
    anything[::7] = 0.0
    return [*lists, anything.tolist()]


@pytest.mark.parametrize("number", range(len(SETTINGS)))
def test_page_and_gateway_judge_alike(page: Any, number: int) -> None:
    """The same frames are voiced, at the same threshold, and some are not, whatever the operator set."""
    options = SETTINGS[number]
    for measured, judged in zip(energies(), page["judged"][number], strict=True):
        vad = EnergyVad(options.silence_ceiling, options.noise_factor)
        expected = [[vad.update(energy), vad.threshold()] for energy in measured]
        assert judged == expected
        assert {voiced for voiced, _ in judged} == {True, False}


def test_the_page_offers_the_languages_of_the_gateway() -> None:
    """All of them, and no other."""
    source = (STATIC / "i18n" / "spoken.js").read_text(encoding="utf-8")
    listed = source[source.index("const CODES") : source.index(").split(")]
    assert sorted(re.findall(r"\b[a-z]{2,3}\b", listed)) == sorted(LANGUAGES)


def test_page_and_gateway_have_the_same_constants(page: Any) -> None:
    """Each constant of the JavaScript file has the same value in the Python file."""
    options = EndpointerOptions()
    assert page["endpointing"] == {name: getattr(options, name) for name in page["endpointing"]}
    assert {"silence_ceiling", "noise_factor"} <= page["endpointing"].keys() <= set(Endpointing.model_fields)
    rule = dict(page["rule"])
    assert rule.pop("SAMPLE_RATE") == SAMPLE_RATE
    assert rule.pop("FRAME") == FRAME
    assert rule == {name: getattr(energy_vad, name) for name in rule}
    assert len(rule) == 6
