"""The reader by columns takes exactly the official form, to the byte, wherever a block of it ends.

`damage.py` reads the same form line by line; neither may take what the other refuses.
"""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.catalog import columns
from audioset_tools.catalog.damage import describe_damage
from audioset_tools.catalog.segments import read_list
from audioset_tools.errors import DataMismatch

from .conftest import Row, render, ytid

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
    monkeypatch.setattr(columns, "_BLOCK", block)
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
    assert path.stat().st_size > 2 * columns._BLOCK
    with pytest.raises(DataMismatch, match="line 25001: "):
        read(path)
