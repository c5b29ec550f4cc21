from collections.abc import Callable
from pathlib import Path

import pytest

from local import bootstrap
from local.bootstrap import CPU_INDEX, TORCH_VERSION, BootstrapError

LOCK = """\
# made by a script
celery==5.7.0 # all
fastapi==0.165.0 ; sys_platform != 'win32' # fastapi_service, local
sympy==1.14.0 # stt_worker, analyzer_worker
"""
CUDA_INDEX = "https://example.org/cuda"


class FakePip:
    """Notes what would be installed; may fail like pip without a network."""

    def __init__(self) -> None:
        self.pins: list[str] = []
        self.calls: list[tuple[str, ...]] = []
        self.fails = False

    def __call__(self, *arguments: str) -> None:
        if self.fails:
            raise BootstrapError("pip failed")
        if "--requirement" in arguments:
            self.pins = Path(arguments[-1]).read_text(encoding="utf-8").splitlines()
            arguments = arguments[:-1]
        self.calls.append(arguments)


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakePip:
    """A fresh tree with a lock and an empty environment, and a network without PyTorch's index."""
    fake = FakePip()
    monkeypatch.setattr(bootstrap, "pip", fake)
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "installed.json")
    monkeypatch.setattr(bootstrap, "is_reachable", lambda _index: False)
    bootstrap.LOCK.write_text(LOCK, encoding="utf-8")
    return fake


def test_torch_comes_before_the_lock_without_dependencies(pip: FakePip) -> None:
    """torch is installed on its own, then the lock exactly as written."""
    bootstrap.install({"TORCH_INDEX": ""})
    assert pip.calls == [
        ("install", f"torch=={TORCH_VERSION}"),
        ("install", "--no-deps", "--requirement"),
    ]
    assert pip.pins == ["celery==5.7.0", "fastapi==0.165.0 ; sys_platform != 'win32'", "sympy==1.14.0"]


@pytest.mark.parametrize(
    ("service", "pins", "torch"),
    [
        ("listener_service", ["celery==5.7.0"], False),
        ("fastapi_service", ["celery==5.7.0", "fastapi==0.165.0 ; sys_platform != 'win32'"], False),
        ("stt_worker", ["celery==5.7.0", "sympy==1.14.0"], True),
    ],
)
def test_an_image_gets_what_its_service_needs(pip: FakePip, service: str, pins: list[str], torch: bool) -> None:
    """No torch where no model runs."""
    bootstrap.install({"TORCH_INDEX": ""}, service)
    assert pip.pins == pins
    assert (("install", f"torch=={TORCH_VERSION}") in pip.calls) == torch


def test_second_time_needs_no_network(pip: FakePip) -> None:
    """With the stamp in place pip is not called, whether or not TORCH_INDEX is repeated."""
    bootstrap.install({"TORCH_INDEX": ""})
    pip.calls.clear()
    bootstrap.install({})
    bootstrap.install({"TORCH_INDEX": ""})
    assert pip.calls == []


def test_changed_lock_is_installed(pip: FakePip) -> None:
    """Another lock file is another environment."""
    bootstrap.install({})
    pip.calls.clear()
    bootstrap.LOCK.write_text("celery==5.8.0\n", encoding="utf-8")
    bootstrap.install({})
    assert len(pip.calls) == 2


def test_interrupted_installation_is_repeated(pip: FakePip) -> None:
    """Without a complete installation there is no stamp, even if an earlier one was complete."""
    bootstrap.install({})
    bootstrap.LOCK.write_text("celery==5.8.0\n", encoding="utf-8")
    pip.fails = True
    with pytest.raises(BootstrapError):
        bootstrap.install({})
    assert bootstrap.read_stamp() == {}


def test_other_torch_build_replaces_the_installed_one(pip: FakePip) -> None:
    """Naming another index takes torch off first: pip would keep any build of the same version."""
    bootstrap.install({})
    pip.calls.clear()
    bootstrap.install({"TORCH_INDEX": CUDA_INDEX})
    assert pip.calls[:2] == [
        ("uninstall", "--yes", "torch"),
        ("install", f"torch=={TORCH_VERSION}", "--index-url", CUDA_INDEX),
    ]


def test_torch_version_can_be_chosen(pip: FakePip) -> None:
    """TORCH_VERSION names another release of torch."""
    bootstrap.install({"TORCH_VERSION": "2.99.0"})
    assert pip.calls[0] == ("install", "torch==2.99.0")


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
