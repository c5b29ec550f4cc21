"""Transcripts of recordings by the engine of this repository, kept in a file from one run to the next."""

import hashlib
import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.progress import track

import stt_worker
from bench.clips import Clip
from bench.results import FOLDER, machine
from infra.settings import load_settings
from stt_worker.engines.base import Transcriber
from stt_worker.settings import Settings

_engine: Transcriber
"""The engine of the child process."""


def transcripts(clips: Sequence[Clip], manifest: Path) -> dict[Path, str]:
    """Return the text of each clip that clients would get one for.

    Texts are kept in ``bench-results/transcripts-DIGEST.jsonl``; an interrupted run goes on with the next clip. The
    engine runs in a process of its own, so that its memory is free again afterwards.

    Args:
        clips: of the manifest.
        manifest: its content, the engine's source, its settings and the machine are in the digest.
    """
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"transcripts-{digest(manifest)}.jsonl"
    texts = _read(file)
    if missing := [clip for clip in clips if clip.file.name not in texts]:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context, initializer=_load) as pool, file.open("a", 1, "utf-8") as out:
            for clip in track(missing, description="Transcripts"):
                texts[clip.file.name] = text = pool.submit(_transcribe, clip).result()
                out.write(json.dumps({"file": clip.file.name, "text": text}, ensure_ascii=False) + "\n")
    return {clip.file: text for clip in clips if (text := texts[clip.file.name]) is not None}


def digest(manifest: Path) -> str:
    """Return 12 hexadecimal digits that change with anything that the transcripts depend on."""
    found = hashlib.sha256(manifest.read_bytes())
    for source in sorted(Path(stt_worker.__path__[0]).rglob("*.py")):
        found.update(source.read_bytes())
    found.update(f"{load_settings(Settings)!r} {machine()}".encode())
    return found.hexdigest()[:12]


def _read(file: Path) -> dict[str, str | None]:
    """Return the name of each clip's file → its text; None if it is not shown."""
    if not file.exists():
        return {}
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    return {line["file"]: line["text"] for line in lines}


def _load() -> None:
    from bench.this_engine import load_engine

    global _engine  # noqa: PLW0603 - one per process: a pool's initializer can return nothing
    _engine = load_engine()


def _transcribe(clip: Clip) -> str | None:
    from bench.this_engine import is_shown, transcribe

    hypothesis = transcribe(_engine, clip.audio(), clip.language)
    return hypothesis.text if is_shown(hypothesis) else None
