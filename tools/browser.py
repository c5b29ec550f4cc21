"""The browser of the end-to-end tests: one that the machine has, else one that Playwright downloads."""

import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_browser() -> str | None:
    """Path for Playwright's ``executable_path``; ``None`` means the one that Playwright brought."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> None:
    """Make sure that there is one."""
    if find_browser() is None:
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        raise SystemExit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
