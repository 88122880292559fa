"""A folder: what is found in it, in which order, and what archives that are no good cost."""

import io
import os
import random
import tarfile
import zipfile
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audioset_tools.archives import folder as folder_module
from audioset_tools.archives.archive import ArchiveError, Entry
from audioset_tools.archives.folder import Folder
from audioset_tools.archives.parquet import Parquet
from audioset_tools.exceptions import EnvironmentProblem
from audioset_tools.types import Progress

ID = "-_Y_30_40_A"
"""An id made to be mistaken: for an option, for a prefix, for numbers."""


def test_links_are_followed_but_never_in_circles(tmp_path: Path) -> None:
    for name in (f"real/a/{ID}.wav", f".hidden/{ID}.wav", f"lost+found/{ID}.wav", "real/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "real" / "round").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "again").symlink_to(tmp_path / "real", target_is_directory=True)
    (tmp_path / f"{ID}.flac").symlink_to(tmp_path / "real" / "a" / f"{ID}.wav")
    (tmp_path / "0123456789A.wav").symlink_to(tmp_path / "nowhere")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "0123456789E.wav").mkdir()
    os.mkfifo(tmp_path / "0123456789I.wav")
    folder = Folder(tmp_path)
    assert [place.path for place in folder.find(ID)] == [f"{ID}.flac", f"again/a/{ID}.wav"]
    assert (len(folder), folder.videos) == (2, 1)


def test_every_file_is_found_again(tmp_path: Path) -> None:
    names = {f"{n:06x}/{'Y' * (n % 2)}-{n:09}{last}_{n}.wav" for n in range(40) for last in "AEw8"}
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    folder = Folder(tmp_path)
    found = {place.path for n in range(40) for last in "AEw8" for place in folder.find(f"-{n:09}{last}")}
    assert found == names
    assert folder.find("zzzzzzzzzzA") == folder.find("----------A") == []


def test_the_scan_asks_the_disk_nothing_about_single_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(50):
        (tmp_path / f"{n:010}A.wav").touch()
    asked: list[object] = []
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda path, *a, **k: (asked.append(path), stat(path, *a, **k))[1])
    folder = Folder(tmp_path)
    assert all(folder.find(f"{n:010}A") for n in range(50))
    assert len(asked) == 1


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "shut").mkdir(parents=True)
    scandir = os.scandir

    def guarded(path: Path) -> object:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(EnvironmentProblem, match="a/shut cannot be read: Permission denied"):
        Folder(tmp_path)


def zip_of(path: Path, *names: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, f"{path.name} {name}")


