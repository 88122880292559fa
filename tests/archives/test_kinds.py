"""Which files are archives, and what to do with those that cannot be read as they lie."""

from pathlib import Path

import pytest

from audioset_tools.archives.hdf5 import Hdf5
from audioset_tools.archives.kinds import archive_at, is_archive, refusal_of
from audioset_tools.archives.parquet import Parquet
from audioset_tools.archives.tars import Tar
from audioset_tools.archives.zips import Zip


def test_a_suffix_says_which_kind_an_archive_is() -> None:
    assert isinstance(archive_at(Path("a/x.zip")), Zip)
    assert isinstance(archive_at(Path("x.part.TAR")), Tar)
    assert isinstance(archive_at(Path("train-00000-of-00870.parquet")), Parquet)
    assert isinstance(archive_at(Path("x.h5")), Hdf5)
    for name in ("x.wav", "x", ".zip", "x.zip.part", "x.tar.gz", "zip"):
        assert archive_at(Path(name)) is None
    assert is_archive("X.ZIP") and not is_archive("x.wav") and not is_archive("zip")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("x.tar.gz", "gunzip x.tar.gz"),
        ("X.TGZ", "gunzip X.TGZ"),
        ("x.tar.bz2", "bunzip2 x.tar.bz2"),
        ("x.tar.xz", "unxz x.tar.xz"),
        ("x.tar.zst", "unzstd x.tar.zst"),
        ("x.7z", "Unpack it"),
        ("x.rar", "Unpack it"),
        ("x.zip.001", "cat x.zip.* > x.zip"),
        ("x.z01", "Get all volumes"),
    ],
)
def test_what_cannot_be_read_as_it_lies_has_a_remedy(name: str, remedy: str, tmp_path: Path) -> None:
    refusal = refusal_of(tmp_path / name)
    assert refusal is not None and is_archive(name)
    assert remedy in refusal.remedy


def test_a_volume_beside_its_last_is_nothing_by_itself(tmp_path: Path) -> None:
    (tmp_path / "x.zip").touch()
    assert refusal_of(tmp_path / "x.z01") is None
    for name in ("x.wav", "x.gz", "notes.txt", "x.z02"):
        assert refusal_of(tmp_path / name) is None
