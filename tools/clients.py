"""Make ``.venv-clients``: the unmodified clients of other services that tests run against this one.

An environment of their own, since what they need must not decide what the services get.
"""

import hashlib
import subprocess
import sys
import venv

from tools.bootstrap import CLIENTS, REQUIREMENTS, ROOT

VENV = ROOT / ".venv-clients"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed"


def main() -> None:
    """Install the clients, unless they are there in the pinned versions."""
    file = REQUIREMENTS / f"{CLIENTS}.txt"
    wanted = hashlib.sha256(file.read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text(encoding="ascii") == wanted:
        return
    print(f"== Installing {file.name}, for tests", flush=True)
    venv.create(VENV, clear=True, with_pip=True)
    options = ("--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps")
    if subprocess.run([PYTHON, "-m", "pip", "install", *options, "-r", file], check=False).returncode:
        sys.exit("error: the clients could not be installed; the reason is above. Run the same command again.")
    STAMP.write_text(wanted, encoding="ascii")


if __name__ == "__main__":
    main()