def tar_of(path: Path, *names: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name in names:
            content = f"{path.name} {name}".encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def contents(folder: Folder, ytid: str = ID) -> list[str]:
    """Of each sound where it lies, and for an entry what it holds."""
    found = []
    for place in folder.find(ytid):
        if place.shelf is None or place.entry is None:
            found.append(place.path)
        else:
            found.append(folder.read(place.shelf, place.entry).decode())
    return found


def test_files_come_before_archives_and_either_by_path(tmp_path: Path) -> None:
    zip_of(tmp_path / "b" / "1.zip", f"x/{ID}.wav", f"y/{ID}.wav", f"{ID}_30.flac", "0123456789A.wav")
    tar_of(tmp_path / "a" / "2.tar", f"{ID}.wav")
    zip_of(tmp_path / "0.ZIP", f"eval/Y{ID}.wav")
    for name in (f"z/{ID}.wav", f"c/{ID}.m4a"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    folder = Folder(tmp_path)
    assert contents(folder) == [
        f"c/{ID}.m4a", f"z/{ID}.wav", f"0.ZIP eval/Y{ID}.wav", f"2.tar {ID}.wav",
        f"1.zip x/{ID}.wav", f"1.zip y/{ID}.wav", f"1.zip {ID}_30.flac",
    ]  # fmt: skip
    assert (folder.files, len(folder), folder.videos) == (2, 8, 2)
    assert sorted(folder.ytids()) == [ID, "0123456789A"]
    assert folder.has("0123456789A") and not folder.has("0123456789E")


def test_what_an_archive_holds_besides_is_counted(tmp_path: Path) -> None:
    zip_of(
        tmp_path / "1.zip", f"{ID}.wav", "song.wav", "notes.txt", "__MACOSX/._x.wav", "in/part.zip", ".h.wav"
    )
    (shelf,) = Folder(tmp_path).shelves
    assert shelf.sounds == 1
    assert (shelf.strange.count, shelf.strange.examples, shelf.strange.nested) == (1, ["song.wav"], 1)


BAD = {
    "x.zip": (b"PK but no more", "its end is missing"),
    "x.tar": (b"x" * 1_024, "no tar"),
    "x.tar.gz": (b"", "gunzip x.tar.gz"),
    "x.TGZ": (b"", "gunzip x.TGZ"),
    "x.tar.bz2": (b"", "bunzip2 x.tar.bz2"),
    "x.tar.xz": (b"", "unxz x.tar.xz"),
    "x.tar.zst": (b"", "unzstd x.tar.zst"),
    "x.7z": (b"", "Unpack it"),
    "x.rar": (b"", "Unpack it"),
    "x.zip.001": (b"", "cat x.zip.* > x.zip"),
    "x.z01": (b"", "x.zip, is not there"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_archive_that_cannot_be_read_is_told_of_and_takes_nothing_away(name: str, tmp_path: Path) -> None:
    content, words = BAD[name]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(content)
    zip_of(tmp_path / "y.zip", f"{ID}.wav")
    folder = Folder(tmp_path)
    ((path, trouble),) = folder.troubles
    assert path == f"in/{name}"
    assert words in str(trouble)
    assert contents(folder) == [f"y.zip {ID}.wav"]


def test_a_tar_that_is_cut_off_gives_what_stands_before(tmp_path: Path) -> None:
    tar_of(tmp_path / "x.tar", f"{ID}.wav", "0123456789A.wav")
    (tmp_path / "x.tar").write_bytes((tmp_path / "x.tar").read_bytes()[:1_200])
    folder = Folder(tmp_path, keep=tmp_path / "kept")
    assert contents(folder) == [f"x.tar {ID}.wav"]
    assert "cut off" in str(folder.troubles[0][1])
    # Half an index is not kept.
    assert not (tmp_path / "kept").exists()


def test_the_index_of_an_archive_is_made_once_and_anew_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    indexed = folder_module.archive_at

    def watched(path: Path) -> object:
        archive = indexed(path)
        if archive is not None:
            index = archive.index
            archive.index = lambda: (made.append(path.name), index())[1]
        return archive

    monkeypatch.setattr(folder_module, "archive_at", watched)
    zip_of(tmp_path / "in" / "1.zip", f"{ID}.wav", "song.wav")
    tar_of(tmp_path / "in" / "2.tar", f"{ID}.wav")
    expected = [f"1.zip {ID}.wav", f"2.tar {ID}.wav"]
    for _ in range(3):
        folder = Folder(tmp_path / "in", keep=tmp_path / "kept")
        assert contents(folder) == expected
        assert folder.shelves[0].strange.examples == ["song.wav"]
    assert made == ["1.zip", "2.tar"]
    zip_of(tmp_path / "in" / "1.zip", f"{ID}.flac", "0123456789A.wav")
    folder = Folder(tmp_path / "in", keep=tmp_path / "kept")
    assert contents(folder) == [f"1.zip {ID}.flac", f"2.tar {ID}.wav"]
    assert made == ["1.zip", "2.tar", "1.zip"]
    for kept in (tmp_path / "kept").iterdir():
        kept.write_bytes(b"damaged")
    assert contents(Folder(tmp_path / "in", keep=tmp_path / "kept")) == contents(folder)


def test_an_index_that_cannot_be_kept_is_no_trouble(tmp_path: Path) -> None:
    zip_of(tmp_path / "1.zip", f"{ID}.wav")
    (tmp_path / "kept").touch()
    assert contents(Folder(tmp_path, keep=tmp_path / "kept")) == [f"1.zip {ID}.wav"]


def test_an_archive_that_changes_under_the_reader_is_nobodys_clip(tmp_path: Path) -> None:
    tar_of(tmp_path / "1.tar", f"{ID}.wav", "0123456789A.wav")
    folder = Folder(tmp_path)
    tar_of(tmp_path / "1.tar", "0123456789A.wav", f"{ID}.wav", "more.wav")
    with pytest.raises(EnvironmentProblem, match=r"1\.tar has changed"):
        contents(folder)
    (tmp_path / "1.tar").unlink()
    with pytest.raises(EnvironmentProblem, match=r"1\.tar cannot be read"):
        contents(folder)


def test_many_archives_are_told_of_in_few_words(tmp_path: Path) -> None:
    for number in range(90):
        zip_of(tmp_path / f"{number:02}.zip", f"{number:010}A.wav")
    told: list[Progress] = []
    assert len(Folder(tmp_path, on_progress=told.append)) == 90
    assert 10 < len(told) <= 20
    assert str(told[0]) == "archive 1 of 90: 00.zip"


def test_an_entry_of_an_archive_that_is_no_good_says_why(tmp_path: Path) -> None:
    zip_of(tmp_path / "1.zip", f"{ID}.wav")
    content = (tmp_path / "1.zip").read_bytes()
    (tmp_path / "1.zip").write_bytes(content.replace(b"1.zip -_Y", b"2.zip -_Y"))
    with pytest.raises(ArchiveError, match="is damaged"):
        contents(Folder(tmp_path))


def parquet_of(path: Path, ytids: list[str], rows: int) -> None:
    audio = [{"bytes": ytid.encode() * 100, "path": f"Y{ytid}.flac"} for ytid in ytids]
    pq.write_table(pa.table({"video_id": ytids, "audio": audio}), path, row_group_size=rows)


def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The row groups that are unpacked from now on."""
    groups: list[int] = []
    whole = Parquet.rows

    def rows(self: Parquet, group: int, wanted: AbstractSet[int]) -> Iterator[tuple[int, memoryview]]:
        groups.append(group)
        return whole(self, group, wanted)

    monkeypatch.setattr(Parquet, "rows", rows)
    return groups


IDS = [f"abcdefg{n:03}A" for n in range(30)]


def test_what_is_expected_of_a_row_group_is_unpacked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet_of(tmp_path / "x.parquet", IDS, 10)
    zip_of(tmp_path / "y.zip", f"{IDS[4]}.wav")
    (tmp_path / f"{IDS[5]}.wav").touch()
    folder = Folder(tmp_path, keep=tmp_path / ".kept")
    folder.expect([*IDS[:8], IDS[25], "0123456789A"])
    groups = unpacked(monkeypatch)
    shuffled = random.Random(1).sample(IDS[:5], 5)
    for ytid in [*shuffled, IDS[25], *shuffled[:1], IDS[6]]:
        assert contents(folder, ytid)[0] == ytid * 100
    # The last but one was taken before, and IDS[5] is a file.
    assert groups == [0, 2, 0]
    folder.close()
    assert [path.suffix for path in (tmp_path / ".kept").iterdir()] == [".index"] * 2


def test_without_an_expectation_each_sound_is_unpacked_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet_of(tmp_path / "x.parquet", IDS, 10)
    for keep, expected in ((None, IDS), (tmp_path / ".kept", [])):
        folder = Folder(tmp_path, keep)
        folder.expect(expected)
        groups = unpacked(monkeypatch)
        for ytid in IDS[:3]:
            assert contents(folder, ytid) == [ytid * 100]
        assert groups == [0, 0, 0]
        monkeypatch.undo()
        folder.close()


def test_a_row_that_is_not_there_any_more_is_no_sound(tmp_path: Path) -> None:
    parquet_of(tmp_path / "x.parquet", IDS, 10)
    folder = Folder(tmp_path, keep=tmp_path / ".kept")
    folder.expect(IDS)
    with pytest.raises(ArchiveError, match="damaged"):
        folder.read(folder.shelves[0], Entry("Yabcdefg000A.flac", (0, 17)))
    folder.close()
