"""What the kinds of archives have in common: files one after the other, names, and whose error it is."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.archives.archive import ArchiveError, Volumes, file_name
from audioset_tools.archives.kinds import archive_at
from audioset_tools.exceptions import EnvironmentProblem


@given(st.lists(st.binary(max_size=9), min_size=1, max_size=4), st.integers(0, 40), st.integers(0, 40))
def test_volumes_read_as_one_file(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], offset: int,
                                  length: int) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("volumes")
    paths = [folder / str(number) for number in range(len(parts))]
    for path, part in zip(paths, parts, strict=True):
        path.write_bytes(part)
    volumes = Volumes(paths)
    whole = b"".join(parts)
    assert volumes.size == len(whole)
    assert volumes.read_at(offset, length) == whole[offset : offset + length]
    assert [whole[start:][: len(part)] for start, part in zip(volumes.starts, parts, strict=True)] == parts


def test_a_volume_that_is_gone_is_the_machines_fault(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with pytest.raises(EnvironmentProblem, match=r"x\.zip cannot be read: No such file"):
        Volumes([path])
    path.write_bytes(b"12")
    volumes = Volumes([path])
    path.unlink()
    with pytest.raises(EnvironmentProblem, match=r"x\.zip cannot be read: No such file"):
        volumes.read_at(0, 2)


@pytest.mark.parametrize(
    "name",
    ["Ya.wav", "eval/Ya.wav", "/etc/Ya.wav", "../../Ya.wav", "C:\\x\\Ya.wav", "a" * 10_000 + "/Ya.wav"],
)
def test_of_a_name_only_the_last_part_counts(name: str) -> None:
    assert file_name(name) == "Ya.wav"


@pytest.mark.parametrize("suffix", ["zip", "tar", "parquet", "h5"])
def test_a_pipe_or_a_device_in_an_archives_place_is_waited_for_by_nobody(suffix: str, tmp_path: Path) -> None:
    pipe, device = tmp_path / f"pipe.{suffix}", tmp_path / f"device.{suffix}"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (pipe, device):
        with pytest.raises((ArchiveError, EnvironmentProblem)):
            archive = archive_at(path)
            assert archive is not None
            list(archive.index())
