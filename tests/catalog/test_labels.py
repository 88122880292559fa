"""AudioSet's label file is read as it is, and a foreign one in its place is refused."""

from pathlib import Path

import pytest

from audioset_tools.catalog.labels import find_labels, read_labels
from audioset_tools.exceptions import DataMismatch, UsageError

GENUINE = Path(__file__).parents[3] / "shared" / "audioset"
HEADER = "index,mid,display_name\n"


def test_names_hold_commas_and_the_order_is_the_files(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(HEADER + '0,/m/2,"B, or not"\r\n1,/m/1,A\n')
    labels = read_labels(tmp_path / "labels.csv")
    assert (labels.mids, labels.names) == (("/m/2", "/m/1"), ("B, or not", "A"))
    assert (labels.index["/m/1"], labels.name("/m/2"), labels.name("/m/3")) == (1, "B, or not", "/m/3")


@pytest.mark.parametrize(
    "text",
    ["", "mid,index\n", HEADER, HEADER + "1,/m/1,A\n", HEADER + "0,/m/1\n", HEADER + "0,/m/1,A\n1,/m/1,A\n"],
)
def test_a_foreign_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(DataMismatch):
        read_labels(tmp_path / "labels.csv")


def test_nothing_is_downloaded_into_a_folder_that_was_given(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="class_labels_indices"):
        find_labels(tmp_path, tmp_path / "workspace")


@pytest.mark.skipif(not GENUINE.exists(), reason="the genuine lists are not here")
def test_the_genuine_file_has_527_labels(tmp_path: Path) -> None:
    labels = find_labels(GENUINE, tmp_path)
    assert (len(labels.mids), labels.name("/m/09x0r"), labels.index["/m/09x0r"]) == (527, "Speech", 0)
