"""Timelines in words."""

import csv
from pathlib import Path

import numpy as np

from audioset_tools.predict.summary import csv_of, headline, recording_row, recordings_table
from tests.predict.conftest import heard


def test_names_are_told_without_what_a_terminal_would_obey() -> None:
    assert "\n" not in headline(heard((1, 0, 0)))
    assert "\n" not in recording_row(heard((1, 0, 0)))[0]


def test_recordings_of_one_folder_are_told_without_it() -> None:
    row = ("0:10", "Piano", "0.62", "Piano 100 %")
    table = recordings_table([("my/songs/a.mp3", *row), ("my/songs/live/b.mp3", *row)])
    assert table.title == "2 recordings in my/songs"
    assert [name for name, *_ in table.rows] == ["a.mp3", "live/b.mp3"]
    for paths in (("a.mp3", "b.mp3"), ("a/c.mp3", "b/c.mp3"), ("/a/c.mp3", "b/c.mp3"), ("/c.mp3", "/d.mp3")):
        table = recordings_table([(path, *row) for path in paths])
        assert table.title == "2 recordings" and tuple(name for name, *_ in table.rows) == paths


def test_a_csv_has_a_row_for_each_window_and_nothing_of_silence(tmp_path: Path) -> None:
    with csv_of(tmp_path / "out.csv", ("Piano", "Drums", "Flute")) as write:
        write(heard((0.8, 0.6, 0.1), (np.nan, np.nan, np.nan), multi_label=True))
        write(heard((0.4, 0.3, 0.3), unsure_below=0.5))
    with (tmp_path / "out.csv").open(newline="") as handle:
        rows = list(csv.reader(handle))
    assert rows == [
        ["path", "start_s", "end_s", "predicted", "Piano", "Drums", "Flute"],
        [r"a/b\n.wav", "0.000", "10.000", "Piano;Drums", "0.800000", "0.600000", "0.100000"],
        [r"a/b\n.wav", "10.000", "20.000", "", "", "", ""],
        [r"a/b\n.wav", "0.000", "10.000", "unsure", "0.400000", "0.300000", "0.300000"],
    ]
    with csv_of(None, ()) as write:
        write(heard((1, 0, 0)))
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
