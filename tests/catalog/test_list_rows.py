"""Rows of lists: the forms people have, and each way in which a row can be wrong, with its line."""

import os
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.catalog import list_rows
from audioset_tools.catalog.list_rows import ListRow, open_list, parse_row
from audioset_tools.exceptions import DataMismatch, UsageError

A, B = "--PJHxphWEs", "---g-f_I2yQ"


def rows(path: Path, content: str | bytes) -> tuple[str, list[ListRow]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    opened = open_list(path)
    return opened.form, list(opened.rows)


FORMS = {
    "AudioSet-Strong": (
        "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
        f"{A}_30000\t0.000\t6.732\t/m/09x0r\n{A}_30000\t6.9\t10.000\t/m/068hy\n",
        [
            ListRow(2, A, 30_000, 40_000, ("/m/09x0r",)),
            ListRow(3, A, 30_000, 40_000, ("/m/068hy",)),
        ],
    ),
    "VGGSound": (
        f'{B},1,"people marching",test\n{A},30,"playing steel guitar, slide guitar",train\n',
        [
            ListRow(1, B, 1_000, 11_000, ("people marching",), split="test"),
            ListRow(2, A, 30_000, 40_000, ("playing steel guitar, slide guitar",), split="train"),
        ],
    ),
    "AudioCaps": (
        f"audiocap_id,youtube_id,start_time,caption\n91139,{A},130,A woman talks; water pours\n",
        [ListRow(2, A, 130_000, 140_000)],
    ),
    "MusicCaps": (
        "ytid,start_s,end_s,audioset_positive_labels,aspect_list,caption,author_id,is_balanced_subset,"
        f'is_audioset_eval\n{A},30,40,"/m/0140xf,/m/02cjck","[\'low quality\']","It, too.",4,False,True\n',
        [ListRow(2, A, 30_000, 40_000, (), ("/m/0140xf", "/m/02cjck"))],
    ),
    "AudioSet": (
        "# Segments csv created Sun Mar  5 10:54:25 2017\n# num_ytids=1, num_segs=1\n"
        f'# YTID, start_seconds, end_seconds, positive_labels\n{A}, 30.000, 40.000, "/m/09x0r,/t/dd00088"\n',
        [ListRow(4, A, 30_000, 40_000, (), ("/m/09x0r", "/t/dd00088"))],
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_that_many_have_are_known(tmp_path: Path, form: str) -> None:
    content, expected = FORMS[form]
    assert rows(tmp_path / "a list.csv", content) == (form, expected)


def test_a_table_of_our_own_is_a_list(tmp_path: Path) -> None:
    dataset = (
        f"key,class,also,split,path,sha256,labels\n{A}_30000,Piano,Flute,test,clips/x.wav,aa,/m/05r5c;/m/0x\n"
    )
    _, (row,) = rows(tmp_path / "dataset.csv", dataset)
    labels = ("/m/05r5c", "/m/0x")
    assert row == ListRow(2, A, 30_000, 40_000, ("Piano", "Flute"), labels, "test", "Piano")
    candidates = (
        f"key,ytid,start_ms,end_ms,class,also,tier,rank,subset\n{A}_30000,{A},30000,39000,Piano,,3,0,eval\n"
    )
    _, (row,) = rows(tmp_path / "candidates.csv", candidates)
    assert row == ListRow(2, A, 30_000, 39_000, ("Piano",), drawn_for="Piano")


def test_ids_are_taken_in_any_form(tmp_path: Path) -> None:
    address = "youtube.com/watch?v="
    forms = [f"Y{A}", f"{A}_30000", f"a/Y{A}_30000.wav", f"https://youtu.be/{A}?t=9", f"{address}{A}"]
    table = "".join(f"{form},30\n" for form in forms)
    _, found = rows(tmp_path / "ids.csv", f"ytid,start\n{table}")
    assert {(row.ytid, row.start_ms) for row in found} == {(A, 30_000)}
    _, (row,) = rows(tmp_path / "keys.csv", f"key\nclips/Y{A}_7.wav\n")
    assert (row.ytid, row.start_ms) == (A, 7)
    with pytest.raises(DataMismatch, match="no segment, such as"):
        rows(tmp_path / "keys.csv", f"key\nhttps://youtu.be/{A}\n")


def test_a_spreadsheets_ways_are_understood(tmp_path: Path) -> None:
    content = f"\ufeffYouTube_ID ,Start,End,Label,Split\r\n\r\n{A},30.5,,Rain,Val\r\n".encode()
    _, found = rows(tmp_path / "list.csv", content)
    assert found == [ListRow(3, A, 30_500, 40_500, ("Rain",), split="validation")]


def test_a_group_is_any_text_that_can_be_printed(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    _, found = rows(path, f'key,Group\n{A}_1000," tape 7, side B "\n{B}_2000,\n')
    assert [row.group for row in found] == ["tape 7, side B", ""]
    for bad in ("x" * 201, "tape\x1b[2J", "a\u202eb"):
        with pytest.raises(DataMismatch, match=r"line 2: no name of a group"):
            rows(path, f"key,group\n{A}_1000,{bad}\n")


@pytest.mark.parametrize(
    ("row", "trouble"),
    [
        (f"{A},30,45,Rain,train", "15 s, where a clip has ten: end it earlier, or make two rows"),
        (f"{A},30,30,Rain,train", "the segment ends at 30 s and begins at 30 s"),
        (f"{A},30,20,Rain,train", "ends at 20 s"),
        (f"{A},-1,9,Rain,train", "the start is no number of seconds: '-1'"),
        (f"{A},1e3,,Rain,train", "the start is no number of seconds: '1e3'"),
        (f"{A},nan,,Rain,train", "no number of seconds"),
        (f"{A},{'9' * 5000},,Rain,train", "no number of seconds"),
        (f"{A},٣,,Rain,train", "no number of seconds"),
        (f"{A},,40,Rain,train", "the start is missing"),
        ("#NAME?,30,40,Rain,train", "a spreadsheet has replaced the id by an error value: '#NAME?'"),
        ("../../../etc,30,40,Rain,train", "not a video id"),
        (f"{A}_20000,30,40,Rain,train", "the start is 30 s, and by the name of the clip 20 s"),
        (f"{A},30,40,,train", "the class is missing"),
        (f"{A},30,40,Rain,dev7", "no such split: 'dev7'; it is train, validation or test"),
        (f"{A},30,40,Rain", "4 fields instead of 5"),
        (f'{A},30,40,"Rain\x1b[2J",train', "a control character"),
        (f'{A},30,40,"=cmd()",train', "a spreadsheet would take this for a formula"),
        (f"{A},30,40,{'x' * 5000},train", "a text of 5,000 characters"),
        (f'{A},30,40,"Rain', "no row of a CSV"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(tmp_path: Path, row: str, trouble: str) -> None:
    with pytest.raises(DataMismatch) as refused:
        rows(tmp_path / "list.csv", f"ytid,start,end,class,split\n{B},1,2,Rain,test\n{row}\n")
    assert trouble in refused.value.what and "list.csv, line 3: " in refused.value.what


@pytest.mark.parametrize(
    ("header", "trouble"),
    [
        ("a,b,c", "no columns ytid,start"),
        ("ytid,end", "no columns ytid,start"),
        ("ytid,start,ytid", "two columns have one name"),
        ("ytid,start,label,class", "label and class both say the class"),
        ("segment_id,start_time_seconds,label,present", "what is not to be heard"),
        ("", "no columns"),
        (f"{A},30", "no columns"),
    ],
)
def test_a_header_that_says_too_little_or_too_much_is_refused(
    tmp_path: Path, header: str, trouble: str
) -> None:
    with pytest.raises(DataMismatch, match=trouble):
        rows(tmp_path / "list.csv", f"{header}\n")


def test_what_is_no_file_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, trouble in (
        (tmp_path / "pipe", "is no file"),
        (tmp_path, "is no file"),
        (Path("/dev/zero"), "no file"),
    ):
        with pytest.raises(UsageError, match=trouble):
            open_list(path)
    with pytest.raises(UsageError, match="there is no list"):
        open_list(tmp_path / "nowhere.csv")
    monkeypatch.setattr(list_rows, "MOST_BYTES", 10)
    with pytest.raises(DataMismatch, match="bytes: more than 10"):
        rows(tmp_path / "large.csv", "x" * 11)


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(DataMismatch, match="line 2: this is no UTF-8"):
        rows(tmp_path / "list.csv", b"ytid,start\n\xff\xfe,1\n")


def test_more_rows_than_any_list_has_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_rows, "MOST_ROWS", 2)
    with pytest.raises(DataMismatch, match="more than 2 rows"):
        rows(tmp_path / "list.csv", "ytid,start\n" + f"{A},1\n" * 3)


@given(st.dictionaries(st.sampled_from(sorted(list_rows._MEANING)), st.text(max_size=30)))
def test_any_row_is_a_segment_or_refused(fields: dict[str, str]) -> None:
    fields = {"ytid": "", **fields}
    try:
        row = parse_row(1, fields)
    except ValueError:
        return
    assert 100 <= row.end_ms - row.start_ms <= 10_000


@given(st.binary(max_size=300))
def test_any_bytes_are_a_list_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "list"
    for begins in (b"", b"ytid,start\n", b"PAR1"):
        try:
            rows(path, begins + content)
        except DataMismatch:
            continue


pyarrow = pytest.importorskip("pyarrow")


def parquet(path: Path, **columns: list[object]) -> Path:
    from pyarrow.parquet import write_table

    write_table(pyarrow.table(columns), path, compression="zstd")
    return path


def test_a_parquet_file_says_the_same_as_a_csv(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "list",
        video_id=[A, B],
        start_time=[30.0, 1.5],
        end_time=[None, 9.25],
        label=["Rain", "Wind"],
        labels=[["/m/06mb1", "/m/03m9d0z"], []],
        audio=[b"x" * 100_000, b""],
    )
    assert list(open_list(path).rows) == [
        ListRow(1, A, 30_000, 40_000, ("Rain",), ("/m/06mb1", "/m/03m9d0z")),
        ListRow(2, B, 1_500, 9_250, ("Wind",)),
    ]


def test_a_parquet_file_that_unpacks_to_more_than_a_list_is_refused(tmp_path: Path) -> None:
    bomb = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 100_000), ["x" * 1_000_000])
    path = parquet(tmp_path / "bomb", ytid=[A] * 100_000, start=[1] * 100_000, label=bomb)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(DataMismatch, match="texts too long"):
        list(open_list(path).rows)


def test_damaged_parquet_files_and_wrong_rows_are_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "list", ytid=[A, "nobody"], start=[1, 2])
    with pytest.raises(DataMismatch, match="row 2: not a video id: 'nobody'"):
        list(open_list(path).rows)
    for cut in (100, 5):
        path.write_bytes(path.read_bytes()[:-cut])
        with pytest.raises(DataMismatch, match="no parquet file"):
            open_list(path)
    with pytest.raises(DataMismatch, match="no columns"):
        open_list(parquet(tmp_path / "other", video_id=[A], audio=[b""]))


def test_a_damaged_parquet_file_ends_in_an_error_and_not_in_the_end_of_the_process(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "list", ytid=[A, B], start=[1, 2], label=["a", "b"], labels=[["/m/x"], ["/m/y"]]
    )
    whole, rng = path.read_bytes(), random.Random(1)
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(rng.choice((1, 1, 2, 5))):
            content[rng.randrange(4, len(content))] = rng.randrange(256)
        path.write_bytes(content)
        with suppress(DataMismatch):
            list(open_list(path).rows)
