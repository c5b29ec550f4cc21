"""Interrupted commands: without a traceback, at any moment, also when a script has started them in the background."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.machines import ROOT

IN_BACKGROUND = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""As a shell starts a command with ``&`` in a script: it ignores SIGINT."""
WAITS = "print('here', flush=True)\nimport time\ntime.sleep(60)\n"
IMPORTS = "import waits\n"
CALLS = "def main():\n    import waits\n\n\nif __name__ == '__main__':\n    main()\n"
STOPS = "try:\n    import waits\nexcept KeyboardInterrupt:\n    print('Stopped.')\n"


def interrupted(folder: Path, module: str, shell: tuple[str, ...]) -> tuple[int, str]:
    """Return exit code and output of a module that SIGINT ends while it waits."""
    (folder / "waits.py").write_text(WAITS, encoding="utf-8")
    (folder / "module.py").write_text(module, encoding="utf-8")
    process = subprocess.Popen(
        [*shell, sys.executable, "-m", "local.quiet", "module"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    return process.returncode, output


@pytest.mark.parametrize("shell", [(), IN_BACKGROUND], ids=["terminal", "background"])
@pytest.mark.parametrize(
    ("module", "code", "output"),
    [(IMPORTS, 130, ""), (CALLS, 130, ""), (STOPS, 0, "Stopped.\n")],
    ids=["imports", "work", "handled"],
)
def test_an_interruption_is_quiet(tmp_path: Path, module: str, code: int, output: str, shell: tuple[str, ...]) -> None:
    """While modules are imported, while it works, and if the module says something itself."""
    assert interrupted(tmp_path, module, shell) == (code, output)


def test_a_module_gets_its_arguments_and_returns_its_exit_code(tmp_path: Path) -> None:
    """As with ``python -m MODULE``."""
    (tmp_path / "module.py").write_text("import sys\nprint(sys.argv[1:])\nsys.exit(3)\n", encoding="utf-8")
    command = [sys.executable, "-m", "local.quiet", "module", "--port", "0"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"['--port', '0']\n", b"")


def test_make_run_in_the_background_of_a_script_stops_on_sigint(tmp_path: Path) -> None:
    """Its services too, in order."""
    instant = {"STT_MODEL": "instant", "ANALYZER_MODEL": "instant"}
    command = [
        *IN_BACKGROUND,
        sys.executable,
        "-m",
        "local.quiet",
        "local.run",
        "--no-prefetch",
        f"--run-dir={tmp_path}",
    ]
    process = subprocess.Popen(
        [*command, "--port=0", "--redis-port=0", "--wait-s=60"],
        cwd=ROOT,
        env=os.environ | instant,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Waiting for ")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 0
    assert output.splitlines()[-1] == "Stopped."
    assert "Traceback" not in output
