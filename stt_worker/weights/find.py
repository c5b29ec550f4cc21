"""Finds the weights of Whisper: at a path that the user gives, in the model cache, or by download into the cache."""

from collections.abc import Sequence
from pathlib import Path

from stt_worker.weights.cache import Progress, fetch_once, ignore
from stt_worker.weights.own_model import is_path, own_weights, path_name
from stt_worker.weights.sources import SOURCES, Source, SourceUnavailable
from wire.errors import ModelError

PREFETCH = "Run `make models` while online, or set STT_MODEL to the path of a model of your own."


def find_weights(
    model: str,
    cache: Path,
    on_progress: Progress | None = None,
    *,
    offline: bool = False,
    sources: Sequence[Source] = SOURCES,
) -> Path:
    """Return the path of a file that ``read_checkpoint`` can read, after downloading it if necessary.

    Args:
        model: an official name (``base``), or a path of a file or folder (contains a slash, or ends as files of
            weights do).
        cache: the model cache; checkpoints lie in its folder ``whisper``.
        on_progress: called with (stage, bytes done, bytes in total); a total of 0 means unknown.
        offline: never download.
        sources: download sources in the order in which they are tried. An unreachable source leads to the next one;
            a file with another hash than the pinned one is an error.

    Raises:
        ModelError: ``model_missing``, ``model_layout``, ``model_unknown``, ``model_corrupt``, ``model_unreachable`` or
            ``model_cache_unusable``.
    """
    if is_path(model):
        return own_weights(model)
    file = cache / "whisper" / f"{model}.pt"
    report = on_progress or ignore
    reason = f"The Whisper model {file} is missing and MODEL_OFFLINE is on."
    missing = ModelError("model_missing", reason, PREFETCH) if offline else None
    fetch_once(file, lambda folder: _fetch(model, folder, report, sources), report, missing)
    return file


def alignment_heads(model: str) -> bytes | None:
    """Return the alignment heads of an official model as the library packs them; None if there is none of the name.

    A path has those of the model that it is named after (``/models/base.pt``, ``/models/base.en``), which says nothing
    about its layout: see ``stt_worker.weights.alignment``.
    """
    import whisper  # here, because it imports torch and numba (2 s)

    heads: bytes | None = whisper._ALIGNMENT_HEADS.get(path_name(model) if is_path(model) else model)
    return heads


def _fetch(model: str, folder: Path, on_progress: Progress, sources: Sequence[Source]) -> Path:
    """Download the checkpoint from the first source that can be reached."""
    target = folder / f"{model}.pt"
    failures = []
    for source in sources:
        try:
            source.fetch(model, target, on_progress)
            return target
        except SourceUnavailable as failure:
            failures.append(f"{source.name}: {failure}")
    raise ModelError(
        "model_unreachable", f"The Whisper model {model} cannot be downloaded. Tried {'; '.join(failures)}.", PREFETCH
    )
