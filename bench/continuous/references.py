"""Other engines on whole streams: whisper.transcribe and faster-whisper. Their results are kept from run to run."""

import hashlib
import json
import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

from bench.continuous.streams import Stream
from bench.continuous.worker import Cost
from bench.results import FOLDER, machine
from bench.stt_engines import FASTER, WHISPER, Run
from wire.audio import encode_pcm, to_float, to_int16

FILE = FOLDER / "continuous-references.jsonl"
NAMES = {WHISPER: "whisper_stream", FASTER: "faster_whisper"}
"""Engine → its name in the results file."""
PACKAGES = {WHISPER: "openai-whisper", FASTER: "faster-whisper"}

_run: Run
"""The engine of a child process."""


@dataclass(frozen=True)
class Reference:
    """The text of a whole stream by another engine."""

    text: str
    wall_s: float
    cpu_s: float

    def __add__(self, other: "Reference") -> "Reference":
        return Reference(f"{self.text} {other.text}", self.wall_s + other.wall_s, self.cpu_s + other.cpu_s)


def installed() -> list[str]:
    """Return the engines whose package is installed."""
    return [engine for engine in PACKAGES if _version(engine)]


def transcribe_all(engine: str, streams: Iterable[Stream]) -> list[Reference]:
    """Return the results of one engine, kept ones or new ones, which are kept. An interrupted run goes on.

    The engine runs in a process of its own, so that its memory is free again afterwards.
    """
    FOLDER.mkdir(exist_ok=True)
    known, results = _read(), list[Reference]()
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=context, initializer=_load, initargs=(engine,)) as pool,  # begins if needed
        FILE.open("a", 1, "utf-8") as out,
    ):
        for stream in streams:
            name = key(engine, stream)
            if name not in known:
                known[name] = found = pool.submit(_transcribe, stream).result()
                out.write(json.dumps({"key": name, **asdict(found)}, ensure_ascii=False) + "\n")
            results.append(known[name])
    return results


def key(engine: str, stream: Stream) -> str:
    """Return 16 hexadecimal digits that change with anything that a result depends on."""
    found = hashlib.sha256(encode_pcm(to_int16(stream.audio)))
    found.update(f"{engine} {_version(engine)} {stream.language} {machine()}".encode())
    return found.hexdigest()[:16]


def _version(engine: str) -> str:
    try:
        return version(PACKAGES[engine])
    except PackageNotFoundError:
        return ""


def _read() -> dict[str, Reference]:
    lines = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()] if FILE.exists() else []
    return {line["key"]: Reference(line["text"], line["wall_s"], line["cpu_s"]) for line in lines}


def _load(engine: str) -> None:
    from bench.stt_engines import load_engine

    global _run  # noqa: PLW0603 - one per process: a pool's initializer can return nothing
    _run = load_engine(engine)


def _transcribe(stream: Stream) -> Reference:
    texts = []
    audio = to_float(to_int16(stream.audio))
    cost = Cost.of(lambda: texts.append(_run(audio, stream.language)[0]))
    return Reference(texts[0], cost.wall_s, cost.cpu_s)
