from collections.abc import Callable
from pathlib import Path

import pytest

from tools import bootstrap
from tools.bootstrap import CPU_INDEX, TORCH_VERSION, BootstrapError

REQUIREMENTS = {
    "build": "setuptools==84.2.1 \\\n    --hash=sha256:1\n",
    "dev": "celery==5.7.0 \\\n    --hash=sha256:2\nsympy==1.14.0 \\\n    --hash=sha256:3\n",
    "listener_service": "celery==5.7.0 \\\n    --hash=sha256:2\n",
    "stt_worker": "celery==5.7.0 \\\n    --hash=sha256:2\nsympy==1.14.0 \\\n    --hash=sha256:3\n",
}
CHECKED = ("install", "--require-hashes", "--no-deps", "--no-build-isolation", "--use-pep517", "-r")
CUDA_INDEX = "https://example.org/cuda"


class FakePip:
    """Notes what would be installed; may fail like pip without a network."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.calls: list[tuple[str, ...]] = []
        self.fails = False

    def __call__(self, *arguments: str) -> None:
        if self.fails:
            raise BootstrapError("pip failed")
        if "-r" in arguments:
            self.files.append(Path(arguments[-1]).stem)
            arguments = arguments[:-1]
        self.calls.append(arguments)


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakePip:
    """A fresh tree with requirements and an empty environment, and a network without PyTorch's index."""
    fake = FakePip()
    monkeypatch.setattr(bootstrap, "pip", fake)
    monkeypatch.setattr(bootstrap, "REQUIREMENTS", tmp_path)
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "installed.json")
    monkeypatch.setattr(bootstrap, "is_reachable", lambda _index: False)
    for name, pins in REQUIREMENTS.items():
        (tmp_path / f"{name}.txt").write_text(pins, encoding="utf-8")
    return fake


def change_requirements() -> None:
    (bootstrap.REQUIREMENTS / "dev.txt").write_text("celery==5.8.0\nsympy==1.14.0\n", encoding="utf-8")


def test_the_requirements_come_before_torch_with_hashes_and_without_dependencies(pip: FakePip) -> None:
    """Every file that pip takes is one whose hash was checked, what builds others first; then torch is installed."""
    bootstrap.install({"TORCH_INDEX": ""})
    assert pip.calls == [CHECKED, CHECKED, ("install", "--no-warn-conflicts", f"torch=={TORCH_VERSION}")]
    assert pip.files == ["build", "dev"]


@pytest.mark.parametrize(
    ("service", "torch"),
    [("listener_service", False), ("stt_worker", True)],
)
def test_an_image_gets_what_its_service_needs(pip: FakePip, service: str, torch: bool) -> None:
    """No torch where no model runs."""
    bootstrap.install({"TORCH_INDEX": ""}, service)
    assert pip.files == ["build", service]
    assert (("install", "--no-warn-conflicts", f"torch=={TORCH_VERSION}") in pip.calls) == torch


def test_second_time_needs_no_network(pip: FakePip) -> None:
    """With the stamp in place pip is not called, whether or not TORCH_INDEX is repeated."""
    bootstrap.install({"TORCH_INDEX": ""})
    pip.calls.clear()
    bootstrap.install({})
    bootstrap.install({"TORCH_INDEX": ""})
    assert pip.calls == []


def test_changed_requirements_are_installed(pip: FakePip) -> None:
    """Other pins are another environment."""
    bootstrap.install({})
    pip.calls.clear()
    change_requirements()
    bootstrap.install({})
    assert len(pip.calls) == 3


def test_interrupted_installation_is_repeated(pip: FakePip) -> None:
    """Without a complete installation there is no stamp, even if an earlier one was complete."""
    bootstrap.install({})
    change_requirements()
    pip.fails = True
    with pytest.raises(BootstrapError):
        bootstrap.install({})
    assert bootstrap.read_stamp() == {}


def test_other_torch_build_replaces_the_installed_one(pip: FakePip) -> None:
    """Naming another index takes torch off first: pip would keep any build of the same version."""
    bootstrap.install({})
    pip.calls.clear()
    bootstrap.install({"TORCH_INDEX": CUDA_INDEX})
    assert pip.calls[0] == ("uninstall", "--yes", "torch")
    assert pip.calls[-1] == ("install", "--no-warn-conflicts", f"torch=={TORCH_VERSION}", "--index-url", CUDA_INDEX)


def test_other_torch_build_replaces_the_installed_one_after_an_interruption(pip: FakePip) -> None:
    """The old build is gone before the stamp is: a repeated installation never takes it for the wanted one."""
    bootstrap.install({})
    pip.fails = True
    with pytest.raises(BootstrapError):
        bootstrap.install({"TORCH_INDEX": CUDA_INDEX})
    assert bootstrap.read_stamp() != {}
    pip.fails = False
    pip.calls.clear()
    bootstrap.install({"TORCH_INDEX": CUDA_INDEX})
    assert pip.calls[0] == ("uninstall", "--yes", "torch")


def test_torch_version_can_be_chosen(pip: FakePip) -> None:
    """TORCH_VERSION names another release of torch."""
    bootstrap.install({"TORCH_VERSION": "2.99.0"})
    assert pip.calls[-1] == ("install", "--no-warn-conflicts", "torch==2.99.0")


def always(answer: bool) -> Callable[[str], bool]:
    return lambda _index: answer


@pytest.mark.parametrize(
    ("environment", "system", "reachable", "index"),
    [
        pytest.param({}, "linux", True, CPU_INDEX, id="Linux takes the small build"),
        pytest.param({}, "linux", False, "", id="an index that does not answer is passed over"),
        pytest.param({}, "darwin", True, "", id="macOS has the small build on PyPI"),
        pytest.param({"TORCH_INDEX": ""}, "linux", True, "", id="empty means pip's own index"),
        pytest.param({"TORCH_INDEX": CUDA_INDEX}, "linux", False, CUDA_INDEX, id="a named index is used as it is"),
    ],
)
def test_index_of_torch(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], system: str, reachable: bool, index: str
) -> None:
    """Users get the build without gigabytes of CUDA unless they ask for another."""
    monkeypatch.setattr(bootstrap, "is_reachable", always(reachable))
    assert bootstrap.choose_index(environment, system) == index


def test_an_image_does_not_fall_back_to_the_large_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that is away for a moment fails the build instead of filling the image for ever."""
    monkeypatch.setattr(bootstrap, "is_reachable", always(False))
    assert bootstrap.choose_index({}, "linux", may_guess=False) == CPU_INDEX


def test_old_python_is_refused_with_a_remedy() -> None:
    """Python 3.10 ends with a sentence that names the version needed and how to choose another Python."""
    with pytest.raises(BootstrapError, match=r"3\.11 or newer.*3\.10.*make run PYTHON="):
        bootstrap.check_python((3, 10), "linux")
    bootstrap.check_python((3, 11), "linux")
