"""What is exported of a clip, and what its targets count."""

from pathlib import Path

import pytest

from audioset_tools.exceptions import UsageError
from audioset_tools.export.examples import read_exported
from audioset_tools.workspace import Workspace
from tests.factories import CLASSES


def test_targets_are_the_classes_of_the_recipe(exportable: Workspace, labels: Path) -> None:
    data = read_exported(exportable, "classes", labels)
    assert (data.target_names, data.target_mids, data.multi_label) == (CLASSES, (), False)
    assert {(one.classes, one.targets) for one in data.examples} == {(("Tone",), (0,)), (("Noise",), (1,))}
    assert data.left_out == {}


def test_targets_are_all_labels_and_those_that_are_none_are_named(
    exportable: Workspace, labels: Path
) -> None:
    data = read_exported(exportable, "mids", labels)
    assert data.target_mids == ("/m/04rlf", "/m/05zppz")
    assert {one.targets for one in data.examples} == {(0,)}
    assert {one.human_labels for one in data.examples} == {("Music", "/m/0l14j_")}
    assert data.left_out == {"/m/0l14j_": 10}


def test_examples_come_by_split_and_key_in_pieces(exportable: Workspace, labels: Path) -> None:
    data = read_exported(exportable, "classes", labels)
    pieces = list(data.chunks(4))
    assert [(split, number) for split, number, _ in pieces] == [
        ("train", 0), ("train", 1), ("validation", 0), ("test", 0),
    ]  # fmt: skip
    assert [one for *_, piece in pieces for one in piece] == list(data.examples)
    for split, of_split in data.splits.items():
        keys = [one.key for one in of_split]
        assert keys == sorted(keys) and {one.split for one in of_split} == {split}


def test_a_segment_and_its_file_are_told(exportable: Workspace, labels: Path) -> None:
    for one in read_exported(exportable, "classes", labels).examples:
        assert one.key == f"{one.ytid}_{one.start_ms}" and one.end_ms == one.start_ms + 10_000
        assert one.path.is_file() and one.path.name == f"Y{one.key}.wav"
        assert len(one.name) == 16 and one.name.isalnum()


def test_there_are_no_other_targets(exportable: Workspace, labels: Path) -> None:
    with pytest.raises(UsageError, match="'words'"):
        read_exported(exportable, "words", labels)
