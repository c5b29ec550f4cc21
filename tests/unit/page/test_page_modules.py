"""The page's modules: their tests under node, the rules that they share with the gateway, and their style."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastapi_service.endpointing import endpointer
from fastapi_service.endpointing import energy_vad as energy_gate
from fastapi_service.endpointing.energy_vad import EnergyVad
from fastapi_service.endpointing.frames import FRAME
from wire.audio import SAMPLE_RATE, decode_pcm

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CLIPS = ("silly.wav", "jfk.wav", "known-her.wav", "conversation.wav")
WAV_HEADER = 44
"""Bytes."""


def run(*command: str | Path, given: str = "") -> str:
    """What a command prints; its output is the failure when it fails."""
    done = subprocess.run(command, cwd=ROOT, input=given, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


def test_the_modules_keep_their_promises() -> None:
    """Every test under node passes, and each file is found."""
    files = sorted(HERE.glob("*.test.js"))
    told = run("node", "--test", *files)
    assert "# fail 0\n" in told
    assert len(files) >= 5


@pytest.mark.parametrize("tool", [("eslint", "."), ("tsc", "--noEmit")], ids=["style", "types"])
def test_the_scripts_are_clean(tool: tuple[str, ...]) -> None:
    """eslint and TypeScript have nothing to say. `make test-setup` installs them."""
    run(ROOT / "node_modules" / ".bin" / tool[0], *tool[1:])


@pytest.fixture(scope="module")
def page() -> Any:
    """The page's rule, and its judgement of the frames of :func:`energies`."""
    return json.loads(run("node", HERE / "energies.js", given=json.dumps([list(each) for each in energies()])))


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


def test_page_and_gateway_judge_alike(page: Any) -> None:
    """The same frames are loud, at the same threshold, and some are silent."""
    for measured, judged in zip(energies(), page["judged"], strict=True):
        gate = EnergyVad(endpointer.EndpointerOptions().silence_ceiling, endpointer.EndpointerOptions().noise_factor)
        expected = [[gate.update(energy), gate.threshold()] for energy in measured]
        assert judged == expected
        assert {loud for loud, _ in judged} == {True, False}


def test_page_and_gateway_have_the_same_constants(page: Any) -> None:
    """What one file says in JavaScript, the other says in Python."""
    options = endpointer.EndpointerOptions()
    rule = dict(page["rule"])
    assert rule.pop("CEILING") == options.silence_ceiling
    assert rule.pop("FACTOR") == options.noise_factor
    assert rule.pop("SAMPLE_RATE") == SAMPLE_RATE
    assert rule.pop("FRAME") == FRAME
    assert rule == {name: getattr(energy_gate, name) for name in rule}
    assert len(rule) == 4
