"""Official lists are read exactly as they are; a damaged copy is refused with the line and what is wrong."""

import base64
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.catalog.damage import describe_damage
from audioset_tools.catalog.official import GENUINE
from audioset_tools.catalog.segments import Catalog, read_catalog
from audioset_tools.errors import DataMismatch

from .conftest import Row, render, write_folder, ytid

MIDS = ["/m/05r5c", "/m/02hnl", "/m/0l14j_", "/m/04rlf", "/t/dd00088", "/m/09x0r", "/g/122z_qxw"]

rows_of_a_list = st.lists(
    st.tuples(
        st.integers(0, 10**6).map(ytid),
        st.integers(0, 999_000),
        st.integers(1, 10_000),
        st.lists(st.sampled_from(MIDS), min_size=1, max_size=6, unique=True).map(tuple),
    ).map(lambda row: (row[0], row[1], row[1] + row[2], row[3])),
    min_size=1,
    max_size=40,
    unique_by=lambda row: row[0],
)

GOOD = [(ytid(number), 30_000, 40_000, ("/m/05r5c", "/m/04rlf")) for number in range(5)]


@given(rows_of_a_list)
def test_a_list_is_read_as_the_csv_module_reads_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    text = render(rows)
    folder = write_folder(tmp_path_factory.mktemp("lists"), {"balanced_train": rows})
    catalog = read_catalog(folder)
    expected = list(csv.reader(io.StringIO(text.split("\n", 3)[3]), skipinitialspace=True))
    for number, (name, start, end, labels) in enumerate(expected):
        segment = catalog.segment(number)
        assert segment.ytid == name
        assert (segment.start_ms, segment.end_ms) == (round(float(start) * 1000), round(float(end) * 1000))
        assert segment.mids == frozenset(labels.split(","))
        assert segment.subset == "balanced_train"
        assert int(catalog.ytid_bits[number]).to_bytes(8, "big") == base64.urlsafe_b64decode(name + "=")
    assert len(catalog) == len(expected) + 2
    assert list(catalog.find(rows[0][0])) == [0]


def lines() -> list[str]:
    return render(GOOD).splitlines(keepends=True)


def replaced(number: int, line: str) -> str:
    """The good list with one line, counted from 1, replaced."""
    damaged = lines()
    damaged[number - 1] = line
    return "".join(damaged)


ROW = lines()[4]
DAMAGED = {
    "empty": ("", "the file is empty"),
    "spreadsheet": (replaced(5, ROW.replace(ROW[:11], "#NAME?")), "line 5: a spreadsheet"),
    "lost-quotes": (replaced(5, ROW.replace('"', "")), "line 5"),
    "half-a-quote": (replaced(5, ROW[:-2] + "\n"), "line 5: the label list has lost its quotes"),
    "missing-column": (replaced(5, ROW.replace("30.000, ", "")), "line 5: 4 columns"),
    "cut-in-a-row": ("".join(lines())[:-9], "line 8: the last line is cut off"),
    "cut-at-a-row": ("".join(lines()[:-1]), "line 7: the file ends after 4 rows"),
    "one-row-too-many": ("".join(lines()) + ROW.replace(ROW[:11], ytid(77)), "line 9"),
    "no-header": ("".join(lines()[3:]), "line 1: a header line"),
    "lost-header-line": ("".join(lines()[1:]), "line"),
    "integer-times": (replaced(5, ROW.replace(".000", "")), "line 5: a time in seconds with three decimals"),
    "windows": ("".join(lines()).replace("\n", "\r\n"), "Windows line ends"),
    "windows-row": (replaced(6, lines()[5].replace("\n", "\r\n")), "line 6: Windows line ends"),
    "path-as-id": (replaced(5, ROW.replace(ROW[:11], "../../x")), "line 5: not a video id"),
    "flag-as-id": (replaced(5, ROW.replace(ROW[:11], "-rf")), "line 5: not a video id"),
    "short-id": (replaced(5, ROW.replace(ROW[:11], "abcdefghiA")), "line 5: not a video id"),
    "long-id": (replaced(5, ROW.replace(ROW[:11], "abcdefghijkA")), "line 5: not a video id"),
    "65-bit-id": (replaced(5, ROW.replace(ROW[:11], "abcdefghijB")), "line 5: not a video id"),
    "backwards": (replaced(5, ROW.replace("40.000", "20.000")), "line 5: the segment ends before it starts"),
    "no-length": (replaced(5, ROW.replace("40.000", "30.000")), "line 5: the segment ends before it starts"),
    "no-labels": (replaced(5, ROW.replace("/m/05r5c,/m/04rlf", "")), "line 5: not a list of labels"),
    "foreign-label": (replaced(5, ROW.replace("/m/05r5c", "Piano")), "line 5: not a list of labels"),
    "not-ascii": (replaced(5, ROW.replace("/m/05r5c", "/m/05ñ5c")), "line 5: not a list of labels"),
    "nul": (replaced(5, ROW.replace("/m/05r5c", "/m/05\x00r5c")), "line 5: not a list of labels"),
    "blank-line": (replaced(5, "\n"), "line 5: 4 columns"),
    "json": ('[{"id": "/m/0dgw9r"}]\n', "line 1: a header line"),
    "html": ("<!DOCTYPE html>\n<html>\n</html>\n", "line 1: a header line"),
    "class-labels": ('index,mid,display_name\n0,/m/09x0r,"Speech"\n', "line 1: a header line"),
}


def read_with(folder: Path, balanced: bytes) -> Catalog:
    """Read three lists of which the first has the given bytes."""
    write_folder(folder, {})
    (folder / "balanced_train_segments.csv").write_bytes(balanced)
    return read_catalog(folder)


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_list_is_refused_with_the_line_and_what_is_wrong(tmp_path: Path, kind: str) -> None:
    text, said = DAMAGED[kind]
    with pytest.raises(DataMismatch) as caught:
        read_with(tmp_path, text.encode())
    assert str(tmp_path / "balanced_train_segments.csv") in caught.value.what
    assert said in caught.value.what
    assert caught.value.remedy == GENUINE


def test_binary_rubbish_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataMismatch, match="line 1"):
        read_with(tmp_path, b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10)


@given(data=st.data())
def test_one_wrong_byte_is_refused_or_makes_another_official_list(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    raw = bytearray(render(GOOD).encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    how = data.draw(st.sampled_from(["flip", "delete", "insert"]))
    byte = data.draw(st.integers(0, 255))
    if how == "flip":
        raw[at] = byte
    elif how == "delete":
        del raw[at]
    else:
        raw.insert(at, byte)
    # The reader that goes line by line finds nothing wrong: only then may the fast one accept.
    official = describe_damage(bytes(raw)) == "the file is not in the form of an AudioSet segment list"
    try:
        catalog = read_with(tmp_path_factory.mktemp("fuzz"), bytes(raw))
    except DataMismatch as error:
        assert not official or "occurs twice" in error.what
    else:
        assert official
        assert len(catalog) == len(GOOD) + 2


def test_a_segment_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"balanced_train": GOOD, "eval": GOOD[2:3]})
    with pytest.raises(DataMismatch, match="occurs twice"):
        read_catalog(folder)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    write_folder(tmp_path, {})
    (tmp_path / "eval_segments.csv").unlink()
    with pytest.raises(DataMismatch, match="cannot be read"):
        read_catalog(tmp_path)
