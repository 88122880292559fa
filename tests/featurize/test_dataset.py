"""dataset.csv: what is written is read, what is damaged is refused with its line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from audioset_tools.errors import DataMismatch
from audioset_tools.featurize.dataset import read_dataset, write_dataset
from audioset_tools.featurize.split import Placement

PLACEMENTS = (
    Placement("-abc_0", "Piano", ("Flute", "Voice"), "train", "clips/Piano/Y-abc_0.wav", "0" * 64),
    Placement("d_f_1000", 'Drums, "big"', (), "test", "clips/Drums/Yd_f_1000.wav", "1" * 64),
)


def test_round_trip(tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset.csv", PLACEMENTS)
    assert read_dataset(tmp_path / "dataset.csv") == list(PLACEMENTS)
    head, first, *_ = (tmp_path / "dataset.csv").read_text().splitlines()
    assert head == "key,class,also,split,path,sha256"
    assert first.startswith("-abc_0,Piano,Flute;Voice,train,")


def test_no_file_means_nothing_is_frozen(tmp_path: Path) -> None:
    assert read_dataset(tmp_path / "dataset.csv") == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-20], "cut off"),
        (lambda text: "", "cut off"),
        (lambda text: text.replace("class", "klass"), "line 1: the columns"),
        (lambda text: text.replace(",train,", ",tain,"), "line 2: no such split: 'tain'"),
        (lambda text: text.replace(",train,", ","), "line 2: 5 fields"),
        (lambda text: text.replace("1" * 64, "#NAME?"), "line 3: no sha256"),
        (lambda text: text.replace("d_f_1000,", ",", 1), "line 3: an empty field"),
        (lambda text: text + text.splitlines()[1] + "\n", "line 4: clip -abc_0 stands there twice"),
        (lambda text: text.replace("Piano", '"' + "x" * 200_000), "no CSV text: field larger"),
    ],
)
def test_damage_is_refused(tmp_path: Path, damage: Callable[[str], str], message: str) -> None:
    path = tmp_path / "dataset.csv"
    write_dataset(path, PLACEMENTS)
    path.write_text(damage(path.read_text()))
    with pytest.raises(DataMismatch, match=message):
        read_dataset(path)


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset.csv").write_bytes(b"\x89HDF\xff\xfe\n")
    with pytest.raises(DataMismatch, match="no CSV text"):
        read_dataset(tmp_path / "dataset.csv")
