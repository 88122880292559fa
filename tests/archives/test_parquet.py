"""Parquet, a row a clip: which columns are understood, what a row group costs, and what is refused."""

import builtins
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.archives import parquet
from audioset_tools.archives.archive import MOST_BYTES, ArchiveError, Entry
from audioset_tools.archives.parquet import Parquet
from audioset_tools.exceptions import EnvironmentProblem
from audioset_tools.installing import install

IDS = [f"abcdefghi{n}A" for n in range(7)]
SOUNDS = [random.Random(n).randbytes(2_000 + n) for n in range(7)]
AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def audio(suffix: str = "flac") -> pa.Array:
    rows = [{"bytes": sound, "path": f"Y{ytid}.{suffix}"} for ytid, sound in zip(IDS, SOUNDS, strict=True)]
    return pa.array(rows, AUDIO)


def written(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **{"row_group_size": 3, **options})
    return path


def read_all(path: Path) -> dict[str, bytes]:
    archive = Parquet(path)
    return {entry.name: archive.read(entry) for entry in archive.index()}


def refusal(read: Callable[[], object]) -> str:
    with pytest.raises(ArchiveError) as caught:
        read()
    return str(caught.value)


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip"])
@pytest.mark.parametrize("use_dictionary", [True, False])
def test_a_mirror_of_audioset_is_read(compression: str, use_dictionary: bool, tmp_path: Path) -> None:
    columns = {"video_id": IDS, "audio": audio(), "labels": [["/m/1"]] * 7, "human_labels": [["Flute"]] * 7}
    options = {"compression": compression, "use_dictionary": use_dictionary, "write_page_checksum": True}
    path = written(tmp_path / "x.parquet", columns, **options)
    assert read_all(path) == {f"Y{ytid}.flac": sound for ytid, sound in zip(IDS, SOUNDS, strict=True)}


COLUMNS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an id and a column of bytes": ({"ytid": IDS, "wav": SOUNDS}, [f"Y{ytid}.wav" for ytid in IDS]),
    "large columns": (
        {"id": pa.array(IDS, pa.large_string()), "bytes": pa.array(SOUNDS, pa.large_binary())},
        [f"Y{ytid}.bytes" for ytid in IDS],
    ),
    "the path alone": ({"audio": audio("wav"), "label": [1] * 7}, [f"Y{ytid}.wav" for ytid in IDS]),
    "a start in seconds": (
        {"video_id": IDS, "start": [30] * 7, "audio": audio()},
        [f"Y{ytid}_30.flac" for ytid in IDS],
    ),
    "both times": (
        {"video_id": IDS, "start_seconds": [30.5] * 7, "end_seconds": [40.5] * 7, "audio": audio()},
        [f"Y{ytid}_30.5_40.5.flac" for ytid in IDS],
    ),
    "a start in the id": (
        {"key": [f"{ytid}_30000" for ytid in IDS], "audio": audio()},
        [f"Y{ytid}_30000.flac" for ytid in IDS],
    ),
    "more than one binary column": (
        {"video_id": IDS, "hash": [b"x"] * 7, "audio": audio()},
        [f"Y{ytid}.flac" for ytid in IDS],
    ),
}


@pytest.mark.parametrize("form", COLUMNS)
def test_other_columns_are_understood(form: str, tmp_path: Path) -> None:
    columns, names = COLUMNS[form]
    assert read_all(written(tmp_path / "x.parquet", columns)) == dict(zip(names, SOUNDS, strict=True))


def test_rows_of_no_video_keep_the_name_of_their_file(tmp_path: Path) -> None:
    rows = [{"bytes": b"1", "path": "a/song.wav"}, {"bytes": b"2"}, None, {}]
    columns = {
        "video_id": ["../../etc/passwd", None, "x" * 5_000, IDS[3]],
        "audio": pa.array(rows, AUDIO),
    }
    path = written(tmp_path / "x.parquet", columns)
    archive = Parquet(path)
    entries = list(archive.index())
    assert [entry.name for entry in entries] == ["song.wav", "audio", "audio", f"Y{IDS[3]}.audio"]
    assert [archive.read(entry) for entry in entries] == [b"1", b"2", b"", b""]


