"""Resolve pyproject.toml into ``requirements/*.txt`` for Linux, macOS and Windows, with a hash for every file.

Pins that still fit are kept; ``--upgrade`` takes the newest versions instead.
"""

import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

from tools.bootstrap import BUILD, CLIENTS, EVERYTHING, REQUIREMENTS, ROOT

HEADER = """\
# Made by `make lock` from pyproject.toml; do not edit. Python 3.11 and newer; Linux, macOS, Windows.
# torch is left out: it is installed after these, in the build that fits the machine.
"""
OPTIONS = (
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-package=torch",
    "--no-annotate",
    "--no-header",
)


def main() -> None:
    """Write files for a developer's environment, what builds source packages, the tests' clients and each image."""
    options = sys.argv[1:]
    services = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    with tempfile.TemporaryDirectory() as folder:
        uv = find_uv(Path(folder))
        everything = compile_file(uv, EVERYTHING, "pyproject.toml", "--all-extras", "--group=dev", *options)
        within = f"--constraint={everything.relative_to(ROOT)}"
        compile_file(uv, BUILD, "--group=build", within)
        compile_file(uv, CLIENTS, "--group=clients", *options)
        for service in services:
            compile_file(uv, service, "pyproject.toml", f"--extra={service}", within)


def find_uv(folder: Path) -> str:
    """Return the machine's uv, or one that is installed into ``folder``."""
    if present := shutil.which("uv"):
        return present
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"], check=True)
    return str(python.with_name("uv"))


def compile_file(uv: str, name: str, *arguments: str) -> Path:
    """Write ``requirements/NAME.txt``; the pins that it has now are preferred."""
    file = REQUIREMENTS / f"{name}.txt"
    command = [uv, "pip", "compile", *OPTIONS, *arguments, f"--output-file={file}"]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    file.write_text(HEADER + file.read_text(encoding="utf-8"), encoding="utf-8")
    print(f"{file.relative_to(ROOT)}: {file.read_text(encoding='utf-8').count('==')} pins")
    return file


if __name__ == "__main__":
    main()
