"""A fresh process that loads a sentiment model and measures itself.

It reads a ``Task`` from its input and writes a ``Measurement``, then waits for a line, classifies as many sentences as
it can, and writes their number per second. Only what the model needs is imported, so that its memory is the model's.
"""

import itertools
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

WARM_UP = 10


@dataclass(frozen=True)
class Task:
    """The work of the process; each text has its ISO 639-1 code beside it."""

    model: str
    adapter: str | None
    texts: list[tuple[str, str]]
    """Sentences of any length, classified before the memory is read."""
    timed: list[tuple[str, str]]
    """Sentences of the length that is timed, each once."""
    seconds: float
    """Duration of the last part."""


@dataclass(frozen=True)
class Measurement:
    """Figures of one process that works alone."""

    load_s: float
    """Imports included."""
    rss_mb: float
    """Resident memory in MiB after all ``texts``."""
    milliseconds: list[float]
    """Duration of each timed sentence."""
    cpu_milliseconds: list[float]
    """Time on the processor of each, which other programs lengthen less."""


def main() -> None:
    """Do the task."""
    task = Task(**json.loads(sys.stdin.readline()))
    start = time.perf_counter()
    from bench.sentiment.this_analyzer import load_model

    analyzer = load_model(task.model, Path(task.adapter) if task.adapter else None)
    load_s = time.perf_counter() - start
    for text, language in task.texts:
        analyzer.analyze(text, language)
    rss_mb = psutil.Process().memory_info().rss / 1024**2
    milliseconds, cpu_milliseconds = [], []
    for text, language in [*task.timed[:WARM_UP], *task.timed]:
        start, cpu_start = time.perf_counter(), time.process_time()
        analyzer.analyze(text, language)
        milliseconds.append(1000 * (time.perf_counter() - start))
        cpu_milliseconds.append(1000 * (time.process_time() - cpu_start))
    measurement = Measurement(load_s, rss_mb, milliseconds[WARM_UP:], cpu_milliseconds[WARM_UP:])
    print(json.dumps(asdict(measurement)), flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    sentences = itertools.cycle(task.timed)
    for count in itertools.count(analyzer.max_batch, analyzer.max_batch):
        analyzer.analyze_all(list(itertools.islice(sentences, analyzer.max_batch)))
        elapsed = time.perf_counter() - start
        if elapsed >= task.seconds:
            print(count / elapsed, flush=True)
            return


if __name__ == "__main__":
    main()
