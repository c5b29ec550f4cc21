"""Dynamic time warping against the library's, and against all paths; torch keeps its threads."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from whisper import timing

from stt_worker.engines.whisper.time_warping import first_columns

ROOT = Path(__file__).parents[3]
Costs = NDArray[np.float64]
small = st.tuples(st.integers(1, 5), st.integers(1, 6)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-4, 4))
)


def cheapest(costs: Costs) -> float:
    """The total of the cheapest of all paths."""

    @cache
    def total(row: int, column: int) -> float:
        before = [(row - 1, column), (row, column - 1), (row - 1, column - 1)]
        totals = [total(*cell) for cell in before if min(cell) >= 0]
        return float(costs[row, column]) + min(totals, default=0.0)

    return total(costs.shape[0] - 1, costs.shape[1] - 1)


def cost_of(starts: NDArray[np.int64], costs: Costs) -> float:
    """The total of the cheapest path whose rows begin there: one row ends in the next one's first column or before."""
    total = 0.0
    for row, start in enumerate(starts):
        if row + 1 == len(starts):
            return total + float(costs[row, start:].sum())
        end = starts[row + 1]
        total += min(float(costs[row, start:stop].sum()) for stop in (end, end + 1) if stop > start)
    return total


@given(costs=small)
def test_no_path_is_cheaper(costs: Costs) -> None:
    starts = first_columns(costs)
    assert starts[0] == 0
    assert cost_of(starts, costs) == cheapest(costs)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (4, 4), (30, 120), (40, 20)])
def test_it_is_the_librarys_path(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its compiler. The library sums in float32, which is exact for these costs."""
    costs = np.random.default_rng(1).integers(-4096, 4096, shape) / 1024
    monkeypatch.setattr(timing, "backtrace", timing.backtrace.py_func)
    rows, columns = timing.dtw_cpu.py_func(costs)
    assert first_columns(costs).tolist() == [columns[rows == row].min() for row in range(shape[0])]


PROGRAM = """
import sys, wave
import torch
from whisper.model import ModelDimensions, Whisper
from stt_worker.engines.base import BatchEngine, RecognitionConfig
from stt_worker.engines.deadline import Deadline
from stt_worker.engines.vad import SileroVad, VadFilter
from stt_worker.engines.whisper.load import load_whisper
from stt_worker.scheduling.batcher import Batcher
from stt_worker.settings import Settings
from wire.audio import decode_pcm, to_float

class Watched(BatchEngine):
    def __init__(self, inner):
        self.name, self.revision, self.max_batch_size, self.inner = inner.name, inner.revision, 1, inner
        print(torch.get_num_threads())

    def transcribe_all(self, requests):
        yield from self.inner.transcribe_all(requests)
        print(torch.get_num_threads())

torch.manual_seed(10)  # Some random weights end the text at once, and then no word has times.
model = Whisper(ModelDimensions(80, 1500, 8, 2, 1, 51_865, 16, 8, 2, 1))
torch.nn.init.zeros_(model.decoder.positional_embedding)
torch.save({"dims": vars(model.dims), "model_state_dict": model.state_dict()}, sys.argv[1])
settings = Settings(model=sys.argv[1], device="cpu", threads=1)
batcher = Batcher(lambda: Watched(VadFilter(load_whisper(settings), SileroVad())))
with wave.open("tests/data/jfk.wav") as file:
    speech = to_float(decode_pcm(file.readframes(48_000)))
for _ in range(2):
    assert batcher.transcribe(speech, RecognitionConfig("en"), Deadline.after(60)).words
"""


def test_the_thread_of_the_engine_keeps_its_number_of_threads(tmp_path: Path) -> None:
    """After the model is loaded, after the first utterance with word times, and after the second."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "random.pt")],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "2"}, capture_output=True, text=True,
    )  # fmt: skip
    assert [line for line in done.stdout.splitlines() if line.isdigit()] == ["1", "1", "1"], done.stderr
