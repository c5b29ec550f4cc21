"""Puts into the wheel what the client needs of the repository's shared packages, under the client's own name.

``wire`` and ``infra`` are too common names for a folder of installed packages. So the wheel has them as
``wta.shared.wire`` and ``wta.shared.infra``, and its imports say so. The repository has each file once.
"""

import re
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOUND = ("__init__", "container_kinds", "mono", "mp3", "sound_file", "view", "wav_header")
"""Modules of ``infra.sound`` that read files with libsndfile; the others are for the gateway, and need FFmpeg."""
SHARED = ("wire", "infra/__init__.py", *(f"infra/sound/{name}.py" for name in SOUND), "LICENSE")
"""Packages of the repository that come along, and the licence of all of it."""
NOT_INSTALLED = {
    *(name.partition("/")[0] for name in SHARED),
    "__pycache__",
    "README.md",
    "hatch_build.py",
    "pyproject.toml",
    "PKG-INFO",
    ".gitignore",
}
"""In the folder of a checkout, or of a source distribution."""
IMPORT = re.compile(r"^(\s*(?:from|import)) (wire|infra)\b", re.M)


class SharedPackages(BuildHookInterface):  # type: ignore[misc, unused-ignore, type-arg]
    """Hook of hatchling."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the files in: into a wheel ready to be imported, into a source distribution as they are."""
        root = Path(self.root)
        repository = root.parent if (root.parent / "wire").is_dir() else root
        if self.target_name == "sdist":
            build_data["force_include"] |= {str(repository / name): name for name in SHARED}
        elif version != "editable":
            self._folder = Path(mkdtemp())
            for own in root.iterdir():
                if own.name not in NOT_INSTALLED:
                    _copy(own, self._folder / own.name)
            for name in SHARED:
                _copy(repository / name, self._folder / "shared" / name)
            (self._folder / "shared/__init__.py").write_text('"""Packages of the repository that services share."""\n')
            build_data["force_include"][str(self._folder)] = "wta"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 (hatchling's)
        """Remove the copies."""
        if hasattr(self, "_folder"):
            shutil.rmtree(self._folder)


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a folder; in its modules, imports of shared packages get their installed names."""
    if source.is_dir():
        for inside in source.iterdir():
            if inside.name != "__pycache__" and inside.suffix != ".md":
                _copy(inside, target / inside.name)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    text = source.read_text("utf-8")
    target.write_text(IMPORT.sub(r"\1 wta.shared.\2", text) if source.suffix == ".py" else text, "utf-8")
