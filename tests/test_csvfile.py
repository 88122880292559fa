"""Tables come back as they were written, and a damaged one is refused by its line."""

import csv
import io
import os
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import audioset_tools
from audioset_tools.csvfile import (
    csv_beside,
    csv_cells,
    csv_columns,
    csv_text,
    parse_csv,
    read_csv,
    write_csv,
    write_lines,
)
from audioset_tools.exceptions import DataMismatch, EnvironmentProblem
from audioset_tools.types import KEY, YTID

# All that a text can be, and more often what spreadsheets, terminals or our own rule take for something else.
SIGNS = "=+-@'; ;\\nxu19afUt\t\r\n\0\x1b\"\u202e\uff1d\u3000\udcff\ud800"
CELLS = st.text(st.sampled_from(SIGNS), max_size=12) | st.text(st.characters()) | st.from_regex(KEY)


@given(st.lists(st.fixed_dictionaries({"a": CELLS, "b": CELLS}).filter(lambda row: any(row.values()))), CELLS)
def test_a_csv_is_read_as_it_was_written_and_holds_nothing_that_acts(
    rows: list[dict[str, str]], name: str
) -> None:
    rows = [{f"a{name}": row["a"], "b": row["b"]} for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        columns = [f"a{name}", "b"]
        assert write_csv(path, columns, (row.values() for row in rows)) == len(rows)
        assert read_csv(path, columns, dict, "") == rows
        assert csv_columns(path, "") == (*columns,)
        text = path.read_bytes().decode()
    assert all(sign.isprintable() or sign == "\n" for sign in text)
    # Whether it is opened with commas between the cells, or with semicolons.
    for cell in (part for row in csv.reader(io.StringIO(text)) for text in row for part in text.split(";")):
        begins = unicodedata.normalize("NFKC", cell.lstrip()[:1])
        assert (
            begins not in tuple("=+-@\u2212") or KEY.fullmatch(cell) or YTID.fullmatch(cell) or number(cell)
        )


PLAIN = st.text(st.sampled_from("-abcXYZ019_./"), max_size=12)


@given(st.lists(st.tuples(CELLS, PLAIN, PLAIN, st.just("a")), max_size=5))
def test_cells_that_are_put_into_lines_by_hand_are_those_of_a_writer(
    rows: list[tuple[str, str, str, str]],
) -> None:
    columns = [csv_cells([*column]) for column in zip(*rows, strict=True)]
    lines = [",".join(cells) + "\n" for cells in zip(*columns, strict=True)]
    assert "h,e,a,d\n" + "".join(lines) == csv_text(["h", "e", "a", "d"], rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        write_lines(path, ["h", "=e", "a", "d"], lines)
        assert [tuple(row.values()) for row in read_csv(path, ["h", "=e", "a", "d"], dict, "")] == rows


def number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("-_cdefghijA_3000", "-_cdefghijA_3000"), ("-0SdAVK79lg", "-0SdAVK79lg"),
        ("-0SdAVK79lh", "'-0SdAVK79lh"), ("-1.5e-07", "-1.5e-07"), (-1, "-1"), (float("-inf"), "-inf"),
        ("-1+cmd", "'-1+cmd"), ("=1+1", "'=1+1"), ("  =1", "'  =1"), ("\uff1d1", "'\uff1d1"),
        ("\u3000=1", r"\u3000=1"), ("'=1", "''=1"), ("'tis", "'tis"), ("Piano;=1;-5", "Piano;'=1;-5"),
        ("\t=1", r"\t=1"), ("\r", r"\r"), ("a\nb\x1b[31m", r"a\nb\x1b[31m"), ("\udcff.wav", r"\udcff.wav"),
        ("a\\b", "a\\b"), (r"C:\new", r"C:\\new"), ("", ""), (None, ""), (Path("=x"), "'=x"),
    ],
)  # fmt: skip
def test_the_rule_by_which_a_cell_is_written(tmp_path: Path, cell: object, written: str) -> None:
    write_csv(tmp_path / "t.csv", ["a", "b"], [[cell, "end"]])
    with (tmp_path / "t.csv").open(newline="") as handle:
        assert list(csv.reader(handle))[1][0] == written


def test_every_sign_that_begins_a_formula_is_known(tmp_path: Path) -> None:
    signs = [
        sign
        for sign in map(chr, range(0x110000))
        if (sign > "\x7f" or sign in "=+-@")
        and unicodedata.normalize("NFKC", sign)[:1] in tuple("=+-@\u2212")
    ]
    write_csv(tmp_path / "t.csv", ["a"], [[f"{sign}x"] for sign in signs])
    assert all(line[0] == "'" for line in (tmp_path / "t.csv").read_text().splitlines()[1:])


def test_there_is_no_other_writer_of_tables() -> None:
    package = Path(audioset_tools.__file__).parent
    texts = {path: path.read_text() for path in package.rglob("*.py")}
    assert [path for path, text in texts.items() if "to_csv" in text or "csv.writer(" in text] == [
        package / "csvfile.py"
    ]


def test_a_csv_that_breaks_off_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), csv_beside(tmp_path / "t.csv", ["a"]) as write_row:
        write_row(["1"])
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def odd(row: dict[str, str]) -> dict[str, str]:
    if row["a"] == "odd":
        raise ValueError("it is odd")
    return row


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "t, line 1: the columns are not a,b"),
        (b"a,b,c\n", "t, line 1: the columns are not a,b but 'a,b,c'"),
        (b"a,b\n1\n", "t, line 2: 1 fields instead of 2"),
        (b"a,b\n1,2\nodd,2\n", "t, line 3: it is odd"),
        (b'a,b\n"1\n2",3\nodd,2\n', "t, line 4: it is odd"),
        (b"a,b\n1,\xff\n", "t, line 2: this is no UTF-8 text"),
        (b'a,b\n1,"2\n', "t, line 2: this is no row of a CSV"),
    ],
)
def test_a_damaged_csv_says_in_which_line(content: bytes, said: str) -> None:
    with pytest.raises(DataMismatch) as caught:
        parse_csv(content, "t", ["a", "b"], odd, "Mend it.")
    assert caught.value.what.startswith(said) and caught.value.remedy == "Mend it."


def test_spreadsheets_ways_are_understood_and_further_columns_where_they_may_be() -> None:
    content = "\ufeffa,b,c\r\n1,2,3\r\n\r\n".encode()
    assert parse_csv(content, "t", ["a", "b"], dict, "", further=True) == [{"a": "1", "b": "2", "c": "3"}]
    with pytest.raises(DataMismatch, match="the columns are not"):
        parse_csv(b"a,b,b\n", "t", ["a", "b"], dict, "", further=True)


def test_a_file_that_is_missing_or_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataMismatch, match="is missing"):
        read_csv(tmp_path / "none", ["a"], dict, "")
    with pytest.raises(EnvironmentProblem, match="cannot be read"):
        read_csv(tmp_path, ["a"], dict, "")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(EnvironmentProblem, match="it is no regular file"):
        read_csv(tmp_path / "pipe", ["a"], dict, "")
