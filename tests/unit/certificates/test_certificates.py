"""The entry point: settings in, files and an exit code out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def run(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m certificates.certificates`` in a folder without .env."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "CERTIFICATES_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "certificates.certificates"],
        cwd=folder,
        env=environment | settings,
        capture_output=True,
        text=True,
    )


def test_first_start_makes_a_certificate_and_logs_its_names(tmp_path: Path) -> None:
    """The log line has names and file."""
    done = run(tmp_path, CERTIFICATES_NAMES="Talk.Example.org, 0:0::1")
    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout)
    assert line["names"] == ["::1", "talk.example.org"]
    assert line["file"] == str(tmp_path / "fullchain.pem")


def test_second_start_keeps_the_certificate(tmp_path: Path) -> None:
    """Every `docker compose up` runs it; the certificate is kept, also when addresses are written differently."""
    run(tmp_path, CERTIFICATES_NAMES="::1")
    before = (tmp_path / "fullchain.pem").read_bytes()
    assert run(tmp_path, CERTIFICATES_NAMES="0:0::1").returncode == 0
    assert (tmp_path / "fullchain.pem").read_bytes() == before


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"CERTIFICATES_NAMES": "https://example.org"}, "CERTIFICATES_NAMES: 'https://example.org' is neither"),
        ({"CERTIFICATES_NAMES": "example.org:8443"}, "no scheme, port or path"),
        ({"CERTIFICATES_NAMES": ","}, "CERTIFICATES_NAMES: at least one name"),
        ({"CERTIFICATES_CERT": "/a.pem"}, "CERTIFICATES_CERT and CERTIFICATES_KEY belong together"),
        ({"CERTIFICATES_CERT": "/a.pem", "CERTIFICATES_KEY": "/b.pem"}, "/a.pem cannot be read"),
        ({"CERTIFICATES_DIR": "/dev/null/certificates"}, "cannot be written"),
    ],
)
def test_invalid_settings_end_in_one_line_and_exit_code_2(tmp_path: Path, settings: dict[str, str], error: str) -> None:
    """The line names the setting to correct; there is no traceback."""
    done = run(tmp_path, **settings)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert error in done.stderr
    assert done.stderr.count("\n") == 1
