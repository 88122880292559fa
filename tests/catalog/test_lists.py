"""Official lists are read exactly as they are; a damaged copy is refused with the line and what is wrong.

The reader by columns takes exactly the official form, to the byte, wherever a block of it ends.

`damage.py` reads the same form line by line; neither may take what the other refuses.
"""

import base64
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.catalog import lists
from audioset_tools.catalog.lists import Catalog, describe_damage, read_catalog, read_list
from audioset_tools.catalog.official import GENUINE
from audioset_tools.exceptions import DataMismatch, EnvironmentProblem
from tests.catalog.conftest import Row, render, write_folder, ytid

ROWS: list[Row] = [
    (ytid(0), 0, 10_000, ("/m/09x0r",)),
    (ytid(1), 30_000, 40_000, ("/m/05r5c", "/m/04rlf")),
    (ytid(2), 999_999, 1_009_999, ("/m/0l14j_", "/t/dd00088", "/g/122z_qxw", "/m/085jw", "/m/04szw")),
    (ytid(3), 7, 1_007, ("/m/02hnl",)),
]
TEXT = render(ROWS)
ROW = TEXT.splitlines(keepends=True)[4]

LENIENT = {
    "two-spaces": ROW.replace(", 30", ",  30"),
    "no-space": ROW.replace(", 40", ",40"),
    "four-decimals": ROW.replace("30.000", "30.0000"),
    "two-decimals": ROW.replace("30.000", "030.00"),
    "seven-digits": ROW.replace("30.000", "0000030.000"),
    "nothing-before-the-point": ROW.replace("30.000", ".000"),
    "minus": ROW.replace("30.000", "-3.000"),
    "exponent": ROW.replace("30.000", "3e1.00"),
    "quoted-time": ROW.replace("30.000", '"30.000"').replace(', "/', ", /").replace('"\n', "\n"),
    "fifth-column": ROW.replace("\n", ", 1\n"),
    "quote-moved": ROW.replace('"/m/05r5c', '/m/"05r5c'),
    "space-after-the-quote": ROW.replace('"\n', '" \n'),
    "empty-label": ROW.replace("05r5c,", "05r5c,,"),
    "space-in-the-labels": ROW.replace("05r5c,", "05r5c, "),
}


def read_as_csv(text: str) -> list[tuple[str, float, float, str]]:
    """The rows behind the header, by an independent reader."""
    rows = csv.reader(io.StringIO(text.split("\n", 3)[3]), skipinitialspace=True)
    return [(name, float(start), float(end), labels) for name, start, end, labels in rows]


def read(path: Path) -> list[tuple[str, float, float, str]]:
    """The same by columns."""
    found = read_list(path)
    rows = zip(found.ytid, found.start_ms, found.end_ms, found.labels, strict=True)
    return [
        (name.decode(), start / 1000, end / 1000, found.texts[labels]) for name, start, end, labels in rows
    ]


def sound(raw: bytes) -> bool:
    """The reader by lines finds nothing wrong."""
    return describe_damage(raw) == "the file is not in the form of an AudioSet segment list"


@pytest.mark.parametrize("block", [1, 40, 100, 1_000])
def test_where_a_block_ends_makes_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(TEXT)
    whole = read(path)
    monkeypatch.setattr(lists, "_BLOCK", block)
    assert read(path) == whole == read_as_csv(TEXT)


@pytest.mark.parametrize("kind", LENIENT)
def test_what_a_lenient_reader_would_take_is_refused(tmp_path: Path, kind: str) -> None:
    assert LENIENT[kind] != ROW
    path = tmp_path / "list.csv"
    path.write_text(TEXT.replace(ROW, LENIENT[kind]))
    with pytest.raises(DataMismatch, match="line 5: "):
        read(path)


