"""Time per sentence, sentences per second, time to load and memory of a sentiment model, in fresh processes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np

from analyzer_worker.engines.unigram import UnigramTokenizer
from analyzer_worker.weights.e5_file import read_e5_file
from analyzer_worker.weights.e5_package import find_e5_file
from bench.results import AVX2_ONLY
from bench.sentiment.models import Model
from bench.sentiment.process import Measurement, Task
from bench.sentiment.sets import LabelledSet

TOKENS = 12
"""Tokens of a timed sentence with the first and the last one; those of the multilingual model, for all models."""
LONGEST = 64
SENTENCES = 300
PROCESSES = 2
THROUGHPUT_S = 10.0


@dataclass(frozen=True)
class Speed:
    """Figures of one model; each process has one thread."""

    ms_p50: float
    """Milliseconds for a sentence of ``TOKENS`` tokens, alone."""
    cpu_ms_p50: float
    """The same in time on the processor, which other programs lengthen less."""
    ms_p95: float
    sentences_per_s: float
    """``PROCESSES`` processes together, sentences of ``TOKENS`` tokens, in the batches of a worker that is behind."""
    load_s: float
    """Imports included, files in the kernel's cache."""
    rss_mb: float
    """Resident memory of a process after ``SENTENCES`` sentences of any length."""


class _Child:
    """A running ``bench.sentiment.process``."""

    def __init__(self, sent: IO[str], received: IO[str]) -> None:
        self._sent, self._received = sent, received

    def send(self, line: str) -> None:
        self._sent.write(line + "\n")
        self._sent.flush()

    def receive(self) -> str:
        """Return the next line; the child's own message about a failure is on the terminal.

        Raises:
            RuntimeError: the child ended.
        """
        if line := self._received.readline():
            return line
        raise RuntimeError("The process that measures the speed has failed.")


def measure_speed(model: Model, adapter: Path | None, sets: Sequence[LabelledSet], weakest: bool) -> Speed | None:
    """Measure with sentences of the sets; None if none of them has the length.

    Args:
        model: gives the name to load.
        adapter: see ``load_model``.
        sets: sentences of languages that the model supports are used.
        weakest: no instructions beyond AVX2.
    """
    texts, timed = chosen_sentences(model, sets)
    if not timed:
        return None
    task = json.dumps(asdict(Task(model.name, str(adapter) if adapter else None, texts, timed, THROUGHPUT_S)))
    with ExitStack() as stack:
        children, measurements = [], []
        for _ in range(PROCESSES):  # one after the other: each is alone while it is timed
            child = stack.enter_context(_started(AVX2_ONLY if weakest else {}))
            child.send(task)
            measurements.append(Measurement(**json.loads(child.receive())))
            children.append(child)
        for child in children:
            child.send("")
        rate = sum(float(child.receive()) for child in children)
    p50, p95 = np.percentile([each for every in measurements for each in every.milliseconds], (50, 95))
    return Speed(
        ms_p50=float(p50),
        cpu_ms_p50=float(np.median([each for every in measurements for each in every.cpu_milliseconds])),
        ms_p95=float(p95),
        sentences_per_s=rate,
        load_s=min(each.load_s for each in measurements),
        rss_mb=max(each.rss_mb for each in measurements),
    )


def chosen_sentences(model: Model, sets: Sequence[LabelledSet]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return different sentences of any length, and others of ``TOKENS`` tokens, evenly from all sets."""
    tokenizer = UnigramTokenizer(read_e5_file(find_e5_file(None)).vocabulary, LONGEST)
    supported = [each for each in sets if model.supports(each.language)]
    share = SENTENCES // max(len(supported), 1)
    texts, timed = [], []
    for each in supported:
        different = [(text, each.language) for text in dict.fromkeys(each.texts)]
        texts += different[:share]
        timed += [pair for pair in different[share:] if len(tokenizer.encode(pair[0])) == TOKENS][:share]
    return texts, timed


@contextmanager
def _started(environment: Mapping[str, str]) -> Iterator[_Child]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.sentiment.process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        try:
            yield _Child(process.stdin, process.stdout)
        finally:
            process.kill()
