"""The client's wheel in an environment that has what its metadata names, and nothing else. No network is used."""

import subprocess
import sys
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def install_client(folder: Path) -> Path:
    """Build the wheel and install it; return the folder with the new environment's programs."""
    wheels, environment = folder / "wheels", folder / "environment"
    subprocess.run(
        [*PIP, "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", f"--wheel-dir={wheels}", "./wta"],
        cwd=ROOT,
        check=True,
    )
    venv.create(environment)
    programs = environment / "bin"
    (wheel,) = wheels.glob("*.whl")
    into = f"--python={programs / 'python'}"
    subprocess.run([*PIP, into, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (metadata,) = packages.glob("*.dist-info")
    for needed in _needs(Distribution.at(metadata), set()):
        _link(distribution(needed), packages)
    return programs


def _needs(installed: Distribution, known: set[str]) -> set[str]:
    """Names of all distributions that one needs, directly or through others."""
    for text in installed.requires or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            name = requirement.name.lower()
            if name not in known:
                known.add(name)
                _needs(distribution(name), known)
    return known


def _link(installed: Distribution, packages: Path) -> None:
    """Let the environment have the files of a distribution of this one."""
    for name in {file.parts[0] for file in installed.files or [] if file.parts[0] not in {"..", "__pycache__"}}:
        if not (packages / name).exists():
            (packages / name).symlink_to(Path(str(installed.locate_file(name))))
