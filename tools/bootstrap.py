"""Make ``.venv`` and install a file of ``requirements/`` and torch. Needs Python's standard library only.

A second run does nothing and needs no network. ``TORCH_VERSION`` and ``TORCH_INDEX`` choose torch's build.
"""

from __future__ import annotations

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during the imports ends it without a traceback

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.json"
UNHASHED = "lock"
"""Key of a stamp from before hashes were checked; pip never checks the files of what is installed already."""

REQUIREMENTS = ROOT / "requirements"
BUILD = "build"
"""Requirements that build the packages which come as source only."""
CLIENTS = "clients"
"""Requirements of the unmodified clients that tests run, in an environment of their own."""
EVERYTHING = "dev"
"""Requirements of all services, `make run`, tests and checks."""
BESIDE_TORCH = "\nsympy=="
"""torch itself is in no file of requirements, but its own needs are: a file with this needs torch."""

TORCH_VERSION = "2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""For Linux, where the torch on PyPI brings gigabytes of CUDA libraries. Elsewhere PyPI has the small build itself."""


class BootstrapError(Exception):
    """The environment cannot be made; the message says what to do."""


def main() -> None:
    """Make or complete the environment; with ``--prefetch`` the models too, with ``--browser`` a browser for tests.

    ``--service=NAME`` is for images: the environment has what one service needs, and nothing else.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        check_python(sys.version_info[:2], sys.platform)
        make_venv()
        service = next((option.partition("=")[2] for option in sys.argv if option.startswith("--service=")), None)
        install(os.environ, service)
        if "--prefetch" in sys.argv:
            run_in_venv("-m", "stt_worker.prefetch")
            run_in_venv("-m", "analyzer_worker.prefetch")
        if "--browser" in sys.argv:
            run_in_venv("-m", "tools.browser")
    except BootstrapError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def check_python(version: tuple[int, ...], system: str) -> None:
    """Refuse a Python or a system that cannot run this.

    Raises:
        BootstrapError: this Python is too old, or this system has no process supervisor.
    """
    if version < OLDEST_PYTHON:
        raise BootstrapError(
            f"Python 3.11 or newer is needed, this is {'.'.join(map(str, version))} ({sys.executable}). "
            "Install one and name it: make run PYTHON=/path/to/python3.11"
        )
    if system == "win32":
        raise BootstrapError("Windows runs this in WSL 2, or with Docker: docker compose up")


def make_venv() -> None:
    """Create ``.venv``; again if it is broken, of an older Python, or was installed without checking hashes."""
    python = VENV / "bin" / "python"
    check = f"import pip, sys; sys.exit(sys.version_info[:2] < {OLDEST_PYTHON})"
    if (
        python.exists()
        and UNHASHED not in read_stamp()
        and subprocess.run([python, "-c", check], check=False, stderr=subprocess.DEVNULL).returncode == 0
    ):
        return
    say(f"Creating .venv with Python {platform.python_version()}")
    if subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=False).returncode:
        raise BootstrapError(
            "The virtual environment could not be made. On Debian and Ubuntu: apt install python3-venv"
        )


def install(environment: Mapping[str, str], service: str | None = None) -> None:
    """Install the requirements with their hashes checked, then torch, unless the stamp says that both are there.

    torch comes last: pip takes what is installed already without looking at its hash, and torch's own needs are
    among the requirements.
    """
    file = REQUIREMENTS / f"{service or EVERYTHING}.txt"
    requirements = file.read_text(encoding="utf-8")
    wanted = {
        "requirements": hashlib.sha256(requirements.encode()).hexdigest(),
        "torch": environment.get("TORCH_VERSION") or TORCH_VERSION,
        "torch_index": environment.get("TORCH_INDEX"),
    }
    present = read_stamp()
    if is_satisfied(wanted, present):
        return
    if present and wanted["torch_index"] and wanted["torch_index"] != present.get("torch_index"):
        # pip takes any build of the same version for the wanted one. This comes before the stamp is removed, so that an
        # interruption never leaves the old build without the stamp that names its index.
        pip("uninstall", "--yes", "torch")
    STAMP.unlink(missing_ok=True)
    say(f"Installing {file.name}: {requirements.count('==')} packages")
    for each in (REQUIREMENTS / f"{BUILD}.txt", file):
        pip("install", "--require-hashes", "--no-deps", "--no-build-isolation", "--use-pep517", "-r", str(each))
    if BESIDE_TORCH in requirements:
        index = choose_index(environment, sys.platform, may_guess=service is None)
        say(f"Installing torch {wanted['torch']} from {index or 'the usual index'} (the largest part)")
        pip("install", "--no-warn-conflicts", f"torch=={wanted['torch']}", *(["--index-url", index] if index else []))
        wanted["torch_index"] = index
    STAMP.write_text(json.dumps(wanted), encoding="utf-8")


def read_stamp() -> dict[str, str | None]:
    """Read what an earlier, complete installation wrote; empty if there was none."""
    try:
        stamp: dict[str, str | None] = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp


def is_satisfied(wanted: Mapping[str, str | None], present: Mapping[str, str | None]) -> bool:
    """Return True if ``present`` has what is ``wanted``; an index that was not named is no reason to install again."""
    same = all(wanted[name] == present.get(name) for name in ("requirements", "torch"))
    return same and (not wanted["torch_index"] or wanted["torch_index"] == present.get("torch_index"))


def choose_index(environment: Mapping[str, str], system: str, may_guess: bool = True) -> str:
    """Choose torch's index: ``TORCH_INDEX`` if set, even to nothing; else the small build. Empty: pip's own index.

    Without ``may_guess`` an index that does not answer is left to pip, which fails: an image would keep the large
    build for ever.
    """
    if "TORCH_INDEX" in environment:
        return environment["TORCH_INDEX"]
    if system != "linux":
        return ""
    if may_guess and not is_reachable(CPU_INDEX):
        say(f"{CPU_INDEX} cannot be reached: taking torch from pip's own index, which may be the large CUDA build")
        return ""
    return CPU_INDEX


def is_reachable(index: str) -> bool:
    """Return True if a package index answers for torch within 10 s."""
    try:
        from urllib.request import urlopen  # takes longer than the rest of a second run

        with urlopen(f"{index}/torch/", timeout=10):  # noqa: S310 - an https address
            return True
    except OSError:  # URLError, too
        return False


def pip(*arguments: str) -> None:
    """Run pip in ``.venv``, its progress on the terminal."""
    command = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    if subprocess.run(command, check=False).returncode:
        raise BootstrapError(
            "pip failed; the reason is above. Run the same command again when it is remedied. "
            "If torch's index cannot be reached, TORCH_INDEX= (empty) takes torch from pip's own index."
        )


def run_in_venv(*arguments: str) -> None:
    """Run a module of this repository; it has explained its own failure."""
    if code := subprocess.run([str(VENV / "bin" / "python"), *arguments], cwd=ROOT, check=False).returncode:
        sys.exit(code)


def say(sentence: str) -> None:
    """Print one line of progress."""
    print(f"== {sentence}", flush=True)


if __name__ == "__main__":
    main()
