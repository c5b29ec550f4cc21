"""Targets by teachers."""

from pathlib import Path

import pytest

from analyzer_worker.training.teachers import mean, read_taught


def test_teachers_are_averaged() -> None:
    """Two teachers, two sentences."""
    one, other = [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]
    assert mean([one, other], binary=False) == [[0.5, 0.25, 0.25], [0.0, 0.5, 0.5]]


def test_a_set_without_neutral_learns_nothing_of_it() -> None:
    assert mean([[[0.6, 0.2, 0.2]]], binary=True)[0] == pytest.approx([0.75, 0.0, 0.25])


def test_nothing_is_taught_without_a_file(tmp_path: Path) -> None:
    assert read_taught(None) == {}
    (tmp_path / "taught.json").write_text('{"meld_train": {"hey": [0.5, 0.5, 0.0]}}')
    assert read_taught(tmp_path / "taught.json")["meld_train"]["hey"] == [0.5, 0.5, 0.0]
