"""dataset.csv: what is written is read, what is damaged is refused with its line."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch
from audioset_tools.shards.dataset import read_dataset, write_dataset
from audioset_tools.shards.placements import Placement

PLACEMENTS = (
    Placement(
        *("-abcdefghiA_0", "Piano", ("Flute", "Voice"), "train", "clips/Piano/Y-abcdefghiA_0.wav", "0" * 64),
        labels=("/m/05r5c", "/m/0l14j_"),
        group="gabcdefgh27",
    ),
    Placement("d_f_1000", 'Drums, "big"', (), "test", "clips/Drums/Yd_f_1000.wav", "1" * 64),
)


def test_round_trip(tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset.csv", PLACEMENTS)
    assert read_dataset(tmp_path / "dataset.csv") == list(PLACEMENTS)
    head, first, *_ = (tmp_path / "dataset.csv").read_text().splitlines()
    assert head == "key,class,also,split,path,sha256,labels,group"
    assert first.startswith("-abcdefghiA_0,Piano,Flute;Voice,train,") and first.endswith(
        ",/m/05r5c;/m/0l14j_,gabcdefgh27"
    )


def test_a_file_of_before_there_were_groups_is_read(tmp_path: Path) -> None:
    path = tmp_path / "dataset.csv"
    write_dataset(path, PLACEMENTS)
    before = [line.rpartition(",")[0] for line in path.read_text().splitlines()]
    path.write_text("\n".join(before) + "\n")
    assert read_dataset(path) == [replace(one, group="") for one in PLACEMENTS]


def test_names_that_would_act_come_back_and_are_not_there(tmp_path: Path) -> None:
    names = ("=cmd|' /C calc'!A0", ("-Voice", "\u202e\x1b[31m"))
    hostile = [Placement("e_f_1000", *names, "test", "=x\udcff\n.wav", "2" * 64)]
    write_dataset(tmp_path / "dataset.csv", hostile)
    assert read_dataset(tmp_path / "dataset.csv") == hostile
    written = (tmp_path / "dataset.csv").read_text()
    assert written.count("\n") == 2 and ",'=cmd" in written and "\x1b" not in written


def test_no_file_means_nothing_is_frozen(tmp_path: Path) -> None:
    assert read_dataset(tmp_path / "dataset.csv") == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-20], "cut off"),
        (lambda text: "", "cut off"),
        (lambda text: text.replace("class", "klass"), "line 1: the columns"),
        (lambda text: text.replace(",train,", ",tain,"), "line 2: no such split: 'tain'"),
        (lambda text: text.replace(",train,", ","), "line 2: 7 fields"),
        (lambda text: text.replace("1" * 64, "#NAME?"), "line 3: no sha256"),
        (lambda text: text.replace("d_f_1000,", ",", 1), "line 3: an empty field"),
        (lambda text: text + text.splitlines()[1] + "\n", "line 4: clip -abcdefghiA_0 stands there twice"),
        (lambda text: text.replace(",gabcdefgh27", ",a group"), "line 2: no group: 'a group'"),
        (lambda text: text.replace("Piano", '"' + "x" * 200_000), "this is no row of a CSV: field larger"),
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
    with pytest.raises(DataMismatch, match="line 1: this is no UTF-8 text"):
        read_dataset(tmp_path / "dataset.csv")


def test_the_line_of_a_damaged_row_is_told_among_many(tmp_path: Path) -> None:
    """They are looked at many at a time, and one by one where something is wrong."""
    path = tmp_path / "dataset.csv"
    many = [replace(PLACEMENTS[1], key=f"{n:010}A_0", path=f"clips/Y{n:010}A_0.wav") for n in range(700)]
    write_dataset(path, many)
    assert read_dataset(path) == many
    lines = path.read_text().splitlines(keepends=True)
    for line, damaged, said in (
        (601, lines[600].replace("1" * 64, "2" * 63), "no sha256"),
        (3, lines[2].replace(",test,", ",,"), "an empty field"),
        (257, lines[256].replace(",test,", ",te,st,"), "9 fields instead of 8"),
        (701, lines[699], "clip 0000000698A_0 stands there twice"),
    ):
        path.write_text("".join([*lines[: line - 1], damaged, *lines[line:]]))
        with pytest.raises(DataMismatch, match=f"line {line}: {said}"):
            read_dataset(path)