@pytest.mark.parametrize(
    "columns",
    [
        {"video_id": IDS, "labels": [["/m/1"]] * 7},
        {"audio": SOUNDS},
        {"video_id": list(range(7)), "audio": SOUNDS},
        {"video_id": IDS, "audio": [{"samples": [1, 2], "path": "x"}] * 7},
    ],
)
def test_other_tables_are_refused_with_what_they_hold(columns: dict[str, Any], tmp_path: Path) -> None:
    error = refusal(lambda: read_all(written(tmp_path / "x.parquet", columns)))
    assert f"it has no columns of ids and sounds, but {', '.join(columns)}" in error


def test_a_row_group_that_takes_too_much_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "x.parquet", {"video_id": IDS, "audio": audio()}, row_group_size=7)
    archive = Parquet(path)
    entries = list(archive.index())
    monkeypatch.setattr(parquet, "MOST_GROUP_BYTES", 10_000)
    for read in (lambda: list(archive.index()), lambda: archive.read(entries[0])):
        error = refusal(read)
        assert "its row group 0 claims" in error and "row_group_size=100" in error


def test_a_sound_larger_than_a_recording_can_be_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "x.parquet", {"video_id": IDS, "audio": audio()})
    monkeypatch.setattr("audioset_tools.archives.archive.MOST_BYTES", 1_000)
    assert "claims 2,000 bytes" in refusal(lambda: read_all(path))
    assert MOST_BYTES > 1_000


def test_a_place_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    archive = Parquet(written(tmp_path / "x.parquet", {"video_id": IDS, "audio": audio()}))
    for where in ((9, 0), (0, 9), (-1, 0)):
        assert "damaged" in refusal(lambda where=where: archive.read(Entry("Ya.flac", where)))


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet", {"video_id": IDS, "audio": audio()})
    whole = path.read_bytes()
    for content in (b"", b"PAR1", b"x" * 5_000, whole[:-1], whole[: len(whole) // 2]):
        path.write_bytes(content)
        assert "it is damaged, or no parquet" in refusal(lambda: read_all(path))
    with pytest.raises(EnvironmentProblem, match="No such file"):
        read_all(tmp_path / "none.parquet")


def test_a_flipped_bit_is_noticed_where_pages_have_checksums(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet", {"video_id": IDS, "audio": audio()}, write_page_checksum=True)
    raw = bytearray(path.read_bytes())
    raw[raw.index(SOUNDS[1][:50]) + 700] ^= 1
    path.write_bytes(raw)
    archive = Parquet(path)
    assert "damaged" in refusal(lambda: [archive.read(entry) for entry in archive.index()])


def test_without_pyarrow_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "x.parquet", {"video_id": IDS, "audio": audio()})
    whole = builtins.__import__

    def importing(name: str, *words: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "pyarrow":
            raise ImportError(name)
        return whole(name, *words, **named)

    monkeypatch.setattr(builtins, "__import__", importing)
    assert install("archives") in refusal(lambda: read_all(path))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_mutated_file_is_an_error_of_ours_or_gives_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("parquet") / "x.parquet"
    raw = bytearray(written(path, {"video_id": IDS, "audio": audio()}).read_bytes())
    footer = len(raw) - int.from_bytes(raw[-8:-4], "little") - 8
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.one_of(st.integers(0, len(raw) - 1), st.integers(footer, len(raw) - 1)))
        raw[at] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    archive = Parquet(path)
    entries: list[Entry] = []
    with suppress(ArchiveError):
        entries.extend(archive.index())
    for entry in entries[:20]:
        with suppress(ArchiveError):
            assert len(archive.read(entry)) <= MOST_BYTES
