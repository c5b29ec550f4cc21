import tomllib

import pytest

from local.bootstrap import EVERYWHERE, LOCK, ROOT
from local.lock import BESIDE_PYPROJECT, lock_lines


def test_torch_and_its_cuda_packages_are_left_out() -> None:
    """The lock leaves to torch's own installation what only some machines need."""
    resolved = "tqdm==4.70.1\ntorch==2.13.0\ntriton==3.7.1 ; sys_platform == 'linux'\nnvidia-nvtx==13.0.85\n"
    assert [line.partition(" # ")[0] for line in lock_lines(resolved, {})] == sorted(
        ["tqdm==4.70.1", *BESIDE_PYPROJECT]
    )


def test_each_pin_says_who_needs_it() -> None:
    """What the shared library needs, every service needs."""
    needs = {EVERYWHERE: "celery==5.7.0\n", "one": "celery==5.7.0\ntqdm==4\n", "two": "celery==5.7.0\ntqdm==4 ; x\n"}
    assert lock_lines("celery==5.7.0\ntqdm==4\n", needs)[-2:] == ["celery==5.7.0 # all", "tqdm==4 # one, two"]


def test_address_in_the_lock_is_refused() -> None:
    """A pin that names a server is nothing that others can install."""
    with pytest.raises(SystemExit, match="not a plain pin"):
        lock_lines("tqdm @ https://example.org/tqdm.whl\n", {})


def test_lock_in_the_tree_is_what_the_script_writes() -> None:
    """requirements.lock is sorted, plain and complete, so that a diff shows what an update changed."""
    lines = [line for line in LOCK.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    pins = [line.partition(" # ")[0] for line in lines]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    needs = {
        user: "\n".join(line.partition(" # ")[0] for line in lines if user in line.partition(" # ")[2].split(", "))
        for user in (EVERYWHERE, *extras)
    }
    resolved = "\n".join(pin for pin in pins if pin not in BESIDE_PYPROJECT)
    assert lock_lines(resolved, needs) == lines