@given(
    at=st.integers(0, len(TEXT) - 1),
    how=st.sampled_from(["replace", "delete", "insert"]),
    byte=st.one_of(st.sampled_from(b'0129.,"-_ \n\r#\x00'), st.integers(0, 255)),
)
def test_one_wrong_byte_is_refused_or_read_as_it_stands(
    tmp_path_factory: pytest.TempPathFactory, at: int, how: str, byte: int
) -> None:
    raw = bytearray(TEXT.encode())
    raw[at : at + (how != "insert")] = b"" if how == "delete" else bytes([byte])
    path = tmp_path_factory.mktemp("fuzz") / "list.csv"
    path.write_bytes(raw)
    try:
        rows = read(path)
    except DataMismatch as refusal:
        assert not sound(bytes(raw))
        assert "line " in refusal.what
    else:
        assert sound(bytes(raw))
        assert rows == read_as_csv(raw.decode())


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("# Segments", "# S\u00e9gments", 1),
        ("# Segments", "# Segments\r", 1),
        ("num_segs=4", "num_segs=four", 2),
        ("num_segs=4", "num_segs=4444444444", 2),
        ("# YTID, start", "# YTID,start", 3),
        ("# YTID", "YTID", 3),
    ],
)
def test_a_damaged_header_has_its_line_number(tmp_path: Path, old: str, new: str, line: int) -> None:
    assert old in TEXT
    path = tmp_path / "list.csv"
    path.write_bytes(TEXT.replace(old, new).encode())
    with pytest.raises(DataMismatch, match=f"line {line}: "):
        read(path)


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_a_list_that_ends_in_or_behind_its_header_is_refused(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "list.csv"
    path.write_text("".join(TEXT.splitlines(True)[:lines]))
    with pytest.raises(DataMismatch, match="line "):
        read(path)


def test_damage_far_down_a_long_list_has_its_line_number(tmp_path: Path) -> None:
    lines = render((ytid(number), 0, 10_000, ("/m/09x0r",)) for number in range(30_000)).splitlines(True)
    lines[25_000] = lines[25_000].replace(", ", ";", 1)
    path = tmp_path / "list.csv"
    path.write_text("".join(lines))
    assert path.stat().st_size > 2 * lists._BLOCK
    with pytest.raises(DataMismatch, match="line 25001: "):
        read(path)


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


SEGMENT_ROW = lines()[4]
DAMAGED = {
    "empty": ("", "the file is empty"),
    "spreadsheet": (replaced(5, SEGMENT_ROW.replace(SEGMENT_ROW[:11], "#NAME?")), "line 5: a spreadsheet"),
    "lost-quotes": (replaced(5, SEGMENT_ROW.replace('"', "")), "line 5"),
    "half-a-quote": (replaced(5, SEGMENT_ROW[:-2] + "\n"), "line 5: the label list has lost its quotes"),
    "missing-column": (replaced(5, SEGMENT_ROW.replace("30.000, ", "")), "line 5: 4 columns"),
    "no-last-newline": ("".join(lines())[:-1], "line 8: its line end is missing; the row is whole"),
    "cut-in-a-row": ("".join(lines())[:-9], "line 8: the last line is cut off"),
    "cut-at-a-row": ("".join(lines()[:-1]), "line 7: the file ends after 4 rows"),
    "one-row-too-many": ("".join(lines()) + SEGMENT_ROW.replace(SEGMENT_ROW[:11], ytid(77)), "line 9"),
    "no-header": ("".join(lines()[3:]), "line 1: a header line"),
    "lost-header-line": ("".join(lines()[1:]), "line"),
    "integer-times": (
        replaced(5, SEGMENT_ROW.replace(".000", "")),
        "line 5: a time in seconds with three decimals",
    ),
    "windows": ("".join(lines()).replace("\n", "\r\n"), "Windows line ends"),
    "windows-row": (replaced(6, lines()[5].replace("\n", "\r\n")), "line 6: Windows line ends"),
    "path-as-id": (replaced(5, SEGMENT_ROW.replace(SEGMENT_ROW[:11], "../../x")), "line 5: not a video id"),
    "flag-as-id": (replaced(5, SEGMENT_ROW.replace(SEGMENT_ROW[:11], "-rf")), "line 5: not a video id"),
    "short-id": (replaced(5, SEGMENT_ROW.replace(SEGMENT_ROW[:11], "abcdefghiA")), "line 5: not a video id"),
    "long-id": (replaced(5, SEGMENT_ROW.replace(SEGMENT_ROW[:11], "abcdefghijkA")), "line 5: not a video id"),
    "65-bit-id": (
        replaced(5, SEGMENT_ROW.replace(SEGMENT_ROW[:11], "abcdefghijB")),
        "line 5: not a video id",
    ),
    "backwards": (
        replaced(5, SEGMENT_ROW.replace("40.000", "20.000")),
        "line 5: the segment ends before it starts",
    ),
    "no-length": (
        replaced(5, SEGMENT_ROW.replace("40.000", "30.000")),
        "line 5: the segment ends before it starts",
    ),
    "no-labels": (replaced(5, SEGMENT_ROW.replace("/m/05r5c,/m/04rlf", "")), "line 5: not a list of labels"),
    "foreign-label": (replaced(5, SEGMENT_ROW.replace("/m/05r5c", "Piano")), "line 5: not a list of labels"),
    "not-ascii": (replaced(5, SEGMENT_ROW.replace("/m/05r5c", "/m/05ñ5c")), "line 5: not a list of labels"),
    "nul": (replaced(5, SEGMENT_ROW.replace("/m/05r5c", "/m/05\x00r5c")), "line 5: not a list of labels"),
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
    with pytest.raises(EnvironmentProblem, match=r"cannot be read: No such file.*\nSee that its name"):
        read_catalog(tmp_path)
